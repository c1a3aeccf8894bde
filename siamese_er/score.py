"""Step 4: pairs formed and compared where their block is, each once; then weighed on this table and scored by the head."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.config import ScoreSettings
from siamese_er.errors import without_values
from siamese_er.linkage.compare import COSINES, PAIR_FACTS, Compared, compare
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.explain import evidence_arrays, pass_lists
from siamese_er.linkage.features import TableShape, feature_names, features, table_shape
from siamese_er.linkage.fellegi_sunter import TableFit, fit, plausible
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.label_fit import LabelCorrection
from siamese_er.linkage.pairs import block_pairs, key_rows, pairs_once
from siamese_er.linkage.vetoes import veto_lists, vetoes
from siamese_er.neural.head import HeadModel, load_head, probabilities
from siamese_er.schemas import COMPARED_PAIRS, SCORES, STANDARDISED, conform

ROWS_AT_ONCE = 8_000  # block rows held by a worker; a block is never split
PAIRS_AT_ONCE = 100_000
WIDTHS = (len(COMPARISONS), len(COMPARISONS), len(COSINES), len(PAIR_FACTS))  # of the parts of ``measures``


@dataclass(frozen=True)
class Weighing:
    """What this table taught without labels: what the head is conditioned on."""

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
    """(left row, right row, pass mask) of the pairs this table's blocks are the place to look at; left has the smaller key."""
    names = table["record_key"].to_pylist()
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    first, second, key = block_pairs(np.arange(table.num_rows), table["key"].to_numpy())
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
        head = load_head(model_path, feature_names())
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
    parts = (compared.similarities, compared.rarities, compared.cosines, compared.facts)
    measures = np.concatenate([part[kept].astype(np.float16) for part in parts], axis=1)
    return pa.RecordBatch.from_arrays(
        [names.take(pa.array(left)), names.take(pa.array(right)), pa.array(mask, pa.int64()),
         pa.array(np.ones(len(mask), np.int64)), rows_of_bytes(compared.levels[kept]), rows_of_bytes(measures)],
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


def rows_of_bytes(matrix: np.ndarray) -> pa.Array:
    """One binary value for each row of a matrix."""
    width = matrix.shape[1] * matrix.itemsize
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(matrix), [None, pa.py_buffer(np.ascontiguousarray(matrix).tobytes())]
    )
    return fixed.cast(pa.binary())


def matrix_of(column: pa.Array, width: int, kind: type) -> np.ndarray:
    """The inverse of ``rows_of_bytes``: (n, width)."""
    return np.frombuffer(b"".join(column.to_pylist()), kind).reshape(-1, width)


def compared_of(batch: pa.RecordBatch | pa.Table) -> Compared:
    """The Compared of a batch of COMPARED_PAIRS."""
    levels = matrix_of(batch.column("levels"), len(COMPARISONS), np.int8)
    measures = matrix_of(batch.column("measures"), sum(WIDTHS), np.float16).astype(np.float32)
    similarities, rarities, cosines, facts = np.split(measures, np.cumsum(WIDTHS)[:-1], axis=1)
    return Compared(levels, similarities, rarities, cosines, facts)


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


def scores(
    compared: DataFrame, weighing: Weighing, model_path: str, settings: ScoreSettings, correction: LabelCorrection | None = None
) -> DataFrame:  # fmt: skip
    """The pairs at or above the floor, with their probability, vetoes and evidence.

    In: COMPARED_PAIRS. Out: SCORES. score(a, b) = score(b, a) bit for bit: every comparison is symmetric.
    """
    floor = settings.floor

    @without_values("score")
    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head = load_head(model_path, feature_names())
        for batch in batches:
            compared = compared_of(batch)
            evidence = features(compared, weighing.fit, weighing.shape)
            weights = head.match_weights(evidence)
            weights = correction(weights, evidence) if correction else weights
            rows = np.flatnonzero(probabilities(weights) >= floor)
            yield scored_batch(batch.take(pa.array(rows)), weights[rows], weighing)

    return conform(compared.mapInArrow(scored, SCORES), SCORES)


def scored_batch(batch: pa.RecordBatch, weights: np.ndarray, weighing: Weighing) -> pa.RecordBatch:
    """SCORES rows of pairs whose match weights are known."""
    compared = compared_of(batch)
    return pa.RecordBatch.from_arrays(
        [batch.column("left_key"), batch.column("right_key"), pa.array(probabilities(weights)), pa.array(weights),
         veto_lists(vetoes(compared, weighing.fit, weighing.shape)), pass_lists(batch.column("blocking_passes").to_numpy()),
         evidence_arrays(compared, weighing.fit, weights)],
        SCORES.names,
    )  # fmt: skip
