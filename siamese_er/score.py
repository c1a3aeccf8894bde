"""Step 4: pairs formed and compared where their block is, each once; then weighed on this table and scored by the head."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.compared import compared_of, matrix_of, measures_of, rows_of_bytes
from siamese_er.config import NoteSettings, ScoreSettings
from siamese_er.errors import without_values
from siamese_er.linkage.bounds import Reach, nicknames
from siamese_er.linkage.chunks import OWN_COLUMNS, Group
from siamese_er.linkage.compare import Agreements, Compared, Values, agreements, completed
from siamese_er.linkage.comparisons import COMPARISONS, FREQUENCY_COLUMNS
from siamese_er.linkage.context import LEAST_BITS
from siamese_er.linkage.features import TableShape, table_shape
from siamese_er.linkage.fellegi_sunter import TableFit, fit, plausible, plausible_weights
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.pairs import Met, met_pairs
from siamese_er.linkage.pieces import Pieces
from siamese_er.model import pair_head, portable
from siamese_er.neural.head import HeadModel
from siamese_er.noted import noted_weights
from siamese_er.schemas import COMPARED_PAIRS, FIRST_SCORES, STANDARDISED, conform
from siamese_er.task_rows import TaskRows, Tasks
from siamese_er.whole_files import rows_of
from siamese_er.worker_files import ArrowRows

PAIRS_AT_ONCE = 100_000
OF_CHUNKS = frozenset({*OWN_COLUMNS, "key_n", *(f"{name}_n" for name in FREQUENCY_COLUMNS)})
"""Columns of a chunk that only blocking reads, and counts of values; they are as wide as the values."""


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


@dataclass(frozen=True)
class PairTask:
    """The groups of records of a task, and the places of every two that meet there, the same twice for own pairs."""

    groups: tuple[Group, ...]
    meetings: tuple[tuple[int, int], ...]


def pair_task(rows: TaskRows | None, max_block_size: int) -> PairTask | None:
    """The groups of a task; null where they have no pairs, as one of them has no records."""
    if rows is None:
        return None
    numbers = rows.groups()
    meetings = (*combinations(range(len(numbers)), 2),
                *((place, place) for place, number in enumerate(numbers) if number in rows.within))  # fmt: skip
    return PairTask(tuple(rows.group(number, max_block_size) for number in numbers), meetings) if meetings else None


@dataclass(frozen=True)
class Agreeing:
    """Pairs whose values agree better than chance explains: rows, passes that propose them, and how they agree."""

    left: np.ndarray
    right: np.ndarray
    masks: np.ndarray
    found: Agreements


class Compare:
    """What comparing finds for the pairs of records of a task, as batches of COMPARED_PAIRS."""

    def __init__(self, task: PairTask, n_records: int, head: HeadModel) -> None:
        self.n_records, self.head = n_records, head
        self.n_dropped: Counter[int] = Counter()  # pairs that were looked at and not kept, by their passes
        groups, self.meetings = task.groups, task.meetings
        table = pa.concat_tables([group.table for group in groups])
        self.held = [group.held for group in groups]
        self.starts = [0, *accumulate(group.table.num_rows for group in groups)]
        self.values = Values(table)
        self.records = Pieces.of(table.select([name for name in table.column_names if name not in OF_CHUNKS]))
        weights = plausible_weights(head.model_m, head.model_u)
        self.reach = Reach(
            [own for group in groups for own in group.sketches], nicknames(self.values.columns["given_name"]), weights
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All pairs of the task."""
        for parts in gathered(self.agreeing()):
            yield self.compared(parts)
        yield dropped_batch(self.n_dropped)

    def reached(self) -> Iterator[Met]:
        """The pairs that their sketches do not rule out."""
        for first, second in self.meetings:
            for met in met_pairs(self.held[first], self.held[second], first == second):
                left, right = met.left + self.starts[first], met.right + self.starts[second]
                rows = self.reach.rows(left, right)
                self.drop(met.masks, rows)
                yield Met(left[rows], right[rows], met.masks[rows])

    def agreeing(self) -> Iterator[Agreeing]:
        """Those of them whose values agree better than chance explains."""
        for parts in gathered(self.reached()):
            left, right, masks = joined(parts)
            found = agreements(self.values, left, right, self.n_records)
            rows = plausible(found.levels, self.head.model_m, self.head.model_u)
            self.drop(masks, rows)
            yield Agreeing(left[rows], right[rows], masks[rows], found.of_pairs(rows))

    def compared(self, parts: list[Agreeing]) -> pa.RecordBatch:
        """All that comparing finds for them; few pairs are left, and of their records the vectors are opened."""
        left, right, masks = joined(parts)
        used, back = np.unique(np.concatenate([left, right]), return_inverse=True)
        table, (left, right) = self.records.picked(used), np.split(back, 2)
        found = Agreements.joined([part.found for part in parts])
        return compared_batch(table, left, right, masks, completed(found, table, left, right))

    def drop(self, masks: np.ndarray, kept: np.ndarray) -> None:
        """Count the pairs that are not kept."""
        counts = pd.Series(np.delete(masks, kept)).value_counts(sort=False)
        self.n_dropped.update(dict(zip(counts.index.tolist(), counts.tolist(), strict=True)))


Part = TypeVar("Part", Met, Agreeing)


