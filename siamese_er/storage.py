"""Run folders: where a run keeps its tables, its checkpoints and its record, and which run is the current one.

OUTPUT/current.json names the published run. It is replaced in one step on local disks (rename(2)), on HDFS (a rename
that overwrites) and on object stores such as S3 (one put shows the whole file or none of it); on other Hadoop file
systems it is as atomic as their overwriting rename. See ``files.py``; the lock is in ``lock.py``.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from siamese_er.errors import ContractFault
from siamese_er.files import LocalFiles, files_of, local, parquet_files
from siamese_er.lock import OutputLock, output_lock
from siamese_er.schemas import KEY_SEPARATOR, conform
from siamese_er.table_frames import frame_of_folder
from siamese_er.worker_files import ArrowRows, Keyed, finished, rows_in_files, take_over, write_rows

__all__ = [
    "OutputLock", "RunFolder", "current_run", "make_current", "new_run", "output_lock", "previous_run", "read_run",
    "unfinished_run", "written",
]  # fmt: skip

CURRENT = "current.json"
RECORD = "run.json"
WORK = "work"
UNFINISHED = ("running", "failed")
SMALL_FILE, MOST_SMALL_FILES = 1 << 20, 50
"""Bytes, and how many such files a table that batches renew may have; one of more is written anew, in few files."""
ROWS_IN_FILE = 50_000
"""Of tables whose files workers read whole (`RunFolder.table_files`)."""
MOST_KEYS = 200_000
"""Keys of stale rows that are sent to workers; beyond it Spark joins."""
_KEYS: WeakKeyDictionary[DataFrame, pa.Array] = WeakKeyDictionary()
"""Keys that were collected of a frame, joined; of one with more than MOST_KEYS, more than that."""


@dataclass(frozen=True)
class KeyedRows:
    """Rows of a table whose ``columns`` are a row of ``keys``, a small frame of as many columns, or one joined key."""

    keys: DataFrame
    columns: tuple[str, ...]

    @property
    def joined(self) -> DataFrame:
        """stale_key: the keys as one text."""
        return self.keys.select(F.concat_ws(KEY_SEPARATOR, *self.keys.columns).alias("stale_key"))

    def without(self, rows: DataFrame) -> DataFrame:
        """The rows without these."""
        keyed = rows.withColumn("stale_key", F.concat_ws(KEY_SEPARATOR, *self.columns))
        return keyed.join(self.joined, "stale_key", "left_anti").drop("stale_key")

    def marked(self, rows: DataFrame, flag: str) -> DataFrame:
        """The rows with a column that is true for these, null for others."""
        keyed = rows.withColumn("stale_key", F.concat_ws(KEY_SEPARATOR, *self.columns))
        return keyed.join(self.joined.distinct().withColumn(flag, F.lit(True)), "stale_key", "left").drop("stale_key")


@dataclass(frozen=True)
class RunFolder:
    """OUTPUT/runs/<run_id>: one run's tables, its record and, while it runs, its checkpoints."""

    output: str
    run_id: str
    path: str
    is_resumed: bool = False  # tables that an earlier attempt finished are taken as they are

    def table(self, name: str) -> str:
        """The path of a table of this run."""
        return f"{self.path}/{name}"

    def checkpoint(self, frame: DataFrame | ArrowRows, name: str, rows_in_file: int = 0) -> DataFrame:
        """The same rows, read back from Parquet under ``work/``: what made them is not run again.

        The folder is on the output's file system, which driver and executors share. An earlier checkpoint of that name
        in this run is replaced, so a frame must not be checkpointed under the name it was read from; in a resumed run
        one that was finished stands instead of the frame, which is not computed.
        """
        return self._kept(frame, self.table(f"{WORK}/{name}"), rows_in_file)

    def write_table(self, frame: DataFrame | ArrowRows, name: str, rows_in_file: int = 0) -> DataFrame:
        """Write a table of this run as Parquet; the rows as they are on disk now. 0 rows in a file: no bound."""
        return self._kept(frame, self.table(name), rows_in_file)

    def renew_table(
        self, name: str, before: str, stale: Sequence[KeyedRows], fresh: DataFrame,
        constants: Mapping[str, str] | None = None,
    ) -> DataFrame:  # fmt: skip
        """Write a table of this run: the rows of the folder ``before`` but stale ones, and the fresh ones.

        On a file system that workers reach by a path, files without a stale row are linked, and the others are not read
        by Spark: what is fresh costs more than what is not. Both have the same columns. ``constants``: columns and the text
        that they have from now on in all rows that are taken over.
        """
        spark, path = fresh.sparkSession, self.table(name)
        if self._is_done(spark, path):
            return read_back(spark, path, fresh.schema)
        are_local = all(isinstance(files_of(spark, folder), LocalFiles) for folder in (before, path))
        keys = _few_keys(stale) if are_local else None
        if keys is None or n_small_files(_folder(before)) > MOST_SMALL_FILES:
            kept = conform(spark.read.parquet(before), fresh.schema)
            for rows in stale:
                kept = rows.without(kept)
            kept = kept.withColumns({column: F.lit(text) for column, text in (constants or {}).items()})
            return written(kept.unionByName(fresh), path)
        take_over(spark, _folder(before), _folder(path), fresh.schema, keys, constants)
        fresh.write.mode("append").parquet(path)
        finished(_folder(path))
        return read_back(spark, path, fresh.schema)

    def rows_among(self, name: str, *wanted: KeyedRows) -> DataFrame | ArrowRows:
        """The rows of a table of this run that are one of ``wanted``, each of few keys.

        On a file system that workers reach by a path Spark reads none of the others.
        """
        spark = wanted[0].keys.sparkSession
        table, folder = self.read_table(spark, name), self.worker_folder(spark, name)
        keys = None if folder is None else _few_keys(wanted)
        if folder is not None and keys is not None:
            return rows_in_files(spark, folder, table.schema, keys)
        return rows_among(table, wanted)

    def _is_done(self, spark: SparkSession, path: str) -> bool:
        return self.is_resumed and files_of(spark, path).modified(f"{path}/_SUCCESS") is not None

    def _kept(self, frame: DataFrame | ArrowRows, path: str, rows_in_file: int = 0) -> DataFrame:
        spark = frame.source.sparkSession if isinstance(frame, ArrowRows) else frame.sparkSession
        if self._is_done(spark, path):
            return read_back(spark, path, frame.schema)
        return written(frame, path, rows_in_file)

    def table_files(self, spark: SparkSession, name: str) -> DataFrame:
        """Every Parquet file of a table of this run: ``path``, one in a partition and the largest first, where workers reach
        them by a path of their machine; else ``content``, whole, as many in a partition as Spark likes.

        For workers that want Arrow columns: Spark would make each row and then columns of the rows again.
        """
        if (folder := self.worker_folder(spark, name)) is not None:
            sizes = sorted((-path.stat().st_size, str(path)) for path in parquet_files(folder))
            paths = F.lit([path for _, path in sizes]) if sizes else F.array().cast("array<string>")
            places = spark.range(len(sizes), numPartitions=max(1, len(sizes)))
            return places.select(F.get(paths, F.col("id").cast("int")).alias("path"))
        files = spark.read.format("binaryFile").option("pathGlobFilter", "*.parquet").load(self.table(name))
        return files.select("content")

    def worker_folder(self, spark: SparkSession, name: str) -> Path | None:
        """The folder of a table of this run, where workers reach it by a path of their machine; else null."""
        path = self.table(name)
        return _folder(path) if isinstance(files_of(spark, path), LocalFiles) else None

    def read_table(self, spark: SparkSession, name: str) -> DataFrame:
        """A table of this run.

        Raises: ContractFault if the run has no table of that name.
        """
        if files_of(spark, self.path).modified(self.table(name)) is None:
            raise ContractFault(f"run {self.run_id} has no table {name}")
        return read_back(spark, self.table(name))

    def optional_table(self, spark: SparkSession, name: str) -> DataFrame | None:
        """A table of this run; null where it has none of that name."""
        if files_of(spark, self.path).modified(self.table(name)) is None:
            return None
        return read_back(spark, self.table(name))

    def write_record(self, spark: SparkSession, record: dict[str, Any]) -> None:
        """Write run.json, replacing it in one step. Values that JSON does not know are written as text."""
        text = json.dumps(record, indent=2, sort_keys=True, default=str, ensure_ascii=False)
        files_of(spark, self.path).replace_text(f"{self.path}/{RECORD}", text + "\n")

    def read_record(self, spark: SparkSession) -> dict[str, Any]:
        """The content of run.json; empty where it was never written."""
        return dict(json.loads(files_of(spark, self.path).read_text(f"{self.path}/{RECORD}") or "{}"))

    def drop_work(self, spark: SparkSession) -> None:
        """Remove the checkpoints; frames read from them are dead after this."""
        files_of(spark, self.path).delete(f"{self.path}/{WORK}")


