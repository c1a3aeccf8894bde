"""Step 8: RECORDS and their enterprise ids -> CROSSWALK and GOLDEN_RECORDS; all in Spark, no value meets Python."""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.config import SourceSettings, SurvivorshipSettings
from siamese_er.golden_values import STANDARD_OF, value_candidates, winners, written_identifiers
from siamese_er.schemas import (
    CROSSWALK,
    ENTERPRISE_IDS,
    GOLDEN_FIELDS,
    GOLDEN_RECORDS,
    KEY_SEPARATOR,
    RECORDS,
    STANDARDISED,
    conform,
)


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
    spark = records.sparkSession
    if previous_crosswalk is None:
        previous_crosswalk = spark.createDataFrame([], CROSSWALK)
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
) -> DataFrame:
    """GOLDEN_RECORDS: the best value of each field among the records of one person, as one of them wrote it.

    A value counts only where standardising left something of it, so that placeholders never survive. Rules:
    most_recent (latest updated_at), source_trust, majority (most records with that standardised value), longest,
    union (all values stay: the most recent is the column's, the others are alternates). Ties: the most recent, then
    the most trusted source, then the smallest value, then the smallest record. Identifiers are always united. Test
    patients have no golden record; a restricted record enters a golden record of restricted records only.
    conflicts: fields of which one person has one value, where records of the person contradict each other.

    In:  RECORDS, STANDARDISED, ENTERPRISE_IDS, one row each for every record_key.
    Out: provenance holds the winning record and rule of each field that has a value, extra columns included.
    """
    members = _members(records, standardised, ids)
    people = members.groupBy("enterprise_id").agg(
        F.count("record_key").cast("int").alias("n_records"),
        F.array_sort(F.collect_set("source")).alias("sources"),
        F.array_sort(F.array_distinct(F.flatten(F.collect_list(written_identifiers())))).alias("identifiers"),
    )
    fields = (
        winners(value_candidates(members, settings, sources))
        .groupBy("enterprise_id")
        .agg(
            F.array_sort(F.collect_list(F.struct("field", "won", "alternates", "is_conflict", "is_extra"))).alias(
                "fields"
            )
        )
    )
    none = F.array().cast(fields.schema["fields"].dataType)
    golden = people.join(fields, "enterprise_id", "left").withColumn("fields", F.coalesce("fields", none))
    values = _map_of(F.filter("fields", lambda field: ~field["is_extra"]), lambda field: field["won"]["value"])
    with_alternates = F.filter("fields", lambda field: F.size(field["alternates"]) > 0)
    return conform(
        golden.withColumn("values", values).select(
            "enterprise_id",
            *[F.try_element_at("values", F.lit(name)).alias(name) for name in GOLDEN_FIELDS],
            "identifiers",
            "n_records",
            "sources",
            _map_of(F.col("fields"), _origin).alias("provenance"),
            _map_of(with_alternates, lambda field: field["alternates"]).alias("alternates"),
            F.transform(F.filter("fields", lambda field: field["is_conflict"]), lambda f: f["field"]).alias(
                "conflicts"
            ),
            _map_of(F.filter("fields", lambda f: f["is_extra"]), lambda field: field["won"]["value"]).alias("extra"),
        ),
        GOLDEN_RECORDS,
    )


def _map_of(fields: Column, value: Callable[[Column], Column]) -> Column:
    """A map from each field's name to what ``value`` makes of it."""
    return F.map_from_entries(F.transform(fields, lambda field: F.struct(field["field"], value(field).alias("value"))))


def _origin(field: Column) -> Column:
    won = field["won"]
    return F.struct(won["source"].alias("source"), won["record_id"].alias("record_id"), won["rule"].alias("rule"))


def _is_test() -> Column:
    return F.array_contains("name_marks", "test")


def _members(records: DataFrame, standardised: DataFrame, ids: DataFrame) -> DataFrame:
    """The records that form each golden record, with their standardised columns as one struct."""
    standard = conform(standardised, STANDARDISED).select(
        "record_key", F.struct(*STANDARD_OF.values()).alias("standard"), _is_test().alias("is_test")
    )
    is_restricted = F.coalesce(F.lower(F.trim("sensitivity")) == "restricted", F.lit(False))
    together = Window.partitionBy("enterprise_id")
    return (
        conform(records, RECORDS)
        .join(ids.select("record_key", "enterprise_id"), "record_key")
        .join(standard, "record_key")
        .where(~F.coalesce("is_test", F.lit(False)))
        .withColumn("is_restricted", is_restricted)
        .withColumn("all_restricted", F.bool_and("is_restricted").over(together))
        .where(~F.col("is_restricted") | F.col("all_restricted"))
    )
