import random
from datetime import datetime

import pytest
from pyspark.sql import functions as F

from siamese_er.config import SourceSettings, SurvivorshipSettings
from siamese_er.golden_values import STANDARD_OF
from siamese_er.schemas import (
    CROSSWALK,
    ENTERPRISE_IDS,
    LINKS,
    MULTIVALUED,
    RECORDS,
    STANDARD_COLUMNS,
    STANDARDISED,
    STRINGS,
)
from siamese_er.storage import RunFolder
from siamese_er.survivorship import crosswalk, golden_records

SOURCES = {
    "lab": SourceSettings(trust=1), "registry": SourceSettings(trust=9), "steward": SourceSettings(record_of_truth=True),
}  # fmt: skip
DAYS = [datetime(2026, 1, day) for day in range(1, 10)]


def record(key, source="clinic", updated_at=None, extra=None, identifiers=(), **fields):
    row = {name: [] for name in MULTIVALUED} | {name: None for name in RECORDS.names if name not in MULTIVALUED}
    row |= {"record_key": f"{source}\x1f{key}", "source": source, "record_id": key, "updated_at": updated_at}
    row |= {
        "extra": extra,
        "identifiers": [dict(zip(("system", "type", "value"), i, strict=True)) for i in identifiers],
    }
    return row | fields


def standardised(row, **columns):
    """As standardising would leave it: lower case, unknown values gone."""
    plain = {
        column: [value.lower() for value in row[field] if value.lower() not in ("unknown", "")]
        for field, column in STANDARD_OF.items()
        if field in MULTIVALUED
    }
    keys = {name: row[name] for name in ("record_key", "source", "record_id")}
    return keys | {name: [] for name in STANDARD_COLUMNS} | plain | columns


def tables_of(spark, people, shuffle=None, **columns):
    """RECORDS, STANDARDISED and ENTERPRISE_IDS of {enterprise id: records}."""
    rows = [(row, enterprise_id) for enterprise_id, members in people.items() for row in members]
    if shuffle is not None:
        random.Random(shuffle).shuffle(rows)
    return (
        spark.createDataFrame([row for row, _ in rows], RECORDS),
        spark.createDataFrame(
            [standardised(row, **columns.get(row["record_id"], {})) for row, _ in rows], STANDARDISED
        ),
        spark.createDataFrame(
            [(row["record_key"], enterprise_id, None) for row, enterprise_id in rows], ENTERPRISE_IDS
        ),
    )  # fmt: skip


def by_person(golden):
    return {row["enterprise_id"]: row for row in golden.frame().collect()}


def golden_of(spark, people, settings=None, shuffle=None, links=None, n_parts=2, **columns):
    """Golden records, by enterprise id, of {enterprise id: records}."""
    tables = tables_of(spark, people, shuffle, **columns)
    return by_person(
        golden_records(*tables, settings or SurvivorshipSettings(rules={}), SOURCES, links, n_parts=n_parts)
    )


