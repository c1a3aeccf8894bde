"""What a worker receives of a task: chunks of the groups that meet there, and counts of their codes.

Either rows that a shuffle brought, or, where workers reach the tables by a path of their machine, what they read of the
files: a task of two groups opens the row groups of their chunks and no others, one at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession

from siamese_er.errors import InvariantBroken
from siamese_er.linkage.chunks import Group, group_of
from siamese_er.linkage.meetings import Meeting

EVERY = ds.scalar(True)
ChunkName = tuple[int, int]
"""(group, chunk)"""
Content: TypeAlias = bytes | pa.Buffer


@dataclass(frozen=True)
class TaskRows:
    """One task: what brings the content of each of its chunks, and by part how often each code of a chunk occurs.

    ``within``: the groups whose own pairs are formed here.
    """

    task: int
    within: frozenset[int]
    contents: dict[ChunkName, Callable[[], Content]]
    counts: dict[ChunkName, dict[int, bytes]]

    def groups(self) -> list[int]:
        """The groups whose records are here."""
        return sorted({group for group, _ in self.contents})

    def contents_of(self, group: int) -> Iterator[Content]:
        """The chunks of a group, each forgotten here as it is given."""
        for chunk in sorted(chunk for chunk in self.contents if chunk[0] == group):
            yield self.contents.pop(chunk)()

    def group(self, number: int, max_block_size: int) -> Group:
        """The records of a group with their counts."""
        chunks = sorted(chunk for chunk in self.contents if chunk[0] == number)
        parts = [[self.counts[chunk][part] for part in sorted(self.counts[chunk])] for chunk in chunks]
        return group_of(zip(self.contents_of(number), parts, strict=True), max_block_size)


@dataclass(frozen=True)
class Tasks:
    """Tasks of pairs, one in a partition of ``frame``; ``rows``: what a worker makes of the batches of one."""

    frame: DataFrame
    rows: Callable[[Iterator[pa.RecordBatch]], TaskRows | None]


def sent_tasks(rows: DataFrame) -> Tasks:
    """Tasks whose rows come through a shuffle. In: PAIR_TASKS, one partition a task."""
    return Tasks(rows, task_rows)


def file_tasks(spark: SparkSession, chunks: Path, counts: Path, meetings: Sequence[Meeting]) -> Tasks:
    """Tasks whose workers read the folders of CHUNKS and CODE_COUNTS."""
    return Tasks(numbered(spark, len(meetings)), partial(read_task, chunks, counts, tuple(meetings)))


def numbered(spark: SparkSession, n_tasks: int) -> DataFrame:
    """The numbers of so many tasks, one in a partition."""
    return spark.range(n_tasks, numPartitions=n_tasks)


def task_rows(batches: Iterator[pa.RecordBatch]) -> TaskRows | None:
    """The rows of one partition of PAIR_TASKS; null where there are none.

    Raises: InvariantBroken if they are of several tasks.
    """
    contents: dict[ChunkName, Callable[[], Content]] = {}
    counts: dict[ChunkName, dict[int, bytes]] = {}
    tasks, within = set(), set()
    for batch in batches:
        for row in batch.to_pylist():
            tasks.add(row["task"])
            within |= {row["group"]} if row["is_within"] else set()
            chunk = row["group"], row["chunk"]
            if row["part"] < 0:
                contents[chunk] = partial(bytes, row["content"])
            else:
                counts.setdefault(chunk, {})[row["part"]] = row["content"]
    return TaskRows(_only(tasks), frozenset(within), contents, counts) if tasks else None


def read_task(
    chunks: Path, counts: Path, meetings: tuple[Meeting, ...], batches: Iterator[pa.RecordBatch]
) -> TaskRows | None:
    """The rows of the task whose number is the only value of the batches; null where there is none."""
    task = only_number(batches)
    if task is None:
        return None
    meeting = meetings[task]
    groups = ds.field("group").isin(meeting.groups)
    return TaskRows(task, meeting.within, chunk_contents(chunks, groups), code_counts_of(counts, groups))


def only_number(batches: Iterator[pa.RecordBatch]) -> int | None:
    """The only value of the batches; null where there is none. Raises: InvariantBroken if there are several."""
    tasks = {number for batch in batches for number in batch.column(0).to_pylist()}
    return _only(tasks) if tasks else None


def chunk_contents(folder: Path, groups: ds.Expression = EVERY) -> dict[ChunkName, Callable[[], Content]]:
    """What reads the content of each chunk, or of those of some groups. In: a folder of CHUNKS."""
    wanted = groups & (ds.field("part") < 0)
    files = ds.dataset(folder, format="parquet").get_fragments()
    pieces = (piece for file in files for piece in file.split_by_row_group(wanted))
    return {
        (group, chunk): partial(content_of, piece, group, chunk)
        for piece in pieces
        for group, chunk in _chunks_in(piece, wanted)
    }


def _chunks_in(piece: ds.ParquetFileFragment, wanted: ds.Expression) -> Iterator[ChunkName]:
    """The chunks of a row group that has wanted rows: as a rule one, which its statistics name."""
    found = piece.row_groups[0].statistics or {}
    names = [found.get(name, {"min": None, "max": None}) for name in ("group", "chunk")]
    if all(name["min"] is not None and name["min"] == name["max"] for name in names):
        yield names[0]["min"], names[1]["min"]
    else:
        yield from _rows(piece.to_table(columns=["group", "chunk"], filter=wanted, use_threads=False))


def content_of(piece: ds.ParquetFileFragment, group: int, chunk: int) -> pa.Buffer:
    """The content of a chunk in one of the row groups of its file, as it was read: some megabytes, not copied."""
    rows = piece.to_table(columns=["group", "chunk", "part", "content"], use_threads=False)
    names = (rows["group"].to_numpy() == group) & (rows["chunk"].to_numpy() == chunk) & (rows["part"].to_numpy() < 0)
    return rows["content"][int(np.flatnonzero(names)[0])].as_buffer()


def code_counts_of(folder: Path, groups: ds.Expression) -> dict[ChunkName, dict[int, bytes]]:
    """By chunk of some groups and part how often each code occurs. In: a folder of CODE_COUNTS."""
    columns = ["group", "chunk", "part", "counts"]
    table = ds.dataset(folder, format="parquet").to_table(columns=columns, filter=groups, use_threads=False)
    found: dict[ChunkName, dict[int, bytes]] = {}
    for group, chunk, part, counts in _rows(table):
        found.setdefault((group, chunk), {})[part] = counts
    return found


def _rows(table: pa.Table) -> Iterator[tuple]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _only(tasks: set[int]) -> int:
    if len(tasks) > 1:
        raise InvariantBroken(f"{len(tasks)} tasks of pairs in one partition")
    return tasks.pop()
