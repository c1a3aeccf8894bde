"""Decisions that contradict one another stop a run, which names them."""

import pytest

from siamese_er.config import ClusterSettings
from siamese_er.decision_conflicts import TABLE, conflict_rows, refuse_conflicts
from siamese_er.errors import ContractFault
from siamese_er.schemas import DECISIONS
from siamese_er.storage import new_run


def decisions_of(spark, *decided):
    rows = [(f"s\x1f{a}", f"s\x1f{b}", said, f"by {a}{b}", "2026-01-01", "other") for a, b, said in decided]
    return spark.createDataFrame(rows, DECISIONS)


@pytest.mark.parametrize("most_on_driver", [pytest.param(10, id="on the driver"), pytest.param(0, id="in Spark")])
def test_a_contradiction_across_a_chain_is_named(spark, tmp_path, most_on_driver):
    run = new_run(spark, str(tmp_path))
    decisions = decisions_of(
        spark, ("a", "b", "match"), ("b", "c", "match"), ("a", "c", "no_match"), ("p", "q", "match"), ("p", "r", "no_match"),
        ("c", "d", "match"), ("c", "e", "no_match"),
    )  # fmt: skip

    with pytest.raises(ContractFault) as caught:
        refuse_conflicts(decisions, run, ClusterSettings(max_driver_links=most_on_driver))

    (fault,) = caught.value.faults
    assert fault.startswith("decisions: 1 no_match pair(s)")
    assert run.table(TABLE) in fault
    told = run.read_table(spark, TABLE).collect()
    assert [
        (row["conflict"], row["left_source"], row["left_record_id"], row["right_record_id"], row["decision"], row["reviewer"])
        for row in told
    ] == [
        (1, "s", "a", "b", "match", "by ab"), (1, "s", "b", "c", "match", "by bc"), (1, "s", "a", "c", "no_match", "by ac"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "decided",
    [
        pytest.param([], id="none"),
        pytest.param([("a", "b", "match"), ("b", "c", "match")], id="matches alone"),
        pytest.param([("a", "b", "no_match")], id="no matches"),
        pytest.param([("a", "b", "match"), ("b", "c", "no_match")], id="none against another"),
    ],
)
def test_decisions_that_agree_stop_nothing(spark, tmp_path, decided):
    refuse_conflicts(decisions_of(spark, *decided), new_run(spark, str(tmp_path)), ClusterSettings(max_driver_links=10))


def test_every_conflict_has_its_shortest_way():
    matches = [("b", "c"), ("a", "b"), ("c", "d"), ("a", "e"), ("d", "e"), ("y", "z")]

    found = conflict_rows(matches, [("y", "z"), ("a", "d"), ("a", "z")])

    assert found == [(1, "a", "d"), (1, "a", "e"), (1, "d", "e"), (3, "y", "z"), (3, "y", "z")]
    assert conflict_rows(matches[::-1], [("a", "d"), ("a", "z"), ("y", "z")]) == found
