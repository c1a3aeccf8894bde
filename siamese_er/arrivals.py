"""A batch of new, changed and deleted records, and what is known: the versions that hold now, and whom they concern."""

from dataclasses import dataclass
from functools import partial

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.known import Known, without
from siamese_er.schemas import NOTES, conform
from siamese_er.sources.records import canonical_content
from siamese_er.storage import KeyedRows, RunFolder
from siamese_er.together import together

KINDS = ("new", "updated", "unchanged", "stale", "removed", "unknown_removed")
"""What a delivered key is to what is known: a stale one is older than the version known, which stays."""


@dataclass(frozen=True)
class Arrivals:
    """``versions`` and ``notes``: all that is known now, the batch included. ``changed``, ``gone``: small, record_key.

    changed: living records that are new, or whose content, history or notes are not as they were; gone: records that
    lived and do no longer. ``is_news``: something was delivered that is not known, if only the end of a record that has not
    come yet, or notes of one.
    """

    versions: DataFrame
    notes: DataFrame
    changed: DataFrame
    gone: DataFrame
    counts: dict[str, int]
    is_news: bool


def arrivals(known: Known, batch: DataFrame, batch_notes: DataFrame, run: RunFolder) -> Arrivals:
    """What is known after a batch.

    The batch's version of a record replaces the known one, unless both say when they were updated and the batch's is
    older: then it is history. At one and the same time a deletion wins, then the greatest content. A version without
    updated_at counts as newest when it arrives. One that is known already says nothing new. Of a deleted record only the
    deletion is kept, no value and no note.

    In:  ``batch``: ranked versions as `sources.records.Reading` has them; ``batch_notes``: NOTES of files of notes.
    """
    of_batch = KeyedRows(batch.select("record_key").distinct(), ("record_key",))
    known_notes = conform(known.table("notes"), NOTES)
    here = together({
        "told": partial(run.checkpoint, known.run.rows_among("versions", of_batch), "told_before"),
        "fresh": partial(run.checkpoint, _fresh_notes(known_notes, batch_notes), "fresh_notes"),
    })  # fmt: skip
    told, fresh = here["told"], here["fresh"]
    judged = run.checkpoint(_judged(told, batch), "arrivals")
    counts = dict.fromkeys(KINDS, 0) | {row["kind"]: row["count"] for row in judged.groupBy("kind").count().collect()}
    gone = judged.where("kind = 'removed'").select("record_key")
    moved = judged.where("kind != 'unchanged'")
    ranked = _ranked_anew(told, batch, moved)
    of_moved, note = [KeyedRows(moved.select("record_key"), ("record_key",))], ("record_key", "note_id")
    replaced = [KeyedRows(fresh.select(*note), note), KeyedRows(gone, ("record_key",))]
    now = together({
        "versions": partial(run.renew_table, "versions", known.run.table("versions"), of_moved, ranked),
        "notes": partial(run.renew_table, "notes", known.run.table("notes"), replaced, without(fresh, gone, "record_key")),
    })  # fmt: skip
    versions, notes = now["versions"], now["notes"]
    touched = judged.where("kind in ('new', 'updated', 'stale')").select("record_key").union(fresh.select("record_key"))
    living = versions.where((F.col("rank") == 1) & ~F.col("is_deleted")).select("record_key")
    changed = run.checkpoint(living.join(F.broadcast(touched.distinct()), "record_key", "left_semi"), "changed")
    is_news = any(counts[kind] for kind in KINDS if kind != "unchanged") or not fresh.isEmpty()
    return Arrivals(versions, notes, changed, gone, counts, is_news)


def _judged(before: DataFrame, batch: DataFrame) -> DataFrame:
    """record_key, kind of each key of the batch, and ``is_latest``: the batch's version is the one that holds.

    In: versions known of these keys, and those of the batch.
    """
    mine, known = (
        versions.where("rank = 1").select(
            "record_key",
            F.struct("updated_at", "is_deleted", canonical_content().alias("content")).alias(name),
        )
        for name, versions in (("mine", batch), ("known", before))
    )
    both = mine.join(known, "record_key", "left")
    is_later = F.col("mine.updated_at") > F.col("known.updated_at")
    at_once = F.col("mine.updated_at") == F.col("known.updated_at")
    greater = ~F.col("known.is_deleted") & (F.col("mine.content") >= F.col("known.content"))
    is_latest = F.col("known").isNull() | F.coalesce(
        is_later | (at_once & (F.col("mine.is_deleted") | greater)), F.lit(True)
    )
    lived = F.coalesce(~F.col("known.is_deleted"), F.lit(False))
    judged = both.select("record_key", is_latest.alias("is_latest"), _kind(lived).alias("kind"), "mine")
    seen = before.where("rank > 1").select(
        "record_key", F.struct("updated_at", "is_deleted", canonical_content().alias("content")).alias("mine")
    )
    seen = seen.distinct().withColumn("is_seen", F.lit(True))
    stale = F.when(F.col("is_seen"), "unchanged").otherwise("stale")
    return judged.join(seen, ["record_key", "mine"], "left").select(
        "record_key", "is_latest", F.when(F.col("is_latest"), F.col("kind")).otherwise(stale).alias("kind")
    )


def _kind(lived: Column) -> Column:
    is_same = (F.col("mine.content") == F.col("known.content")) & F.col("mine.updated_at").eqNullSafe(
        F.col("known.updated_at")
    )
    return (
        F.when(F.col("mine.is_deleted") & lived, "removed")
        .when(F.col("mine.is_deleted") & is_same, "unchanged")
        .when(F.col("mine.is_deleted"), "unknown_removed")
        .when(~lived, "new")
        .when(is_same, "unchanged")
        .otherwise("updated")
    )


def _ranked_anew(before: DataFrame, batch: DataFrame, moved: DataFrame) -> DataFrame:
    """All versions of the keys that have a new one, ranked.

    In: ``before``: versions known of these keys; ``moved``: record_key, is_latest, small.
    """
    rows = (
        before.withColumn("is_mine", F.lit(False))
        .unionByName(batch.withColumn("is_mine", F.lit(True)))
        .join(F.broadcast(moved.select("record_key", "is_latest")), "record_key")
    )
    holds = (F.col("rank") == 1) & (F.col("is_mine") == F.col("is_latest"))
    order = Window.partitionBy("record_key").orderBy(
        holds.desc(), F.col("updated_at").desc_nulls_last(), F.desc("is_mine"), canonical_content().desc()
    )
    same = Window.partitionBy("record_key", "updated_at", "is_deleted", canonical_content()).orderBy(holds.desc())
    once = rows.withColumn("place", F.row_number().over(same)).where("place = 1").drop("place")
    ranked = once.withColumn("rank", F.row_number().over(order))
    is_erased = F.max(F.when(F.col("rank") == 1, F.col("is_deleted"))).over(Window.partitionBy("record_key"))
    kept = ranked.withColumn("is_erased", is_erased).where(~F.col("is_erased") | (F.col("rank") == 1))
    return kept.select(*before.columns)


def _fresh_notes(known: DataFrame, batch: DataFrame) -> DataFrame:
    """The notes of the batch that are not known as they are."""
    own = conform(batch, NOTES).dropDuplicates()
    same = known.join(F.broadcast(own.select("record_key").distinct()), "record_key", "left_semi")
    return own.exceptAll(same.dropDuplicates())