PEOPLE = {
    "E1": [
        record("1", updated_at=DAYS[0], given_name=["Ann"], phone=["1"], city=["Bonn"], sex=["F"],
               birth_date=["1980"], extra={"ward": "Northern", "floor": ""}),
        record("2", "lab", updated_at=DAYS[1], given_name=["ANN"], phone=["2", "3"], city=["UNKNOWN"], sex=["unknown"],
               birth_date=["1980-05-01"], extra={"ward": "South"}, identifiers=[("s", "mr", "7")]),
        record("3", "registry", given_name=["Anna Maria"], phone=["4"], birth_date=["1980-05-01"],
               identifiers=[("s", "mr", "7"), ("s", "mr", " "), ("r", "mr", "8")]),
    ],
    "E2": [record("4", given_name=["Unknown"])],
    "E3": [record("5", given_name=["Zoe"]), record("6", given_name=["Ida"], sensitivity="Restricted")],
    "E4": [record("7", given_name=["Tess"], family_name=["Testing"])],
    "E5": [record("8", given_name=["Cy"], sensitivity="restricted")],
    "E6": [record("9", full_name=["Ola Nord"])],
    "E7": [record("10", given_name=["Unknown", "Bo"], birth_date=["2001-02-03"]),
           record("11", given_name=["Bo"], birth_date=["2001-02-04"])],
    "E8": [record("12", "steward", updated_at=DAYS[0], family_name=["Corrected"]),
           record("13", updated_at=DAYS[5], family_name=["Wrong"], given_name=["Ann"]),
           record("14", updated_at=DAYS[6], family_name=["Wrong"], given_name=["Ann"])],
    "E9": [record("15", updated_at=DAYS[1], email=["checked@x"], extra={"allergies": '["Latex", "nuts"]'}),
           record("16", updated_at=DAYS[2], email=["checked too@x"], extra={"allergies": '["latex ", null, "Penicillin"]'}),
           record("17", updated_at=DAYS[8], email=["said@x"], extra={"allergies": "bees", "tags": "b"})],
}  # fmt: skip
JOINED_BY_A_PERSON = [("clinic\x1f15", "clinic\x1f16", None, None, None, [], True)]
RULES = {
    "given_name": "majority",
    "phone": "source_trust",
    "city": "longest",
    "ward": "longest",
    "birth_date": "majority",
    "family_name": "majority",
    "email": "verified_first",
    "tags": "union",
}


@pytest.fixture(scope="module")
def golden(spark):
    columns = {"7": {"name_marks": ["test"]}, "9": {"given_names": ["ola"], "family_names": ["nord"]}}
    settings = SurvivorshipSettings(rules=RULES)
    links = spark.createDataFrame(JOINED_BY_A_PERSON, LINKS)
    first = golden_of(spark, PEOPLE, settings, links=links, **columns)
    assert first == golden_of(spark, PEOPLE, settings, shuffle=7, links=links, **columns)
    return first


@pytest.mark.parametrize("n_parts", [1, 7])
def test_golden_records_are_the_same_however_people_are_cut(spark, golden, n_parts):
    columns = {"7": {"name_marks": ["test"]}, "9": {"given_names": ["ola"], "family_names": ["nord"]}}
    links = spark.createDataFrame(JOINED_BY_A_PERSON, LINKS)

    assert golden_of(spark, PEOPLE, SurvivorshipSettings(rules=RULES), 3, links, n_parts, **columns) == golden


@pytest.mark.parametrize("by", ["path", "content"])
def test_golden_records_of_whole_files_are_those_of_their_rows(spark, tmp_path, by):
    settings = SurvivorshipSettings(rules=RULES)
    records, standards, ids = tables_of(spark, PEOPLE)
    of_rows = by_person(golden_records(records, standards, ids, settings, SOURCES))
    living = records.withColumns({"rank": F.lit(1), "is_deleted": F.lit(False)})
    earlier = records.where("record_id < '3'").withColumns(
        {"rank": F.lit(2), "is_deleted": F.lit(False), "given_name": F.array(F.lit("Earlier"))}
    )
    gone = records.limit(1).withColumns(
        {
            "record_key": F.lit("clinic\x1f99"),
            "rank": F.lit(1),
            "is_deleted": F.lit(True),
            "given_name": F.lit(None).cast(STRINGS),
        }
    )
    versions = living.unionAll(earlier).unionAll(gone)
    run = RunFolder(str(tmp_path), "run", str(tmp_path))
    run.write_table(versions.repartition(3), "versions")
    run.write_table(standards.repartition(2), "standardised")
    files = [run.table_files(spark, name) for name in ("versions", "standardised")]
    if by == "content":
        reader = spark.read.format("binaryFile").option("pathGlobFilter", "*.parquet")
        files = [reader.load(run.table(name)).select("content") for name in ("versions", "standardised")]

    assert by_person(golden_records(*files, ids, settings, SOURCES)) == of_rows


