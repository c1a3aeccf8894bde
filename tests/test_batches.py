"""What ``jobs/measure_batches.py`` says of timings."""

import pytest

from siamese_er.quality.batches import BatchTiming, batch_table, fixed_and_marginal
from siamese_er.quality.comparison import Cost


def timing(n_delivered, cpu_seconds):
    return BatchTiming(n_delivered, Cost(0, 2 * cpu_seconds, cpu_seconds, 1.0), 3.0, 50 * n_delivered)


def test_a_day_has_a_fixed_cost_and_one_by_the_record():
    assert fixed_and_marginal([timing(10, 40.1), timing(100, 41.0), timing(1000, 50.0)]) == (
        pytest.approx(40.0), pytest.approx(10.0),
    )  # fmt: skip


def test_a_line_for_each_batch():
    assert batch_table([timing(10_000, 90.0), timing(10, 40.0)])[2:] == [
        "| 10,000 | 180.0 | 90 | 3.0 | 500,000 |",
        "| 10 | 80.0 | 40 | 3.0 | 500 |",
    ]
