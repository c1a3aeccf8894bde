"""Links whose components are known by construction: long chains and big stars, to measure what finding them costs."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

SHAPES = ("chain", "star")


@dataclass(frozen=True)
class Shape:
    """Components of one kind: ``n_links`` in all, ``size`` records in each."""

    kind: str
    size: int
    n_links: int


def shapes_of(n_links: int) -> tuple[Shape, ...]:
    """A quarter of the links each in chains of 10, chains of 1,000, one chain as long as they are, and big stars."""
    quarter = n_links // 4
    star = max(2, n_links // 40)
    return (Shape("chain", 10, quarter), Shape("chain", 1_000, quarter), Shape("chain", quarter + 1, quarter),
            Shape("star", star, n_links - 3 * quarter))  # fmt: skip


def record_key_of(shape: int, number: Column) -> Column:
    """A record key that does not grow with the number, so that keys along a chain lie in no order."""
    hashed = F.hex(F.xxhash64(F.lit(shape), number))
    return F.concat(F.lit("s\x1f"), hashed, F.lit("-"), number.cast("string"))


def links_of(spark: SparkSession, shapes: tuple[Shape, ...]) -> DataFrame:
    """left_key, right_key, component: a number by which the links of one component are known."""
    frames = []
    for place, shape in enumerate(shapes):
        per_component = shape.size - 1
        number = F.col("id")
        component = F.floor(number / per_component).cast("long")
        first = component * shape.size
        link = number % per_component
        one = first + link if shape.kind == "chain" else first
        frames.append(
            spark.range(shape.n_links).select(
                record_key_of(place, one).alias("left_key"),
                record_key_of(place, first + link + 1).alias("right_key"),
                (component * len(shapes) + place).alias("component"),
            )
        )
    made = frames[0]
    for frame in frames[1:]:
        made = made.union(frame)
    return made


def n_wrong(links: DataFrame, found: DataFrame) -> int:
    """How many records have another component than they should, by construction; ``found``: record_key, component_key."""
    ends = links.select(F.col("left_key").alias("record_key"), "component").union(
        links.select("right_key", "component")
    )
    truth = ends.groupBy("component").agg(F.min("record_key").alias("true_key"))
    expected = ends.distinct().join(truth, "component").select("record_key", "true_key")
    both = expected.join(found, "record_key", "full")
    return both.where(~F.col("true_key").eqNullSafe(F.col("component_key"))).count()
