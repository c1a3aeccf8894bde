"""Records in doubt by themselves, and which of these doubts a person has answered by a decision about a record and itself."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.known import only
from siamese_er.schemas import CLUSTERS, DECISIONS, ENTERPRISE_IDS, NOTES, RECORD_DOUBTS, conform, no_rows
from siamese_er.sources.records import canonical_content

WRONG_CHART = "a note of this record contradicts its birth date, sex or name: wrong chart, or a wrong entry"
OVERLAID = "an earlier version of this record tells of somebody else: it may hold two people"
TWO_IDS = "this record has different national ids"


def reasons_for_doubt(
    wrong_charts: DataFrame, overlaid: DataFrame | None, ids: DataFrame, clusters: DataFrame, goldens: DataFrame
) -> DataFrame:
    """record_key, reason: what makes a record doubtful, whatever its cluster; several rows for a record with several.

    In: ``wrong_charts``: record_key; ``overlaid``: record_key, null for none; ENTERPRISE_IDS, CLUSTERS, GOLDEN_RECORDS.
    """
    alone = conform(clusters, CLUSTERS).where("n_records = 1").select("enterprise_id")
    two_ids = goldens.where(F.array_contains("conflicts", "national_id")).join(alone, "enterprise_id", "left_semi")
    of_two_ids = conform(ids, ENTERPRISE_IDS).join(F.broadcast(two_ids), "enterprise_id", "left_semi")
    found = [(wrong_charts, WRONG_CHART), (of_two_ids, TWO_IDS)] + ([] if overlaid is None else [(overlaid, OVERLAID)])
    first, *others = (keys.select("record_key", F.lit(reason).alias("reason")).distinct() for keys, reason in found)
    for other in others:
        first = first.unionByName(other)
    return first


def record_doubts(
    reasons: DataFrame, versions: DataFrame, notes: DataFrame | None, earlier: DataFrame | None, decisions: DataFrame,
    renewed: DataFrame,
) -> DataFrame:  # fmt: skip
    """RECORD_DOUBTS: one row for each living record in doubt, or whose doubt was answered and is no longer there.

    A new or renewed decision about the record and itself answers what was asked in the run before, since that is what the
    person saw; of a record that was not asked about then, what there is now. All others keep what was answered, as long
    as the decision is given.

    In:  ``reasons`` as `reasons_for_doubt` finds them; ``versions``: ranked versions of all records, as
         `sources.records.Reading` has them; NOTES, null for none; ``earlier``: RECORD_DOUBTS of the run before, null for
         none; ``decisions``: DECISIONS of this run; ``renewed``: those of them that the run before did not have.
    """
    of_record = reasons.groupBy("record_key").agg(
        F.concat_ws("; ", F.array_sort(F.collect_set("reason"))).alias("reason")
    )
    keys = F.broadcast(of_record.select("record_key"))
    told = (
        versions.join(keys, "record_key", "left_semi")
        .select("record_key", "rank", canonical_content().alias("content"))
        .groupBy("record_key")
        .agg(
            F.max(F.when(F.col("rank") == 1, F.col("content"))).alias("present"),
            F.array_sort(F.collect_set("content")).alias("contents"),
        )
    )
    known = of_record.join(told, "record_key", "left").withColumn("notes", F.lit(None).cast("array<string>"))
    if notes is not None:
        written = conform(notes, NOTES).join(keys, "record_key", "left_semi")
        note = F.to_json(F.struct("note_date", "note_type", "text"))
        texts = written.groupBy("record_key").agg(F.array_sort(F.collect_set(note)).alias("notes"))
        known = known.drop("notes").join(texts, "record_key", "left")
    evidence = F.sha2(F.to_json(F.struct("reason", "present", "contents", "notes")), 256)
    doubts = known.select("record_key", "reason", evidence.alias("evidence"))
    then = no_rows(reasons.sparkSession, RECORD_DOUBTS)
    if earlier is not None:
        living = versions.where((F.col("rank") == 1) & ~F.col("is_deleted")).select("record_key")
        then = only(conform(earlier, RECORD_DOUBTS), living, "record_key")
    doubts = doubts.join(
        then.select("record_key", F.struct("evidence", "answered").alias("then")), "record_key", "full"
    )
    doubts = doubts.join(_about_one(decisions).withColumn("is_given", F.lit(True)), "record_key", "left")
    doubts = doubts.join(_about_one(renewed).withColumn("is_renewed", F.lit(True)), "record_key", "left")
    seen = F.coalesce("then.evidence", "evidence")
    doubts = doubts.withColumn(
        "answered", F.when(F.col("is_renewed"), seen).when(F.col("is_given"), F.col("then.answered"))
    )
    return conform(doubts.where("evidence is not null or answered is not null"), RECORD_DOUBTS)


def _about_one(decisions: DataFrame) -> DataFrame:
    """record_key of the records about which alone a person decided."""
    alone = conform(decisions, DECISIONS).where("left_key = right_key")
    return alone.select(F.col("left_key").alias("record_key")).distinct()
