"""Parquet files that Python workers write themselves, and take over from one table into the next.

What a worker holds in Arrow goes to disk as it is. On the way through Spark's own writer every batch would become rows of
the JVM first, which costs several times as much where rows are wide. Only where the file system is one that workers
reach by a path of their machine; elsewhere Spark writes (`storage`).
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.resource import ResourceProfile
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import LongType, StructField, StructType

from siamese_er.errors import without_values
from siamese_er.files import n_bytes, parquet_files
from siamese_er.schemas import KEY_SEPARATOR, conform

Work = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
ROWS_IN_GROUP, BYTES_IN_GROUP = 50_000, 64 << 20
BYTES_IN_TASK = 1 << 20
"""Of small files that share a task (`in_tasks`)."""
BYTES_AT_DRIVER = 4 << 20
"""Of a table in which rows are found, or of which they are taken over, by the driver itself: less work than a job is."""
COUNT = StructType([StructField("n", LongType())])
DONE = "_SUCCESS"


@dataclass(frozen=True)
class ArrowRows:
    """Rows that Python workers make of the batches of a frame, not made yet; ``profile``: what the tasks ask for.

    ``batch_is_group``: each batch that the work makes is a row group of its file, so that who reads some of them by the
    statistics of a column skips the others. ``plain``: columns that are stored as they are, as they are compressed
    already. What Spark writes has row groups and codecs of its own. ``here``: the batches of ``source``, where the driver
    has them and what is made of them is less work than a task is.
    """

    source: DataFrame
    work: Work
    schema: StructType
    profile: ResourceProfile | None = None
    batch_is_group: bool = False
    plain: tuple[str, ...] = ()
    here: tuple[pa.RecordBatch, ...] | None = None

    def frame(self) -> DataFrame:
        """The rows as a frame of Spark."""
        return conform(self.source.mapInArrow(self.work, self.schema, profile=self.profile), self.schema)


def frame_of(rows: DataFrame | ArrowRows) -> DataFrame:
    """The rows as a frame of Spark."""
    return rows.frame() if isinstance(rows, ArrowRows) else rows


@dataclass
class PartFiles:
    """The files of one task in a folder, each of at most ``rows_in_file`` rows (0: no bound).

    What waits for a row group to be full goes to disk with `flush`. ``plain``: columns that are stored as they are.

    A file has its name when it is whole. Attempts at one task give the same file; none sees the unfinished one of another.
    """

    folder: Path
    prefix: str
    schema: pa.Schema
    rows_in_file: int = 0
    plain: tuple[str, ...] = ()
    n_files: int = 0
    _attempt: str = field(default_factory=lambda: uuid.uuid4().hex)
    _waiting: list[pa.Table] = field(default_factory=list, repr=False)
    _n_waiting: int = 0
    _bytes_waiting: int = 0
    _n_written: int = 0
    _writer: pq.ParquetWriter | None = field(default=None, repr=False)

    def write(self, rows: pa.Table) -> None:
        """Append rows."""
        while rows.num_rows:
            room = self.rows_in_file - self._n_written - self._n_waiting if self.rows_in_file else rows.num_rows
            self._waiting.append(rows.slice(0, room))
            self._n_waiting += self._waiting[-1].num_rows
            self._bytes_waiting += self._waiting[-1].nbytes
            rows = rows.slice(room)
            if self._n_written + self._n_waiting == self.rows_in_file:
                self.close()
            elif self._n_waiting >= ROWS_IN_GROUP or self._bytes_waiting >= BYTES_IN_GROUP:
                self.flush()

    def close(self) -> None:
        """Finish the file that is open, if there is one."""
        self.flush()
        if self._writer is not None:
            self._writer.close()
            self._unfinished().replace(self.folder / f"{self.prefix}-{self.n_files:04d}.parquet")
            self._writer, self._n_written, self.n_files = None, 0, self.n_files + 1

    def flush(self) -> None:
        """Write a row group of the rows that wait, where there are any."""
        if self._waiting:
            self._writer = self._writer or self._opened()
            self._writer.write_table(pa.concat_tables(self._waiting), self._n_waiting)
            self._n_written += self._n_waiting
            self._waiting, self._n_waiting, self._bytes_waiting = [], 0, 0

    def _opened(self) -> pq.ParquetWriter:
        if not self.plain:
            return pq.ParquetWriter(self._unfinished(), self.schema)
        codecs = {name: "none" if name in self.plain else "snappy" for name in self.schema.names}
        coded = [name for name in self.schema.names if name not in self.plain]
        return pq.ParquetWriter(self._unfinished(), self.schema, use_dictionary=coded, compression=codecs)

    def _unfinished(self) -> Path:
        return self.folder / f".{self.prefix}-{self.n_files:04d}.{self._attempt}.parquet"


def write_rows(rows: ArrowRows, folder: Path, rows_in_file: int = 0) -> None:
    """Make the rows and write them as Parquet files of a folder, over what was there."""
    schema, work, batch_is_group = to_arrow_schema(rows.schema, timezone="UTC"), rows.work, rows.batch_is_group
    plain = rows.plain
    started(folder)

    @without_values("write", in_worker=rows.here is None)
    def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        files = PartFiles(folder, f"part-{context.partitionId() if context else 0:05d}", schema, rows_in_file, plain)
        for batch in work(batches):
            files.write(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
            if batch_is_group:
                files.flush()
        files.close()
        yield pa.RecordBatch.from_arrays([pa.array([files.n_files], pa.int64())], ["n"])

    if rows.here is not None:
        counts = [row for batch in written(iter(rows.here)) for row in batch.to_pylist()]
    else:
        counts = [row.asDict() for row in rows.source.mapInArrow(written, COUNT, profile=rows.profile).collect()]
    if not any(row["n"] for row in counts):
        pq.write_table(schema.empty_table(), folder / "part-none.parquet")
    finished(folder)


def started(folder: Path) -> None:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def finished(folder: Path) -> None:
    """Mark a table as done, without what attempts left that failed."""
    for path in folder.glob(".*.parquet"):
        path.unlink(missing_ok=True)
    (folder / DONE).touch()


@dataclass(frozen=True)
class Keyed:
    """Rows to be left out, or to be found: those whose ``columns``, joined by KEY_SEPARATOR, are among ``keys``."""

    columns: tuple[str, ...]
    keys: pa.Array

    def hits(self, rows: pa.Table) -> pa.ChunkedArray:
        """Whether each row is one of them."""
        parts = [rows[name].cast(pa.string()) for name in self.columns]
        joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, KEY_SEPARATOR)
        return pc.is_in(joined, value_set=self.keys)


def in_tasks(sizes: Sequence[int], n_cores: int) -> list[list[int]]:
    """Places of files, those of each task, largest first: small files share a task, so that tasks are as many as bytes ask for.

    In: bytes of each file. A task has at most BYTES_IN_TASK of small files, or what is a core's share where that is less.
    A table that batches renew gets a file a day, and a task costs more than what is in it.
    """
    bound = min(BYTES_IN_TASK, -(-sum(sizes) // max(1, n_cores)))
    tasks: list[list[int]] = []
    held = 0
    for place in sorted(range(len(sizes)), key=lambda place: (-sizes[place], place)):
        if not tasks or held + sizes[place] > bound:
            tasks.append([])
            held = 0
        tasks[-1].append(place)
        held += sizes[place]
    return tasks


def tasks_of(spark: SparkSession, files: Sequence[Path]) -> list[list[int]]:
    """The same of files on disk, for the cores that Spark has."""
    return in_tasks([file.stat().st_size for file in files], spark.sparkContext.defaultParallelism)


def take_over(
    spark: SparkSession, before: Path, folder: Path, schema: StructType, stale: tuple[Keyed, ...],
    constants: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """The files of one table in the folder of another, without stale rows. What was in the folder is gone.

    Files without a stale row are linked (copied, where they cannot be), the others written anew by workers (of a small
    table by the driver), who look at no more than their keys before. ``constants``: columns that have one text in all
    rows from now on; every file is then written anew.
    """
    files = parquet_files(before)
    arrow = to_arrow_schema(schema, timezone="UTC")
    tasks, at_driver = tasks_of(spark, files), is_small(files)
    started(folder)

    @without_values("write", in_worker=not at_driver)
    def taken(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch.column("id").to_pylist():
                for place in tasks[task]:
                    take_file(files[place], folder, f"kept-{place:05d}", arrow, stale, constants or {})
            yield batch

    if at_driver:
        for _ in taken(iter((numbers(len(tasks)),))):
            pass
    else:
        spark.range(len(tasks), numPartitions=len(tasks)).mapInArrow(taken, "id long").count()


def rows_in_files(spark: SparkSession, folder: Path, schema: StructType, wanted: tuple[Keyed, ...]) -> ArrowRows:
    """The rows of a folder's Parquet files that are one of ``wanted``; of others workers (of a small table the driver) look
    at no more than their keys.
    """
    files = parquet_files(folder)
    arrow = to_arrow_schema(schema, timezone="UTC")
    tasks, at_driver = tasks_of(spark, files), is_small(files)

    @without_values("read", in_worker=not at_driver)
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for task in batch.column("id").to_pylist():
                for place in tasks[task]:
                    yield from rows_of_file(files[place], arrow, wanted)

    here = (numbers(len(tasks)),) if at_driver else None
    return ArrowRows(spark.range(len(tasks), numPartitions=max(1, len(tasks))), found, schema, here=here)


def numbers(n: int) -> pa.RecordBatch:
    """``id`` from 0, as Spark's range has them."""
    return pa.record_batch({"id": pa.array(range(n), pa.int64())})


