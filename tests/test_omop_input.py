"""OMOP CDM tables in: persons with their location, death, names and notes."""

from pathlib import Path

import pandas as pd
import pytest

from siamese_er.config import InputSettings
from siamese_er.schemas import KEY_SEPARATOR
from siamese_er.sources.omop import table_place
from siamese_er.sources.records import read_records

PERSONS = pd.DataFrame(
    [
        (1, 8507, 1950, 3, 7, "M-1", 10, 8527, 38003564, "M"),
        (2, 0, 1980, None, None, None, 11, 0, 0, "female"),
        (3, 8532, 1931, 4, 72, "M-3", None, 0, 0, "F"),
        (None, 8532, 1931, 4, 1, "SECRET", None, 0, 0, "F"),
    ],
    columns=[
        "person_id",
        "gender_concept_id",
        "year_of_birth",
        "month_of_birth",
        "day_of_birth",
        "person_source_value",
        "location_id",
        "race_concept_id",
        "ethnicity_concept_id",
        "gender_source_value",
    ],
).astype({"person_id": "Int64", "month_of_birth": "Int64", "day_of_birth": "Int64", "location_id": "Int64"})
LOCATIONS = pd.DataFrame(
    [
        (10, "12 Oak St", "Apt 4", "Boston", "MA", "02101"),
        (11, "9 Elm St", None, "Salem", "MA", "01970"),
        (11, "9 Elm St", None, "Salem", "MA", "01970"),
    ],
    columns=["location_id", "address_1", "address_2", "city", "state", "zip"],
)
DEATHS = pd.DataFrame(
    [(1, "2020-01-02", 1), (1, "2020-01-01", 2)], columns=["person_id", "death_date", "death_type_concept_id"]
)
NOTES = pd.DataFrame(
    [
        (7, 1, "2019-05-06", "Progress note", "Seen for cough."),
        (8, 2, "2019-05-07", None, "No fever."),
        (9, None, "2019-05-07", None, "x"),
    ],
    columns=["note_id", "person_id", "note_date", "note_title", "note_text"],
).astype({"person_id": "Int64"})
NAMES = pd.DataFrame(
    [
        (1, "Bob", "Ray", "555-0101"),
        (1, "Bobby", "Ray", None),
        (3, "Ann", "Lee", "555-0103"),
        (5, "No", "Person", None),
    ],
    columns=["person_id", "first_name", "last_name", "phone"],
)
TABLES = {"person": PERSONS, "location": LOCATIONS, "death": DEATHS, "note": NOTES, "person_name": NAMES}


def write_database(folder: Path, form: str) -> None:
    tables = TABLES | {"measurement": pd.DataFrame({"measurement_id": [1], "person_id": [1]})}
    for name, table in tables.items():
        if form == "parquet":
            (folder / name).mkdir(parents=True)
            table.to_parquet(folder / name / "part-0.parquet")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            table.rename(columns=str.upper).to_csv(folder / f"{name.upper()}.csv", index=False)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_omop_database_becomes_records_and_notes(spark, tmp_path, form):
    write_database(tmp_path / "north", form)
    (tmp_path / "people.csv").write_text("id,first_name\n1,Eve\n")

    reading = read_records(spark, InputSettings(records=(str(tmp_path),), source_from_path=True))

    records = {row["record_key"].replace(KEY_SEPARATOR, ":"): row for row in reading.records.collect()}
    assert set(records) == {"north:1", "north:2", "north:3", "people:1"}
    one, two, three = (records[f"north:{number}"] for number in (1, 2, 3))
    assert (one["birth_date"], two["birth_date"], three["birth_date"]) == (["1950-03-07"], ["1980"], ["1931-04-72"])
    assert (one["sex"], two["sex"], three["sex"]) == (["M"], ["female"], ["F"])
    assert (one["race"], one["ethnicity"], two["race"]) == ("White", "Not Hispanic or Latino", None)
    assert (one["given_name"], one["family_name"], one["phone"]) == (["Bob", "Bobby"], ["Ray"], ["555-0101"])
    assert (one["address_line"], one["city"], one["postal_code"]) == (["12 Oak St Apt 4"], ["Boston"], ["02101"])
    assert (two["address_line"], three["city"], two["given_name"]) == (["9 Elm St"], [], [])
    assert (one["mrn"], two["mrn"], one["death_date"], two["death_date"]) == (["M-1"], [], ["2020-01-01"], [])
    notes = {row["note_id"]: row.asDict() for row in reading.documents.collect()}
    assert set(notes) == {"7", "8"}
    assert notes["7"] == {
        "record_key": f"north{KEY_SEPARATOR}1",
        "note_id": "7",
        "note_date": "2019-05-06",
        "note_type": "Progress note",
        "text": "Seen for cough.",
    }
    bad = {(row["position"], row["reason"], row["record_id"]) for row in reading.quarantine.collect()}
    places = ("row 3", "row 4") if form == "csv" else ("row index 2", "row index 3")
    assert bad == {(place, "missing_record_id", None) for place in places}
    unread = [path for path, mapping in reading.mappings.items() if "OMOP, not read" in mapping]
    assert ["measurement" in path.lower() for path in unread] == [True]


def test_persons_alone_are_a_database_and_tables_of_persons_of_ones_own_are_not(spark, tmp_path):
    (tmp_path / "cdm").mkdir()
    PERSONS.to_csv(tmp_path / "cdm" / "person.csv", index=False)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "person.csv").write_text("person_id,first_name\n1,Eve\n")

    alone = read_records(spark, InputSettings(records=(str(tmp_path / "cdm"),)))
    own = read_records(spark, InputSettings(records=(str(tmp_path / "own"),)))

    assert {row["record_id"]: row["birth_date"] for row in alone.records.collect()} == {
        "1": ["1950-03-07"],
        "2": ["1980"],
        "3": ["1931-04-72"],
    }
    assert alone.documents is None
    assert [row["given_name"] for row in own.records.collect()] == [["Eve"]]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param("s3://b/cdm/person.csv", ("person", "s3://b/cdm"), id="file"),
        pytest.param("cdm/PERSON.parquet/part-1.snappy.parquet", ("person", "cdm"), id="folder of parts"),
        pytest.param("cdm/drug_exposure.csv", ("drug_exposure", "cdm"), id="another table"),
        pytest.param("cdm/note/note.csv", ("note", "cdm/note"), id="file named as its folder"),
    ],
)
def test_table_place(path, place):
    assert table_place(path) == place
