"""Step 5, first part: the threshold of the decision on this table."""

from collections.abc import Collection

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.config import DecideSettings
from siamese_er.linkage.expected_precision import STEPS, least_threshold

MILLION = 1_000_000
DEVICE_MARGIN = 0.005  # by which the probability of a pair may differ where notes are encoded in half precision


def on_table(settings: DecideSettings, scores: DataFrame) -> DecideSettings:
    """The settings with the threshold that holds on a table: under ``safe``, from its calibrated probabilities.

    In: SCORES. Sums are of whole millionths, so that the threshold does not depend on the order of the rows.
    """
    if settings.auto_threshold is not None or settings.preset == "balanced":
        return settings.model_copy(update={"auto_threshold": settings.threshold()})
    free = scores.where((F.size("vetoes") == 0) & (F.col("match_probability") >= settings.least_threshold))
    reached = F.floor(F.col("match_probability") * STEPS + 1e-9).cast("int")
    millionths = F.round(F.col("match_probability") * MILLION).cast("long")
    rows = (
        free.groupBy(reached.alias("reached")).agg(F.count("*").alias("n"), F.sum(millionths).alias("total")).collect()
    )
    counts, sums = np.zeros(STEPS + 1), np.zeros(STEPS + 1)
    for row in rows:
        counts[row["reached"]], sums[row["reached"]] = row["n"], row["total"] / MILLION
    threshold = least_threshold(counts, sums, settings.least_threshold, settings.expected_precision)
    return settings.model_copy(update={"auto_threshold": threshold})


def device_margin(devices: Collection[str]) -> float:
    """By how much probabilities may be off what a CPU finds, by the kinds of device that encoded notes in half precision."""
    return 0.0 if set(devices) <= {"cpu"} else DEVICE_MARGIN


def widened(settings: DecideSettings, margin: float) -> DecideSettings:
    """The settings by which every pair within a margin of a threshold is asked of a person: its band could be another."""
    if not margin:
        return settings
    bounds = {"auto_threshold": min(1.0, settings.threshold() + margin),
              "review_threshold": max(0.0, settings.review_threshold - margin)}  # fmt: skip
    return settings.model_copy(update=bounds)
