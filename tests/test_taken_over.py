"""Tables of the decision, written: standings after a batch, and how scored pairs lie in files."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from siamese_er import table_frames, taken_over
from siamese_er.known import Known
from siamese_er.schemas import KEY_SEPARATOR, RECORDS, SCORES, STANDARDISED
from siamese_er.storage import RunFolder
from siamese_er.taken_over import published_pairs, written_standings


def test_standings_are_renewed_for_moved_records_alone(spark, tmp_path):
    earlier, run = (RunFolder(str(tmp_path), name, str(tmp_path / name)) for name in ("run1", "run2"))
    then = spark.createDataFrame([("a", "excluded"), ("b", "unmatchable")], "record_key string, standing string")
    earlier.write_table(then, "standings")
    known = {"a": ["test"], "b": [], "c": ["test"]}
    told = [[{"record_key": key}.get(name) for name in RECORDS.names] for key in known]
    versions = spark.createDataFrame(told, RECORDS).selectExpr("*", "1 as rank", "false as is_deleted")
    records = run.write_table(versions, "versions").select(*RECORDS.names)
    forms = [
        {"record_key": key, "name_marks": marks, "given_names": ["ann"]} | {"family_names": ["lee"]}
        for key, marks in known.items()
    ]
    empty = {name: [] for name in STANDARDISED.names if STANDARDISED[name].dataType.typeName() == "array"}
    rows = [[(empty | form).get(name) for name in STANDARDISED.names] for form in forms]
    standardised = run.write_table(spark.createDataFrame(rows, STANDARDISED), "standardised")
    moved = spark.createDataFrame([("b",), ("c",)], "record_key string")

    found = written_standings(run, Known(spark, earlier, {}), moved, records, standardised, "safe")
    whole = written_standings(
        RunFolder(str(tmp_path), "run3", str(tmp_path / "run3")), None, None, records, standardised, "safe"
    )

    assert {tuple(row) for row in found.collect()} == {("a", "excluded"), ("c", "excluded")}
    assert {tuple(row) for row in whole.collect()} == {("a", "excluded"), ("c", "excluded")}


@pytest.mark.parametrize(("most_moved", "n_files"), [(1_000, 1), (10, 4)])
def test_scored_pairs_of_a_large_table_are_sorted_where_they_were_scored(
    spark, tmp_path, monkeypatch, most_moved, n_files
):
    monkeypatch.setattr(taken_over, "MOST_MOVED", most_moved)
    monkeypatch.setattr(table_frames, "SMALL_TABLE", 0)  # else the rows stand in the plan
    keys = [(f"s{KEY_SEPARATOR}{number * 7 % 40:02d}", f"s{KEY_SEPARATOR}{number + 50}") for number in range(40)]
    told = [[{"left_key": left, "right_key": right, "match_probability": 0.9}.get(name) for name in SCORES.names]
            for left, right in keys]  # fmt: skip
    run = RunFolder(str(tmp_path), "run1", str(tmp_path / "run1"))
    scores = run.checkpoint(spark.createDataFrame(told, SCORES).repartition(4), "scores")

    spark.conf.set("spark.sql.files.minPartitionNum", "4")  # else Spark reads small files together
    try:
        found = published_pairs(run, scores.withColumn("band", F.lit("auto")), None, None)
    finally:
        spark.conf.unset("spark.sql.files.minPartitionNum")

    assert {(row["left_record_id"], row["right_record_id"]) for row in found.collect()} == {
        (left[2:], right[2:]) for left, right in keys
    }
    files = [
        pq.read_table(path)["left_record_id"].to_pylist() for path in Path(run.table("scored_pairs")).glob("*.parquet")
    ]
    assert len(files) == n_files
    assert all(own == sorted(own) for own in files)
