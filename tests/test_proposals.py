from datetime import datetime

import pytest

from siamese_er.config import SourceSettings
from siamese_er.proposals import proposals
from siamese_er.schemas import CROSSWALK, LINKS, MULTIVALUED, RECORDS

PEOPLE = {"ehr:1": "P", "ehr:2": "P", "ehr:3": "P", "lab:1": "P", "ehr:9": "Q", "ehr:5": "R", "lab:5": "R"}
UPDATED = {"ehr:2": 5, "ehr:1": 3}


def record(key):
    source, record_id = key.split(":")
    row = {name: [] if name in MULTIVALUED else None for name in RECORDS.names}
    sensitivity = "restricted" if key == "lab:5" else None
    updated_at = datetime(2026, 1, UPDATED[key]) if key in UPDATED else None
    return row | {"record_key": f"{source}\x1f{record_id}", "source": source, "record_id": record_id,
                  "sensitivity": sensitivity, "updated_at": updated_at}  # fmt: skip


@pytest.fixture(scope="module")
def proposed(spark):
    walk = [(*key.split(":"), person, "auto", "run", "", None, None) for key, person in PEOPLE.items()]
    links = [
        ("ehr\x1f1", "ehr\x1f2", 1.0, 0.98, "auto", [], None),
        ("ehr\x1f2", "ehr\x1f3", None, None, "auto", [], True),
    ]
    found = proposals(
        spark.createDataFrame([record(key) for key in PEOPLE], RECORDS),
        spark.createDataFrame(walk, CROSSWALK),
        spark.createDataFrame(links, LINKS),
        {"lab": SourceSettings(trust=3)},
    ).collect()
    return {
        (f"{row['source']}:{row['record_id']}", f"{row['other_source']}:{row['other_record_id']}"): row for row in found
    }


def test_duplicates_of_one_source_are_replaced_by_the_latest_and_sources_see_each_other(proposed):
    assert {pair: row["kind"] for pair, row in proposed.items()} == {
        ("ehr:1", "ehr:2"): "replaced-by",
        ("ehr:3", "ehr:2"): "replaced-by",
        ("ehr:2", "lab:1"): "seealso",
    }


def test_a_proposal_says_what_joins_the_two_records(proposed):
    found = {pair: (row["match_probability"], row["basis"]) for pair, row in proposed.items()}

    assert found["ehr:1", "ehr:2"] == (0.98, "auto")
    assert found["ehr:3", "ehr:2"] == (None, "verified")
    assert len({row["proposal_id"] for row in proposed.values()}) == 3


def test_restricted_and_single_records_are_in_no_proposal(proposed):
    assert not any("5" in key or "9" in key for pair in proposed for key in pair)
