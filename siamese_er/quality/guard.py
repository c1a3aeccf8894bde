"""What the guard against chain merges changes: clusters of plain closure beside the published ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from siamese_er.errors import ContractFault
from siamese_er.linkage.components import component_labels
from siamese_er.quality.clusters import cluster_figures, shapes_of

KEY = ["source", "record_id"]
FIGURES = ("clusters", "largest_cluster", "clusters_of_several_entities", "false_links", "precision", "recall", "f1")
BEFORE, AFTER = "closure of all links", "published"


def guard_figures(run: Path, truth: Path) -> pd.DataFrame:
    """FIGURES of the connected components of all automatic links (the guard left out), and of the published clusters.

    For runs on this machine's disk that fit in memory; only records of the truth count, but links of all.
    In: folder of one run; Parquet or CSV with source, record_id, entity_id. Out: index BEFORE, AFTER.

    Raises: ContractFault where no record of the truth is in the run.
    """
    walk = pd.read_parquet(run / "crosswalk", columns=[*KEY, "enterprise_id"]).astype(str)
    sides = [f"{side}_{name}" for side in ("left", "right") for name in KEY]
    links = pd.read_parquet(run / "scored_pairs", columns=[*sides, "band"], filters=[("band", "==", "auto")]).astype(
        str
    )
    walk["component"] = components(walk, links)
    known = pd.read_csv(truth, dtype=str) if truth.suffix == ".csv" else pd.read_parquet(truth).astype(str)
    if "source" not in known:
        known["source"] = "default"
    judged = walk.merge(known[[*KEY, "entity_id"]], on=KEY)
    if judged.empty:
        raise ContractFault(f"--truth {truth}: none of its records is in the run")
    rows: dict[str, dict[str, Any]] = {}
    for name, column in ((BEFORE, "component"), (AFTER, "enterprise_id")):
        figures = cluster_figures(shapes_of(judged[column].tolist(), judged["entity_id"].tolist()))
        rows[name] = {figure: figures[figure] for figure in FIGURES}
    return pd.DataFrame.from_dict(rows, orient="index")


def components(walk: pd.DataFrame, links: pd.DataFrame) -> np.ndarray:
    """The connected component of each row of a crosswalk, over links between its records."""
    place = pd.Series(np.arange(len(walk)), index=pd.MultiIndex.from_frame(walk[KEY]))
    ends = [
        place.reindex(pd.MultiIndex.from_frame(links[[f"{side}_{name}" for name in KEY]])).to_numpy()
        for side in ("left", "right")
    ]
    inside = ~(np.isnan(ends[0]) | np.isnan(ends[1])) if len(links) else np.zeros(0, bool)
    left, right = (np.asarray(end)[inside].astype(np.int64) for end in ends)
    return component_labels(len(walk), left, right)
