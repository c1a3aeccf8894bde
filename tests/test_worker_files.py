"""Tables whose files Python workers write, and tables taken over from an earlier run; also on executors elsewhere."""

import datetime as dt
import gc
import os

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from chispa import assert_df_equality
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql.types import ArrayType, LongType, MapType, StringType, TimestampType

from siamese_er import storage, table_frames, worker_files
from siamese_er.schemas import KEY_SEPARATOR, table
from siamese_er.storage import KeyedRows, RunFolder
from siamese_er.worker_files import BYTES_IN_TASK, ArrowRows, Keyed, PartFiles, frame_of, in_tasks, staying

WIDE = table(
    record_key=StringType(), n=LongType(), names=ArrayType(StringType()), extra=MapType(StringType(), StringType()),
    pairs=ArrayType(table(left=StringType(), bits=LongType())), seen=TimestampType(),
)  # fmt: skip
SEEN = dt.datetime(2026, 3, 4, 5, 6, 7, 891_000)


def row(number):
    """A row of WIDE with nulls, empty lists and nested values among them."""
    names = [None, [], ["a", f"b{number}"]][number % 3]
    return (f"s{KEY_SEPARATOR}{number}", number, names, {"k": str(number)} if number % 2 else None,
            [(f"l{number}", number)] if number % 5 else [], SEEN + dt.timedelta(days=number))  # fmt: skip


@pytest.fixture
def run(tmp_path):
    return RunFolder(str(tmp_path), "run2", str(tmp_path / "run2"))


@pytest.fixture(autouse=True, params=["driver", "workers"])
def done_by(request, monkeypatch):
    """Rows of small tables are found, and taken over, by the driver, and read back into the plan; of others by workers."""
    if request.param == "workers":
        monkeypatch.setattr(worker_files, "BYTES_AT_DRIVER", 0)
        monkeypatch.setattr(table_frames, "SMALL_TABLE", 0)
    return request.param


@pytest.fixture
def before(spark, tmp_path):
    """A run with a table that Spark wrote, in three files."""
    earlier = RunFolder(str(tmp_path), "run1", str(tmp_path / "run1"))
    frame = spark.createDataFrame([row(number) for number in range(90)], WIDE)
    earlier.write_table(frame.repartitionByRange(3, "n"), "wide")
    return earlier


def assert_rows(found, expected):
    """Both frames have the same rows, in any order."""
    assert_df_equality(found.orderBy("n"), expected.orderBy("n"), ignore_nullable=True)


def same(rows):
    """ArrowRows that are a frame's own rows."""
    return ArrowRows(rows, lambda batches: batches, WIDE)


@pytest.mark.parametrize("rows_in_file", [0, 7])
def test_what_workers_write_is_what_spark_would_write(spark, run, rows_in_file):
    frame = spark.createDataFrame([row(number) for number in range(40)], WIDE).repartition(3)

    found = run.write_table(same(frame), "wide", rows_in_file)

    assert_rows(found, same(frame).frame())
    assert_rows(spark.read.parquet(run.table("wide")), frame)
    sizes = [pq.read_metadata(file).num_rows for file in (storage._folder(run.table("wide"))).glob("*.parquet")]
    assert sum(sizes) == 40
    assert max(sizes) <= (rows_in_file or 40)
    assert len(pd.read_parquet(run.table("wide"))) == 40


def test_plain_columns_are_stored_as_they_are(spark, run):
    frame = spark.createDataFrame(
        [(row(n)[0], bytes([n]) * 100) for n in range(20)], "record_key string, content binary"
    )
    rows = ArrowRows(frame, lambda batches: batches, frame.schema, plain=("content",))

    found = run.write_table(rows, "messages")

    assert_df_equality(found, frame, ignore_row_order=True)
    for file in storage._folder(run.table("messages")).glob("*.parquet"):
        group = pq.read_metadata(file).row_group(0)
        columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
        assert (columns["content"].compression, columns["record_key"].compression) == ("UNCOMPRESSED", "SNAPPY")
        assert columns["content"].total_uncompressed_size > group.num_rows * 100


def test_a_table_of_no_rows_can_be_read_by_all(spark, run):
    found = run.write_table(same(spark.createDataFrame([], WIDE)), "wide")

    assert found.count() == 0
    assert list(pd.read_parquet(run.table("wide")).columns) == WIDE.names
    assert spark.read.parquet(run.table("wide")).schema == WIDE