def test_a_null_list_is_an_empty_one(spark):
    with_nulls = [record("1", given_name=None, phone=["1"], extra=None), record("2", given_name=["Bo"], phone=None)]
    plain = [record("1", given_name=[], phone=["1"], extra={}), record("2", given_name=["Bo"], phone=[])]
    records, standards, ids = tables_of(spark, {"E1": plain})
    given = spark.createDataFrame(with_nulls, RECORDS)
    settings = SurvivorshipSettings(rules={})

    found = by_person(golden_records(given, standards, ids, settings, SOURCES))

    assert found == by_person(golden_records(records, standards, ids, settings, SOURCES))
    assert found["E1"]["given_name"] == "Bo"
    assert found["E1"]["phone"] == "1"


def test_golden_records_follow_the_rule_of_each_field(golden):
    person = golden["E1"]

    assert person["given_name"] == "ANN"
    assert person["phone"] == "4"
    assert person["birth_date"] == "1980-05-01"
    assert person["extra"] == {"ward": "Northern"}
    assert person["n_records"] == 3
    assert person["sources"] == ["clinic", "lab", "registry"]
    assert [tuple(identifier) for identifier in person["identifiers"]] == [("r", "mr", "8"), ("s", "mr", "7")]


def test_golden_records_tell_where_each_value_comes_from(golden):
    provenance = {field: tuple(origin) for field, origin in golden["E1"]["provenance"].items()}

    assert provenance == {
        "given_name": ("lab", "2", "majority"),
        "phone": ("registry", "3", "source_trust"),
        "city": ("clinic", "1", "longest"),
        "sex": ("clinic", "1", "most_recent"),
        "birth_date": ("lab", "2", "majority"),
        "ward": ("clinic", "1", "longest"),
    }


def test_golden_records_keep_alternates_and_show_conflicts(golden):
    person = golden["E1"]

    assert person["alternates"] == {
        "given_name": ["Ann", "Anna Maria"],
        "phone": ["1", "2", "3"],
        "birth_date": ["1980"],
        "ward": ["South"],
    }
    assert person["conflicts"] == ["given_name"]
    assert golden["E7"]["conflicts"] == ["birth_date"]


def test_golden_records_drop_placeholders(golden):
    assert golden["E1"]["city"] == "Bonn"
    assert golden["E1"]["sex"] == "F"
    assert golden["E2"]["given_name"] is None
    assert golden["E2"]["provenance"] == golden["E2"]["alternates"] == {}
    assert golden["E2"]["conflicts"] == []
    assert golden["E7"]["given_name"] == "Bo"
    assert "given_name" not in golden["E7"]["alternates"]


def test_a_record_of_truth_outranks_every_rule(golden):
    """SanteDB cases 11 and 12: what it does not say is chosen as ever."""
    person = golden["E8"]

    assert (person["family_name"], person["given_name"]) == ("Corrected", "Ann")
    assert person["alternates"]["family_name"] == ["Wrong"]
    assert tuple(person["provenance"]["family_name"]) == ("steward", "12", "record_of_truth")


def test_what_a_person_verified_comes_first_where_the_rule_says_so(golden):
    person = golden["E9"]

    assert person["email"] == "checked too@x"
    assert tuple(person["provenance"]["email"]) == ("clinic", "16", "verified_first")
    assert person["alternates"]["email"] == ["checked@x", "said@x"]


def test_sets_of_all_records_are_united_and_none_is_picked(golden):
    person = golden["E9"]

    assert person["extra"] == {"allergies": '["Latex", "Penicillin", "bees", "nuts"]', "tags": '["b"]'}
    assert tuple(person["provenance"]["allergies"]) == ("clinic", "17", "union")
    assert "allergies" not in person["alternates"]


def test_allergies_written_as_text_are_united_by_default(spark):
    rows = [record(str(i), extra={"allergies": text}) for i, text in enumerate(("latex", "nuts", "Latex"))]

    person = golden_of(spark, {"E1": rows}, SurvivorshipSettings())["E1"]

    assert person["extra"]["allergies"] == '["Latex", "nuts"]'