def is_small(files: Sequence[Path]) -> bool:
    """Whether the driver opens these files sooner than Spark has started a task."""
    return n_bytes(files) <= BYTES_AT_DRIVER


def rows_of_file(file: Path, schema: pa.Schema, wanted: tuple[Keyed, ...]) -> Iterator[pa.RecordBatch]:
    """The rows of one file that are one of ``wanted``."""
    columns = list(dict.fromkeys(column for own in wanted for column in own.columns))
    with pq.ParquetFile(file, coerce_int96_timestamp_unit="us") as content:
        for i in range(content.num_row_groups):
            own = is_one_of(content.read_row_group(i, columns), wanted)
            if pc.any(own).as_py():
                rows = content.read_row_group(i).select(schema.names).filter(own).cast(schema)
                yield from rows.to_batches()


def take_file(
    file: Path, folder: Path, name: str, schema: pa.Schema, stale: tuple[Keyed, ...], constants: Mapping[str, str]
) -> None:
    """One file in another folder, without stale rows; nothing where no row is left."""
    with pq.ParquetFile(file, coerce_int96_timestamp_unit="us") as content:
        if not content.metadata.num_rows:
            return
        columns = list(dict.fromkeys(column for own in stale for column in own.columns))
        kept = [staying(content.read_row_group(i, columns), stale) for i in range(content.num_row_groups)]
        if not constants and all(pc.all(own).as_py() for own in kept if len(own)):
            linked(file, folder / f"{name}.parquet")
            return
        files = PartFiles(folder, name, schema)
        for i, own in enumerate(kept):
            rows = content.read_row_group(i).select(schema.names).filter(own).cast(schema)
            files.write(with_constants(rows, constants))
        files.close()


def with_constants(rows: pa.Table, constants: Mapping[str, str]) -> pa.Table:
    """The rows with one text in each of some columns."""
    for name, text in constants.items():
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(place), pa.repeat(text, rows.num_rows))
    return rows


def is_one_of(keys: pa.Table, wanted: tuple[Keyed, ...]) -> pa.ChunkedArray:
    """Whether each row is one of ``wanted``. In: its key columns."""
    hits = [own.hits(keys) for own in wanted]
    return reduce(pc.or_, hits, pa.chunked_array([pa.repeat(False, keys.num_rows)]))


def staying(keys: pa.Table, stale: tuple[Keyed, ...]) -> pa.ChunkedArray:
    """Whether each row stays. In: its key columns; without a kind of stale rows every row does."""
    return pc.invert(is_one_of(keys, stale))


def linked(file: Path, target: Path) -> None:
    """The same file under another path."""
    with suppress(FileNotFoundError):
        target.unlink()
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)
