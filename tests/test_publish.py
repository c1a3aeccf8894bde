"""Publishing: all tables, then run.json, then current.json; nothing else makes a run the current one."""

import json
from pathlib import Path

import pytest

from siamese_er import read_run, storage
from siamese_er.errors import ContractFault, GateFailed, OutputInUse, SchemaMismatch
from siamese_er.publish import changes, deleted_known, missing_by_source, publish, recorded_run
from siamese_er.schemas import CROSSWALK, PUBLISHED
from siamese_er.storage import RunFolder, current_run, new_run, output_lock


def crosswalk_of(spark, *ids):
    rows = [("s", record, enterprise, "auto", "run", None, None, None) for record, enterprise in ids]
    return spark.createDataFrame(rows, CROSSWALK)


@pytest.fixture(scope="module")
def tables(spark):
    empty = {name: spark.createDataFrame([], schema) for name, schema in PUBLISHED.items()}
    return empty | {"crosswalk": crosswalk_of(spark, ("2", "x"), ("1", "x")).repartition(2)}


@pytest.fixture
def output(tmp_path):
    return str(tmp_path)


def record_of(run: RunFolder) -> dict:
    return json.loads(Path(run.path, "run.json").read_text())


def test_publish_writes_every_table_the_record_and_the_pointer(spark, output, tables):
    run = new_run(spark, output)

    written = publish(tables | {"embeddings": tables["clusters"]}, run, {"counts": {"records": 2}})

    assert current_run(spark, output) == run
    assert record_of(run) == {
        "run_id": run.run_id, "status": "published", "failed_gates": [], "counts": {"records": 2},
    }  # fmt: skip
    for name, schema in PUBLISHED.items():
        assert read_run(spark, output, name).columns == schema.names
    assert (written["crosswalk"].count(), written["embeddings"].count()) == (2, 0)


def test_publish_writes_one_small_table_as_one_sorted_file(spark, output, tables):
    run = new_run(spark, output)

    publish(tables, run, {})

    assert len(list(Path(run.path, "crosswalk").glob("*.parquet"))) == 1
    assert [row.record_id for row in read_run(spark, output, "crosswalk").collect()] == ["1", "2"]


def test_publish_in_a_dry_run_keeps_the_pointer(spark, output, tables):
    first, second = new_run(spark, output), new_run(spark, output)
    publish(tables, first, {})

    publish(tables, second, {}, dry_run=True)

    assert current_run(spark, output) == first
    assert record_of(second)["status"] == "dry_run"
    assert second.read_table(spark, "crosswalk").count() == 2


def test_publish_with_a_failed_gate_keeps_the_results_and_the_pointer(spark, output, tables):
    run = new_run(spark, output)

    with pytest.raises(GateFailed, match="too many missing"):
        publish(tables, run, {}, failed_gates=["too many missing"])

    assert current_run(spark, output) is None
    assert record_of(run)["status"] == "gate_failed"
    assert run.read_table(spark, "crosswalk").count() == 2


def test_publish_that_dies_before_the_pointer_leaves_the_old_run_current(spark, output, tables, monkeypatch):
    first, second = new_run(spark, output), new_run(spark, output)
    publish(tables, first, {})
    monkeypatch.setattr("siamese_er.publish.make_current", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError), recorded_run(spark, second, {}):
        publish(tables, second, {})

    assert current_run(spark, output) == first
    assert record_of(second)["status"] == "failed"


