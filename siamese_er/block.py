"""Step 3: records in chunks with their blocking keys, how many records hold each key, and pairs of groups of records.

A table is cut into groups of records. Every two groups meet in one task, and so does every group with itself: there the
pairs that share a key are formed, each pair of records in one place (``linkage/meetings.py``). Chunks of some thousand
records travel whole; see ``linkage/chunks.py``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import TaskContext
from pyspark.resource import ResourceProfile
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.config import BlockingSettings
from siamese_er.errors import without_values
from siamese_er.linkage.chunks import (
    LEAST_IN_GROUP,
    OF_VALUE,
    Chunk,
    Codes,
    chunk,
    columns_of,
    counted,
    sliced,
)
from siamese_er.linkage.keys import LEAST_BITS
from siamese_er.linkage.meetings import Meeting, groups_of
from siamese_er.linkage.oversized import WORST_BLOCKS, block_digest, by_pass
from siamese_er.schemas import CHUNKS, CODE_COUNTS, EMBEDDINGS, HELD_CODES, PAIR_TASKS, PLACES, conform
from siamese_er.task_rows import Tasks, chunk_contents, numbered, only_number, sent_tasks
from siamese_er.whole_files import rows_of
from siamese_er.worker_files import ArrowRows

RECORDS_IN_PART = 100_000  # whose codes one task counts at once
CHUNKS_IN_PARTITION = 1 << 32
TASKS_A_CORE = 2


def group_count(n_records: int, parallelism: int, settings: BlockingSettings) -> int:
    """Into how many groups a table is cut: each within ``records_at_once``, and tasks enough for every core."""
    n_groups = max(1, -(-n_records // settings.records_at_once))
    while n_groups * (n_groups + 1) < 4 * parallelism and n_records > LEAST_IN_GROUP * n_groups:
        n_groups += 1
    return n_groups


def groups_in(cut: DataFrame) -> int:
    """How many groups chunks were cut for that another attempt at the run made, perhaps with other cores. In: CHUNKS."""
    last = cut.agg(F.max("group")).first()
    return 1 + (last[0] or 0 if last else 0)


def part_count(n_records: int) -> int:
    """Into how many parts the space of key and value codes is cut."""
    return max(2, -(-n_records // RECORDS_IN_PART))


def chunks(
    records: DataFrame, settings: BlockingSettings, n_groups: int, n_parts: int,
    encoded: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None, profile: ResourceProfile | None = None,
    *, learned_bits: int = LEAST_BITS, first_chunk: int = 0,
) -> ArrowRows:  # fmt: skip
    """The records in chunks, and the codes of their keys and values by part of the code space; a batch for each chunk.

    In: STANDARDISED, with EMBEDDINGS columns or, where ``encoded`` is given, with what it makes the EMBEDDINGS of a
    batch from; as rows or as whole files (`whole_files.rows_of`); ``profile``: what its tasks ask for;
    ``learned_bits``: see `keys.blocking_keys`; ``first_chunk``: the least number that a chunk may have. Out: CHUNKS. A
    record without a value has no key of that pass. To be checkpointed: numbers of chunks depend on how the rows are split.
    """
    passes = settings.passes

    @without_values("block" if encoded is None else "encode")
    def cut(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        partition = context.partitionId() if context else 0
        own = rows_of(batches)
        whole = own if encoded is None else (with_vectors(batch, encoded(batch)) for batch in own)
        tables = (table for batch in whole for table in sliced(pa.Table.from_batches([batch])))
        for place, table in enumerate(tables):
            number, group = first_chunk + partition * CHUNKS_IN_PARTITION + place, (partition + place) % n_groups
            yield chunk_rows(number, group, chunk(table, passes, n_parts, learned_bits))

    return ArrowRows(records, cut, CHUNKS, profile, batch_is_group=True, plain=("content",))


def with_vectors(batch: pa.RecordBatch, vectors: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the EMBEDDINGS of its rows, in their order."""
    names = EMBEDDINGS.names[1:]
    return pa.RecordBatch.from_arrays(
        [*batch.columns, *(vectors.column(name) for name in names)], [*batch.schema.names, *names]
    )


