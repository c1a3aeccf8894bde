"""Step 4 of a batch: pairs formed and compared where their block is, each once, if a record of the batch is in it."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.errors import without_values
from siamese_er.linkage.compare import compare
from siamese_er.linkage.fellegi_sunter import plausible
from siamese_er.linkage.pairs import block_pairs, key_matrix, pairs_once
from siamese_er.model import pair_head, portable
from siamese_er.schemas import COMPARED_PAIRS, conform
from siamese_er.score import PAIRS_AT_ONCE, compared_batch, dropped_batch

ROWS_AT_ONCE = 8_000  # block rows held by a worker; a block is never split


def whole_blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of about ROWS_AT_ONCE rows in which every block is whole; rows come sorted by key."""
    held: list[pa.RecordBatch] = []
    n_held = 0
    for batch in batches:
        held.append(batch)
        n_held += batch.num_rows
        if n_held < ROWS_AT_ONCE:
            continue
        table = pa.Table.from_batches(held)
        keys = table["key"].to_numpy()
        last = int(np.searchsorted(keys, keys[-1], side="left"))  # the last block may go on in the next batch
        if last:
            yield table.slice(0, last)
            held = table.slice(last).combine_chunks().to_batches()
            n_held = table.num_rows - last
    if held:
        yield pa.Table.from_batches(held)


def pairs_of_table(table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left row, right row, pass mask) of the pairs this table's blocks are the place to look at; left has the smaller key.

    With a column ``is_new``, only pairs with at least one new record.
    """
    names = table["record_key"].to_pylist()
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    first, second, key = block_pairs(np.arange(table.num_rows), table["key"].to_numpy())
    if "is_new" in table.column_names:
        is_new = table["is_new"].to_numpy().astype(bool)
        wanted = is_new[first] | is_new[second]
        first, second, key = first[wanted], second[wanted], key[wanted]
    swap = rank[first] > rank[second]
    left, right = np.where(swap, second, first), np.where(swap, first, second)
    matrix, kinds = key_rows(table["live_keys"], table["live_passes"])
    return pairs_once(matrix, kinds, left, right, key)


def batch_pairs(blocks: DataFrame, n_records: int, model_path: str) -> DataFrame:
    """What comparing found for every candidate pair that random agreement does not explain better.

    In: ``batch_blocks.blocks`` of STANDARDISED, EMBEDDINGS and frequency columns. Out: COMPARED_PAIRS, each pair once.
    """

    model = portable(model_path)

    @without_values("compare")
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head = pair_head(model)
        for table in whole_blocks(batches):
            left, right, mask = pairs_of_table(table)
            for start in range(0, len(left), PAIRS_AT_ONCE):
                part = slice(start, start + PAIRS_AT_ONCE)
                compared = compare(table, left[part], right[part], n_records)
                kept = plausible(compared.levels, head.model_m, head.model_u)
                yield compared_batch(table, left[part][kept], right[part][kept], mask[part][kept], compared, kept)
                yield dropped_batch(np.delete(mask[part], kept))

    laid_out = blocks.repartition(F.col("key")).sortWithinPartitions("key", "record_key")
    return conform(laid_out.mapInArrow(found, COMPARED_PAIRS), COMPARED_PAIRS)


def key_rows(keys: pa.ChunkedArray, passes: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """``key_matrix`` of records that carry their keys as list columns."""
    listed, kinds = keys.combine_chunks(), passes.combine_chunks()
    counts = pc.list_value_length(listed).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(listed)), counts)
    flat = listed.flatten().to_numpy(zero_copy_only=False)
    return key_matrix(rows, flat, kinds.flatten().to_numpy(zero_copy_only=False), len(listed))