def test_workers_that_fail_leave_no_table_and_tell_no_value(spark, run):
    def broken(batches):
        for batch in batches:
            yield batch
            raise ValueError("Ann Lee")

    with pytest.raises(Exception, match="StepFailed") as caught:
        run.write_table(ArrowRows(spark.createDataFrame([row(1)], WIDE), broken, WIDE), "wide")

    assert "Ann Lee" not in str(caught.value)
    assert not (storage._folder(run.table("wide")) / "_SUCCESS").exists()


def test_a_finished_table_stands_in_a_resumed_run(spark, run):
    run.write_table(same(spark.createDataFrame([row(1)], WIDE)), "wide")
    resumed = RunFolder(run.output, run.run_id, run.path, is_resumed=True)

    found = resumed.write_table(same(spark.createDataFrame([row(2)], WIDE)), "wide")

    assert [own.n for own in found.collect()] == [1]


def renewed(spark, run, before, gone, fresh=(100,)):
    """The table ``wide`` of an earlier run without the rows of some numbers, and with others."""
    keys = spark.createDataFrame([(f"s{KEY_SEPARATOR}{number}",) for number in gone], "record_key string")
    rows = spark.createDataFrame([row(number) for number in fresh], WIDE)
    return run.renew_table("wide", before.table("wide"), [KeyedRows(keys, ("record_key",))], rows)


@pytest.mark.parametrize(("bound", "value"), [("MOST_KEYS", 3), ("MOST_KEYS", 1), ("MOST_SMALL_FILES", 0)])
def test_a_table_is_taken_over_without_its_stale_rows(spark, run, before, monkeypatch, bound, value):
    monkeypatch.setattr(storage, bound, value)
    gone, numbers = [3, 5, 200], [*(n for n in range(90) if n not in (3, 5)), 100, 3]

    found = renewed(spark, run, before, gone, (100, 3))

    assert_rows(found, spark.createDataFrame([row(n) for n in numbers], WIDE))
    assert_rows(spark.read.parquet(run.table("wide")), found)


def test_a_run_elsewhere_is_taken_over_by_spark(spark, run, before, monkeypatch):
    here = storage.files_of
    monkeypatch.setattr(storage, "files_of", lambda own, path: None if "run1" in path else here(own, path))

    found = renewed(spark, run, before, [3, 5])

    assert found.count() == 89
    assert not list(storage._folder(run.table("wide")).glob("kept-*.parquet"))


def test_files_without_a_stale_row_are_linked_and_outlive_the_run_they_come_from(spark, run, before):
    found = renewed(spark, run, before, [3, 5])

    files = list(storage._folder(run.table("wide")).glob("kept-*.parquet"))
    assert sorted(os.stat(file).st_nlink for file in files) == [1, 2, 2]
    storage.files_of(spark, before.path).delete(before.path)
    assert found.count() == 89


def test_a_file_all_of_whose_rows_are_stale_is_left_out(spark, run, before):
    found = renewed(spark, run, before, range(90), (7,))

    assert [own.n for own in found.collect()] == [7]
    assert not list(storage._folder(run.table("wide")).glob("kept-*.parquet"))


@pytest.mark.parametrize("bound", [3, 0])
def test_rows_of_few_keys_are_found_in_the_files(spark, before, monkeypatch, bound):
    monkeypatch.setattr(storage, "MOST_KEYS", bound)
    keys = spark.createDataFrame([(f"s{KEY_SEPARATOR}{number}",) for number in (3, 5, 200)], "record_key string")
    by_name = spark.createDataFrame([("5",), ("7",)], "n string")

    found = before.rows_among("wide", KeyedRows(keys, ("record_key",)), KeyedRows(by_name, ("n",)))

    assert isinstance(found, ArrowRows) == bool(bound)
    assert_rows(frame_of(found), spark.createDataFrame([row(number) for number in (3, 5, 7)], WIDE))


def test_of_a_table_of_no_rows_none_is_found(spark, run):
    run.write_table(spark.createDataFrame([], WIDE), "wide")
    keys = KeyedRows(spark.createDataFrame([("a",)], "record_key string"), ("record_key",))

    assert not frame_of(run.rows_among("wide", keys)).collect()


