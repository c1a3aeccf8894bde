"""Figures of runs and thresholds, the choice of labels, and cases, against tables small enough to count by hand."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.review.cases import cases_of, open_cases
from siamese_er.review.label_choice import answered_pairs, label_cases, pairs_to_label
from siamese_er.review.ledger import Decision, append_decisions, now
from siamese_er.review.run_figures import blocking_yield, drift_rows, missing_drift
from siamese_er.review.threshold_choice import (
    GRID,
    Costs,
    matches_by_label,
    score_counts,
    threshold_costs,
    threshold_table,
    truth_labels,
)
from siamese_er.schemas import DECISIONS, LABELS, SCORED_PAIRS
from siamese_er.storage import current_run, new_run

SAME, NEAR = "equal", "near"


def scored(spark, rows):
    """SCORED_PAIRS of (left id, right id, probability, band, passes, level of the name)."""
    return spark.createDataFrame(
        [
            ("s", left, "s", right, p, 0.0, band, [], passes,
             [("family_name", level, 1.0, 3.0), ("prior", "prior", None, -9.0)])
            for left, right, p, band, passes, level in rows
        ],
        SCORED_PAIRS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pairs(spark):
    return scored(
        spark,
        [
            ("1", "2", 0.99, "auto", ["names", "phone"], SAME), ("3", "4", 0.97, "auto", ["phone"], SAME),
            ("5", "6", 0.5, "review", ["names"], SAME), ("7", "8", 0.48, "review", ["names"], SAME),
            ("1", "9", 0.3, "review", ["names"], NEAR), ("2", "9", 0.02, "no", ["names"], NEAR),
        ],
    ).cache()  # fmt: skip


def test_blocking_yield_counts_what_only_one_pass_finds(pairs):
    found = blocking_yield(pairs, {"pairs_by_pass": {"names": 40, "phone": 2, "email": 0}}).set_index("blocking_pass")

    assert found.loc["phone"].tolist() == [2, 2, 2, 1]
    assert found.loc["names"].tolist() == [40, 5, 1, 0]
    assert found.loc["email"].tolist() == [0, 0, 0, 0]


def test_expected_figures_follow_the_probabilities(pairs):
    row = threshold_table(score_counts(pairs), None, 0.2).set_index("threshold").loc[0.96]

    assert row.precision == pytest.approx((0.99 + 0.97) / 2)
    assert row.recall == pytest.approx((0.99 + 0.97) / (0.99 + 0.97 + 0.5 + 0.48 + 0.3 + 0.02))
    assert (row.links, row.questions) == (2, 3)


def test_labels_stand_for_their_bin_and_weigh(spark, pairs):
    labels = spark.createDataFrame([("s\x1f1", "s\x1f2", True, 1.0), ("s\x1f3", "s\x1f4", False, 3.0)], LABELS)
    counts = score_counts(pairs, labels)

    matches = matches_by_label(counts)

    assert counts.labelled.sum() == 4
    assert matches[counts.probability > 0.9].sum() == pytest.approx(2 * 1 / 4)
    assert matches[counts.probability < 0.9] == pytest.approx(counts.expected[counts.probability < 0.9])


def test_a_truth_labels_the_pairs_it_knows(spark, pairs):
    truth = spark.createDataFrame(
        [("s", n, n if n == "9" else "e") for n in "129"], "source string, record_id string, entity_id string"
    )

    found = {
        (row["left_key"][-1], row["right_key"][-1]): row["is_match"] for row in truth_labels(pairs, truth).collect()
    }

    assert found == {("1", "2"): True, ("1", "9"): False, ("2", "9"): False}


CURVES = st.lists(st.tuples(st.floats(0.01, 1), st.integers(1, 50)), min_size=1, max_size=20)


def counts_of(points):
    table = pd.DataFrame(points, columns=["probability", "n_pairs"])
    return table.assign(expected=table.probability * table.n_pairs)


@given(CURVES)
def test_a_higher_threshold_links_less_finds_less_and_is_no_less_precise(points):
    table = threshold_table(counts_of(points))

    assert table.links.is_monotonic_decreasing
    assert (table.recall.diff().dropna() <= 1e-9).all()
    assert (table.precision.dropna().diff().dropna() >= -1e-9).all()


@given(CURVES)
def test_dearer_false_merges_never_lower_the_best_threshold(points):
    counts = counts_of(points)

    low, high = (threshold_costs(counts, Costs(cost, 10, 1)).iloc[0] for cost in (1, 1000))

    assert high.threshold >= low.threshold
    assert high.false_merges <= low.false_merges + 1e-9


def test_all_pairs_of_thresholds_are_priced_by_what_they_do():
    counts = counts_of([(0.5, 10), (0.97, 100)])
    table = threshold_costs(counts, Costs(100, 10, 1)).set_index(["threshold", "review_from"])

    assert len(table) == len(GRID) * (len(GRID) + 1) / 2
    assert table.loc[(0.96, 0.2)].tolist() == pytest.approx([100 * 3 + 10, 3, 0, 10])
    assert table.loc[(0.96, 0.6)].tolist() == pytest.approx([100 * 3 + 10 * 5, 3, 5, 0])


def test_pairs_to_label_are_uncertain_and_of_many_patterns(pairs):
    chosen = [(row["left_record_id"], row["right_record_id"]) for row in pairs_to_label(pairs, 4).collect()]

    assert chosen[:2] == [("5", "6"), ("1", "9")]
    assert chosen[2] == ("7", "8")


def test_pairs_with_an_answer_are_not_asked_again_and_partitions_do_not_matter(spark, pairs):
    labelled = spark.createDataFrame([("s\x1f5", "s\x1f6", True, 1.0)], LABELS)

    one = pairs_to_label(pairs, 6, labelled).collect()
    other = pairs_to_label(pairs.repartition(5, "right_record_id"), 6, labelled).collect()

    assert one == other
    assert ("5", "6") not in {(row["left_record_id"], row["right_record_id"]) for row in one}
    assert len(one) == 5


def test_pairs_answered_by_label_decision_or_in_the_run_are_not_asked_again(spark, pairs, tmp_path):
    run = new_run(spark, str(tmp_path / "out"))
    run.write_table(spark.createDataFrame([("s\x1f7", "s\x1f8", "match", None, None, None)], DECISIONS), "decisions")
    files = [str(tmp_path / name) for name in ("labels.jsonl", "decisions.jsonl", "none.jsonl")]
    append_decisions(files[0], [Decision("s", "6", "s", "5", "match", "mara", now(), "other", "t1")])
    append_decisions(files[1], [Decision("s", "1", "s", "9", "no_match", "mara", now(), "other", "t2")])

    asked = pairs_to_label(pairs, 6, answered_pairs(spark, run, *files)).collect()

    assert {(row["left_record_id"], row["right_record_id"]) for row in asked} == {("1", "2"), ("3", "4"), ("2", "9")}
    assert answered_pairs(spark, new_run(spark, str(tmp_path / "out")), files[2]).isEmpty()


def test_drift_is_that_of_the_report_with_the_greatest_for_its_limit_first():
    names = ("measure", "against", "index", "limit", "warns")
    rows = [("missing phones", "last run", None, None, False), ("score", "last run", 0.2, 0.25, False),
            ("missing emails", "reference", 0.3, 0.1, True)]  # fmt: skip

    found = drift_rows({"drift": [dict(zip(names, row, strict=True)) for row in rows]})

    assert found.measure.tolist() == ["missing emails", "score", "missing phones"]
    assert found.warns.tolist() == [True, False, False]
    assert drift_rows({}).empty


def test_missing_rates_that_moved_most_come_first():
    now_, before = (
        pd.DataFrame({"source": "s", "column": ["phones", "emails"], "missing": shares})
        for shares in ([0.5, 0.2], [0.1, 0.1])
    )

    found = missing_drift(now_, before)

    assert found.column.tolist() == ["phones", "emails"]
    assert found.change.tolist() == pytest.approx([0.4, 0.1])


def test_cases_of_a_real_run_hold_what_their_questions_are_about(spark, submitted_run, tmp_path):
    queue = submitted_run.table("review_queue").sort_values(["priority", "task_id"], ascending=[False, True])
    decisions = str(tmp_path / "d.jsonl")

    cases = open_cases(spark, str(submitted_run.output), decisions)

    assert [case.task_id for case in cases] == queue.task_id.tolist()
    for case, (_, task) in zip(cases, queue.iterrows(), strict=True):
        assert {member.enterprise_id for member in case.members} <= set(task.enterprise_ids)
        assert [member.record_key for member in case.members[: len(case.asked)]] == list(case.asked)
        assert all(member.values for member in case.members)
    first = cases[0]
    append_decisions(decisions, [Decision("a", "b", "c", "d", "match", "mara", now(), "other", first.task_id)])
    left = open_cases(spark, str(submitted_run.output), decisions, most=1)
    assert [case.task_id for case in left] == [cases[1].task_id]


def test_label_cases_come_with_their_records(spark, submitted_run):
    run = current_run(spark, str(submitted_run.output))

    cases = label_cases(spark, run, 3)

    assert len(cases) == 3
    assert all(case.is_pair and case.asked_pair is not None for case in cases)
    assert cases_of(spark, run, []) == []
