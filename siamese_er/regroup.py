"""Step 6 over a batch: only components that a changed record or decision touches are clustered anew.

A new link has a changed record or a newly decided one at one end at least, and a lost link likewise. So a component
none of whose records changed, and none of whose links lead to one that did, has the links it had, and its clusters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.cluster import Clustering
from siamese_er.known import Known, only, without
from siamese_er.schemas import CUTS, DECISIONS, GROUPED, conform
from siamese_er.storage import KeyedRows, RunFolder


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
    known: Known, moved: DataFrame, cluster: Callable[[DataFrame, DataFrame], Clustering], run: RunFolder
) -> Grouping:
    """The clusters after a batch, whose LINKS of all records are a table of that name in its run.

    In:  ``moved``: record_key of records that changed, are gone, or about which people decide otherwise; ``cluster``:
         `cluster.clustered` of keys and links.
    """
    sides = ("left_key", "right_key")
    met = run.checkpoint(run.rows_among("links", *(KeyedRows(moved, (side,)) for side in sides)), "moved_links")
    linked = met.where("band = 'auto' or is_verified")
    seeds = reduce(DataFrame.union, (linked.select(F.col(side).alias("record_key")) for side in sides))
    seeds = seeds.union(moved.select("record_key")).distinct()
    held = known.run.rows_among("memberships", KeyedRows(seeds, ("record_key",)))
    components = (
        run.checkpoint(held, "seed_components").where("component_key is not null").select("component_key").distinct()
    )
    inside = run.checkpoint(
        known.run.rows_among("memberships", KeyedRows(components, ("component_key",))), "seed_members"
    )
    candidates = seeds.union(inside.select("record_key")).distinct()
    told = run.checkpoint(run.rows_among("versions", KeyedRows(candidates, ("record_key",))), "candidate_versions")
    touched = told.where((F.col("rank") == 1) & ~F.col("is_deleted")).select("record_key")
    touched = run.checkpoint(touched, "touched_records")
    own_links = run.rows_among("links", KeyedRows(touched, ("left_key",)))
    own_links = only(run.checkpoint(own_links, "touched_links"), F.broadcast(touched), "right_key")
    fresh = cluster(touched, own_links)
    labelled = conform(fresh.memberships.join(fresh.components, "record_key", "left"), GROUPED)
    stale = touched.union(moved.select("record_key")).distinct()
    grouped = run.renew_table(
        "memberships", known.run.table("memberships"), [KeyedRows(stale, ("record_key",))], labelled
    )
    gone = F.broadcast(stale.join(F.broadcast(touched), "record_key", "left_anti"))
    old_cuts = without(without(conform(known.table("cuts"), CUTS), touched, "left_key"), gone, *sides)
    cuts = run.write_table(old_cuts.unionByName(fresh.cuts), "cuts")
    return Grouping(grouped, cuts, touched)
