"""Standings after a batch: of records that it moved anew, of all others as they were."""

from siamese_er.known import Known
from siamese_er.schemas import RECORDS, STANDARDISED
from siamese_er.storage import RunFolder
from siamese_er.taken_over import written_standings


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
