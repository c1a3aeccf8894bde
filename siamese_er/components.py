"""Connected components of links: few on the driver, many by one task that holds a number a record, more in rounds."""

from collections.abc import Callable, Iterator
from itertools import accumulate

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType

from siamese_er.errors import without_values
from siamese_er.linkage.components import DisjointSets, labelled_keys
from siamese_er.schemas import table
from siamese_er.worker_files import ArrowRows, frame_of

Checkpoint = Callable[[DataFrame | ArrowRows, str], DataFrame]
"""(rows, name) -> the same rows with their lineage cut; each name is used once."""
STARS = table(node=LongType(), parent=LongType())
LINKS_AT_ONCE = 1_000_000
ROW_BITS = 33
"""Of a number of `monotonically_increasing_id`: those that count rows within a partition."""


def local_checkpoint(rows: DataFrame | ArrowRows, name: str) -> DataFrame:
    """A `Checkpoint` on the executors' disks, for sessions that do not lose executors."""
    return frame_of(rows).localCheckpoint()


def component_keys(edges: DataFrame, on_driver: bool, checkpoint: Checkpoint, max_task_records: int) -> DataFrame:
    """record_key, component_key (the smallest key of its connected component) of every key in left_key, right_key.

    ``on_driver``: scipy on the driver, with all keys in its memory; a key linked to itself alone is its component.
    Else keys are numbered in Spark and such keys are left out. Up to ``max_task_records`` numbers one task unites the
    links as they come; beyond, rounds of shuffles.
    """
    if on_driver:
        return edges.sparkSession.createDataFrame(labelled_keys(edges.select("left_key", "right_key").toArrow()))
    edges = edges.where(F.col("left_key") != F.col("right_key"))
    n_records, numbers = _numbered(checkpoint(_distinct_keys(edges), "key_numbers"))
    links = checkpoint(
        edges.join(numbers.toDF("left_key", "left"), "left_key")
        .join(numbers.toDF("right_key", "right"), "right_key")
        .select("left", "right"),
        "numbered_links",
    )
    in_task = n_records <= max_task_records
    found = checkpoint(_united(links, n_records), "roots") if in_task else _star_components(links, checkpoint)
    members = found.join(numbers.withColumnRenamed("number", "node"), "node").select("record_key", "parent")
    smallest = members.groupBy("parent").agg(F.min("record_key").alias("component_key"))
    return members.join(smallest, "parent").select("record_key", "component_key")


def _distinct_keys(edges: DataFrame) -> DataFrame:
    """record_key and ``place`` (Spark's partition and the row in it), once each."""
    sides = [edges.select(F.col(side).alias("record_key")) for side in ("left_key", "right_key")]
    return sides[0].union(sides[1]).distinct().withColumn("place", F.monotonically_increasing_id())


def _numbered(keys: DataFrame) -> tuple[int, DataFrame]:
    """How many keys there are, and record_key and ``number``: 0, 1, ... in the order of their places, without a gap."""
    partition = F.shiftright("place", ROW_BITS)
    counts = {row[0]: row[1] for row in keys.groupBy(partition.cast("int")).count().collect()}
    sizes = [counts.get(i, 0) for i in range(max(counts, default=0) + 1)]
    before = [0, *accumulate(sizes)]
    row = F.col("place").bitwiseAND(F.lit((1 << ROW_BITS) - 1))
    return before[-1], keys.select("record_key", (F.lit(before)[partition.cast("int")] + row).alias("number"))


def _united(links: DataFrame, n_records: int) -> ArrowRows:
    """node, parent: the smallest number of the component of each, found by one task."""

    @without_values("cluster")
    def united(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sets = DisjointSets(n_records)
        for rows in _joined(batches):
            sets.unite(rows["left"].to_numpy(), rows["right"].to_numpy())
        for nodes, parents in sets.labels(LINKS_AT_ONCE):
            yield pa.RecordBatch.from_arrays([pa.array(nodes), pa.array(parents)], ["node", "parent"])

    return ArrowRows(links.coalesce(1), united, STARS)


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches, some LINKS_AT_ONCE rows at a time."""
    waiting: list[pa.RecordBatch] = []
    n_waiting = 0
    for batch in batches:
        waiting.append(batch)
        n_waiting += batch.num_rows
        if n_waiting >= LINKS_AT_ONCE:
            yield pa.Table.from_batches(waiting)
            waiting, n_waiting = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _star_components(links: DataFrame, checkpoint: Checkpoint) -> DataFrame:
    """Connected components by alternating large-star and small-star until every component is a star: node, parent.

    Rounds are not capped: the test for "all stars" is exact, so the result is never a component half done.

    In:  ``left``, ``right``: numbers that differ.
    Source: Kiveris et al., "Connected Components in MapReduce and Beyond", SoCC 2014.
    """
    stars = links.select(F.greatest("left", "right").alias("node"), F.least("left", "right").alias("parent"))
    stars = checkpoint(stars.distinct(), "star_round_0")
    n_rounds = 0
    while not _all_stars(stars):
        n_rounds += 1
        stars = checkpoint(_small_star(_large_star(stars)), f"star_round_{n_rounds}")
    return stars.union(stars.select(F.col("parent").alias("node"), "parent").distinct())


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
