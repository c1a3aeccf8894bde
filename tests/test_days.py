"""The simulated hospital: what its checks find, and some days of it through the real pipeline."""

import dataclasses
import gc

import pandas as pd
import pytest

from siamese_er.day_checks import (
    Day,
    churn_faults,
    decision_faults,
    difference,
    id_faults,
    record_faults,
)
from siamese_er.days import COLUMNS, simulated_days
from siamese_er.hospital import Pace, hospital, keys_in

EVENTS = ["enterprise_id", "event", "other_enterprise_id", "run_id", "reason"]
QUEUE = ["kind", "left_source", "left_record_id", "right_source", "right_record_id", "reason"]


def day(run_id, clusters, events=(), asked=()):
    walk = pd.DataFrame(
        [("s", record, person) for person, members in clusters.items() for record in members],
        columns=["source", "record_id", "enterprise_id"],
    )
    return Day(run_id, walk, pd.DataFrame(list(events), columns=EVENTS), pd.DataFrame(list(asked), columns=QUEUE))


def keys(records):
    return {("s", record) for record in records}


BEFORE = day("1", {"P": "ab", "Q": "c"})
MERGED = ("Q", "merged_into", "P", "2", "")


def test_checks_find_lost_dead_and_doubled_records():
    assert list(record_faults(BEFORE, keys("abc"))) == []
    assert len(list(record_faults(day("1", {"P": "ab", "Q": "bc"}), keys("abd")))) == 3


@pytest.mark.parametrize(
    ("now", "n_faults"),
    [
        pytest.param(day("2", {"P": "abc"}, [MERGED]), 0, id="a merge that is told"),
        pytest.param(day("2", {"P": "abc"}), 1, id="a merge that is not told"),
        pytest.param(day("2", {"P": "ab", "R": "c"}, [("Q", "retired", None, "2", "")]), 1, id="a birth that is not told"),
        pytest.param(day("2", {"P": "ab", "Q": "c"}, [("Q", "retired", None, "1", "")]), 1, id="an id that lives again"),
        pytest.param(day("2", {"P": "abc"}, [("Q", "merged_into", "X", "2", "")]), 1, id="an id that leads nowhere"),
    ],
)  # fmt: skip
def test_checks_of_ids(now, n_faults):
    assert len(list(id_faults(BEFORE, now))) == n_faults


def test_checks_find_records_that_moved_without_a_reason():
    now = day("2", {"P": "abc"}, [MERGED])

    assert list(churn_faults(BEFORE, now, keys("c"))) == []
    assert len(list(churn_faults(BEFORE, now, keys("z")))) == 1


def test_a_newcomer_that_the_guard_cuts_away_may_part_the_others():
    parted = {"P": "a", "R": "b", "N": "z"}
    cuts = pd.DataFrame({"left_key": ["s\x1fa"], "right_key": ["s\x1fz"]})
    now = day("2", parted)

    assert len(list(churn_faults(BEFORE, now, keys("z")))) == 1
    assert list(churn_faults(BEFORE, dataclasses.replace(now, cuts=cuts), keys("z"))) == []
    assert len(list(churn_faults(BEFORE, dataclasses.replace(now, cuts=cuts), keys("y")))) == 1


def test_checks_find_broken_decisions_and_repeated_questions():
    pair = (("s", "a"), ("s", "c"))
    asked = day("2", {"P": "ab", "Q": "c"}, (), [("pair", "s", "a", "s", "c", "likely")])
    alone = day("2", {"P": "ab", "Q": "c"}, (), [("record", "s", "a", None, None, "two people")])

    assert list(decision_faults(BEFORE, {pair: {"decision": "no_match"}})) == []
    assert len(list(decision_faults(BEFORE, {pair: {"decision": "match"}}))) == 1
    assert len(list(decision_faults(asked, {pair: {"decision": "no_match"}}))) == 1
    assert len(list(decision_faults(alone, {(("s", "a"), ("s", "a")): {"decision": "match"}}))) == 1


def test_difference_of_two_crosswalks():
    other = day("2", {"X": "a", "Y": "bc"})

    assert difference(BEFORE.crosswalk, BEFORE.crosswalk) == {"records": 0, "pair_f1": 1.0}
    assert difference(BEFORE.crosswalk, other.crosswalk) == {"records": 3, "pair_f1": 0.0}


def test_every_record_arrives_once_and_living_follows_deletions():
    own = hospital(80, 3, 1, Pace(edits=2, deletions=1))

    days = [own.delivery(number) for number in range(4)]

    arrived = [key for number, (rows, _, counts) in enumerate(days) for key in keys_in(rows.head(counts["new"]))]
    deleted = {key for rows, _, _ in days for key in keys_in(rows[rows["deleted"]])}
    assert sorted(arrived) == sorted(keys_in(own.records))
    assert set(own.living) == set(arrived) - deleted
    assert len(deleted) == 3


def test_a_first_day_another_model_and_a_batch(spark, tmp_path):
    told, frozen = [], gc.get_freeze_count()

    rows = simulated_days(spark, tmp_path / "sim", 90, 2, 1, Pace(0.85, 2, 1, 2), 0, 1, told.append)

    assert told == rows
    assert [row["mode"] for row in rows] == ["whole", "whole", "batch"]
    assert [row["faults"] for row in rows] == ["none"] * 3
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert rows[2]["pairs"] < rows[0]["pairs"] / 2
    assert gc.get_freeze_count() <= frozen  # else the frames of each day stay, and their plans in the JVM
    assert rows[-1]["pair_f1"] >= 0.98
    assert all(0 < row["scoring_seconds"] < row["seconds"] for row in rows)
