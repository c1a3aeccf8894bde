"""The two cut-offs of the decision, read off held-out simulated tables: which tables show households, and `safe`.

No public set takes part. ``python jobs/train.py --cut-offs`` prints both tables; the constants are set by hand from them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from siamese_er.config import ClusterSettings, DecideSettings
from siamese_er.linkage.expected_precision import STEPS, hundredths, least_threshold
from siamese_er.linkage.vetoes import VETOES, shows_households, vetoes
from siamese_er.neural.head import HeadModel, probabilities
from siamese_er.simulation import HELD_OUT_EVERY, loaded, profile_of
from siamese_er.table_clusters import linked_clusters, pair_counts
from siamese_er.table_scores import TableScores, scored_table

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.8, 0.9, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995)
SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
FEWEST_HOMES = 0.2
"""Share of units that are households from which a simulated table counts as one with households."""


@dataclass(frozen=True)
class HeldOut:
    """A held-out table, scored, with the person of each record and the share of households that it was drawn with."""

    scored: TableScores
    entities: np.ndarray
    household_share: float


def held_out(paths: dict[int, str], head: HeadModel) -> list[HeldOut]:
    """The held-out tables among ``paths`` (by seed). People are joined over true candidate pairs."""
    found = []
    for seed, path in sorted(paths.items()):
        if seed % HELD_OUT_EVERY:
            continue
        table = loaded(path)
        true, n = table.is_true, table.evidence.n_records
        pairs = (np.ones(true.sum()), (table.evidence.left[true], table.evidence.right[true]))
        entities = connected_components(coo_matrix(pairs, shape=(n, n)), directed=False)[1]
        found.append(HeldOut(scored_table(table.evidence, head), entities, profile_of(seed).household_share))
    return found


def household_rows(tables: list[HeldOut]) -> list[dict[str, float]]:
    """For each cut-off of the share of same homes with other given names: how well it tells tables with households.

    Balanced accuracy: the mean of the shares of tables with and without households that are told right.
    """
    shares = np.array([table.scored.shape.table_same_home_other_given for table in tables])
    has_homes = np.array([table.household_share >= FEWEST_HOMES for table in tables])
    return [
        {"cut_off": cut, "with_households": float((shares[has_homes] >= cut).mean()),
         "without": float((shares[~has_homes] < cut).mean()),
         "balanced_accuracy": float(((shares[has_homes] >= cut).mean() + (shares[~has_homes] < cut).mean()) / 2)}
        for cut in SHARES
    ]  # fmt: skip


def veto_rows(tables: list[HeldOut], threshold: float) -> list[dict[str, float | str]]:
    """For each veto, over tables that show households: the shares of true and of false links that it alone forbids.

    Links: pairs at ``threshold`` or above. "Alone": no other veto forbids the pair.
    """
    marks, is_true = [], []
    for table in tables:
        if shows_households(table.scored.shape):
            evidence = table.scored.evidence
            rows = np.flatnonzero(probabilities(table.scored.weights) >= threshold)
            marks.append(vetoes(evidence.compared, table.scored.fit, table.scored.shape, table.scored.context)[rows])
            is_true.append((table.entities[evidence.left] == table.entities[evidence.right])[rows])
    found, true = np.concatenate(marks), np.concatenate(is_true)
    alone = found & (found.sum(1) == 1)[:, None]
    return [
        {"veto": name, "true_links": float(found[true, i].mean()), "true_alone": float(alone[true, i].mean()),
         "false_links": float(found[~true, i].mean()), "false_alone": float(alone[~true, i].mean())}
        for i, name in enumerate(VETOES)
    ]  # fmt: skip


def safe_threshold(scored: TableScores, decide: DecideSettings) -> float:
    """The threshold that ``safe`` finds on a table, as `threshold.on_table` does."""
    p = probabilities(scored.weights)
    forbidden = vetoes(scored.evidence.compared, scored.fit, scored.shape, scored.context).any(1)
    free = p[~forbidden & (p >= decide.least_threshold)]
    counts, sums = (np.bincount(hundredths(free), weights, STEPS + 1) for weights in (None, free))
    return least_threshold(counts, sums, decide.least_threshold, decide.expected_precision)


def threshold_rows(
    tables: list[HeldOut], settings: ClusterSettings, decide: DecideSettings
) -> list[dict[str, float | str]]:
    """For each threshold, precision and recall of clusters over tables that show households and over the others.

    The last row is of ``safe``, whose threshold each table finds for itself. A table's pairs count by the inverse square root
    of its true pairs, so that no table outweighs the rest.
    """
    rows = []
    for threshold in (*THRESHOLDS, "safe"):
        row: dict[str, float | str] = {"threshold": threshold if isinstance(threshold, str) else f"{threshold:g}"}
        for name, shown in (("households", True), ("strangers", False)):
            own = [table for table in tables if shows_households(table.scored.shape) == shown]
            cuts = [safe_threshold(t.scored, decide) if isinstance(threshold, str) else threshold for t in own]
            counts = [
                pair_counts(linked_clusters(table.scored, cut, settings), table.entities)
                for table, cut in zip(own, cuts, strict=True)
            ]
            weights = np.array([1 / np.sqrt(count.n_true + 1) for count in counts])
            linked, true, both = (
                float((weights * [getattr(count, part) for count in counts]).sum())
                for part in ("n_linked", "n_true", "n_found")
            )
            row |= {f"{name}_precision": both / max(linked, 1e-9), f"{name}_recall": both / max(true, 1e-9)}
        rows.append(row)
    return rows