@pytest.mark.parametrize("bound", [storage.MOST_SMALL_FILES, 0])
def test_a_column_of_what_is_taken_over_may_have_another_text(spark, run, before, monkeypatch, bound):
    monkeypatch.setattr(storage, "MOST_SMALL_FILES", bound)
    fresh = spark.createDataFrame([row(100)], WIDE)

    found = run.renew_table("wide", before.table("wide"), [], fresh, {"record_key": "run2"})

    assert {(own.n, own.record_key) for own in found.collect()} == {
        *((n, "run2") for n in range(90)), (100, row(100)[0]),
    }  # fmt: skip


def test_the_driver_collects_garbage_as_before(spark, run, before):
    frozen, thresholds = gc.get_freeze_count(), gc.get_threshold()

    stale = [KeyedRows(spark.range(3).toDF("n"), ("n",))]
    run.renew_table("wide", before.table("wide"), stale, spark.createDataFrame([row(95)], WIDE))
    found = run.checkpoint(before.rows_among("wide", *stale), "found")

    assert found.count() == 3
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() <= frozen  # what is frozen holds its frames, and they their plans in the JVM


def test_without_stale_rows_all_files_are_linked(spark, run, before):
    found = run.renew_table("wide", before.table("wide"), [], spark.createDataFrame([row(100)], WIDE))

    files = list(storage._folder(run.table("wide")).glob("kept-*.parquet"))
    assert [os.stat(file).st_nlink for file in files] == [2, 2, 2]
    assert found.count() == 91


def test_keys_of_several_columns_and_of_numbers(spark, run, before):
    by_name = spark.createDataFrame([("7",)], "n string")
    by_both = spark.createDataFrame([(f"s{KEY_SEPARATOR}8", "8"), (f"s{KEY_SEPARATOR}9", "1")], "a string, b string")
    stale = [KeyedRows(by_name, ("n",)), KeyedRows(by_both, ("record_key", "n"))]

    found = run.renew_table("wide", before.table("wide"), stale, spark.createDataFrame([], WIDE))

    assert {own.n for own in found.collect()} == set(range(90)) - {7, 8}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=30), st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_a_row_stays_where_none_of_its_keys_is_stale(numbers, first, second):
    rows = pa.table({"a": pa.array(numbers, pa.int64()), "b": pa.array(numbers[::-1], pa.int64())})
    stale = [Keyed((name,), pa.array([str(n) for n in sorted(own)], pa.string()))
             for name, own in (("a", first), ("b", second))]  # fmt: skip

    stays = staying(rows, tuple(stale)).to_pylist()

    assert stays == [a not in first and b not in second for a, b in zip(numbers, numbers[::-1], strict=True)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=12), st.integers(0, 9))
def test_part_files_hold_every_row_once_in_order(tmp_path_factory, sizes, rows_in_file):
    folder = tmp_path_factory.mktemp("parts")
    files, start = PartFiles(folder, "part-1", pa.schema({"n": pa.int64()}), rows_in_file), 0
    for size in sizes:
        files.write(pa.table({"n": pa.array(range(start, start + size), pa.int64())}))
        start += size
    files.close()

    written = [pq.read_table(file) for file in sorted(folder.glob("part-*.parquet"))]
    assert [n for own in written for n in own["n"].to_pylist()] == list(range(start))
    assert len(written) == files.n_files
    assert all(pc.max(own["n"]).as_py() - pc.min(own["n"]).as_py() < (rows_in_file or start) for own in written)


@given(st.lists(st.integers(0, 3 << 20), max_size=40), st.integers(1, 8))
def test_every_file_is_in_one_task_and_small_ones_share_it(sizes, n_cores):
    tasks = in_tasks(sizes, n_cores)
    bound = min(BYTES_IN_TASK, -(-sum(sizes) // n_cores))

    assert sorted(place for task in tasks for place in task) == list(range(len(sizes)))
    assert all(len(task) == 1 or sum(sizes[place] for place in task) <= bound for task in tasks)
    together = [sum(sizes[place] for place in task) for task in tasks]
    assert all(first + sizes[task[0]] > bound for first, task in zip(together, tasks[1:], strict=False))


@pytest.mark.parametrize(
    ("sizes", "n_cores", "n_tasks"),
    [
        pytest.param([], 2, 0, id="no file"),
        pytest.param([20_000] * 50, 2, 2, id="a file a day, in as many tasks as cores"),
        pytest.param([20_000] * 500, 2, 10, id="many days: a megabyte a task"),
        pytest.param([5 << 20] * 3, 2, 3, id="large files: a task each"),
    ],
)
def test_tasks_are_as_many_as_bytes_ask_for(sizes, n_cores, n_tasks):
    assert len(in_tasks(sizes, n_cores)) == n_tasks
