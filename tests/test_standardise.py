"""Standardising in Spark: day first by source, shared identifiers and contacts, fault counts."""

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from siamese_er.config import InputSettings, StandardiseSettings
from siamese_er.errors import StepFailed
from siamese_er.fields.standard import STANDARD_COLUMNS as PURE_COLUMNS
from siamese_er.fields.standard import StandardRules
from siamese_er.schemas import KEY_SEPARATOR, RECORDS, STANDARD_COLUMNS, STANDARDISED
from siamese_er.standardise import (
    fault_counts,
    standard_batches,
    standardised_batch,
    standardised_records,
    whole_normal_forms,
)
from siamese_er.storage import RunFolder


def written(spark, rows):
    """RECORDS of (source, record_id, columns)."""
    records = [
        {"record_key": f"{source}{KEY_SEPARATOR}{record_id}", "source": source, "record_id": record_id, **columns}
        for source, record_id, columns in rows
    ]
    return spark.createDataFrame([{name: row.get(name) for name in RECORDS.names} for row in records], RECORDS)


def column_of(frame, column):
    return {row["record_id"]: row[column] for row in frame.select("record_id", column).collect()}


def test_columns_are_those_of_the_schema():
    assert PURE_COLUMNS == STANDARD_COLUMNS


@pytest.mark.parametrize("by", ["path", "content"])
def test_whole_files_of_versions_are_standardised_like_the_records_among_them(spark, tmp_path, by):
    records = written(spark, [
        ("uk", "day first", {"birth_date": ["25/04/1980"], "given_name": ["Ann"]}),
        ("uk", "ambiguous", {"birth_date": ["05/04/1980"], "phone": ["617-555-0133"]}),
        ("us", "structs", {"identifiers": [{"system": "http://a.org", "type": "MR", "value": "A-1"}]}),
    ])  # fmt: skip
    others = written(spark, [("us", "structs", {"given_name": ["Earlier"]}), ("us", "gone", {"given_name": ["Gone"]})])
    ranked = records.withColumns({"rank": F.lit(1), "is_deleted": F.lit(False)}).unionAll(
        others.withColumns(
            {"rank": F.when(F.col("record_id") == "gone", 1).otherwise(2), "is_deleted": F.col("record_id") == "gone"}
        )
    )
    run = RunFolder(str(tmp_path), "run", str(tmp_path))
    run.write_table(ranked.repartition(2), "versions")
    files = run.table_files(spark, "versions")
    if by == "content":
        reader = spark.read.format("binaryFile").option("pathGlobFilter", "*.parquet")
        files = reader.load(run.table("versions")).select("content")
    settings, rules = InputSettings(), StandardiseSettings()

    found = whole_normal_forms(records, settings, rules, files).frame()

    assert_df_equality(found, whole_normal_forms(records, settings, rules).frame(), ignore_row_order=True)
    assert column_of(found, "birth_dates")["ambiguous"] == ["1980-04-05"]


@pytest.fixture(scope="module")
def standardised(spark):
    shared = [
        (
            "h",
            f"shared{n}",
            {"given_name": [f"ann{n}"], "birth_date": [f"198{n}-01-02"], "national_id": ["123-45-0001"]},
        )
        for n in range(4)
    ]
    rows = [
        ("uk", "unambiguous", {"birth_date": ["25/04/1980"]}),
        ("uk", "ambiguous", {"birth_date": ["05/04/1980"], "given_name": ["Łukasz"]}),
        ("us", "month first", {"birth_date": ["05/04/1980"]}),
        ("us", "broken", {"birth_date": ["2000-13-01"], "phone": ["999-999-9999"], "national_id": ["020-64-9552"]}),
        (
            "us",
            "structs",
            {"identifiers": [{"system": "http://a.org", "type": "MR", "value": "A-1"}], "given_name": []},
        ),
        *shared,
    ]
    settings, rules = InputSettings(), StandardiseSettings(max_people_for_identifier=3)
    return standardised_records(written(spark, rows).repartition(3), settings, rules).persist()


def test_standardised_records_conform(standardised):
    assert standardised.schema.simpleString() == STANDARDISED.simpleString()
    assert standardised.count() == 9
    nulls = [F.col(name).isNull() | F.array_contains(F.transform(name, F.isnull), True) for name in STANDARD_COLUMNS]
    assert standardised.where(F.greatest(*nulls)).count() == 0


def test_identifiers_are_scoped(standardised):
    assert column_of(standardised, "scoped_identifiers")["structs"] == ["http://a.org|mr|a1"]


