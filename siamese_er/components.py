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

    Rounds are not capped: the test for "all stars" is exact, so the result is never a component half done.

    Source: Kiveris et al., "Connected Components in MapReduce and Beyond", SoCC 2014.
    """
    left, right = F.col("left_key"), F.col("right_key")
    stars = edges.where(left != right).select(
        F.greatest(left, right).alias("node"), F.least(left, right).alias("parent")
    )
    stars = checkpoint(stars.distinct(), "star_round_0")
    n_rounds = 0
    while not _all_stars(stars):
        n_rounds += 1
        stars = checkpoint(_small_star(_large_star(stars)), f"star_round_{n_rounds}")
    roots = stars.select(F.col("parent").alias("record_key"), F.col("parent").alias("component_key")).distinct()
    return stars.select(F.col("node").alias("record_key"), F.col("parent").alias("component_key")).union(roots)


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
