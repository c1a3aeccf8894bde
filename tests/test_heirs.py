import pandas as pd
import pytest

from siamese_er.heirs import heir_of, heirs
from siamese_er.schemas import ENTERPRISE_ID_HISTORY

EVENTS = [
    ("A", "created", None), ("B", "created", None), ("C", "created", None), ("D", "created", None),
    ("A", "merged_into", "B"), ("B", "merged_into", "C"), ("C", "merged_into", "D"),
    ("E", "created", None), ("E", "retired", None), ("F", "merged_into", "E"), ("G", "split_from", "D"),
]  # fmt: skip


@pytest.fixture
def history():
    return [(*event, f"run{place}", "") for place, event in enumerate(EVENTS)]


def test_heirs_follow_every_merge_to_the_end(spark, history):
    found = heirs(spark.createDataFrame(history, ENTERPRISE_ID_HISTORY)).collect()

    assert {row["enterprise_id"]: row["heir_id"] for row in found} == {
        "A": "D", "B": "D", "C": "D", "E": None, "F": None,
    }  # fmt: skip


@pytest.mark.parametrize(("ended", "heir"), [("A", "D"), ("F", None), ("D", "D"), ("G", "G")])
def test_heir_of(history, ended, heir):
    assert heir_of(pd.DataFrame(history, columns=ENTERPRISE_ID_HISTORY.names), ended) == heir