def test_standardise_fails_without_values(monkeypatch):
    monkeypatch.setattr("siamese_er.standardise.standard_arrow", lambda records, rules: {}[records["given_name"][0]])
    batch = pa.RecordBatch.from_pydict({"source": ["s"], "given_name": ["ZZCANARY"]})

    with pytest.raises(StepFailed) as failure:
        list(standard_batches(StandardRules(), frozenset())(iter([batch])))

    assert "ZZCANARY" not in str(failure.value)
    assert failure.value.__context__ is None


def test_day_first_by_source(standardised):
    births = column_of(standardised, "birth_dates")

    assert births["ambiguous"] == ["1980-04-05"]
    assert births["month first"] == ["1980-05-04"]


def test_shared_identifiers_are_removed(standardised):
    ids, faults = column_of(standardised, "national_ids"), column_of(standardised, "value_faults")

    assert ids["broken"] == ["020649552"]
    assert [ids[f"shared{n}"] for n in range(4)] == [[]] * 4
    assert faults["shared0"] == ["national_id:shared_by_many"]


def test_shared_identifiers_keeps_what_few_people_share(spark):
    rows = [("h", str(n), {"given_name": ["ann"], "mrn": ["77"], "birth_date": ["1980-01-02"]}) for n in range(9)]

    kept = standardised_records(written(spark, rows), InputSettings(), StandardiseSettings(max_people_for_identifier=2))

    assert set(map(tuple, column_of(kept, "scoped_identifiers").values())) == {("mrn:h||77",)}


def residents(n: int, **shared: list[str]) -> list[tuple[str, str, dict[str, list[str]]]]:
    """Records of so many people, who share nothing but this."""
    return [("h", f"{i}", {"given_name": [f"ann{i}"], "birth_date": [f"19{40 + i}-01-02"], **shared}) for i in range(n)]


@pytest.mark.parametrize(
    ("field", "value", "column", "is_kept"),
    [
        ("phone", "(617) 442-0123", "phones", False),
        ("email", "front.desk@nightingale.org", "emails", False),
        ("address_line", "100 Nightingale Way", "addresses", False),
        ("address_line", "Nightingale Way", "addresses", True),
    ],
)
def test_a_contact_of_many_people_is_a_place_and_no_home(spark, field, value, column, is_kept):
    again = ("h", "again", residents(1, **{field: [value]})[0][2])
    rows = [*residents(4, **{field: [value]}), again]
    rules = StandardiseSettings(max_people_for_contact=3)

    held = column_of(standardised_records(written(spark, rows), InputSettings(), rules), column)
    few = column_of(standardised_records(written(spark, [*rows[:3], again]), InputSettings(), rules), column)

    assert {bool(values) for values in held.values()} == {is_kept}
    assert all(few.values())


def test_a_batch_counts_the_people_of_a_contact_in_the_whole_table(spark):
    place = {"address_line": ["100 Nightingale Way"], "phone": ["(617) 442-0123"]}
    records = written(spark, residents(5, **place))
    rules = StandardiseSettings(max_people_for_contact=4)
    is_new = F.col("record_id") == "4"
    known = standardised_records(records.where(~is_new), InputSettings(), rules)
    crowded = standardised_records(records, InputSettings(), rules)

    fresh = standardised_batch(records, records.where(is_new), known, InputSettings(), rules)
    among_crowd = standardised_batch(records, records.where(is_new), crowded.where(~is_new), InputSettings(), rules)

    for batch in (fresh, among_crowd):
        assert column_of(batch, "addresses") == {"4": []}
        assert column_of(batch, "phones") == {"4": []}
        assert set(column_of(batch, "value_faults")["4"]) == {"address_line:shared_by_many", "phone:shared_by_many"}
    assert all(column_of(known, "addresses").values())


def test_fault_counts(spark, standardised):
    expected = [("birth_date", "impossible_date", 1), ("phone", "placeholder", 1), ("national_id", "shared_by_many", 4)]

    actual = fault_counts(standardised)

    frame = spark.createDataFrame(expected, actual.schema)
    assert_df_equality(actual, frame, ignore_row_order=True, ignore_nullable=True)


def test_typing_errors_of_one_person_are_not_many_people(spark):
    rows = [
        (
            "h",
            f"{given}{day}",
            {"given_name": [given], "birth_date": [f"1980-01-0{day}"], "national_id": ["020-64-9552"]},
        )
        for given in ("anna", "ana", "amna")
        for day in (1, 2)
    ]

    kept = standardised_records(written(spark, rows), InputSettings(), StandardiseSettings(max_people_for_identifier=3))

    assert set(map(tuple, column_of(kept, "national_ids").values())) == {("020649552",)}
