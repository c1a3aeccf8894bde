"""Both rounds of scoring for a table held in memory: training and tests. Spark does the same in ``score.py``."""

from dataclasses import dataclass, replace

import numpy as np

from siamese_er.config import NoteSettings
from siamese_er.linkage.compare import rows_of_pairs
from siamese_er.linkage.context import (
    LEAST_BITS,
    context_features,
    first_round,
    neighbours,
    others,
    pair_context,
    probability,
    second_round,
    with_first_weight,
)
from siamese_er.linkage.features import TableShape
from siamese_er.linkage.fellegi_sunter import TableFit, plausible
from siamese_er.linkage.tables import TableEvidence, table_fit
from siamese_er.neural.head import HeadModel, Scorer
from siamese_er.noted import noted_weights


def rows_of_evidence(evidence: TableEvidence, rows: np.ndarray) -> TableEvidence:
    """The evidence of some of the pairs."""
    compared = rows_of_pairs(evidence.compared, rows)
    mask = evidence.pass_mask[rows] if len(evidence.pass_mask) else evidence.pass_mask
    return replace(evidence, left=evidence.left[rows], right=evidence.right[rows], pass_mask=mask, compared=compared)


@dataclass(frozen=True)
class FirstScores:
    """The pairs of LEAST_BITS or more: ``rows`` of the plausible evidence, first weights, context with and without the
    pair's own notes."""

    rows: np.ndarray
    weights: np.ndarray
    context: np.ndarray
    bare_context: np.ndarray
    around: np.ndarray  # pair_context


def first_scores(
    evidence: TableEvidence, fit: TableFit, shape: TableShape, first: Scorer, model_m: np.ndarray, most_bits: float
) -> FirstScores:
    """The first round over plausible pairs, and what the second is told of the pairs that stay."""
    parts = [noted_weights(first, part.compared, fit, shape, most_bits) for part in parts_of(evidence)]
    weights, bare = (
        np.concatenate([np.zeros(0), *column]) for column in zip(*((p.weights, p.bare) for p in parts), strict=True)
    )
    rows = np.flatnonzero(weights >= LEAST_BITS)
    weights, near = weights[rows], rows_of_evidence(evidence, rows)
    lists = neighbours(near.left, near.right, weights, evidence.n_records)
    context = pair_context(weights, others(lists, near.left, near.right), others(lists, near.right, near.left))
    levels = near.compared.levels
    second = second_round(levels, probability(weights), first_round(weights, context), evidence.n_records, model_m)
    bare_context = with_first_weight(context, bare[rows])
    told, bare_told = (context_features(c, levels, second, fit) for c in (context, bare_context))
    return FirstScores(rows, weights, told, bare_told, context)


def parts_of(evidence: TableEvidence, size: int = 50_000) -> list[TableEvidence]:
    """The evidence in parts, so that the features of a big table fit into memory; one part at least."""
    n = len(evidence.left)
    return [rows_of_evidence(evidence, np.arange(i, min(i + size, n))) for i in range(0, max(n, 1), size)]


@dataclass(frozen=True)
class TableScores:
    """The scored pairs of a table: their evidence, match weights (bits) and context, and what was learned of the table."""

    evidence: TableEvidence
    weights: np.ndarray
    fit: TableFit
    shape: TableShape
    context: np.ndarray


def scored_table(evidence: TableEvidence, head: HeadModel, most_bits: float = NoteSettings().most_bits) -> TableScores:
    """The pairs of a table that ``jobs/match.py`` would score, with the same weights."""
    kept = rows_of_evidence(evidence, plausible(evidence.compared.levels, head.model_m, head.model_u))
    fit, shape = table_fit(kept, head.model_m, head.model_u)
    found = first_scores(kept, fit, shape, head.first, head.model_m, most_bits)
    near = rows_of_evidence(kept, found.rows)
    scored = noted_weights(head.second, near.compared, fit, shape, most_bits, found.context, found.bare_context)
    return TableScores(near, scored.weights, fit, shape, found.around)
