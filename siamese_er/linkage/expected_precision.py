"""The threshold of a table that keeps the expected share of wrong links low, from its own calibrated probabilities."""

import numpy as np

STEPS = 100
"""Thresholds are whole hundredths."""


def hundredths(probabilities: np.ndarray) -> np.ndarray:
    """(n,) int: the hundredth that each probability reaches, 0..100."""
    return np.floor(probabilities * STEPS + 1e-9).astype(np.int64)


def least_threshold(counts: np.ndarray, sums: np.ndarray, least: float, expected_precision: float) -> float:
    """The least threshold of ``least`` or more, .99 at most, at which links are expected to be as precise as asked.

    If probabilities are calibrated, their mean over the pairs at or above a threshold is the share of true pairs among
    them: the control of a false discovery rate. Source: Efron, Large-Scale Inference (2010), section 5.

    In: (101,) number of pairs that nothing forbids to link, and sum of their probabilities, by ``hundredths``.
    """
    n, total = (np.cumsum(column[::-1])[::-1] for column in (counts, sums))
    expected = total / np.maximum(n, 1)
    good = (expected >= expected_precision) | (n == 0)
    places = np.arange(round(least * STEPS), STEPS)
    held = places[good[places]]
    return float(min(held, default=STEPS - 1)) / STEPS
