"""Vetoes by the dates of notes: care after a death, and inpatient care in two places on the same days.

Both are probes of false links: Hagger-Johnson et al., *Identifying possible false matches in anonymized hospital
administrative data without patient identifiers*, Health Services Research 50, 2015.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType

from siamese_er.linkage.care import (
    CARE_VETOES,
    DAYS_OF_GRACE,
    INPATIENT,
    LEAST_PAIRS_OF_FEEDS,
    LEAST_SHARE_OF_FEEDS,
    LEAST_SHARED_DAYS,
    NOT_SEEN,
)
from siamese_er.schemas import KEY_SEPARATOR, LONGS, SCORES, STRING, conform
from siamese_er.schemas import table as record_table

DATED_CARE = record_table(
    record_key=STRING, died=IntegerType(), last_seen=IntegerType(), inpatient_days=LONGS, inpatient_texts=LONGS
)
DAY = r"^\d{4}-\d{2}-\d{2}"


def dated_care(standardised: DataFrame, notes: DataFrame) -> DataFrame:
    """The dated care of each record that has any, days counted from 1970.

    In:  STANDARDISED, NOTES; a note whose date does not begin as YYYY-MM-DD is not dated.
    Out: DATED_CARE. died: the last day that the record's death dates leave possible; null = not known to be dead.
         last_seen: the last note for which the patient must have lived; null = none. inpatient_days: days of inpatient
         notes; inpatient_texts: hashes of their texts.
    """
    kind = F.lower(F.coalesce("note_type", F.lit("")))
    day = F.when(F.col("note_date").rlike(DAY), F.unix_date(F.substring("note_date", 1, 10).try_cast("date")))
    dated = notes.select("record_key", kind.alias("kind"), day.alias("day"), F.xxhash64("text").alias("text_hash"))
    is_inpatient = F.col("kind").rlike(INPATIENT) & ~F.col("kind").rlike(NOT_SEEN)
    of_notes = (
        dated.where(F.col("day").isNotNull())
        .groupBy("record_key")
        .agg(
            F.max(F.when(~F.col("kind").rlike(NOT_SEEN), F.col("day"))).alias("last_seen"),
            F.array_sort(F.collect_set(F.when(is_inpatient, F.col("day").cast("long")))).alias("inpatient_days"),
            F.array_sort(F.collect_set(F.when(is_inpatient, F.col("text_hash")))).alias("inpatient_texts"),
        )
    )
    died = F.array_max(F.transform("death_dates", last_day_of)).alias("died")
    of_records = standardised.where(F.size("death_dates") > 0).select("record_key", died)
    return conform(of_records.join(of_notes, "record_key", "full"), DATED_CARE)


def last_day_of(date: Column) -> Column:
    """The last day that a standardised date may be; null for a day without a year."""
    length = F.length(date)
    latest = F.when(length == 4, F.concat(date, F.lit("-12-31"))).otherwise(date)
    last = F.when(length == 7, F.last_day(F.concat(date, F.lit("-01")).try_cast("date")))
    return F.unix_date(last.when(length != 7, latest.try_cast("date")))


def with_care_vetoes(scores: DataFrame, care: DataFrame, least_probability: float) -> DataFrame:
    """SCORES, pairs of at least this probability with ``care_after_death`` and ``care_in_two_places`` where they hold.

    In: SCORES, DATED_CARE. Less likely pairs are not looked at: nobody would be asked about them.
    """
    likely = scores.where(F.col("match_probability") >= least_probability).select("left_key", "right_key")
    for side in ("left", "right"):
        likely = likely.join(
            care.toDF(*(f"{side}_{name.removeprefix('record_')}" for name in care.columns)), f"{side}_key"
        )
    found = F.array_compact(
        F.array(
            *(
                F.when(held, F.lit(name))
                for name, held in zip(CARE_VETOES, (F.col("after"), F.col("apart")), strict=True)
            )
        )
    )
    held_back = (
        likely.withColumns(
            {"after": after_death("left", "right") | after_death("right", "left"), "same_stay": same_stay()}
        )
        .withColumn("apart", F.col("same_stay") & ~of_one_site())
        .where("after or apart")
        .select("left_key", "right_key", found.alias("care_vetoes"))
    )
    joined = scores.join(held_back, ["left_key", "right_key"], "left")
    both = F.when(F.col("care_vetoes").isNull(), F.col("vetoes")).otherwise(F.array_union("vetoes", "care_vetoes"))
    return conform(joined.withColumn("vetoes", both), SCORES)


def after_death(dead: str, seen: str) -> Column:
    """Whether one side was seen after the other side's death, and is not itself said to have been dead by then."""
    last = F.col(f"{seen}_last_seen")
    own = F.coalesce(last > F.col(f"{seen}_died") + DAYS_OF_GRACE, F.lit(False))
    return F.coalesce(last > F.col(f"{dead}_died") + DAYS_OF_GRACE, F.lit(False)) & ~own


def same_stay() -> Column:
    """Whether two sources have inpatient notes of the same days, and none is a copy of the other's."""
    shared = F.size(F.array_intersect("left_inpatient_days", "right_inpatient_days")) >= LEAST_SHARED_DAYS
    copied = F.size(F.array_intersect("left_inpatient_texts", "right_inpatient_texts")) > 0
    return F.coalesce(shared & ~copied & (source_of("left_key") != source_of("right_key")), F.lit(False))


def of_one_site() -> Column:
    """Whether the two sources write of the same stays as a rule, so that they are feeds of one site."""
    sources = Window.partitionBy(source_of("left_key"), source_of("right_key"))
    is_inpatient = (F.size("left_inpatient_days") > 0) & (F.size("right_inpatient_days") > 0)
    n_pairs = F.sum(F.coalesce(is_inpatient, F.lit(False)).cast("long")).over(sources)
    n_same = F.sum(F.col("same_stay").cast("long")).over(sources)
    return (n_pairs >= LEAST_PAIRS_OF_FEEDS) & (n_same >= LEAST_SHARE_OF_FEEDS * n_pairs)


def source_of(key: str) -> Column:
    """The source part of a record key."""
    return F.substring_index(F.col(key), KEY_SEPARATOR, 1)
