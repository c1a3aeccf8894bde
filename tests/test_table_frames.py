"""Tables read back: small ones as rows of the plan, all with the schema that Spark would find."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chispa import assert_df_equality
from pyspark.sql.types import ArrayType, BinaryType, DoubleType, LongType, MapType, StringType, TimestampType

from siamese_er import table_frames
from siamese_er.errors import StepFailed
from siamese_er.schemas import table
from siamese_er.table_frames import frame_of_folder, schema_of_file
from siamese_er.worker_files import ArrowRows, write_rows

WIDE = table(
    key=StringType(), n=LongType(), share=DoubleType(), content=BinaryType(), names=ArrayType(StringType()),
    extra=MapType(StringType(), StringType()), pairs=ArrayType(table(left=StringType(), bits=LongType())),
    seen=TimestampType(),
)  # fmt: skip
SEEN = dt.datetime(1890, 3, 4, 5, 6, 7, 891_000)
ROWS = [
    (f"k{n}", n, n / 7, bytes([n]), [None, [], ["é", "b"]][n % 3], {"k": str(n)} if n % 2 else None,
     [(f"l{n}", n)] if n % 5 else [], SEEN + dt.timedelta(days=n * 1000))
    for n in range(30)
]  # fmt: skip


@pytest.fixture(params=["spark", "workers"])
def folder(request, spark, tmp_path):
    """A table in two files that Spark, or workers, wrote."""
    frame, folder = spark.createDataFrame(ROWS, WIDE).repartitionByRange(2, "n"), tmp_path / "wide"
    if request.param == "spark":
        frame.write.parquet(str(folder))
    else:
        write_rows(ArrowRows(frame, lambda batches: batches, WIDE), folder)
    return folder


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_rows_read_back_are_those_that_spark_reads(spark, folder, monkeypatch, small):
    monkeypatch.setattr(table_frames, "SMALL_TABLE", small)

    assert_df_equality(frame_of_folder(spark, folder).orderBy("n"), spark.read.parquet(str(folder)).orderBy("n"))
    assert_df_equality(
        frame_of_folder(spark, folder, WIDE).orderBy("n"), spark.read.schema(WIDE).parquet(str(folder)).orderBy("n")
    )


def test_the_schema_of_a_file_is_what_spark_finds(spark, folder):
    files = sorted(folder.glob("*.parquet"))

    assert len(files) == 2
    assert all(schema_of_file(file).toNullable() == spark.read.parquet(str(file)).schema for file in files)


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_column_that_a_file_lacks_is_null_there(spark, tmp_path, monkeypatch, small):
    monkeypatch.setattr(table_frames, "SMALL_TABLE", small)
    pq.write_table(pa.table({"n": [1], "key": ["a"]}), tmp_path / "part-1.parquet")
    pq.write_table(pa.table({"n": [2]}), tmp_path / "part-2.parquet")

    found = frame_of_folder(spark, tmp_path, table(key=StringType(), n=LongType()))

    assert sorted(map(tuple, found.collect()), key=str) == [("a", 1), (None, 2)]


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_local_folder_is_read_as_one_whatever_its_name(spark, tmp_path, monkeypatch, small):
    monkeypatch.setattr(table_frames, "SMALL_TABLE", small)
    (tmp_path / "a b%20").mkdir()
    pq.write_table(pa.table({"n": [1]}), tmp_path / "a b%20" / "part.parquet")

    assert [row["n"] for row in frame_of_folder(spark, tmp_path / "a b%20").collect()] == [1]


def test_a_file_that_cannot_be_read_back_tells_no_value(spark, tmp_path):
    pq.write_table(pa.table({"n": ["ZZCANARY"]}), tmp_path / "part.parquet")

    with pytest.raises(StepFailed) as fault:
        frame_of_folder(spark, tmp_path, table(n=LongType()))
    assert "ZZCANARY" not in str(fault.value)
    assert fault.value.__context__ is None


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_rows_after_an_empty_file_are_read(spark, tmp_path, monkeypatch, small):
    monkeypatch.setattr(table_frames, "SMALL_TABLE", small)
    for place, numbers in enumerate([[], [1, 2], [], [3]]):
        pq.write_table(pa.table({"n": pa.array(numbers, pa.int64())}), tmp_path / f"part-{place}.parquet")

    found = frame_of_folder(spark, tmp_path)

    assert sorted(row["n"] for row in found.collect()) == [1, 2, 3]
    assert found.count() == 3


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_table_without_rows_has_its_columns(spark, tmp_path, monkeypatch, small):
    monkeypatch.setattr(table_frames, "SMALL_TABLE", small)
    spark.createDataFrame([], WIDE).write.parquet(str(tmp_path / "none"))

    found = frame_of_folder(spark, tmp_path / "none")

    assert (found.schema, found.collect()) == (WIDE.toNullable(), [])


def test_many_rows_in_few_bytes_stay_on_disk(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(table_frames, "FEW_ROWS", 99)
    pq.write_table(pa.table({"n": pa.repeat(7, 100)}), tmp_path / "part.parquet")

    assert frame_of_folder(spark, tmp_path).inputFiles()
    monkeypatch.setattr(table_frames, "FEW_ROWS", 100)
    assert not frame_of_folder(spark, tmp_path).inputFiles()


def test_a_small_table_is_read_without_a_job_and_shows_no_value_in_its_plan(spark, folder, capsys):
    ours = frame_of_folder(spark, folder).where("n > 3").select("key", "n")
    ours = ours.join(spark.range(9).withColumnRenamed("id", "n"), "n")

    ours.explain("extended")
    told = capsys.readouterr().out
    assert "LocalRelation" in told
    assert "FileScan" not in told
    assert "k4" not in told
    assert [row["key"] for row in ours.orderBy("n").collect()] == ["k4", "k5", "k6", "k7", "k8"]
