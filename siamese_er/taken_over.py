"""Steps of a batch: of the tables of the run that it adds to, what it takes over and what it decides anew."""

from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.cluster import cluster_metrics, clusters
from siamese_er.config import MatchConfig
from siamese_er.decide import links, standings
from siamese_er.intake import Inputs, rows_on_disk
from siamese_er.known import OF_CLUSTERS, Known
from siamese_er.publish import in_few_files, in_order, written_table
from siamese_er.reached import Reached
from siamese_er.regroup import Grouping, decided_anew
from siamese_er.schemas import KEY_SEPARATOR, PUBLISHED, SCORED_PAIRS, conform
from siamese_er.sources.inputs import bytes_on_disk
from siamese_er.sources.records import parts_of
from siamese_er.storage import WORK, KeyedRows, RunFolder, rows_among
from siamese_er.survivorship import golden_records
from siamese_er.worker_files import ArrowRows, frame_of

LEAST_ROWS, MOST_ROWS, MOST_BYTES = 10_000, 100_000, 16 << 20
"""Of the records, as Parquet, whose people one task holds."""

MOST_MOVED = 200_000
"""Scored pairs that are moved to lie in few files; so many lie in files of a fit size where they were scored."""


def moved_records(
    config: MatchConfig, run: RunFolder, known: Known | None, inputs: Inputs, record: dict[str, Any]
) -> DataFrame | None:
    """record_key of the records that a batch changed, or about which people decide otherwise; null: all are decided anew.

    Bands of pairs without such a record, and clusters without one, are as they were.
    """
    if known is None or known.differs(config, OF_CLUSTERS) or known.record["decide"] != record["decide"]:
        return None
    assert inputs.arrivals is not None
    decided = decided_anew(known, run.read_table(known.spark, "decisions"))
    return run.checkpoint(inputs.arrivals.changed.union(inputs.arrivals.gone).union(decided).distinct(), "moved")


def published_pairs(run: RunFolder, pairs: DataFrame, known: Known | None, moved: DataFrame | None) -> DataFrame:
    """SCORED_PAIRS of the banded scores, written.

    ``moved``: `moved_records`; pairs of two others are taken from the ``known`` run as they are there.
    """
    if known is None or moved is None:
        n_scores = rows_on_disk(pairs.sparkSession, run.table(f"{WORK}/scores"))
        arranged = in_few_files if n_scores <= MOST_MOVED else in_order
        return written_table(run, arranged(scored_pairs(pairs), "scored_pairs"), "scored_pairs", True)
    found = pairs
    for side in ("left", "right"):
        flag = moved.select(F.col("record_key").alias(f"{side}_key"), F.lit(True).alias(f"{side}_moved"))
        found = found.join(F.broadcast(flag), f"{side}_key", "left")
    fresh = in_few_files(scored_pairs(found.where(F.coalesce("left_moved", "right_moved"))), "scored_pairs")
    sides = [KeyedRows(moved, (f"{side}_source", f"{side}_record_id")) for side in ("left", "right")]
    return run.renew_table("scored_pairs", known.run.table("scored_pairs"), sides, fresh)


def written_standings(
    run: RunFolder,
    known: Known | None,
    moved: DataFrame | None,
    records: DataFrame,
    standardised: DataFrame,
    preset: str,
) -> DataFrame:
    """The standings of all records (`decide.standings`), written. ``moved``: `moved_records`; the others have theirs."""
    spark = standardised.sparkSession
    if known is None or moved is None or known.run.optional_table(spark, "standings") is None:
        return run.write_table(standings(records, standardised, preset), "standings")
    of_moved = KeyedRows(moved, ("record_key",))
    own = {name: frame_of(run.rows_among(name, of_moved)) for name in ("versions", "standardised")}
    fresh = standings(parts_of(own["versions"], False)["records"], own["standardised"], preset)
    return run.renew_table("standings", known.run.table("standings"), [of_moved], fresh)


def written_links(
    run: RunFolder, known: Known | None, moved: DataFrame | None, published: DataFrame, decisions: DataFrame | None
) -> DataFrame:
    """LINKS of all records (`decide.links`), written. ``moved``: `moved_records`; pairs of two others are as before."""
    spark = published.sparkSession
    if known is None or moved is None or known.run.optional_table(spark, "links") is None:
        return run.write_table(links(published, decisions), "links")
    of_pairs = [KeyedRows(moved, (f"{side}_source", f"{side}_record_id")) for side in ("left", "right")]
    of_links = [KeyedRows(moved, (f"{side}_key",)) for side in ("left", "right")]
    if decisions is not None:
        decisions = rows_among(decisions, of_links)
    fresh = links(frame_of(run.rows_among("scored_pairs", *of_pairs)), decisions)
    return run.renew_table("links", known.run.table("links"), of_links, fresh)


def scored_pairs(pairs: DataFrame) -> DataFrame:
    """SCORED_PAIRS of banded scores; pairs that only people's decisions brought in have no score: left out."""
    found = pairs.where(F.col("match_probability").isNotNull())
    return conform(found.withColumns(_sides_of_keys()), SCORED_PAIRS)


def _sides_of_keys() -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for side in ("left", "right"):
        parts = F.split(F.col(f"{side}_key"), KEY_SEPARATOR, 2)
        columns |= {f"{side}_source": F.get(parts, 0), f"{side}_record_id": F.get(parts, 1)}
    return columns


def people(
    config: MatchConfig, run: RunFolder, reached: Reached | None, inputs: Inputs, standardised: DataFrame,
    links: DataFrame, grouping: Grouping, ids: DataFrame, overlaid: DataFrame | None,
) -> dict[str, DataFrame | ArrowRows]:  # fmt: skip
    """golden_records and clusters of the people that are reached, arranged but not written yet.

    In: ``reached``: null for all; LINKS of their records; ``ids``: ENTERPRISE_IDS of them, a checkpoint of that name.
    """
    grouped, spark = grouping.grouped, ids.sparkSession
    if reached is not None:
        links, grouped = reached.of(links, "left_key", "right_key"), reached.grouped
        read = reached.records, reached.standardised
    elif inputs.record_files is not None:
        read = inputs.record_files, run.table_files(spark, "standardised")
    else:
        read = inputs.records, standardised
    memberships = grouped.select("record_key", "cluster_key")
    metrics = clusters(
        cluster_metrics(memberships, links, standardised if reached is None else reached.standardised, overlaid), ids
    )
    n_parts = parts_of_people(run, spark, "versions" if reached is None else "work/enterprise_ids")
    golden = golden_records(*read, ids, config.survivorship, config.sources, links, n_parts)
    return {"golden_records": golden, "clusters": in_few_files(metrics, "clusters")}


def parts_of_people(run: RunFolder, spark: SparkSession, table: str) -> int:
    """Into how many parts people are cut, by the rows and the bytes of a table of their records."""
    folder = run.table(table)
    n_rows, n_bytes = rows_on_disk(spark, folder), bytes_on_disk(spark, folder)
    of_cores = min(spark.sparkContext.defaultParallelism, n_rows // LEAST_ROWS)
    return max(2, of_cores, -(-n_rows // MOST_ROWS), -(-n_bytes // MOST_BYTES))


def written_people(run: RunFolder, rows: DataFrame | ArrowRows, name: str, reached: Reached | None) -> DataFrame:
    """golden_records or clusters of all people, written. In: ``rows``: of those that are `people`; ``reached``: as there."""
    if reached is None:
        return written_table(run, rows, name, True)
    fresh = conform(frame_of(rows), PUBLISHED[name])
    return run.renew_table(name, reached.run.table(name), reached.stale_people(), fresh)
