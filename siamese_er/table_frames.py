"""Parquet tables on disk as frames of Spark, with as little asked of Spark as may be.

Where the driver reaches the files by a path, it reads their schema itself, for which Spark would run a job, and a small table
whole: its rows then stand in the plan, and what they are joined with needs neither tasks nor footers for them. Plans, logs
and event logs name columns of such rows, never their values.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from siamese_er.errors import without_values
from siamese_er.files import n_bytes, parquet_files

SMALL_TABLE, FEW_ROWS = 128 << 10, 20_000
"""Bytes of Parquet and rows that plans hold; where rows are much alike, few bytes are many rows."""

SPARKS_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"
"""Where Spark keeps the schema of a file that it wrote."""


def frame_of_folder(spark: SparkSession, folder: Path, schema: StructType | None = None) -> DataFrame:
    """The rows of the Parquet files of a local folder, all columns nullable; ``schema``: null where the files tell it.

    Files without one of its columns have nulls there, as Spark reads them.
    """
    files, place = parquet_files(folder), f"file:{folder}"  # a bare path may be one of another file system
    if schema is None and files:
        schema = schema_of_file(files[0])
    if schema is None:
        return spark.read.parquet(place)
    schema = schema.toNullable()
    if n_bytes(files) <= SMALL_TABLE and n_rows(files) <= FEW_ROWS:
        arrow = to_arrow_schema(schema, timezone="UTC")
        rows = pa.concat_tables([arrow.empty_table(), *rows_of_files(files, arrow)])
        whole = rows.combine_chunks()  # of several pieces Spark drops those after an empty one
        return spark.createDataFrame(whole, schema)
    return spark.read.schema(schema).parquet(place)


def schema_of_file(file: Path) -> StructType:
    """The schema of a Parquet file as Spark would find it."""
    content = pq.read_schema(file)
    told = (content.metadata or {}).get(SPARKS_SCHEMA)
    return StructType.fromJson(json.loads(told)) if told else from_arrow_schema(content)


def n_rows(files: list[Path]) -> int:
    """Rows of Parquet files, by their footers."""
    return sum(pq.read_metadata(file).num_rows for file in files)


@without_values("read", in_worker=False)
def rows_of_files(files: list[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of each of some Parquet files."""
    for file in files:
        with pq.ParquetFile(file, coerce_int96_timestamp_unit="us") as content:
            rows = content.read()
        absent = [field for field in schema if field.name not in rows.column_names]
        for field in absent:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
        yield rows.select(schema.names).cast(schema)
