"""Which pairs to label: the most informative first, so that a few answers teach as much as they can.

A pair informs by its uncertainty and by being unlike the pairs before it. Pairs with the same *evidence pattern* (the
level that each comparison found, such as "equal names, birth date one error off, other address") teach much the same,
so the second of a pattern counts half, the third a third.

Source: Settles 2009, Active Learning Literature Survey (uncertainty sampling; density and diversity).
"""

from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from siamese_er.review.cases import ReviewCase, cases_of
from siamese_er.schemas import KEY_SEPARATOR
from siamese_er.sources.labels import read_labels
from siamese_er.storage import RunFolder

NOT_A_COMPARISON = ("prior", "context", "notes")
REASON = "chosen for labelling: uncertain, and unlike the pairs before it"


def pairs_to_label(scored_pairs: DataFrame, n_pairs: int, labelled: DataFrame | None = None) -> DataFrame:
    """At most ``n_pairs`` scored pairs, the most informative first: their columns, ``pattern`` and ``informs``.

    ``informs`` is p(1 - p) divided by the pair's place among those of its pattern, the most uncertain first. Ties are
    broken by a hash of the keys: the same run gives the same pairs. A person's decision or label takes a pair out.

    In: SCORED_PAIRS; ``labelled``: left_key and right_key of the pairs that have an answer (`answered_pairs`), ordered.
    """
    keyed = scored_pairs.withColumns(
        {f"{side}_key": F.concat_ws(KEY_SEPARATOR, f"{side}_source", f"{side}_record_id") for side in ("left", "right")}
    )
    if labelled is not None:
        keyed = keyed.join(labelled.select("left_key", "right_key"), ["left_key", "right_key"], "left_anti")
    compared = F.filter("evidence", lambda one: ~one["field"].isin(*NOT_A_COMPARISON))
    pattern = F.array_join(F.array_sort(F.transform(compared, lambda one: F.concat_ws(":", one["field"],
                                                                                      one["comparison"]))), " ")  # fmt: skip
    p = F.col("match_probability")
    rated = keyed.withColumns(
        {"pattern": pattern, "uncertainty": p * (1 - p), "tie": F.xxhash64("left_key", "right_key")}
    )
    place = F.row_number().over(Window.partitionBy("pattern").orderBy(F.desc("uncertainty"), "tie"))
    valued = rated.withColumn("informs", F.col("uncertainty") / place)
    return valued.orderBy(F.desc("informs"), "tie").limit(n_pairs).drop("uncertainty", "tie")


def answered_pairs(spark: SparkSession, run: RunFolder, *paths: str) -> DataFrame:
    """left_key, right_key of the pairs that a person has answered: in these files of labels or decisions, where they
    are there yet, and in the decisions that the run was given. Raises: ContractFault for a file with bad rows."""
    given = run.optional_table(spark, "decisions")
    found = [read_labels(spark, path) for path in paths if Path(path).exists()] + ([] if given is None else [given])
    nobody = spark.createDataFrame([], "left_key string, right_key string")
    return reduce(DataFrame.union, [pairs.select("left_key", "right_key") for pairs in found], nobody).distinct()


def label_cases(
    spark: SparkSession, run: RunFolder, n_pairs: int, labelled: DataFrame | None = None
) -> list[ReviewCase]:
    """The pairs to label as cases for the desk, with their records; at most 500.

    The answers go to a labels file (``jobs/match.py --labels``); as decisions they would bind the run.
    """
    chosen = pairs_to_label(run.read_table(spark, "scored_pairs"), n_pairs, labelled)
    ids = run.read_table(spark, "crosswalk").select(
        F.concat_ws(KEY_SEPARATOR, "source", "record_id").alias("record_key"), "enterprise_id"
    )
    tasks = (
        chosen.join(ids.toDF("left_key", "left_person"), "left_key")
        .join(ids.toDF("right_key", "right_person"), "right_key")
        .select(
            F.substring(F.sha2(F.concat_ws("\x1e", F.lit("label"), "left_key", "right_key"), 256), 1, 16).alias(
                "task_id"
            ),
            "left_source", "left_record_id", "right_source", "right_record_id", "match_probability", "informs",
            F.array_distinct(F.array("left_person", "right_person")).alias("enterprise_ids"),
            F.lit(REASON).alias("reason"), F.lit("pair").alias("kind"),
        )
        .orderBy(F.desc("informs"), F.xxhash64("task_id"))
    )  # fmt: skip
    return cases_of(spark, run, [row.asDict() for row in tasks.limit(min(n_pairs, 500)).collect()])
