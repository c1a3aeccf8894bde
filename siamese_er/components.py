"""Connected components of links, on the driver where they fit and in Spark where they do not."""

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.linkage.components import labelled_keys
from siamese_er.worker_files import ArrowRows, frame_of

Checkpoint = Callable[[DataFrame | ArrowRows, str], DataFrame]
"""(rows, name) -> the same rows with their lineage cut; each name is used once."""


def local_checkpoint(rows: DataFrame | ArrowRows, name: str) -> DataFrame:
    """A `Checkpoint` on the executors' disks, for sessions that do not lose executors."""
    return frame_of(rows).localCheckpoint()


def component_keys(edges: DataFrame, on_driver: bool, checkpoint: Checkpoint) -> DataFrame:
    """record_key, component_key (the smallest key of its connected component) of every key in left_key, right_key."""
    if on_driver:
        return edges.sparkSession.createDataFrame(labelled_keys(edges.select("left_key", "right_key").toArrow()))
    return _star_components(edges, checkpoint)


def _star_components(edges: DataFrame, checkpoint: Checkpoint) -> DataFrame:
    """Connected components in Spark, by alternating large-star and small-star until every component is a star.

    Rounds are not capped: the test for "all stars" is exact, so the result is never a component half done. They work
    on numbers in the order of the keys, which are shuffled and compared several times as fast as texts.

    Source: Kiveris et al., "Connected Components in MapReduce and Beyond", SoCC 2014.
    """
    edges = edges.where(F.col("left_key") != F.col("right_key"))
    numbers = checkpoint(_numbered_keys(edges), "key_numbers")
    numbered = edges.join(numbers.toDF("left_key", "left"), "left_key").join(
        numbers.toDF("right_key", "right"), "right_key"
    )
    stars = numbered.select(F.greatest("left", "right").alias("node"), F.least("left", "right").alias("parent"))
    stars = checkpoint(stars.distinct(), "star_round_0")
    n_rounds = 0
    while not _all_stars(stars):
        n_rounds += 1
        stars = checkpoint(_small_star(_large_star(stars)), f"star_round_{n_rounds}")
    roots = stars.select(F.col("parent").alias("node"), "parent").distinct()
    found = stars.union(roots).join(numbers.toDF("component_key", "parent"), "parent")
    return found.join(numbers.toDF("record_key", "node"), "node").select("record_key", "component_key")


def _numbered_keys(edges: DataFrame) -> DataFrame:
    """record_key and ``number``, once each; in the order of the keys, as partitions of sorted keys are numbered in turn."""
    sides = [edges.select(F.col(side).alias("record_key")) for side in ("left_key", "right_key")]
    return sides[0].union(sides[1]).distinct().sort("record_key").withColumn("number", F.monotonically_increasing_id())


def _large_star(edges: DataFrame) -> DataFrame:
    """Every larger neighbour of a node hangs on the smallest of the node and its neighbours."""
    both = edges.union(edges.select(F.col("parent").alias("node"), F.col("node").alias("parent")))
    smallest = both.groupBy("node").agg(F.least(F.min("parent"), F.first("node")).alias("smallest"))
    return (
        both.where(F.col("parent") > F.col("node"))
        .join(smallest, "node")
        .select(F.col("parent").alias("node"), F.col("smallest").alias("parent"))
        .distinct()
    )


def _small_star(edges: DataFrame) -> DataFrame:
    """A node and its smaller neighbours hang on the smallest of them."""
    smallest = edges.groupBy("node").agg(F.min("parent").alias("smallest"))
    joined = edges.join(smallest, "node")
    neighbours = joined.where(F.col("parent") != F.col("smallest")).select(F.col("parent").alias("node"), "smallest")
    return neighbours.union(smallest).select("node", F.col("smallest").alias("parent")).distinct()


def _all_stars(edges: DataFrame) -> bool:
    """Each node has one parent, and no parent has one."""
    ends = edges.select("node", F.lit(1).alias("n_parents")).union(edges.select("parent", F.lit(2)))
    roles = ends.groupBy("node").agg(F.sum("n_parents").alias("total"), F.min("n_parents").alias("least"))
    return roles.where((F.col("least") == 1) & (F.col("total") > 1)).isEmpty()