def test_golden_records_hide_restricted_records_and_test_patients(golden):
    """SanteDB cases 13 and 20."""
    assert (golden["E3"]["given_name"], golden["E3"]["n_records"], golden["E3"]["alternates"]) == ("Zoe", 1, {})
    assert "E4" not in golden
    assert golden["E5"]["given_name"] == "Cy"


def test_golden_records_of_a_full_name_use_its_parts(golden):
    assert (golden["E6"]["given_name"], golden["E6"]["family_name"]) == ("ola", "nord")


def test_golden_values_come_from_members(spark):
    choice = random.Random(2)
    names = ["Ann", "ANN", "Anna", "Bo", "Unknown", "Bo-Li"]
    people = {
        f"E{person}": [
            record(
                f"{person}-{place}", choice.choice(["lab", "clinic", "registry"]), choice.choice([None, *DAYS]),
                given_name=choice.sample(names, choice.randrange(3)), phone=choice.sample("1234", choice.randrange(3)),
            )
            for place in range(choice.randrange(1, 6))
        ]
        for person in range(60)
    }  # fmt: skip

    golden = golden_of(spark, people, SurvivorshipSettings(rules={"given_name": "majority"}))

    assert golden.keys() == people.keys()
    for enterprise_id, person in golden.items():
        members = {row["record_id"]: row for row in people[enterprise_id]}
        for field in ("given_name", "phone"):
            written = {value for row in members.values() for value in row[field]} - {"Unknown"}
            kept = {person[field], *person["alternates"].get(field, [])} - {None}
            assert kept == written
            if written:
                assert person[field] in members[person["provenance"][field]["record_id"]][field]


def test_crosswalk(spark):
    rows = [record(key, given_name=["Ann"]) for key in "abcdefg"] + [record("h")]
    ids = {"a": "E1", "b": "E1", "c": "E2", "d": "E2", "e": "E3", "f": "E4", "g": "E2", "h": "E5"}
    before = {"a": ("E1", "auto", "2025", None, "E0"), "c": ("E9", "singleton", "2025", None, None),
              "e": ("E3", "singleton", "2024", None, None), "b": ("E1", "singleton", "2025", None, None)}  # fmt: skip
    link = ("clinic\x1fc", "clinic\x1fd", None, None, None, [], True)
    across = ("clinic\x1fa", "clinic\x1fe", None, None, None, [], True)

    actual = crosswalk(
        spark.createDataFrame(rows, RECORDS),
        spark.createDataFrame(
            [(f"clinic\x1f{key}", enterprise_id, "E9" if key == "c" else None) for key, enterprise_id in ids.items()],
            ENTERPRISE_IDS,
        ),
        spark.createDataFrame(
            [("clinic\x1ff", "excluded"), ("clinic\x1fh", "unmatchable"), ("clinic\x1fa", "unmatchable")],
            "record_key string, standing string",
        ),
        spark.createDataFrame([link, across], LINKS),
        "run2",
        "2026",
        spark.createDataFrame(
            [("clinic", key, row[0], row[1], "run1", *row[2:]) for key, row in before.items()], CROSSWALK
        ),
    )

    assert sorted(tuple(row)[1:] for row in actual.collect()) == [
        ("a", "E1", "auto", "run2", "2025", None, "E0"),
        ("b", "E1", "auto", "run2", "2026", None, None),
        ("c", "E2", "verified", "run2", "2026", None, "E9"),
        ("d", "E2", "verified", "run2", "2026", None, None),
        ("e", "E3", "singleton", "run2", "2024", None, None),
        ("f", "E4", "excluded", "run2", "2026", None, None),
        ("g", "E2", "auto", "run2", "2026", None, None),
        ("h", "E5", "unmatchable", "run2", "2026", None, None),
    ]
