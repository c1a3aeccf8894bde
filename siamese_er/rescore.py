"""Step 4, second round: what the first round tells of the table, and the final score of each pair."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.compared import compared_of, matrix_of
from siamese_er.config import ScoreSettings
from siamese_er.contexts import MICRO
from siamese_er.errors import without_values
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.context import (
    PAIR_CONTEXT,
    WEIGHT_BINS,
    FirstRound,
    SecondRound,
    context_features,
    second_round,
    with_first_weight,
)
from siamese_er.linkage.explain import evidence_arrays, pass_lists
from siamese_er.linkage.features import TableShape, features
from siamese_er.linkage.fellegi_sunter import TableFit
from siamese_er.linkage.label_fit import LabelCorrection
from siamese_er.linkage.vetoes import veto_lists, vetoes
from siamese_er.model import pair_head, portable
from siamese_er.neural.head import HeadModel, probabilities
from siamese_er.noted import NotedWeights, noted_weights
from siamese_er.schemas import SCORES
from siamese_er.whole_files import rows_of
from siamese_er.worker_files import ArrowRows


def second_weighing(frame: DataFrame, n_records: int, settings: ScoreSettings, head: HeadModel) -> SecondRound:
    """The table's second round, from CONTEXTS: m by the first round's probabilities, on counted patterns."""
    bound = [*reversed(WEIGHT_BINS), float("inf")]
    weight = F.col("first_weight")
    bins = [F.count_if((weight >= low) & (weight < high)) for low, high in pairwise(bound)]
    sums = [F.coalesce(F.sum(F.col("soft")[i]), F.lit(0)) for i in range(3)]
    row = frame.agg(*(column.alias(f"c{i}") for i, column in enumerate([*bins, *sums]))).first()
    assert row is not None
    counts, soft = np.array(row[: len(bins)][::-1], float), np.array(row[len(bins) :], float) / MICRO
    first = FirstRound(counts, *soft.tolist())
    counted = frame.groupBy("levels").agg(F.sum(F.col("soft")[3]).alias("matches"))
    table = counted.orderBy(F.desc("matches"), "levels").limit(settings.max_patterns).toArrow()
    levels = matrix_of(table.column("levels"), len(COMPARISONS), np.int8)
    matches = table["matches"].to_numpy() / MICRO
    return second_round(levels, matches, first, n_records, head.model_m)


@dataclass(frozen=True)
class Learned:
    """What a table taught without labels: what the second round is conditioned on."""

    fit: TableFit
    shape: TableShape
    second: SecondRound
    most_bits: float  # by which notes may move a weight


def weighed(table: pa.RecordBatch | pa.Table, learned: Learned, head: HeadModel) -> NotedWeights:
    """The final weights of rows of CONTEXTS."""
    compared = compared_of(table)
    context = matrix_of(table.column("context"), len(PAIR_CONTEXT), np.float32)
    more, bare = (
        context_features(pairs, compared.levels, learned.second, learned.fit)
        for pairs in (context, with_first_weight(context, table.column("bare_weight").to_numpy()))
    )
    return noted_weights(head.second, compared, learned.fit, learned.shape, learned.most_bits, more, bare)


def scores(
    frame: DataFrame, learned: Learned, model_path: str, settings: ScoreSettings, correction: LabelCorrection | None = None
) -> ArrowRows:  # fmt: skip
    """The pairs at or above the floor, with their probability, vetoes and evidence.

    In: CONTEXTS, as rows or as whole files; ``correction``: what labels taught. Out: SCORES. score(a, b) = score(b, a)
    bit for bit.
    """
    floor, model = settings.floor, portable(model_path)

    @without_values("score")
    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head = pair_head(model)
        for batch in rows_of(batches):
            found = weighed(batch, learned, head)
            weights = found.weights
            if correction is not None:
                weights = correction(weights, features(compared_of(batch), learned.fit, learned.shape))
            rows = np.flatnonzero(probabilities(weights) >= floor)
            yield scored_batch(batch.take(pa.array(rows)), weights[rows], found.from_notes()[rows], learned)

    return ArrowRows(frame, scored, SCORES)


def scored_batch(
    batch: pa.RecordBatch, weights: np.ndarray, from_notes: np.ndarray, learned: Learned
) -> pa.RecordBatch:
    """SCORES rows of pairs whose match weights, and what notes give of them, are known."""
    compared, context = compared_of(batch), matrix_of(batch.column("context"), len(PAIR_CONTEXT), np.float32)
    return pa.RecordBatch.from_arrays(
        [batch.column("left_key"), batch.column("right_key"), pa.array(probabilities(weights)), pa.array(weights),
         veto_lists(vetoes(compared, learned.fit, learned.shape, context)),
         pass_lists(batch.column("blocking_passes").to_numpy()),
         evidence_arrays(compared, learned.fit, weights, from_notes)],
        SCORES.names,
    )  # fmt: skip
