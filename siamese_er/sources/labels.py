"""Labelled pairs of records, for the correction of the shipped head -> LABELS."""

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from siamese_er.errors import ContractFault
from siamese_er.schemas import KEY_SEPARATOR, LABELS, conform
from siamese_er.sources import columns as raw
from siamese_er.sources.inputs import input_files
from siamese_er.sources.mapping import ColumnMapping
from siamese_er.sources.rows import mapped_tables
from siamese_er.sources.tables import RawTable
from siamese_er.sources.vocabulary import LABEL_VOCABULARY

MATCH_WORDS = ("match", *raw.TRUE_WORDS)
NO_MATCH_WORDS = ("no_match", *raw.FALSE_WORDS)
FAULTS = {
    "n_unreadable": "rows that cannot be read",
    "n_without_id": "rows without left_record_id or right_record_id",
    "n_unknown": "rows whose label is neither match nor no_match (nor 1, 0, true, false)",
    "n_bad_weight": "rows whose weight is not a number above 0",
}


def read_labels(spark: SparkSession, path: str) -> DataFrame:
    """LABELS: one row for each pair, ``left_key < right_key``; runs jobs that check the rows. An empty file is none.

    A file of decisions will do: its ``decision`` is the label, and of several on one pair the latest ``decided_at``
    counts; those about a record and itself label no pair. A row without ``weight`` weighs 1; of equal labels on one pair
    the greatest weight counts.

    Raises: ContractFault with the counts of bad rows, or of pairs labelled both ways.
    """
    tables, mappings = mapped_tables(spark, input_files(spark, [path]), LABEL_VOCABULARY, allow_empty=True)
    if not tables:
        return spark.createDataFrame([], LABELS)
    parts = [labelled_rows(table, mapping) for table, mapping in zip(tables, mappings, strict=True)]
    rows = reduce(DataFrame.unionByName, parts)
    check_rows(rows, path)
    rows = rows.where("left_key != right_key")
    newest = Window.partitionBy("left_key", "right_key").orderBy(F.col("moment").desc_nulls_last())
    latest = rows.withColumn("rank", F.rank().over(newest)).where(F.col("rank") == 1)
    pairs = latest.groupBy("left_key", "right_key").agg(
        F.max("is_match").alias("is_match"),
        F.max("weight").alias("weight"),
        F.count_distinct("is_match").alias("n_labels"),
    )
    if n_pairs := pairs.where(F.col("n_labels") > 1).count():
        raise ContractFault(f"{path}: {n_pairs} pairs are labelled match and no_match")
    return conform(pairs, LABELS)


def labelled_rows(table: RawTable, mapping: ColumnMapping) -> DataFrame:
    """The rows with ordered keys, what the label says, and its weight; null where it says nothing known."""
    placed = mapping.placed

    def single(name: str) -> Column:
        return raw.first_text(table, placed[name].columns[0]) if name in placed else F.lit(None).cast("string")

    def key(side: str) -> Column:
        source = F.coalesce(single(f"{side}_source"), F.lit("default"))
        return F.concat(source, F.lit(KEY_SEPARATOR), single(f"{side}_record_id"))

    word = F.regexp_replace(F.lower(single("label")), r"[\s-]+", "_")
    word = F.regexp_replace(word, r"^([01])\.0+$", "$1")
    moment = raw.time(table, placed["decided_at"].columns[0]) if "decided_at" in placed else None
    written = single("weight")
    weight = F.when(written.isNull(), F.lit(1.0)).otherwise(written.try_cast("double"))
    both = F.array_sort(F.array(key("left"), key("right")))
    return table.rows.select(
        F.col("reason").alias("fault"),
        F.get(both, F.lit(0)).alias("left_key"),
        F.get(both, F.lit(1)).alias("right_key"),
        F.when(word.isin(*MATCH_WORDS), True).when(word.isin(*NO_MATCH_WORDS), False).alias("is_match"),
        F.when((weight > 0) & (weight < F.lit(float("inf"))), weight).alias("weight"),
        (F.lit(None).cast("timestamp") if moment is None else moment).alias("moment"),
    )


def check_rows(rows: DataFrame, path: str) -> None:
    """Nothing, where every row is readable, names its records and tells a label; else ContractFault with counts."""
    is_whole = F.col("fault").isNull()
    has_ids = F.col("left_key").isNotNull() & F.col("right_key").isNotNull()
    counts = rows.agg(
        F.count_if(~is_whole).alias("n_unreadable"),
        F.count_if(is_whole & ~has_ids).alias("n_without_id"),
        F.count_if(is_whole & F.col("is_match").isNull()).alias("n_unknown"),
        F.count_if(is_whole & F.col("weight").isNull()).alias("n_bad_weight"),
    ).first()
    faults = [f"{path}: {counts[name]} {words}" for name, words in FAULTS.items() if counts and counts[name]]
    if faults:
        raise ContractFault(faults)
