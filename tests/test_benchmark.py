"""What ``jobs/benchmark.py`` says of timings."""

import pandas as pd
import pytest

from siamese_er.quality.benchmark import (
    SKEWED,
    Timing,
    figures_of,
    marginal_costs,
    plot,
    skew_lines,
    steps_table,
    table,
)
from siamese_er.quality.comparison import Cost


def timing(tool, n_records, seconds, **figures):
    return Timing(tool, n_records, Cost(0, seconds, 2 * seconds, 1.0), {"read": 1.0, "score": 2.0}, figures)


TIMINGS = [
    timing("siamese_er", 1000, 10.0, precision=1.0, recall=0.9, f1=0.9474, mixed=0),
    timing("splink_duckdb", 1000, 5.0, precision=0.5, recall=None, f1=None, mixed=12),
    timing("siamese_er", 3000, 13.0),
]


def test_figures_of_clusters_count_records_that_a_tool_left_out_as_alone():
    truth = pd.DataFrame({"source": "s", "record_id": list("abcde"), "entity_id": list("xxxyz")})
    clusters = pd.DataFrame({"source": "s", "record_id": list("abde"), "cluster": [1, 1, 2, 2]})

    found = figures_of(clusters, truth)

    assert found == {"precision": 0.5, "recall": pytest.approx(1 / 3), "f1": pytest.approx(0.4), "mixed": 1}
    assert figures_of(clusters, None) == {}


def test_table_holds_ratios_to_our_seconds_on_the_same_table():
    lines = table(TIMINGS)

    assert [line.split(" | ")[3] for line in lines[2:]] == ["1.00", "0.50", "1.00"]
    assert lines[3].endswith("| 0.5000 | - | - | 12 |")
    assert lines[4].endswith("| - | - | - | - |")


def test_a_further_record_is_what_the_larger_table_took_longer():
    assert marginal_costs(TIMINGS) == {(1000, 3000): pytest.approx(1.5)}


def test_a_skewed_table_is_compared_with_the_same_table_without():
    assert skew_lines([*TIMINGS, timing(SKEWED, 3000, 19.5)]) == [
        "3,000 records, skewed: 1.50 times the CPU seconds, 1.50 times the seconds, 1.00 times the memory"
    ]
    assert skew_lines(TIMINGS) == []


def test_two_tables_of_one_size_each_have_their_own_ratio():
    both = [
        *TIMINGS[:2],
        timing("siamese_er", 1000, 20.0),
        timing("splink_duckdb", 1000, 5.0),
        timing(SKEWED, 1000, 30.0),
    ]

    assert [line.split(" | ")[3] for line in table(both)[2:]] == ["1.00", "0.50", "1.00", "0.25", "1.50"]
    assert marginal_costs(both) == {}
    assert skew_lines(both)[0].startswith("1,000 records, skewed: 1.50 times")


def test_steps_are_of_our_runs_alone():
    assert steps_table(TIMINGS) == [
        "| step | 1,000 | 3,000 |",
        "| --- | --- | --- |",
        "| read | 1.0 | 1.0 |",
        "| score | 2.0 | 2.0 |",
    ]


def test_plot_is_a_picture(tmp_path):
    plot(TIMINGS, tmp_path / "plot.svg")

    assert (tmp_path / "plot.svg").read_text().startswith("<svg")
