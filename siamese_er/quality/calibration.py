"""Whether a match probability means what it says: of the pairs scored .8, eight in ten should be true.

The functions take the curve of ``thresholds.py``: ``probability``, ``n_pairs``, ``n_true``.
"""

import pandas as pd

from siamese_er.quality.clusters import ratio

LOWEST_SHOWN = 0.05
"""Pairs below are left out of the calibration error: how many are kept near 0 is the floor's choice, and any number of
them would flatter the figure."""


def reliability_table(curve: pd.DataFrame, bins: int = 15, lowest: float = LOWEST_SHOWN) -> pd.DataFrame:
    """Mean probability and share of true pairs in bins of about equal count; one row for each bin that has pairs.

    Bins of equal count, since most probabilities lie near 0 or 1. Equal probabilities share a bin, so that no order of
    rows can matter; some bins are therefore larger than others, or missing.

    Out: ``lowest``, ``highest`` (probabilities of the bin), ``n_pairs``, ``mean_probability``, ``share_true``.
    """
    shown = curve[curve.probability >= lowest].sort_values("probability")
    total = shown.n_pairs.sum()
    bin_number = (shown.n_pairs.cumsum() - shown.n_pairs) * bins // max(total, 1)
    rows = shown.assign(mass=shown.probability * shown.n_pairs).groupby(bin_number)
    table = rows.agg(
        lowest=("probability", "min"), highest=("probability", "max"),
        n_pairs=("n_pairs", "sum"), mass=("mass", "sum"), n_true=("n_true", "sum"),
    ).reset_index(drop=True)  # fmt: skip
    table["mean_probability"], table["share_true"] = table.mass / table.n_pairs, table.n_true / table.n_pairs
    return table.drop(columns=["mass", "n_true"])


def calibration_error(curve: pd.DataFrame, bins: int = 15, lowest: float = LOWEST_SHOWN) -> float | None:
    """Expected calibration error: |mean probability - share of true pairs| of the bins, averaged by their pairs.

    0 is perfect, over the scored pairs at or above ``lowest``; null when there are none.

    Source: Naeini, Cooper, Hauskrecht 2015, with bins of equal count.

    >>> from siamese_er.quality.thresholds import curve_of
    >>> round(calibration_error(curve_of([.9, .9, .1, .1], [1, 0, 0, 0]), bins=2), 9)
    0.25
    """
    table = reliability_table(curve, bins, lowest)
    distance = (table.mean_probability - table.share_true).abs()
    return ratio((distance * table.n_pairs).sum(), table.n_pairs.sum())


def brier_score(curve: pd.DataFrame) -> float | None:
    """Mean squared difference between probability and truth (1 or 0) over all scored pairs; null without pairs.

    Source: Brier 1950. Depends on how many easy pairs were scored: compare only runs over the same pairs.
    """
    true_loss = curve.n_true * (1 - curve.probability) ** 2
    false_loss = (curve.n_pairs - curve.n_true) * curve.probability**2
    return ratio((true_loss + false_loss).sum(), curve.n_pairs.sum())
