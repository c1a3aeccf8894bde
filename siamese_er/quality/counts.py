"""The tables of a run, joined with the truth in Spark and aggregated to what the figures need.

Only counts reach the driver: the shapes of ``clusters.py``, the curve of ``thresholds.py`` and single numbers.
"""

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.errors import ContractFault
from siamese_er.quality.clusters import SHAPE_COLUMNS
from siamese_er.schemas import KEY_SEPARATOR

MAX_DISTINCT_PROBABILITIES = 1_000_000
"""Rows of an exact curve; with more, probabilities are rounded to 1e-6 and figures are exact to about that."""

CURVE_TYPES = {"probability": "float64", "n_pairs": "int64", "n_true": "int64", "n_true_unlinked": "int64"}
NO_PAIRS = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in CURVE_TYPES.items()})


def record_key(side: str = "") -> Column:
    """The record key of ``source`` and ``record_id``, or of one side of a pair ("left_", "right_")."""
    return F.concat_ws(KEY_SEPARATOR, F.col(f"{side}source"), F.col(f"{side}record_id"))


def pairs_among(size: Column) -> Column:
    """Number of unordered pairs among so many records."""
    return F.floor(size * (size - 1) / 2)


def total(numbers: DataFrame) -> int:
    """The sum of a frame's only column of whole numbers; 0 without rows."""
    return int(numbers.agg(F.sum(numbers.columns[0])).collect()[0][0] or 0)


def labelled_records(crosswalk: DataFrame, truth: DataFrame) -> DataFrame:
    """The records of the truth with their predicted cluster.

    A record that the crosswalk lacks is a cluster of its own: its true pairs are missed. Rows without an entity are
    left out, and so are records of the crosswalk without truth; they take no part in any figure.

    In:  CROSSWALK; truth with ``source``, ``record_id``, ``entity_id``, unique by the first two, and any other columns.
    Out: ``record_key``, ``entity``, ``cluster``, ``enterprise_id`` and ``is_in_crosswalk`` (null where it is not) and
         the other columns of truth.
    """
    enterprise_ids = crosswalk.select(
        record_key().alias("record_key"), "enterprise_id", F.lit(True).alias("is_in_crosswalk")
    )
    known = truth.where(F.col("entity_id").isNotNull()).withColumn("record_key", record_key())
    alone = F.concat(F.lit(KEY_SEPARATOR), F.col("record_key"))
    return (
        known.drop("enterprise_id", "is_in_crosswalk")
        .join(enterprise_ids, on="record_key", how="left")
        .withColumn("entity", F.col("entity_id").cast("string"))
        .withColumn("cluster", F.coalesce(F.col("enterprise_id").cast("string"), alone))
    )


def n_unique_records(records: DataFrame, table: str) -> int:
    """Number of rows. Raises: ContractFault when source and record_id are not unique, with the number of repeats."""
    rows_of_key = records.groupBy(record_key().alias("record_key")).count()
    totals = rows_of_key.agg(F.count(F.lit(1)), F.count_if(F.col("count") > 1)).collect()[0]
    if totals[1]:
        raise ContractFault(f"{table}: {totals[1]} records occur more than once; source and record_id must be unique")
    return int(totals[0])


def cluster_shapes(records: DataFrame) -> pd.DataFrame:
    """Shapes (see ``clusters.py``) of the clusters and entities of labelled records."""
    by_cluster, by_entity = Window.partitionBy("cluster"), Window.partitionBy("entity")
    cells = (
        records.groupBy("cluster", "entity")
        .agg(F.count(F.lit(1)).alias("n_shared"))
        .withColumn("n_in_cluster", F.sum("n_shared").over(by_cluster))
        .withColumn("n_entities", F.count(F.lit(1)).over(by_cluster))
        .withColumn("n_in_entity", F.sum("n_shared").over(by_entity))
        .withColumn("n_clusters", F.count(F.lit(1)).over(by_entity))
    )
    shapes = cells.groupBy(*SHAPE_COLUMNS).agg(F.count(F.lit(1)).alias("n_cells")).toPandas()
    return shapes.sort_values(list(SHAPE_COLUMNS), ignore_index=True).astype("int64")


def false_links_within(records: DataFrame, group: str) -> int:
    """Number of linked pairs of different entities that share a group, such as a household; null shares nothing."""
    known = records.where(F.col(group).isNotNull())
    cells = known.groupBy(group, "cluster", "entity").agg(F.count(F.lit(1)).alias("n_shared"))
    together = cells.groupBy(group, "cluster").agg(
        F.sum("n_shared").alias("n_together"), F.sum(pairs_among(F.col("n_shared"))).alias("n_correct")
    )
    return total(together.select(pairs_among(F.col("n_together")) - F.col("n_correct")))


def judged_pairs(scored_pairs: DataFrame, records: DataFrame) -> DataFrame:
    """The scored pairs of which both records have truth, each unordered pair once with its highest probability.

    Out: ``low``, ``high`` (record keys), ``probability``, ``is_true``, ``is_linked`` (in one cluster),
         ``low_entity``, ``high_entity``.
    """
    left, right = record_key("left_"), record_key("right_")
    pairs = (
        scored_pairs.select(
            F.least(left, right).alias("low"),
            F.greatest(left, right).alias("high"),
            F.col("match_probability").cast("double").alias("probability"),
        )
        .where(F.col("low") != F.col("high"))
        .groupBy("low", "high")
        .agg(F.max("probability").alias("probability"))
    )
    for side in ("low", "high"):
        labels = records.select(
            F.col("record_key").alias(side),
            F.col("entity").alias(f"{side}_entity"),
            F.col("cluster").alias(f"{side}_cluster"),
        )
        pairs = pairs.join(labels, on=side, how="inner")
    return pairs.select(
        "low",
        "high",
        "probability",
        (F.col("low_entity") == F.col("high_entity")).alias("is_true"),
        (F.col("low_cluster") == F.col("high_cluster")).alias("is_linked"),
        "low_entity",
        "high_entity",
    )


def probability_counts(pairs: DataFrame) -> pd.DataFrame:
    """The curve (see ``thresholds.py``) of judged pairs, with ``n_true_unlinked`` beside ``n_true``; lowest first."""
    exact = _counted(
        pairs.select("probability", F.lit(1).alias("n_pairs"), F.col("is_true").cast("int").alias("n_true"),
                     (F.col("is_true") & ~F.col("is_linked")).cast("int").alias("n_true_unlinked"))
    ).persist()  # fmt: skip
    try:
        if exact.count() <= MAX_DISTINCT_PROBABILITIES:
            counts = exact.toPandas()
        else:
            counts = _counted(exact.withColumn("probability", F.round("probability", 6))).toPandas()
    finally:
        exact.unpersist()
    counts = counts.sort_values("probability", ignore_index=True)
    return counts.astype(CURVE_TYPES)


def _counted(counts: DataFrame) -> DataFrame:
    numbers = ("n_pairs", "n_true", "n_true_unlinked")
    return counts.groupBy("probability").agg(*[F.sum(number).alias(number) for number in numbers])
