"""The model's reference for drift: the profiles of simulated tables, scored as a run scores them."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from tqdm import tqdm

from siamese_er.config import ScoreSettings
from siamese_er.drift import LIKELY, LOWEST_COMPARED, MISSING_COLUMNS, REFERENCE, SCORE_EDGES, Profile, reference_of
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.context import probability
from siamese_er.model import pair_head
from siamese_er.simulation import simulated_evidence
from siamese_er.table_scores import scored_table

FIRST_SEED = 5_000_000  # far from the tables that the head is trained on


@dataclass(frozen=True)
class ReferenceSettings:
    """Which tables are simulated; ``workers`` does not change the result."""

    n_tables: int = 150
    first_seed: int = FIRST_SEED
    sizes: tuple[int, int] = (500, 5_000)
    workers: int = 2


def write_reference(model_dir: str, settings: ReferenceSettings) -> dict[str, Any]:
    """The reference, written into the model's folder as ``reference.json``; shares and limits, no values."""
    seeds = range(settings.first_seed, settings.first_seed + settings.n_tables)
    with ProcessPoolExecutor(settings.workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(simulated_profile, seed, model_dir, settings.sizes) for seed in seeds]
        profiles = [job.result() for job in tqdm(jobs, desc="simulated tables", unit="table", mininterval=10)]
    reference = {
        "head_digest": pair_head(model_dir).digest, "n_tables": settings.n_tables, "first_seed": settings.first_seed,
        "sizes": list(settings.sizes), "measures": reference_of(profiles),
    }  # fmt: skip
    target = Path(model_dir) / REFERENCE
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(reference, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(fresh, target)
    return reference


def simulated_profile(seed: int, model_dir: str, sizes: tuple[int, int]) -> Profile:
    """The profile of one simulated table; the same for the same seed."""
    torch.set_num_threads(1)
    table = simulated_evidence(seed, model_dir, sizes)
    found = scored_table(table.evidence, pair_head(model_dir))
    likelihood = probability(found.weights)
    kept = likelihood >= ScoreSettings().floor
    likely = likelihood >= LIKELY
    levels = found.evidence.compared.levels[likely]
    return score_counts(likelihood[kept]) | level_counts(levels) | missing_counts(table.records)


def score_counts(likelihood: np.ndarray) -> Profile:
    """Pairs by bin of their probability."""
    bins = np.searchsorted(SCORE_EDGES, likelihood, side="right") - 1
    counts = np.bincount(bins, minlength=len(SCORE_EDGES))
    pairs = zip(SCORE_EDGES, counts, strict=True)
    return {"score": {f"{edge:g}": int(n) for edge, n in pairs if n and edge >= LOWEST_COMPARED}}


def level_counts(levels: np.ndarray) -> Profile:
    """(n, comparisons) levels -> pairs by level of each comparison, those with a side missing left out."""
    profile: Profile = {}
    for comparison, column in zip(COMPARISONS, levels.T, strict=True):
        counts = np.bincount(column, minlength=len(comparison.labels))
        found = {label: int(n) for label, n in zip(comparison.labels[1:], counts[1:], strict=True) if n}
        profile[f"levels of {comparison.name}"] = found
    return profile


def missing_counts(records: pa.Table) -> Profile:
    """Records without and with a value in each column that is compared."""
    profile: Profile = {}
    for column in MISSING_COLUMNS:
        n_missing = int(pc.sum(pc.equal(pc.list_value_length(records[column]), 0)).as_py() or 0)
        profile[f"missing {column}"] = {"missing": n_missing, "present": records.num_rows - n_missing}
    return profile
