"""Whether a match probability means the same for every subgroup, and for every pattern of fields that two records share."""

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.quality.calibration import LOWEST_SHOWN, brier_score, calibration_error
from siamese_er.quality.counts import judged_pairs, record_key
from siamese_er.quality.subgroups import SMALLEST_CELL, pair_figures, wilson

DIGITS = 4
"""Decimals of the probabilities counted for a subgroup: at most 10,001 rows of each reach the driver."""
KINDS_OF_FIELDS = {
    "name": ("given_name", "family_name", "middle_name"),
    "birth date": ("birth_date",),
    "sex": ("sex",),
    "id": ("national_id", "identifier"),
    "contact": ("phone", "email"),
    "address": ("address_line", "city", "postal_code"),
}
NO_FIELDS = "(none)"
CALIBRATION_COLUMNS = (
    "scored_pairs", "mean_probability", "share_true", "share_true_low", "share_true_high", "calibration_error", "brier",
)  # fmt: skip


def pattern(evidence: Column) -> Column:
    """The kinds of fields that both records of a scored pair hold, as "name + birth date"; 64 at most."""
    fields = evidence.getField("field")
    held = [
        F.when(F.arrays_overlap(fields, F.array(*map(F.lit, names))), F.lit(kind))
        for kind, names in KINDS_OF_FIELDS.items()
    ]
    told = F.concat_ws(" + ", *held)
    return F.when(told == "", NO_FIELDS).otherwise(told)


def pairs_by_pattern(scored_pairs: DataFrame, records: DataFrame) -> DataFrame:
    """Judged pairs (see ``counts.py``) with ``subgroup``, their pattern."""
    left, right = record_key("left_"), record_key("right_")
    ends = F.least(left, right).alias("low"), F.greatest(left, right).alias("high")
    patterns = scored_pairs.select(*ends, pattern(F.col("evidence")).alias("subgroup"))
    once = patterns.groupBy("low", "high").agg(F.max("subgroup").alias("subgroup"))
    return judged_pairs(scored_pairs, records).join(once, on=["low", "high"], how="inner")


def pairs_by_members(scored_pairs: DataFrame, records: DataFrame, per_pair: bool) -> DataFrame:
    """Judged pairs with ``subgroup``: a row for each of the two records' subgroups, or one for both as "a - b".

    In: labelled records with ``subgroup``.
    """
    pairs = judged_pairs(scored_pairs, records)
    for side in ("low", "high"):
        of_side = records.select(F.col("record_key").alias(side), F.col("subgroup").alias(f"{side}_subgroup"))
        pairs = pairs.join(of_side, on=side, how="inner")
    low, high = F.col("low_subgroup"), F.col("high_subgroup")
    if per_pair:
        return pairs.withColumn("subgroup", F.concat_ws(" - ", F.least(low, high), F.greatest(low, high)))
    return pairs.withColumn("subgroup", F.explode(F.array_distinct(F.array(low, high))))


def curves(pairs: DataFrame) -> pd.DataFrame:
    """The curve (see ``thresholds.py``) of each subgroup of judged pairs, with ``n_linked`` and ``n_correct``."""
    rounded = pairs.withColumn("probability", F.round("probability", DIGITS))
    counted = rounded.groupBy("subgroup", "probability").agg(
        F.count(F.lit(1)).alias("n_pairs"), F.count_if("is_true").alias("n_true"), F.count_if("is_linked").alias("n_linked"),
        F.count_if(F.col("is_true") & F.col("is_linked")).alias("n_correct"),
    )  # fmt: skip
    return counted.toPandas().sort_values(["subgroup", "probability"], ignore_index=True)


def subgroup_calibration(found: pd.DataFrame) -> pd.DataFrame:
    """One row for each ``subgroup`` of ``curves``, with CALIBRATION_COLUMNS and ``calibration_warning``.

    ``scored_pairs``, ``mean_probability`` and ``share_true`` (with its Wilson interval) are of the pairs at or above .05,
    as is ``calibration_error``; null with fewer than ten of them. The warning, "overconfident" or "underconfident", says
    that the mean probability lies above or below the interval of the share; null where it lies inside.
    """
    rows = [{"subgroup": name} | _calibration(curve) for name, curve in found.groupby("subgroup")]
    return pd.DataFrame(rows, columns=["subgroup", *CALIBRATION_COLUMNS, "calibration_warning"])


def _calibration(curve: pd.DataFrame) -> dict[str, object]:
    shown = curve[curve.probability >= LOWEST_SHOWN]
    n_pairs, n_true = int(shown.n_pairs.sum()), int(shown.n_true.sum())
    if n_pairs < SMALLEST_CELL:
        return dict.fromkeys((*CALIBRATION_COLUMNS, "calibration_warning"))
    mean = float((shown.probability * shown.n_pairs).sum() / n_pairs)
    low, high = wilson(n_true, n_pairs)
    assert low is not None
    assert high is not None
    warning = "overconfident" if mean > high else "underconfident" if mean < low else None
    values = (n_pairs, mean, n_true / n_pairs, low, high, calibration_error(curve), brier_score(curve), warning)
    return dict(zip((*CALIBRATION_COLUMNS, "calibration_warning"), values, strict=True))


def pattern_figures(found: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall of each pattern, among scored pairs alone: a pair that was not scored has no pattern.

    In: ``curves`` of ``pairs_by_pattern``. Out: as ``subgroup_figures``, without ``n_records``.
    """
    names = {"n_true": "true_pairs", "n_linked": "linked_pairs", "n_correct": "correct_pairs"}
    counts = found.groupby("subgroup")[["n_pairs", *names]].sum().rename(columns=names)
    everyone = {str(name): int(number) for name, number in counts[[*names.values()]].sum().items()}
    rows = [
        {"subgroup": name} | pair_figures({n: int(row[n]) for n in names.values()}, everyone, int(row["n_pairs"]))
        for name, row in counts.iterrows()
    ]
    return pd.DataFrame(rows)
