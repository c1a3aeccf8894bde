"""Step 4: pairs formed and compared where their block is, each once; then weighed on this table and scored by the head."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.compared import compared_of, matrix_of, measures_of, rows_of_bytes
from siamese_er.config import NoteSettings, ScoreSettings
from siamese_er.errors import without_values
from siamese_er.linkage.compare import Compared, compare, rows_of_pairs
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.context import LEAST_BITS
from siamese_er.linkage.features import TableShape, table_shape
from siamese_er.linkage.fellegi_sunter import TableFit, fit, plausible
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.pairs import block_pairs, key_rows, pairs_once
from siamese_er.model import pair_head
from siamese_er.neural.head import HeadModel
from siamese_er.noted import noted_weights
from siamese_er.schemas import COMPARED_PAIRS, FIRST_SCORES, STANDARDISED, conform

ROWS_AT_ONCE = 8_000  # block rows held by a worker; a block is never split
PAIRS_AT_ONCE = 100_000


@dataclass(frozen=True)
class Weighing:
    """What this table taught without labels: what the first round is conditioned on."""

    fit: TableFit
    shape: TableShape

    def described(self) -> dict[str, Any]:
        """What run.json says of it: counts and shares, by comparison."""
        fields = {
            c.name: {"coverage": round(float(self.fit.coverage[i]), 4),
                     "m": np.round(self.fit.m[i, 1 : len(c.labels)], 6).tolist(),
                     "u": np.round(self.fit.u[i, 1 : len(c.labels)], 8).tolist(), "levels": list(c.labels[1:])}
            for i, c in enumerate(COMPARISONS)
        }  # fmt: skip
        shape = {name: round(float(value), 5) for name, value in self.shape.__dict__.items()}
        return {"prior": self.fit.prior, "converged": self.fit.converged, "rounds": self.fit.rounds,
                "shape": shape, "comparisons": fields}  # fmt: skip


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


def compared_pairs(blocks: DataFrame, n_records: int, model_path: str) -> DataFrame:
    """What comparing found for every candidate pair that random agreement does not explain better.

    In: ``block.blocks`` of STANDARDISED, EMBEDDINGS and frequency columns. Out: COMPARED_PAIRS, each pair once.
    """

    @without_values("compare")
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head = pair_head(model_path)
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


def compared_batch(
    table: pa.Table, left: np.ndarray, right: np.ndarray, mask: np.ndarray, compared: Compared, kept: np.ndarray
) -> pa.RecordBatch:
    """COMPARED_PAIRS rows of the kept pairs."""
    names = table["record_key"].combine_chunks()
    return pa.RecordBatch.from_arrays(
        [names.take(pa.array(left)), names.take(pa.array(right)), pa.array(mask, pa.int64()),
         pa.array(np.ones(len(mask), np.int64)), rows_of_bytes(compared.levels[kept]),
         measures_of(rows_of_pairs(compared, kept))],
        COMPARED_PAIRS.names,
    )  # fmt: skip


def dropped_batch(masks: np.ndarray) -> pa.RecordBatch:
    """COMPARED_PAIRS rows without keys that count the pairs which were looked at and not kept, by their passes."""
    passes, counts = np.unique(masks, return_counts=True)
    columns = {
        "blocking_passes": pa.array(passes, pa.int64()), "n_pairs": pa.array(counts, pa.int64()),
        "left_key": pa.nulls(len(passes), pa.string()), "right_key": pa.nulls(len(passes), pa.string()),
        "levels": pa.nulls(len(passes), pa.binary()), "measures": pa.nulls(len(passes), pa.binary()),
    }  # fmt: skip
    return pa.RecordBatch.from_arrays([columns[name] for name in COMPARED_PAIRS.names], COMPARED_PAIRS.names)


def kept_pairs(compared: DataFrame) -> DataFrame:
    """COMPARED_PAIRS without the rows that only count."""
    return compared.where(F.col("left_key").isNotNull())


def random_levels(records: DataFrame, settings: ScoreSettings, n_records: int) -> np.ndarray:
    """Levels of all pairs among the sampled records: the records with the smallest hash of their key (bounded, driver)."""
    sampled = (
        conform(records, STANDARDISED)
        .orderBy(F.xxhash64(F.lit("random"), F.col("record_key")), "record_key")
        .limit(settings.n_random_records)
    )
    table = sampled.toArrow()
    left, right = np.triu_indices(table.num_rows, 1)
    parts = [
        compare(table, left[i : i + PAIRS_AT_ONCE * 5], right[i : i + PAIRS_AT_ONCE * 5], n_records).levels
        for i in range(0, len(left), PAIRS_AT_ONCE * 5)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(COMPARISONS)), np.int8)


def weighing(
    compared: DataFrame, records: DataFrame, n_records: int, settings: ScoreSettings, head: HeadModel
) -> Weighing:
    """The table's own m, u, prior and shape, from counted patterns (at most ``max_patterns``, the most frequent)."""
    counted = compared.groupBy("levels").agg(F.count("*").alias("n_pairs"))
    table = counted.orderBy(F.desc("n_pairs"), "levels").limit(settings.max_patterns).toArrow()
    levels = matrix_of(table.column("levels"), len(COMPARISONS), np.int8)
    counts = table["n_pairs"].to_numpy()
    sampled = random_levels(records, settings, n_records)
    found = fit(levels, counts, sampled, n_records, head.model_m, head.model_u, settings.em_rounds)
    return Weighing(found, table_shape(levels, counts, found))


def pass_counts(compared: DataFrame) -> dict[str, dict[str, int]]:
    """Candidate pairs by the first pass that proposes them (each pair once), and by every pass that does."""
    masks = compared.groupBy("blocking_passes").agg(F.sum("n_pairs").alias("n")).collect()
    first = dict.fromkeys(PASS_NAMES, 0)
    every = dict.fromkeys(PASS_NAMES, 0)
    for row in masks:
        proposing = [name for number, name in enumerate(PASS_NAMES) if row["blocking_passes"] >> number & 1]
        first[proposing[0]] += row["n"]
        for name in proposing:
            every[name] += row["n"]
    return {"pairs_by_first_pass": first, "pairs_by_pass": every}


def first_scores(compared: DataFrame, weighing: Weighing, model_path: str, on_notes: NoteSettings) -> DataFrame:
    """The pairs that the first round does not rule out, with its weight.

    In: COMPARED_PAIRS. Out: FIRST_SCORES. score(a, b) = score(b, a) bit for bit: every comparison is symmetric.
    """
    most_bits = on_notes.most_bits

    @without_values("score")
    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head = pair_head(model_path)
        for batch in batches:
            found = noted_weights(head.first, compared_of(batch), weighing.fit, weighing.shape, most_bits)
            rows = np.flatnonzero(found.weights >= LEAST_BITS)
            kept = batch.select(FIRST_SCORES.names[:-2]).take(pa.array(rows))
            weights = [pa.array(found.weights[rows]), pa.array(found.bare[rows])]
            yield pa.RecordBatch.from_arrays([*kept.columns, *weights], FIRST_SCORES.names)

    return conform(compared.mapInArrow(scored, FIRST_SCORES), FIRST_SCORES)
