"""Suspected overlays: records under whose key two people were written, one after the other."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.components import Checkpoint
from siamese_er.config import InputSettings, StandardiseSettings
from siamese_er.schemas import SCORES, conform
from siamese_er.standardise import standardised_records

SUSPECTED_OVERLAY = "suspected_overlay"
"""The veto of pairs with such a record: whose it is, only a person can say, so it grows no cluster by itself."""


def suspected_overlays(
    records: DataFrame, history: DataFrame, standardised: DataFrame, settings: InputSettings,
    rules: StandardiseSettings, checkpoint: Checkpoint,
) -> DataFrame:  # fmt: skip
    """record_key of the records of which an earlier version tells of somebody else.

    Only versions whose birth date is written otherwise than the present one are looked at, as these are few.

    In: RECORDS, HISTORY, STANDARDISED.
    """
    now = records.select("record_key", F.col("birth_date").alias("present"))
    doubtful = history.join(now, "record_key").where(~F.arrays_overlap("birth_date", "present")).drop("present")
    own = lambda frame, name: checkpoint(frame, f"earlier_{name}")  # noqa: E731
    earlier = standardised_records(conform(doubtful, records.schema), settings, rules, own)
    return checkpoint(overlaid(standardised, earlier), "overlaid")


def overlaid(standardised: DataFrame, earlier: DataFrame) -> DataFrame:
    """record_key of the records of which an earlier version has another birth date and shares no given name.

    In: STANDARDISED; ``earlier``: STANDARDISED rows of earlier versions, several a record_key.
    """
    then = earlier.select(
        "record_key", F.col("birth_dates").alias("earlier_dates"), F.col("given_names").alias("earlier_names")
    )
    known = ("birth_dates", "earlier_dates", "given_names", "earlier_names")
    other_person = ~F.arrays_overlap("birth_dates", "earlier_dates") & ~F.arrays_overlap("given_names", "earlier_names")
    for name in known:
        other_person = other_person & (F.size(name) > 0)
    both = standardised.select("record_key", "birth_dates", "given_names").join(then, "record_key")
    return both.where(other_person).select("record_key").distinct()


def with_overlay_veto(scores: DataFrame, suspected: DataFrame) -> DataFrame:
    """SCORES, pairs with a suspected overlay on either side with the veto `SUSPECTED_OVERLAY`.

    In: SCORES; ``suspected``: record_key, few.
    """
    marked = scores
    for side in ("left", "right"):
        keys = suspected.select(F.col("record_key").alias(f"{side}_key"), F.lit(True).alias(f"{side}_overlaid"))
        marked = marked.join(F.broadcast(keys), f"{side}_key", "left")
    is_doubtful = F.coalesce("left_overlaid", "right_overlaid", F.lit(False))
    vetoes = F.array_union("vetoes", F.array(F.lit(SUSPECTED_OVERLAY)))
    return conform(marked.withColumn("vetoes", F.when(is_doubtful, vetoes).otherwise(F.col("vetoes"))), SCORES)
