"""What blocking leaves to find, and what it spares."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.quality.clusters import ratio
from siamese_er.quality.counts import pairs_among, record_key, total


def reduction_ratio(n_candidate_pairs: int, n_records: int) -> float | None:
    """Share of all record pairs that need not be compared: 1 - candidates / (n (n - 1) / 2); null below two records.

    >>> reduction_ratio(9, 10)
    0.8
    """
    share = ratio(n_candidate_pairs, n_records * (n_records - 1) // 2)
    return None if share is None else 1 - share


def pair_completeness(truth: DataFrame, pairs: DataFrame) -> dict[str, float | int | None]:
    """How many true pairs are among the candidate pairs: the recall that no later step can exceed but by chains.

    The true pairs are spelled out (a self-join by entity) and looked up, since they are far fewer than the candidates.

    In:  truth with ``source``, ``record_id``, ``entity_id``; pairs with ``left_key``, ``right_key`` (record keys, in
         either order; repeated pairs count once).
    Out: ``true_pairs``; ``true_pairs_blocked``, those among the pairs; ``pair_completeness``, their share (null
         without true pairs).

    Source: Christen 2012, Data Matching, 7.3.
    """
    records = truth.where(F.col("entity_id").isNotNull()).select("entity_id", record_key().alias("key"))
    sizes = records.groupBy("entity_id").agg(F.count(F.lit(1)).alias("n_records"))
    n_true = total(sizes.select(pairs_among(F.col("n_records"))))
    left = records.withColumnRenamed("key", "low")
    right = records.withColumnRenamed("key", "high")
    true_pairs = left.join(right, on="entity_id", how="inner").where(F.col("low") < F.col("high"))
    candidates = pairs.select(
        F.least("left_key", "right_key").alias("low"), F.greatest("left_key", "right_key").alias("high")
    )
    n_blocked = true_pairs.join(candidates, on=["low", "high"], how="left_semi").count()
    return {"true_pairs": n_true, "true_pairs_blocked": n_blocked, "pair_completeness": ratio(n_blocked, n_true)}