def places(cut: DataFrame) -> DataFrame:
    """In: CHUNKS of records that were encoded. Out: PLACES."""

    @without_values("block")
    def opened(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number, content in zip(batch.column("chunk"), batch.column("content"), strict=True):
                yield from place_rows(number.as_py(), content.as_buffer())

    contents = cut.where(F.col("part") < 0).select("chunk", "content")
    return conform(contents.mapInArrow(opened, PLACES), PLACES)


def places_in_files(spark: SparkSession, folder: Path) -> ArrowRows:
    """PLACES of a folder of CHUNKS that workers reach by its path, so that no content passes through the JVM."""
    n_tasks = TASKS_A_CORE * spark.sparkContext.defaultParallelism

    @without_values("block")
    def opened(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = only_number(batches)
        contents = {} if task is None else chunk_contents(folder)
        for group, number in sorted(contents)[task::n_tasks]:
            yield from place_rows(number, contents[group, number]())

    return ArrowRows(numbered(spark, n_tasks), opened, PLACES)


def place_rows(number: int, content: bytes | pa.Buffer) -> Iterator[pa.RecordBatch]:
    """PLACES of the records of a chunk."""
    for own in columns_of(content, ("record_key", "wrong_chart")).to_batches():
        chunks = pa.array(np.full(len(own), number), pa.int64())
        yield pa.RecordBatch.from_arrays([own.column("record_key"), chunks, own.column("wrong_chart")], PLACES.names)


def chunk_rows(number: int, group: int, made: Chunk) -> pa.RecordBatch:
    """A chunk as rows of CHUNKS."""
    n_parts = len(made.codes)
    return pa.RecordBatch.from_arrays(
        [pa.array([number] * (1 + n_parts), pa.int64()), pa.array([group] * (1 + n_parts), pa.int32()),
         pa.array(range(-1, n_parts), pa.int32()), pa.array([made.content] + [None] * n_parts, pa.binary()),
         pa.array([None, *(codes.to_bytes() for codes in made.codes)], pa.binary())],
        CHUNKS.names,
    )  # fmt: skip


def code_counts(
    cut: DataFrame, settings: BlockingSettings, n_parts: int, key: str, among: DataFrame | None = None
) -> ArrowRows:
    """How often each code occurs in the whole table, chunk by chunk, and the blocks that are too large.

    In: CHUNKS; ``key`` makes the digests by which blocks are named; ``among``: HELD_CODES of the whole table, where ``cut``
    is only some of it. Out: CODE_COUNTS of ``cut``, a batch for each group and part.
    """
    largest, is_whole = settings.max_block_size, among is None

    @without_values("block")
    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = [row for batch in batches for row in batch.to_pylist()]
        for part in sorted({row["part"] for row in rows if row["is_own"]}):
            own = [row for row in rows if row["part"] == part and row["is_own"]]
            own.sort(key=lambda row: (row["group"], row["chunk"]))
            parts = [Codes.from_bytes(row["codes"]) for row in own]
            codes, kinds = (np.concatenate([getattr(p, name) for p in parts]) for name in ("codes", "kinds"))
            first, sizes, counts = counted(codes)
            if not is_whole:
                others = [row for row in rows if row["part"] == part and not row["is_own"]]
                whole = (Codes.from_bytes(row["codes"]).codes for row in others if row["codes"] is not None)
                sizes = holders(codes[first], whole)
                sizes += sum(
                    np.frombuffer(row["n_holders"], np.int64) for row in others if row["n_holders"] is not None
                )
                counts = sizes[np.searchsorted(codes[first], codes)].astype(np.int32)
            yield oversized(codes[first], kinds[first], sizes, largest, key)
            ends = np.cumsum([len(p.codes) for p in parts])[:-1]
            found = zip(own, np.split(counts, ends), strict=True)
            for group, of_group in groupby(found, key=lambda row: row[0]["group"]):
                named = [(row["chunk"], numbers.tobytes()) for row, numbers in of_group]
                n, (numbers_of, held) = len(named), map(list, zip(*named, strict=True))
                yield count_rows(chunk=numbers_of, group=[group] * n, part=[part] * n, counts=held)

    no_holders = F.lit(None).cast("binary").alias("n_holders")
    own_rows = cut.where(F.col("part") >= 0).select(
        "chunk", "group", "part", "codes", no_holders, F.lit(True).alias("is_own")
    )
    spread = own_rows
    if among is not None:
        none = F.lit(None)
        spread = own_rows.union(
            among.select(none.alias("chunk"), none.alias("group"), *HELD_CODES.names, F.lit(False).alias("is_own"))
        )
    return ArrowRows(spread.repartitionById(n_parts, "part"), count, CODE_COUNTS, batch_is_group=True)


def codes_held(table: DataFrame) -> DataFrame:
    """The codes of all records of a table. In: CHUNKS. Out: HELD_CODES."""
    return table.where(F.col("part") >= 0).select("part", "codes", F.lit(None).cast("binary").alias("n_holders"))


def holders(wanted: np.ndarray, parts: Iterable[np.ndarray]) -> np.ndarray:
    """How often each wanted code occurs in all the parts; ``wanted`` ascends, each code once."""
    found = np.zeros(len(wanted), np.int64)
    for codes in parts if len(wanted) else ():
        place = np.minimum(np.searchsorted(wanted, codes), len(wanted) - 1)
        found += np.bincount(place[wanted[place] == codes], minlength=len(wanted))
    return found


def count_rows(**columns: list[Any]) -> pa.RecordBatch:
    """Rows of CODE_COUNTS; columns that are not given are null."""
    n = len(next(iter(columns.values())))
    kinds = {"chunk": pa.int64(), "group": pa.int32(), "part": pa.int32(), "counts": pa.binary(),
             "blocking_pass": pa.int32(), "n_records": pa.int64(), "n_blocks": pa.int64(), "n_pairs": pa.int64(),
             "digest": pa.string()}  # fmt: skip
    arrays = [pa.array(columns.get(name, [None] * n), kinds[name]) for name in CODE_COUNTS.names]
    return pa.RecordBatch.from_arrays(arrays, CODE_COUNTS.names)


def oversized(codes: np.ndarray, kinds: np.ndarray, sizes: np.ndarray, largest: int, key: str) -> pa.RecordBatch:
    """The blocks of more than ``largest`` records: the worst of each pass by name, the others in sum."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("blocking_pass", "n_records", "n_blocks", "n_pairs", "digest")
    }
    chosen = np.flatnonzero((kinds != OF_VALUE) & (sizes > largest))
    for kind in np.unique(kinds[chosen]).tolist():
        own = chosen[kinds[chosen] == kind]
        own = own[np.lexsort((codes[own], -sizes[own]))]
        named = [(block_digest(int(codes[i]), key), own[n : n + 1]) for n, i in enumerate(own[:WORST_BLOCKS])]
        for digest, blocks in [*named, (None, own[WORST_BLOCKS:])]:
            n_records = sizes[blocks].astype(np.int64)
            values = (kind, int(n_records.sum()), len(blocks), int((n_records * (n_records - 1) // 2).sum()), digest)
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
    return count_rows(**columns)


def dropped_blocks(counts: DataFrame) -> dict[str, dict[str, Any]]:
    """By pass: how many blocks, records and pairs the bound on block size left out, and the largest blocks by digest.

    In: CODE_COUNTS. At most WORST_BLOCKS + 1 rows of each pass and part come to the driver.
    """
    return by_pass(row.asDict() for row in counts.where(F.col("n_blocks") > 0).collect())


def pair_tasks(cut: DataFrame, counts: DataFrame, meetings: Sequence[Meeting]) -> Tasks:
    """The chunks and their counts, once for each task that their group takes part in, one partition a task.

    In: CHUNKS, CODE_COUNTS.
    """
    return sent_tasks(conform(sent(with_counts(cut, counts), meetings), PAIR_TASKS))


def with_counts(cut: DataFrame, counts: DataFrame) -> DataFrame:
    """group, chunk, part, content: the contents of chunks (part -1), and the counts of their codes by part."""
    contents = cut.where(F.col("part") < 0).select("group", "chunk", "part", "content")
    of_codes = counts.where(F.col("counts").isNotNull())
    return contents.union(of_codes.select("group", "chunk", "part", F.col("counts").alias("content")))


def sent(rows: DataFrame, meetings: Sequence[Meeting]) -> DataFrame:
    """Rows with a ``group``, once for each task of that group with ``task`` and ``is_within``, one partition a task."""
    of_group = [
        F.array(*[F.struct(F.lit(task), F.lit(group in meeting.within)) for task, meeting in enumerate(meetings)
                  if group in meeting.groups]).cast("array<struct<col1:int,col2:boolean>>")
        for group in range(groups_of(meetings))
    ]  # fmt: skip
    repeated = rows.select(F.explode(F.get(F.array(*of_group), F.col("group"))).alias("of"), *rows.columns)
    named = repeated.select(F.col("of.col1").alias("task"), F.col("of.col2").alias("is_within"), *rows.columns)
    return named.repartitionById(len(meetings), "task")
