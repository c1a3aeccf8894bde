"""People's decisions on pairs of records -> DECISIONS."""

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from siamese_er.errors import ContractFault
from siamese_er.schemas import DECISIONS, KEY_SEPARATOR, conform
from siamese_er.sources import columns as raw
from siamese_er.sources.inputs import input_files
from siamese_er.sources.mapping import ColumnMapping
from siamese_er.sources.rows import mapped_tables
from siamese_er.sources.tables import RawTable
from siamese_er.sources.vocabulary import DECISION_VOCABULARY

FAULTS = {
    "n_unreadable": "rows that cannot be read",
    "n_without_id": "rows without left_record_id or right_record_id",
    "n_unknown": "rows whose decision is neither match nor no_match",
}


def read_decisions(spark: SparkSession, path: str) -> DataFrame:
    """DECISIONS: the latest decision of each pair, ``left_key <= right_key``; runs jobs that check the rows.

    A decision about a record and itself answers a question about that record alone: ``match``, it is one person's.
    Decisions are people's word, so a bad row is a fault and not a matter of quarantine. An empty file is none. A
    decision without a date is earlier than any with one.

    Raises: ContractFault with the counts of bad rows, or of pairs decided both ways at the same moment.
    """
    tables, mappings = mapped_tables(spark, input_files(spark, [path]), DECISION_VOCABULARY, allow_empty=True)
    if not tables:
        return spark.createDataFrame([], DECISIONS)
    decided = [decided_rows(table, mapping) for table, mapping in zip(tables, mappings, strict=True)]
    rows = decided[0]
    for others in decided[1:]:
        rows = rows.unionByName(others)
    check_rows(rows, path)
    newest = Window.partitionBy("left_key", "right_key").orderBy(F.col("moment").desc_nulls_last())
    latest = rows.withColumn("rank", F.rank().over(newest)).where(F.col("rank") == 1)
    check_moments(latest, path)
    one = Window.partitionBy("left_key", "right_key").orderBy(
        *[F.col(name).desc_nulls_last() for name in ("decided_at", "reviewer", "reason")]
    )
    chosen = latest.withColumn("rank", F.row_number().over(one)).where(F.col("rank") == 1)
    return conform(chosen, DECISIONS)


def decided_rows(table: RawTable, mapping: ColumnMapping) -> DataFrame:
    """The rows with ordered keys, the decision in lower case, and the moment it was taken, null if unknown."""
    placed = mapping.placed

    def single(name: str) -> Column:
        return raw.first_text(table, placed[name].columns[0]) if name in placed else F.lit(None).cast("string")

    def key(side: str) -> Column:
        source = F.coalesce(single(f"{side}_source"), F.lit("default"))
        return F.concat(source, F.lit(KEY_SEPARATOR), single(f"{side}_record_id"))

    moment = raw.time(table, placed["decided_at"].columns[0]) if "decided_at" in placed else None
    word = F.regexp_replace(F.lower(single("decision")), r"[\s-]+", "_")
    both = F.array_sort(F.array(key("left"), key("right")))
    return table.rows.select(
        F.col("reason").alias("fault"),
        F.get(both, F.lit(0)).alias("left_key"),
        F.get(both, F.lit(1)).alias("right_key"),
        word.alias("decision"),
        single("reviewer").alias("reviewer"),
        single("decided_at").alias("decided_at"),
        single("reason").alias("reason"),
        (F.lit(None).cast("timestamp") if moment is None else moment).alias("moment"),
    )


def check_rows(rows: DataFrame, path: str) -> None:
    """Nothing, where every row is readable, names its records and decides; else ContractFault with counts."""
    is_whole = F.col("fault").isNull()
    has_ids = F.col("left_key").isNotNull() & F.col("right_key").isNotNull()
    is_known = F.coalesce(F.col("decision").isin("match", "no_match"), F.lit(False))
    counts = rows.agg(
        F.count_if(~is_whole).alias("n_unreadable"),
        F.count_if(is_whole & ~has_ids).alias("n_without_id"),
        F.count_if(is_whole & ~is_known).alias("n_unknown"),
    ).first()
    faults = [f"{path}: {counts[name]} {words}" for name, words in FAULTS.items() if counts and counts[name]]
    if faults:
        raise ContractFault(faults)


def check_moments(latest: DataFrame, path: str) -> None:
    """Nothing, where no pair was decided both ways at one moment; else ContractFault with their number."""
    both_ways = latest.groupBy("left_key", "right_key").agg(F.count_distinct("decision").alias("n")).where("n > 1")
    if n_pairs := both_ways.count():
        raise ContractFault(f"{path}: {n_pairs} pairs are decided match and no_match at the same decided_at")
