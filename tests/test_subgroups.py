"""Subgroups: intervals, warnings and calibration, against worked examples and plain loops; how they are printed."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.quality.calibration import brier_score, calibration_error
from siamese_er.quality.evaluation import Evaluation
from siamese_er.quality.report import compact, evaluation_told, markdown_table, table_told
from siamese_er.quality.subgroup_calibration import (
    curves,
    pairs_by_members,
    pairs_by_pattern,
    pattern_figures,
    subgroup_calibration,
)
from siamese_er.quality.subgroups import pair_figures, wilson
from siamese_er.quality.thresholds import curve_of

EVERYONE = {"true_pairs": 1000, "linked_pairs": 1000, "correct_pairs": 950}
RECORDS = "record_key string, source string, record_id string, entity string, cluster string, subgroup string"
PAIRS = (
    "left_source string, left_record_id string, right_source string, right_record_id string, match_probability double,"
    "evidence array<struct<field:string,comparison:string,similarity:double,weight:double>>"
)


def test_wilson_is_the_textbooks():
    assert wilson(0, 0) == (None, None)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(90, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_wilson_holds_the_share(part):
    low, high = wilson(*part)

    assert 0 <= low <= part[0] / part[1] + 1e-12
    assert part[0] / part[1] - 1e-12 <= high <= 1


@pytest.mark.parametrize(
    ("counts", "warning"),
    [
        pytest.param((100, 100, 95), None, id="as everyone"),
        pytest.param((100, 100, 93), None, id="a little worse"),
        pytest.param((100, 80, 78), "lower recall", id="misses more"),
        pytest.param((80, 100, 79), "lower precision", id="links wrongly"),
        pytest.param((100, 100, 50), "lower precision, lower recall", id="both"),
        pytest.param((100, 100, 100), None, id="better"),
        pytest.param((0, 0, 0), None, id="no pairs"),
    ],
)
def test_a_subgroup_is_warned_of_where_its_interval_lies_below_everyone(counts, warning):
    found = pair_figures(dict(zip(EVERYONE, counts, strict=True)), EVERYONE, 200)

    assert found["warning"] == warning


def scored_table(spark, n=60, seed=4):
    """Labelled records of two subgroups, one of them scored too high, and their scored pairs."""
    random = np.random.default_rng(seed)
    rows = [
        (f"s\x1fr{i}", "s", f"r{i}", f"e{i // 3}", f"c{i // 2}", "old" if i < n // 2 else "young") for i in range(n)
    ]
    scored = []
    for a, b in itertools.combinations(rows, 2):
        p = float(random.choice([0.02, 0.2, 0.6, 0.95])) if a[3] != b[3] else float(random.choice([0.6, 0.95]))
        fields = ["given_name", "prior"] if random.random() < 0.3 else ["given_name", "birth_date", "prior", "context"]
        scored.append((a[1], a[2], b[1], b[2], p, [(name, "x", None, 0.0) for name in fields]))
    return rows, spark.createDataFrame(rows, RECORDS), scored, spark.createDataFrame(scored, PAIRS)


def test_calibration_of_a_subgroup_is_that_of_its_pairs(spark):
    rows, records, scored, frame = scored_table(spark)
    by_name = {row[2]: row for row in rows}
    old = [pair for pair in scored if "old" in (by_name[pair[1]][5], by_name[pair[3]][5])]
    curve = curve_of([p[4] for p in old], [by_name[p[1]][3] == by_name[p[3]][3] for p in old])

    table = subgroup_calibration(curves(pairs_by_members(frame, records, per_pair=False))).set_index("subgroup")

    assert list(table.index) == ["old", "young"]
    found = table.loc["old"]
    assert found.calibration_error == pytest.approx(calibration_error(curve))
    assert found.brier == pytest.approx(brier_score(curve))
    assert found.scored_pairs == sum(pair[4] >= 0.05 for pair in old)
    assert found.share_true_low < found.share_true < found.share_true_high < found.mean_probability
    assert found.calibration_warning == "overconfident"


def test_pairs_of_subgroups_count_once_and_by_both(spark):
    _, records, scored, frame = scored_table(spark, n=12)

    found = curves(pairs_by_members(frame, records, per_pair=True)).groupby("subgroup").n_pairs.sum()

    assert found.to_dict() == {"old - old": 15, "old - young": 36, "young - young": 15}
    assert found.sum() == len(scored)


def test_patterns_are_the_fields_that_both_records_hold(spark):
    rows, records, scored, frame = scored_table(spark, n=20)
    cluster, entity = ({row[2]: row[place] for row in rows} for place in (4, 3))
    thin = [pair for pair in scored if len(pair[5]) == 2]

    table = pattern_figures(curves(pairs_by_pattern(frame, records))).set_index("subgroup")

    assert list(table.index) == ["name", "name + birth date"]
    assert table.loc["name", "true_pairs"] == sum(entity[pair[1]] == entity[pair[3]] for pair in thin)
    assert table.loc["name", "linked_pairs"] == sum(cluster[pair[1]] == cluster[pair[3]] for pair in thin)
    assert table["true_pairs"].sum() == sum(entity[pair[1]] == entity[pair[3]] for pair in scored)


def test_a_subgroup_of_few_pairs_shows_no_calibration():
    few = pd.DataFrame({"subgroup": "rare", "probability": [0.5], "n_pairs": [9], "n_true": [4]})

    (row,) = subgroup_calibration(few).to_dict("records")

    assert [value for name, value in row.items() if name != "subgroup"] == [None] * 8


def test_tables_with_intervals_are_told_in_one_column_each():
    table = pd.DataFrame(
        {"evidence": ["both", "a|b"], "f1": [0.5, None], "f1_low": [0.25, None], "f1_high": [0.75, None]}
    )

    lines = table_told(table, "markdown").splitlines()

    assert lines == ["| evidence | f1 |", "| --- | --- |", "| both | 0.5000 [0.2500, 0.7500] |", "| a\\|b | - |"]
    assert table_told(table, "json").startswith('[{"evidence": "both", "f1": 0.5')
    assert list(compact(table).columns) == ["evidence", "f1"]


def test_markdown_of_an_evaluation_has_a_table_for_each_part():
    reliability = pd.DataFrame({"lowest": [0.1], "share_true": [0.2]})
    evaluation = Evaluation({"f1": 0.5, "recall": None}, reliability, {"sex": pd.DataFrame({"subgroup": ["f"]})})

    told = evaluation_told(evaluation, "markdown")

    assert "| f1 | 0.5000 |\n| recall | - |" in told
    assert told.endswith(f"By sex\n\n{markdown_table(evaluation.subgroups['sex'])}")
