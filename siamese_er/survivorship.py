"""Step 8: RECORDS and their enterprise ids -> CROSSWALK and GOLDEN_RECORDS."""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.config import SourceSettings, SurvivorshipSettings
from siamese_er.errors import without_values
from siamese_er.golden_choice import whole_people
from siamese_er.golden_members import STEP, in_order, members
from siamese_er.golden_rows import Survivorship, golden_batch
from siamese_er.schemas import (
    CROSSWALK,
    CROSSWALK_HISTORY,
    ENTERPRISE_IDS,
    GOLDEN_RECORDS,
    KEY_SEPARATOR,
    conform,
    no_rows,
)
from siamese_er.worker_files import ArrowRows

ROWS_AT_ONCE = 20_000  # records whose people are elected at once; a person's records are never split


def crosswalk(
    records: DataFrame,
    ids: DataFrame,
    standings: DataFrame,
    links: DataFrame,
    run_id: str,
    run_time: str,
    previous_crosswalk: DataFrame | None = None,
) -> DataFrame:
    """CROSSWALK: the enterprise id of each living record, how it was linked and since when.

    link_status: excluded for test patients; verified where a person's match joins the record to another of its
    cluster; auto for other records of clusters of several; unmatchable or singleton for the rest. A record whose
    enterprise id and status are as before keeps its valid_from, and one whose id is as before its
    previous_enterprise_id. valid_to is null: each row holds today.

    In:  RECORDS, ENTERPRISE_IDS, ``standings`` as of `decide.standings` (record_key, standing; no row: like others),
         LINKS; ``run_time`` as ISO 8601 text.
    """
    if previous_crosswalk is None:
        previous_crosswalk = no_rows(records.sparkSession, CROSSWALK)
    before = previous_crosswalk.where("valid_to is null").select(
        F.concat_ws(KEY_SEPARATOR, "source", "record_id").alias("record_key"),
        F.struct("enterprise_id", "link_status", "valid_from", "previous_enterprise_id").alias("before"),
    )
    sizes = ids.groupBy("enterprise_id").agg(F.count("record_key").alias("n_records"))
    link_status = (
        F.when(F.col("standing") == "excluded", "excluded")
        .when(F.col("is_verified"), "verified")
        .when(F.col("n_records") > 1, "auto")
        .when(F.col("standing") == "unmatchable", "unmatchable")
        .otherwise("singleton")
    )
    same_id = F.col("enterprise_id") == F.col("before.enterprise_id")
    is_unchanged = same_id & (F.col("link_status") == F.col("before.link_status"))
    rows = (
        records.select("record_key", "source", "record_id")
        .join(conform(ids, ENTERPRISE_IDS), "record_key")
        .join(sizes, "enterprise_id")
        .join(standings.select("record_key", "standing"), "record_key", "left")
        .join(_verified(ids, links), "record_key", "left")
        .join(before, "record_key", "left")
        .withColumn("link_status", link_status)
        .withColumns(
            {
                "run_id": F.lit(run_id),
                "valid_from": F.when(is_unchanged, F.col("before.valid_from")).otherwise(F.lit(run_time)),
                "valid_to": F.lit(None).cast("string"),
                "previous_enterprise_id": F.coalesce(
                    "previous_enterprise_id", F.when(same_id, F.col("before.previous_enterprise_id"))
                ),
            }
        )
    )
    return conform(rows, CROSSWALK)


def crosswalk_history(
    crosswalk: DataFrame, previous: DataFrame | None, earlier: DataFrame | None, run_time: str
) -> DataFrame:
    """CROSSWALK_HISTORY: the rows of all earlier crosswalks that hold no longer, each with its valid_to.

    A row ends where the record has another enterprise id or status now, or is no longer there.

    In: CROSSWALK of this run and of the one before, the history that one kept; null where there is none.
    """
    spark = crosswalk.sparkSession
    ended = no_rows(spark, CROSSWALK) if previous is None else conform(previous, CROSSWALK)
    same = ["source", "record_id", "enterprise_id", "link_status"]
    ended = ended.join(crosswalk.select(*same), same, "left_anti").withColumn("valid_to", F.lit(run_time))
    past = no_rows(spark, CROSSWALK_HISTORY) if earlier is None else conform(earlier, CROSSWALK_HISTORY)
    return conform(past.unionByName(conform(ended, CROSSWALK)), CROSSWALK_HISTORY)


def _verified(ids: DataFrame, links: DataFrame) -> DataFrame:
    """record_key, is_verified (true) of records that a person's match joins to another of the same enterprise id."""
    of = ids.select("record_key", "enterprise_id")
    inside = (
        links.where("is_verified and left_key != right_key")
        .select("left_key", "right_key")
        .join(of.toDF("left_key", "left_id"), "left_key")
        .join(of.toDF("right_key", "right_id"), "right_key")
        .where(F.col("left_id") == F.col("right_id"))
    )
    keys = inside.select(F.explode(F.array("left_key", "right_key")).alias("record_key")).distinct()
    return keys.withColumn("is_verified", F.lit(True))


def golden_records(
    records: DataFrame,
    standardised: DataFrame,
    ids: DataFrame,
    settings: SurvivorshipSettings,
    sources: dict[str, SourceSettings],
    links: DataFrame | None = None,
    n_parts: int = 2,
) -> ArrowRows:
    """GOLDEN_RECORDS: the best value of each field among the records of one person, as one of them wrote it.

    A value counts only where standardising left something of it, so that placeholders never survive. Rules:
    most_recent (latest updated_at), source_trust, majority (most records with that standardised value), longest,
    verified_first (records that a person joined), union (all values stay: the most recent is the column's, the others
    are alternates). Ties: the most recent, then the most trusted source, then the smallest value, then the smallest
    record. A source that is a record of truth wins before any rule. Identifiers are always united, and so are unknown
    columns that are lists (`golden_sets`). Test
    patients have no golden record; a restricted record enters a golden record of restricted records only.
    conflicts: fields of which one person has one value, where records of the person contradict each other.

    In:  RECORDS, STANDARDISED, ENTERPRISE_IDS, one row each for every record_key, the first two as rows or as whole files
         (`golden_members.members`); LINKS, for verified_first alone; ``n_parts``: of people, each held by one worker.
    Out: sorted by enterprise_id within each partition; provenance holds the winning record and rule of each field that
    has a value, extra columns included.
    """
    own = Survivorship(
        rules=dict(settings.rules),
        default_rule=settings.default_rule,
        trusts={name: -source.trust for name, source in sources.items()},
        truths=frozenset(name for name, source in sources.items() if source.record_of_truth),
    )
    heeds_people = "verified_first" in {own.default_rule, *own.rules.values()}
    verified = _verified(ids, links) if heeds_people and links is not None else None

    @without_values(STEP)
    def golden(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = in_order(batches)
        for people in () if rows is None else whole_people(iter(rows.to_batches(ROWS_AT_ONCE)), ROWS_AT_ONCE):
            yield golden_batch(people, own)

    return ArrowRows(members(records, standardised, ids, verified, n_parts), golden, GOLDEN_RECORDS)
