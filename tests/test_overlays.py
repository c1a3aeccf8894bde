"""Records under whose key two people were written: found by their earlier versions, and kept out of automatic links."""

from siamese_er.config import DecideSettings, InputSettings, StandardiseSettings
from siamese_er.decide import banded
from siamese_er.overlays import SUSPECTED_OVERLAY, suspected_overlays, with_overlay_veto
from siamese_er.schemas import MULTIVALUED, RECORDS, SCORES
from siamese_er.standardise import standardised_records
from siamese_er.worker_files import frame_of

NOW = {"other": "Ann", "renamed": "Ann", "redated": "Ann", "undated": "Ann", "same": "Ann"}
BEFORE = {
    "other": ("Bob", "1955-03-04"),
    "renamed": ("Bob", "1980-01-02"),
    "redated": ("Ann", "1955-03-04"),
    "undated": ("Bob", None),
    "same": ("Ann", "02.01.1980"),
}


def row(key, given_name, birth_date):
    values = {name: [] if name in MULTIVALUED else None for name in RECORDS.names}
    dated = [birth_date] if birth_date else []
    return values | {"record_key": f"s\x1f{key}", "source": "s", "record_id": key, "given_name": [given_name],
                     "birth_date": dated, "identifiers": []}  # fmt: skip


def test_another_name_and_birth_date_before_are_suspected(spark):
    records = spark.createDataFrame([row(key, name, "1980-01-02") for key, name in NOW.items()], RECORDS)
    history = spark.createDataFrame([row(key, *before) for key, before in BEFORE.items()], RECORDS)
    settings, rules = InputSettings(), StandardiseSettings()
    standardised = standardised_records(records, settings, rules)

    found = suspected_overlays(records, history, standardised, settings, rules, lambda rows, _: frame_of(rows))

    assert [found_row["record_key"] for found_row in found.collect()] == ["s\x1fother"]


def test_a_suspected_record_is_asked_about_and_linked_by_people_alone(spark):
    pairs = [("a", "b", ["thin_evidence"]), ("b", "c", []), ("c", "d", []), ("d", "b", [SUSPECTED_OVERLAY])]
    scores = spark.createDataFrame([(*pair[:2], 0.999, 10.0, pair[2], [], []) for pair in pairs], SCORES)
    suspected = spark.createDataFrame([("b",)], "record_key string")
    nobody = spark.createDataFrame([], "record_key string, standing string")

    marked = banded(with_overlay_veto(scores, suspected), nobody, None, DecideSettings(), {})

    assert {found["left_key"] + found["right_key"]: (found["band"], found["vetoes"]) for found in marked.collect()} == {
        "ab": ("review", ["thin_evidence", SUSPECTED_OVERLAY]),
        "bc": ("review", [SUSPECTED_OVERLAY]),
        "cd": ("auto", []),
        "db": ("review", [SUSPECTED_OVERLAY]),
    }
