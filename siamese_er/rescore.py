"""Step 4, second round: what the other pairs of two records say of a pair, and the final score."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.compared import compared_of, matrix_of, rows_of_bytes
from siamese_er.config import ScoreSettings
from siamese_er.errors import without_values
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.context import (
    LEAST_BITS,
    MOST_NEIGHBOURS,
    PAIR_CONTEXT,
    WEIGHT_BINS,
    FirstRound,
    Others,
    SecondRound,
    context_features,
    pair_context,
    probability,
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
from siamese_er.schemas import CONTEXTS, FIRST_SCORES, SCORES
from siamese_er.worker_files import ArrowRows

MICRO = 1_000_000


def partners(first: DataFrame) -> DataFrame:
    """record_key and ``partners``: its strongest pairs, an array of struct<bits, other>; ties by key."""
    near = first.where(F.col("first_weight") >= LEAST_BITS)
    sides = [
        near.select(
            F.col(own).alias("record_key"),
            F.struct((-F.col("first_weight")).alias("minus"), F.col(other).alias("other")).alias("partner"),
        )
        for own, other in (("left_key", "right_key"), ("right_key", "left_key"))
    ]
    listed = (
        sides[0].union(sides[1]).groupBy("record_key").agg(F.sort_array(F.collect_list("partner")).alias("partners"))
    )
    return listed.withColumn("partners", F.slice("partners", 1, MOST_NEIGHBOURS))


def contexts(first: DataFrame, among: DataFrame | None = None) -> ArrowRows:
    """In: FIRST_SCORES; ``among``: first weights of all pairs of the table, where ``first`` is only some of them.

    Out: CONTEXTS of ``first``, each pair once.
    """
    lists = partners(first if among is None else among)
    if among is not None:
        own = first.select(F.explode(F.array("left_key", "right_key")).alias("record_key")).distinct()
        lists = lists.join(own, "record_key", "left_semi")
    joined = first.join(lists.toDF("left_key", "left_partners"), "left_key").join(
        lists.toDF("right_key", "right_partners"), "right_key"
    )

    @without_values("score")
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            weights = batch.column("first_weight").to_numpy()
            context = pair_context(weights, *sides_of(batch))
            pairs = batch.select(FIRST_SCORES.names)
            yield pa.RecordBatch.from_arrays(
                [*pairs.columns, rows_of_bytes(context), soft_sums(weights, context)], CONTEXTS.names
            )

    return ArrowRows(joined, found, CONTEXTS)


def sides_of(batch: pa.RecordBatch) -> tuple[Others, Others]:
    """The further partners of both sides of each pair of the batch, third records numbered within the batch."""
    flat = []
    for side, other in (("left", "right"), ("right", "left")):
        lists = batch.column(f"{side}_partners")
        pair = np.repeat(np.arange(batch.num_rows), np.diff(lists.offsets.to_numpy()))
        partner = lists.flatten()
        apart = (
            np.array(partner.field("other").to_pylist(), object)
            != np.array(batch.column(f"{other}_key").to_pylist(), object)[pair]
            if len(pair)
            else np.zeros(0, bool)
        )
        kept = partner.filter(pa.array(apart))
        flat.append((pair[apart], kept.field("other"), -kept.field("minus").to_numpy(zero_copy_only=False)))
    thirds = pa.concat_arrays([flat[0][1], flat[1][1]]).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    cut = len(flat[0][0])
    return Others(flat[0][0], thirds[:cut], flat[0][2]), Others(flat[1][0], thirds[cut:], flat[1][2])


def soft_sums(weights: np.ndarray, context: np.ndarray) -> pa.Array:
    """CONTEXTS.soft: whole numbers, so that their sums do not depend on the order."""
    p = probability(weights)
    support = np.expm1(context[:, PAIR_CONTEXT.index("soft_support")])
    against = np.expm1(context[:, PAIR_CONTEXT.index("soft_contradiction")])
    sums = np.rint(np.column_stack([p * (1 - p), p * support, p * against, p]) * MICRO).astype(np.int64)
    return pa.ListArray.from_arrays(np.arange(0, 4 * len(p) + 1, 4, dtype=np.int32), sums.ravel())


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

    In: CONTEXTS; ``correction``: what labels taught. Out: SCORES. score(a, b) = score(b, a) bit for bit.
    """
    floor, model = settings.floor, portable(model_path)

    @without_values("score")
    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head = pair_head(model)
        for batch in batches:
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