def test_publish_that_dies_while_replacing_the_pointer_leaves_the_old_run_current(spark, output, tables, monkeypatch):
    first, second = new_run(spark, output), new_run(spark, output)
    publish(tables, first, {})
    monkeypatch.setattr(Path, "replace", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        storage.make_current(spark, second)

    monkeypatch.undo()
    assert current_run(spark, output) == first
    assert {entry.name for entry in Path(output).iterdir()} == {"current.json", "runs"}


def test_publish_of_a_run_that_lost_its_lock_is_not_current(spark, output, tables):
    run = new_run(spark, output)

    with output_lock(spark, output, 30) as lock:
        Path(lock.path).write_text('{"owner": "another run"}')
        with pytest.raises(OutputInUse, match="lost its lock"):
            publish(tables, run, {}, lock=lock)

    assert current_run(spark, output) is None


def test_publish_checks_all_tables_before_it_writes_one(spark, output, tables):
    run = new_run(spark, output)

    with pytest.raises(SchemaMismatch, match="link_status"):
        publish(tables | {"crosswalk": tables["crosswalk"].drop("link_status")}, run, {})
    with pytest.raises(ValueError, match="clusters"):
        publish({name: table for name, table in tables.items() if name != "clusters"}, run, {})

    assert list(Path(run.path).iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "faults"),
    [
        pytest.param(ContractFault(["no id column", "no rows"]), "refused", ["no id column", "no rows"], id="fault"),
        pytest.param(GateFailed(["gate"]), "gate_failed", None, id="gate"),
        pytest.param(ValueError("Jane Canary 1980-01-01"), "failed", None, id="crash"),
        pytest.param(KeyboardInterrupt(), "failed", None, id="interrupted"),
    ],
)
def test_recorded_run_says_how_it_ended_without_values(spark, output, error, status, faults):
    run = new_run(spark, output)

    with pytest.raises(type(error)) as caught, recorded_run(spark, run, {"config": {}}):  # noqa: PT012
        assert record_of(run)["status"] == "running"
        raise error

    record = record_of(run)
    assert record["status"] == status
    assert record.get("faults") == faults
    assert record["error"]["class"] == type(error).__name__
    assert "test_publish.py" in record["error"]["place"]
    assert "Canary" not in json.dumps(record)
    assert caught.value.run_id == run.run_id


def test_recorded_run_removes_checkpoints_of_a_run_that_ended_well(spark, output, tables):
    run = new_run(spark, output)

    with recorded_run(spark, run, {}):
        run.checkpoint(tables["crosswalk"], "records")
        assert Path(run.path, "work", "records").is_dir()

    assert not Path(run.path, "work").exists()


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(
            None, [("1", "x"), ("2", "x")],
            {"new": 2, "gone": 0, "moved": 0, "same": 0, "ids_new": 1, "ids_gone": 0}, id="nothing published yet",
        ),
        pytest.param(
            [("1", "x"), ("2", "x"), ("3", "y")], [("1", "x"), ("2", "z"), ("4", "z")],
            {"new": 1, "gone": 1, "moved": 1, "same": 1, "ids_new": 1, "ids_gone": 1}, id="one of each",
        ),
    ],
)  # fmt: skip
def test_changes(spark, before, now, expected):
    previous = None if before is None else crosswalk_of(spark, *before)

    assert changes(crosswalk_of(spark, *now), previous) == expected


def test_deleted_records_that_were_known_are_counted_and_no_others(spark):
    rows = [("s", "1", 1, True), ("s", "2", 2, True), ("s", "2", 1, False), ("s", "unknown", 1, True)]
    versions = spark.createDataFrame(rows, "source string, record_id string, rank int, is_deleted boolean")

    assert deleted_known(versions, crosswalk_of(spark, ("1", "x"), ("2", "x"), ("3", "y"))) == 1
    assert deleted_known(versions, None) == 0


def test_missing_records_are_counted_by_source_without_those_said_to_be_deleted(spark):
    versions = spark.createDataFrame(
        [("a", "2", 1, True), ("b", "2", 2, True)], "source string, record_id string, rank int, is_deleted boolean"
    )
    known = ["a1", "a2", "a3", "b1", "b2", "c1"]
    keys = [spark.createDataFrame([tuple(key) for key in found], "source string, record_id string")
            for found in (["a1", "c1", "d1"], known)]  # fmt: skip

    assert missing_by_source(keys[0], versions, keys[1]) == {"a": [1, 3], "b": [2, 2]}
    assert missing_by_source(keys[0], versions, None) == {}
