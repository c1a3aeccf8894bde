"""What thresholds would do: precision, recall and review load, with and without labels, and what mistakes cost.

Without labels the calibrated probabilities speak for themselves: of n pairs at probability p, n p are expected to
match. With labels the labelled pairs of each bin of probability stand for all pairs of the bin. Both are figures of
scored pairs, before clusters close them; pairs that blocking or the floor lost are in neither.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.schemas import KEY_SEPARATOR

STEPS = 1000
GRID = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)


@dataclass(frozen=True)
class Costs:
    """What a mistake costs, in one unit, such as minutes of work or euros."""

    false_merge: float
    missed_link: float
    question: float


def score_counts(scored_pairs: DataFrame, labels: DataFrame | None = None) -> pd.DataFrame:
    """``probability`` (in steps of .001), ``n_pairs``, ``expected`` matches; with labels ``labelled`` and ``labelled_true``.

    Vetoes are not heeded: a pair that one holds back counts by its probability.

    In: SCORED_PAIRS; LABELS (left_key < right_key).
    """
    pairs = scored_pairs.select(
        *(F.concat_ws(KEY_SEPARATOR, f"{side}_source", f"{side}_record_id").alias(f"{side}_key")
          for side in ("left", "right")),
        "match_probability",
    )  # fmt: skip
    if labels is None:
        pairs = pairs.withColumns({"is_match": F.lit(None).cast("boolean"), "weight": F.lit(None).cast("double")})
    else:
        pairs = pairs.join(labels, ["left_key", "right_key"], "left")
    weight = F.coalesce("weight", F.lit(1.0))
    counts = pairs.groupBy((F.round(F.col("match_probability") * STEPS) / STEPS).alias("probability")).agg(
        F.count("*").alias("n_pairs"), F.sum("match_probability").alias("expected"),
        _sum_where(F.col("is_match").isNotNull(), weight).alias("labelled"),
        _sum_where(F.col("is_match"), weight).alias("labelled_true"),
    )  # fmt: skip
    return counts.orderBy("probability").toPandas()


def truth_labels(scored_pairs: DataFrame, truth: DataFrame) -> DataFrame:
    """LABELS of the scored pairs of which both records are in a truth (``source``, ``record_id``, ``entity_id``)."""
    of = truth.select(F.concat_ws(KEY_SEPARATOR, "source", "record_id").alias("key"), "entity_id")
    keys = scored_pairs.select(
        *(F.concat_ws(KEY_SEPARATOR, f"{side}_source", f"{side}_record_id").alias(f"{side}_key")
          for side in ("left", "right"))
    )  # fmt: skip
    known = keys.join(of.toDF("left_key", "left_entity"), "left_key").join(
        of.toDF("right_key", "right_entity"), "right_key"
    )
    is_match = (F.col("left_entity") == F.col("right_entity")).alias("is_match")
    return known.select("left_key", "right_key", is_match, F.lit(1.0).alias("weight"))


def matches_by_label(counts: pd.DataFrame, n_bins: int = 10) -> np.ndarray:
    """Matches that each row of `score_counts` holds by its labels: the share among the labelled pairs of its bin.

    Bins are tenths of probability. A bin without labelled pairs falls back on the probabilities.
    """
    bins = np.minimum((counts.probability * n_bins).astype(int), n_bins - 1)
    labelled = counts.groupby(bins)[["labelled", "labelled_true"]].transform("sum")
    share = labelled.labelled_true / labelled.labelled.where(labelled.labelled > 0)
    return (counts.n_pairs * share).fillna(counts.expected).to_numpy()


def threshold_table(counts: pd.DataFrame, matches: np.ndarray | None = None, review_from: float = 0.2) -> pd.DataFrame:
    """For each threshold of the grid: ``precision``, ``recall``, ``links``, ``questions`` (pairs from ``review_from`` to it).

    ``matches`` per row of the counts; null: the expected ones. Precision is null where nothing is linked.

    >>> counts = pd.DataFrame({"probability": [.5, .97], "n_pairs": [2, 10], "expected": [1.0, 9.0]})
    >>> found = threshold_table(counts).set_index("threshold").loc[.96]
    >>> [float(value) for value in found]
    [0.9, 0.9, 10.0, 2.0]
    """
    found = counts.expected.to_numpy() if matches is None else matches
    rows = []
    for threshold in GRID:
        is_linked = (counts.probability >= threshold).to_numpy()
        is_asked = ((counts.probability >= review_from) & (counts.probability < threshold)).to_numpy()
        n_linked, true = counts.n_pairs[is_linked].sum(), found[is_linked].sum()
        precision = true / n_linked if n_linked else np.nan
        rows.append(
            (threshold, precision, true / max(found.sum(), 1e-9), int(n_linked), int(counts.n_pairs[is_asked].sum()))
        )
    return pd.DataFrame(rows, columns=["threshold", "precision", "recall", "links", "questions"])


def threshold_costs(counts: pd.DataFrame, costs: Costs, matches: np.ndarray | None = None) -> pd.DataFrame:
    """For each pair of thresholds (``review_from`` <= ``threshold``) what mistakes and questions cost; cheapest first.

    Linked non-matches are false merges, matches below ``review_from`` are missed, pairs between are asked and answered
    rightly. Ties go to the higher thresholds, which merge less.
    """
    found = counts.expected.to_numpy() if matches is None else matches
    probability, n_pairs = counts.probability.to_numpy(), counts.n_pairs.to_numpy()
    rows = []
    for threshold in GRID:
        is_linked = probability >= threshold
        false = (n_pairs - found)[is_linked].sum()
        for review_from in (bound for bound in GRID if bound <= threshold):
            missed = found[probability < review_from].sum()
            asked = n_pairs[(probability >= review_from) & ~is_linked].sum()
            cost = costs.false_merge * false + costs.missed_link * missed + costs.question * asked
            rows.append((threshold, review_from, cost, false, missed, int(asked)))
    table = pd.DataFrame(
        rows, columns=["threshold", "review_from", "cost", "false_merges", "missed_links", "questions"]
    )
    return table.sort_values(["cost", "threshold", "review_from"], ascending=[True, False, False], ignore_index=True)


def _sum_where(condition: Column, weight: Column) -> Column:
    return F.sum(F.when(condition, weight).otherwise(F.lit(0.0)))
