"""The tables of a run, as ``quality`` reads them."""

import json
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from siamese_er.errors import ContractFault
from siamese_er.files import files_of
from siamese_er.storage import RECORD, current_run


def run_folder(spark: SparkSession, output: str) -> str:
    """The folder of the current run: what ``current.json`` names, else ``output`` itself if it holds a crosswalk.

    Raises: ContractFault when it is neither.
    """
    run = current_run(spark, output)
    if run is not None:
        return run.path
    if optional_table(spark, output, "crosswalk", ()) is None:
        raise ContractFault(f"--run {output}: neither a current.json nor a crosswalk in this folder")
    return output


def optional_table(spark: SparkSession, folder: str, name: str, columns: tuple[str, ...]) -> DataFrame | None:
    """One table of a run (a Parquet folder or file) with at least these columns; null when there is no such table.

    Raises: ContractFault when it is not Parquet or lacks a column.
    """
    files = files_of(spark, folder)
    paths = (f"{folder.rstrip('/')}/{name}", f"{folder.rstrip('/')}/{name}.parquet")
    path = next((path for path in paths if files.modified(path) is not None), None)
    if path is None:
        return None
    try:
        frame = spark.read.parquet(path)
    except PySparkException:
        raise ContractFault(f"{path}: cannot be read as Parquet") from None
    return with_columns(frame, name, columns)


def with_columns(frame: DataFrame, name: str, columns: tuple[str, ...]) -> DataFrame:
    """The frame itself, when it has these columns. Raises: ContractFault naming all that it lacks."""
    if lacking := [column for column in columns if column not in frame.columns]:
        raise ContractFault(f"{name}: missing column {', '.join(lacking)}")
    return frame


def run_record(spark: SparkSession, folder: str) -> dict[str, Any]:
    """The content of ``run.json``; empty when there is none."""
    return dict(json.loads(files_of(spark, folder).read_text(f"{folder.rstrip('/')}/{RECORD}") or "{}"))
