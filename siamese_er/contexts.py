"""Step 4, between its rounds: what the other pairs of both records say of each pair, found by two shuffles.

What travels are columns in Arrow messages, cut by the hash of a key (``parted.py``): pairs meet the partners of their
left record where its key is, then those of their right record where that one's is.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.compared import rows_of_bytes
from siamese_er.errors import without_values
from siamese_er.linkage.context import (
    LEAST_BITS,
    MOST_NEIGHBOURS,
    PAIR_CONTEXT,
    Others,
    pair_context,
    probability,
)
from siamese_er.parted import in_parts, parted, rows_by_kind
from siamese_er.schemas import CONTEXTS, FIRST_SCORES, FIRST_WEIGHTS, PARTED
from siamese_er.whole_files import rows_of
from siamese_er.worker_files import ArrowRows

STEP = "score"
PAIR, PARTNER = range(2)
"""Kinds of rows that meet: pairs, and partners of records."""
PAIRS_AT_ONCE = 20_000
MICRO = 1_000_000


def contexts(first: DataFrame, n_parts: int, weights: DataFrame | None = None) -> ArrowRows:
    """In: FIRST_SCORES; FIRST_WEIGHTS of all pairs whose records may be in ``first``, null: those of ``first``. Each is
    rows, or whole files (`whole_files.rows_of`).

    Out: CONTEXTS of ``first``, each pair once.
    """
    near = first if weights is None else weights
    pairs = parted(first, STEP, PAIR, n_parts, "left_key", lambda rows: rows, tuple(FIRST_SCORES.names))
    others = parted(near, STEP, PARTNER, n_parts, "record_key", partners, tuple(FIRST_WEIGHTS.names))

    @without_values(STEP)
    def of_left(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = rows_by_kind(batches)
        if PARTNER in rows:
            lists = partner_lists(rows[PARTNER])
            yield in_parts(lists, "record_key", n_parts, PARTNER)
            if PAIR in rows:
                yield in_parts(with_partners(rows[PAIR], lists, "left"), "right_key", n_parts, PAIR)

    @without_values(STEP)
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = rows_by_kind(batches)
        if PAIR in rows:
            met = with_partners(rows[PAIR], rows[PARTNER], "right")
            yield from (in_context(batch) for batch in met.combine_chunks().to_batches(PAIRS_AT_ONCE))

    by_left = pairs.unionAll(others).repartitionById(n_parts, "part")
    return ArrowRows(by_left.mapInArrow(of_left, PARTED).repartitionById(n_parts, "part"), found, CONTEXTS)


def first_weights(first: DataFrame, n_files: int) -> ArrowRows:
    """FIRST_WEIGHTS of FIRST_SCORES, rows or whole files, in at most so many files: few, as the next batch looks into each."""

    @without_values(STEP)
    def kept(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from rows_of(batches, FIRST_WEIGHTS.names)

    return ArrowRows(first.coalesce(n_files), kept, FIRST_WEIGHTS)


def weights_around(first: DataFrame, weights: DataFrame) -> DataFrame:
    """The rows of FIRST_WEIGHTS of which a record is in a pair of ``first``, a small table with left_key and right_key."""
    own = first.select(F.explode(F.array("left_key", "right_key")).alias("record_key")).distinct()
    left, right = (F.broadcast(own.withColumnRenamed("record_key", side)) for side in ("left_key", "right_key"))
    return weights.join(left, "left_key", "left_semi").unionByName(
        weights.join(right, "right_key", "left_semi").join(left, "left_key", "left_anti")
    )


def partners(rows: pa.Table) -> pa.Table:
    """record_key, minus (the weight's negative) and other: both records of each pair of LEAST_BITS or more."""
    rows = rows.filter(pc.greater_equal(rows["first_weight"], LEAST_BITS))
    minus = pc.negate(rows["first_weight"])
    sides = (("left_key", "right_key"), ("right_key", "left_key"))
    return pa.concat_tables(
        pa.table({"record_key": rows[own], "minus": minus, "other": rows[other]}) for own, other in sides
    )


def partner_lists(rows: pa.Table) -> pa.Table:
    """record_key and ``partners``: its strongest, a list of struct<minus, other>; ties by key. In: `partners`."""
    keys = [(name, "ascending") for name in rows.column_names]
    rows = rows.take(pc.sort_indices(rows, sort_keys=keys)).combine_chunks()
    runs = pc.run_end_encode(rows["record_key"].combine_chunks())
    ends = runs.run_ends.to_numpy()
    counts = np.diff(ends, prepend=0)
    place = np.arange(rows.num_rows) - np.repeat(ends - counts, counts)
    strongest = rows.filter(pa.array(place < MOST_NEIGHBOURS)).combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(np.minimum(counts, MOST_NEIGHBOURS))]).astype(np.int32)
    partner = pa.StructArray.from_arrays(
        [strongest[name].combine_chunks() for name in ("minus", "other")], ["minus", "other"]
    )
    return pa.table({"record_key": runs.values, "partners": pa.ListArray.from_arrays(pa.array(offsets), partner)})


def with_partners(pairs: pa.Table, lists: pa.Table, side: str) -> pa.Table:
    """The pairs with ``left_partners`` or ``right_partners``, those of the record on that side."""
    place = pc.index_in(pairs[f"{side}_key"], value_set=lists["record_key"].combine_chunks())
    return pairs.append_column(f"{side}_partners", lists["partners"].combine_chunks().take(place.combine_chunks()))


def in_context(batch: pa.RecordBatch) -> pa.RecordBatch:
    """CONTEXTS of pairs with the partners of both sides."""
    weights = batch.column("first_weight").to_numpy()
    context = pair_context(weights, *sides_of(batch))
    pairs = batch.select(FIRST_SCORES.names)
    return pa.RecordBatch.from_arrays(
        [*pairs.columns, rows_of_bytes(context), soft_sums(weights, context)], CONTEXTS.names
    )


def sides_of(batch: pa.RecordBatch) -> tuple[Others, Others]:
    """The further partners of both sides of each pair of the batch, third records numbered within the batch."""
    pairs, thirds, bits = [], [], []
    for side, other in (("left", "right"), ("right", "left")):
        lists = batch.column(f"{side}_partners")
        pair, partner = pc.list_parent_indices(lists), pc.list_flatten(lists)
        third = partner.field("other")
        apart = pc.not_equal(third, batch.column(f"{other}_key").take(pair))
        pairs.append(pair.filter(apart).to_numpy())
        thirds.append(third.filter(apart))
        bits.append(-partner.field("minus").filter(apart).to_numpy())
    numbers = pa.concat_arrays(thirds).dictionary_encode().indices.to_numpy()
    left, right = np.split(numbers, [len(pairs[0])])
    return Others(pairs[0], left, bits[0]), Others(pairs[1], right, bits[1])


def soft_sums(weights: np.ndarray, context: np.ndarray) -> pa.Array:
    """CONTEXTS.soft: whole numbers, so that their sums do not depend on the order."""
    p = probability(weights)
    support = np.expm1(context[:, PAIR_CONTEXT.index("soft_support")])
    against = np.expm1(context[:, PAIR_CONTEXT.index("soft_contradiction")])
    sums = np.rint(np.column_stack([p * (1 - p), p * support, p * against, p]) * MICRO).astype(np.int64)
    return pa.ListArray.from_arrays(np.arange(0, 4 * len(p) + 1, 4, dtype=np.int32), sums.ravel())
