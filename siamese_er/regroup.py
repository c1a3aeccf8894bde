"""Step 6 over a batch: only components that a changed record or decision touches are clustered anew.

A new link has a changed record or a newly decided one at one end at least, and a lost link likewise. So a component
none of whose records changed, and none of whose links lead to one that did, has the links it had, and its clusters.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.cluster import Clustering
from siamese_er.known import Known, only, without
from siamese_er.schemas import CUTS, DECISIONS, GROUPED, conform
from siamese_er.storage import RunFolder, StaleRows


@dataclass(frozen=True)
class Grouping:
    """``grouped``: GROUPED of every living record. ``cuts``: CUTS. ``touched``: record_key; null: every record."""

    grouped: DataFrame
    cuts: DataFrame
    touched: DataFrame | None = None


def decided_anew(known: Known, decisions: DataFrame) -> DataFrame:
    """record_key of the records about which people decide otherwise than in the known run, or again. In: DECISIONS."""
    pair = ["left_key", "right_key", "decision", "decided_at"]
    now, then = conform(decisions, DECISIONS).select(*pair), known.table("decisions").select(*pair)
    other = now.exceptAll(then).unionByName(then.exceptAll(now))
    return other.select(F.explode(F.array("left_key", "right_key")).alias("record_key")).distinct()


def whole_grouping(clustering: Clustering, run: RunFolder) -> Grouping:
    """The clusters of a whole table, kept for the next run."""
    with_components = clustering.memberships.join(clustering.components, "record_key", "left")
    return Grouping(
        run.write_table(conform(with_components, GROUPED), "memberships"), run.write_table(clustering.cuts, "cuts")
    )


def regrouped(
    known: Known, keys: DataFrame, links: DataFrame, moved: DataFrame, cluster: Callable[[DataFrame, DataFrame], Clustering],
    run: RunFolder,
) -> Grouping:  # fmt: skip
    """The clusters after a batch.

    In:  ``keys``: record_key of all living records; ``links``: LINKS of all; ``moved``: record_key of records that
         changed, are gone, or about which people decide otherwise; ``cluster``: `cluster.clustered` of keys and links.
    """
    before = conform(known.table("memberships"), GROUPED)
    linked = links.where("band = 'auto' or is_verified").select("left_key", "right_key")
    ends = [linked.toDF("record_key", "other"), linked.toDF("other", "record_key")]
    near = [only(sides, F.broadcast(moved), "record_key").select(F.col("other").alias("record_key")) for sides in ends]
    seeds = moved.select("record_key").union(near[0]).union(near[1]).distinct()
    components = only(before, F.broadcast(seeds), "record_key").select("component_key").distinct()
    inside = before.join(F.broadcast(components), "component_key", "left_semi").select("record_key")
    touched = only(seeds.union(inside).distinct(), keys, "record_key")
    touched = run.checkpoint(touched, "touched_records")
    fresh = cluster(touched, only(links, F.broadcast(touched), "left_key", "right_key"))
    labelled = conform(fresh.memberships.join(fresh.components, "record_key", "left"), GROUPED)
    stale = touched.union(moved.select("record_key"))
    grouped = run.renew_table(
        "memberships", known.run.table("memberships"), [StaleRows(stale, ("record_key",))], labelled
    )
    old_cuts = only(without(conform(known.table("cuts"), CUTS), touched, "left_key"), keys, "left_key", "right_key")
    cuts = run.write_table(old_cuts.unionByName(fresh.cuts), "cuts")
    return Grouping(grouped, cuts, touched)