def rows_among(table: DataFrame, wanted: Sequence[KeyedRows]) -> DataFrame:
    """The rows of a table that are one of ``wanted``, found by Spark."""
    found, is_wanted = table, F.lit(False)
    for place, rows in enumerate(wanted):
        flag = f"is_wanted_{place}"
        found, is_wanted = rows.marked(found, flag), is_wanted | F.coalesce(flag, F.lit(False))
    return found.where(is_wanted).select(*table.columns)


def new_run(spark: SparkSession, output: str) -> RunFolder:
    """A fresh folder for a run: its id is the UTC time in milliseconds and a random end, so ids sort by start."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"
    run = _run_of(output, run_id)
    files_of(spark, run.path).make_folder(run.path)
    return run


def unfinished_run(spark: SparkSession, output: str, same: dict[str, Any]) -> RunFolder | None:
    """The last run of an output folder that died or crashed, to be gone on with; null where there is none.

    Only a run after the published one whose run.json agrees with every entry of ``same`` (its config, its input, the
    run it continues) would come out the same.
    """
    published = current_run(spark, output)
    wanted = json.loads(json.dumps(same, default=str))
    for run_id in reversed(files_of(spark, output).names(f"{output.rstrip('/')}/runs")):
        if published is not None and run_id <= published.run_id:
            return None
        run = replace(_run_of(output, run_id), is_resumed=True)
        record = run.read_record(spark)
        if record.get("status") in UNFINISHED and all(record.get(key) == value for key, value in wanted.items()):
            return run
    return None


def current_run(spark: SparkSession, output: str) -> RunFolder | None:
    """The published run of an output folder; null where nothing was published yet.

    Raises: ContractFault if current.json is there and does not name a run.
    """
    path = f"{output.rstrip('/')}/{CURRENT}"
    text = files_of(spark, output).read_text(path)
    if text is None:
        return None
    try:
        return _run_of(output, str(json.loads(text)["run_id"]))
    except (ValueError, KeyError, TypeError):
        raise ContractFault(f"{path} does not name a run; put the last good one back or remove it") from None


def previous_run(spark: SparkSession, output: str, previous: str | None) -> RunFolder | None:
    """The run that this one continues: ``previous`` (an output folder or a run's own), else the output's current one.

    Raises: ContractFault if ``previous`` is given and holds neither current.json nor run.json, or where the run's
    tables are not all there: without them ids that ended would be used again.
    """
    run = current_run(spark, previous or output)
    if run is None and previous is not None:
        run = _own_folder(spark, previous)
    if run is not None:
        for table in ("crosswalk", "enterprise_id_history"):
            if files_of(spark, run.path).modified(run.table(table)) is None:
                raise ContractFault(
                    f"the run before, {run.path}, has no {table}: it did not end, or was removed; put it back, or name"
                    " another by --previous"
                )
    return run


def _own_folder(spark: SparkSession, previous: str) -> RunFolder:
    """A run by its own folder."""
    folder = previous.rstrip("/")
    if files_of(spark, folder).read_text(f"{folder}/{RECORD}") is None:
        raise ContractFault(f"--previous {previous}: neither {CURRENT} nor {RECORD} is in it")
    runs, _, run_id = folder.rpartition("/")
    return RunFolder(output=runs.rpartition("/")[0] or ".", run_id=run_id, path=folder)


def make_current(spark: SparkSession, run: RunFolder) -> None:
    """Replace current.json so that readers follow it to this run; the last act of publishing."""
    text = json.dumps({"run_id": run.run_id, "path": f"runs/{run.run_id}"})
    files_of(spark, run.output).replace_text(f"{run.output.rstrip('/')}/{CURRENT}", text + "\n")


def read_run(spark: SparkSession, output: str, table: str) -> DataFrame:
    """A table of the published run of an output folder.

    Raises: ContractFault if nothing was published there, or the run has no such table.
    """
    run = current_run(spark, output)
    if run is None:
        raise ContractFault(f"nothing is published in {output}: it has no {CURRENT}")
    return run.read_table(spark, table)


def _run_of(output: str, run_id: str) -> RunFolder:
    return RunFolder(output=output, run_id=run_id, path=f"{output.rstrip('/')}/runs/{run_id}")


def _folder(path: str) -> Path:
    """The folder behind a path of `files.LocalFiles`, for workers, whose present folder may be another."""
    return local(path).absolute()


def n_small_files(folder: Path) -> int:
    """How many Parquet files of a folder are smaller than SMALL_FILE."""
    return sum(file.stat().st_size < SMALL_FILE for file in folder.glob("*.parquet"))


def _few_keys(stale: Sequence[KeyedRows]) -> tuple[Keyed, ...] | None:
    """The keys of stale rows, brought to the driver; null where they are more than MOST_KEYS.

    Several columns and tables often have the keys of one frame, which is collected once, for as long as it lives.
    """
    found = []
    for rows in stale:
        keys = _KEYS.get(rows.keys)
        if keys is None:
            keys = rows.joined.limit(MOST_KEYS + 1).toArrow()["stale_key"].combine_chunks()
            _KEYS[rows.keys] = keys
        if len(keys) > MOST_KEYS:
            return None
        found.append(Keyed(rows.columns, keys))
    return tuple(found)


def written(frame: DataFrame | ArrowRows, path: str, rows_in_file: int = 0) -> DataFrame:
    """The rows as they are on disk after they were written to a folder as Parquet, over what was there.

    ``rows_in_file``: at most so many in a file; 0: no bound.
    """
    if isinstance(frame, ArrowRows):
        spark = frame.source.sparkSession
        if isinstance(files_of(spark, path), LocalFiles):
            write_rows(frame, _folder(path), rows_in_file)
            return read_back(spark, path, frame.schema)
        frame = frame.frame()
    frame.write.mode("overwrite").option("maxRecordsPerFile", rows_in_file).parquet(path)
    return read_back(frame.sparkSession, path, frame.schema)


def read_back(spark: SparkSession, path: str, schema: StructType | None = None) -> DataFrame:
    """The rows of a folder of Parquet files; ``schema``: null where the files tell it."""
    if isinstance(files_of(spark, path), LocalFiles):
        return frame_of_folder(spark, _folder(path), schema)
    reader = spark.read if schema is None else spark.read.schema(schema)
    return reader.parquet(path)