def gathered(parts: Iterator[Part]) -> Iterator[list[Part]]:
    """Parts in lists of PAIRS_AT_ONCE pairs or more, the last of which may have fewer; parts without pairs are left out."""
    waiting: list[Part] = []
    for part in parts:
        waiting += [part] if len(part.left) else []
        if sum(len(own.left) for own in waiting) >= PAIRS_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def joined(parts: Sequence[Met | Agreeing]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left rows, right rows, masks) of the parts."""
    left, right, masks = zip(*[(part.left, part.right, part.masks) for part in parts], strict=True)
    return np.concatenate(left), np.concatenate(right), np.concatenate(masks)


def compared_pairs(tasks: Tasks, n_records: int, model_path: str, max_block_size: int) -> ArrowRows:
    """What comparing found for every candidate pair that random agreement does not explain better.

    Out: COMPARED_PAIRS, each pair once. Most pairs are ruled out by their sketches; see
    ``linkage/bounds.py``.
    """

    model, rows_of = portable(model_path), tasks.rows

    @without_values("compare")
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = pair_task(rows_of(batches), max_block_size)
        if task is not None:
            work = Compare(task, n_records, pair_head(model))
            del task  # and with it what the comparing does not look at
            yield from work.batches()

    return ArrowRows(tasks.frame, found, COMPARED_PAIRS)


def compared_batch(
    table: pa.Table, left: np.ndarray, right: np.ndarray, mask: np.ndarray, compared: Compared
) -> pa.RecordBatch:
    """COMPARED_PAIRS rows of the pairs, the smaller key left."""
    names = table["record_key"].combine_chunks()
    first, second = names.take(pa.array(left)), names.take(pa.array(right))
    in_order = pc.less(first, second)
    return pa.RecordBatch.from_arrays(
        [pc.if_else(in_order, first, second), pc.if_else(in_order, second, first), pa.array(mask, pa.int64()),
         pa.array(np.ones(len(mask), np.int64)), rows_of_bytes(compared.levels), measures_of(compared)],
        COMPARED_PAIRS.names,
    )  # fmt: skip


def dropped_batch(n_dropped: Mapping[int, int]) -> pa.RecordBatch:
    """COMPARED_PAIRS rows without keys that count the pairs which were looked at and not kept, by their passes."""
    n = len(n_dropped)
    columns = {
        "blocking_passes": pa.array(list(n_dropped), pa.int64()), "n_pairs": pa.array(list(n_dropped.values()), pa.int64()),
        "left_key": pa.nulls(n, pa.string()), "right_key": pa.nulls(n, pa.string()),
        "levels": pa.nulls(n, pa.binary()), "measures": pa.nulls(n, pa.binary()),
    }  # fmt: skip
    return pa.RecordBatch.from_arrays([columns[name] for name in COMPARED_PAIRS.names], COMPARED_PAIRS.names)


def kept_pairs(compared: DataFrame) -> DataFrame:
    """COMPARED_PAIRS without the rows that only count."""
    return compared.where(F.col("left_key").isNotNull())


def random_records(records: DataFrame, settings: ScoreSettings) -> DataFrame:
    """record_key of the records whose keys have the smallest hashes."""
    by_hash = F.xxhash64(F.lit("random"), F.col("record_key"))
    return records.select("record_key").orderBy(by_hash, "record_key").limit(settings.n_random_records)


def random_levels(sampled: DataFrame, n_records: int) -> np.ndarray:
    """Levels of all pairs among STANDARDISED of the `random_records`, in no order; they come to the driver."""
    table = conform(sampled, STANDARDISED).toArrow()
    values = Values(table)
    left, right = np.triu_indices(table.num_rows, 1)
    parts = [
        agreements(values, left[i : i + PAIRS_AT_ONCE * 5], right[i : i + PAIRS_AT_ONCE * 5], n_records).levels
        for i in range(0, len(left), PAIRS_AT_ONCE * 5)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(COMPARISONS)), np.int8)


def weighing(
    compared: DataFrame, sampled: np.ndarray, n_records: int, settings: ScoreSettings, head: HeadModel
) -> Weighing:
    """The table's own m, u, prior and shape, from counted patterns (at most ``max_patterns``, the most frequent).

    In: COMPARED_PAIRS; ``sampled``: `random_levels`.
    """
    counted = compared.groupBy("levels").agg(F.count("*").alias("n_pairs"))
    table = counted.orderBy(F.desc("n_pairs"), "levels").limit(settings.max_patterns).toArrow()
    levels = matrix_of(table.column("levels"), len(COMPARISONS), np.int8)
    counts = table["n_pairs"].to_numpy()
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


def first_scores(compared: DataFrame, weighing: Weighing, model_path: str, on_notes: NoteSettings) -> ArrowRows:
    """The pairs that the first round does not rule out, with its weight.

    In: COMPARED_PAIRS, as rows or as whole files. Out: FIRST_SCORES. score(a, b) = score(b, a) bit for bit: every
    comparison is symmetric.
    """
    model, most_bits = portable(model_path), on_notes.most_bits

    @without_values("score")
    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        head = pair_head(model)
        for rows in rows_of(batches):
            batch = rows.filter(pc.is_valid(rows.column("left_key")))
            found = noted_weights(head.first, compared_of(batch), weighing.fit, weighing.shape, most_bits)
            likely = np.flatnonzero(found.weights >= LEAST_BITS)
            kept = batch.select(FIRST_SCORES.names[:-2]).take(pa.array(likely))
            weights = [pa.array(found.weights[likely]), pa.array(found.bare[likely])]
            yield pa.RecordBatch.from_arrays([*kept.columns, *weights], FIRST_SCORES.names)

    return ArrowRows(compared, scored, FIRST_SCORES)
