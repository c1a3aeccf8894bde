"""The bounded sample of an unlabelled table that adaptation sees: chosen by hash, the same for the same input."""

from functools import reduce
from typing import NamedTuple

import pandas as pd
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from siamese_er.config import MatchConfig
from siamese_er.sources.notes import read_notes
from siamese_er.sources.records import read_records
from siamese_er.standardise import standardised_records

MOST_NOTES = 5_000
MOST_SOURCES = 16


class Sample(NamedTuple):
    """STANDARDISED records and texts of notes, on the driver."""

    records: pd.DataFrame
    notes: list[str]


def unlabelled_sample(spark: SparkSession, config: MatchConfig, n_records: int, by_source: bool) -> Sample:
    """At most ``n_records`` records of the config's input, or that many of each of its 16 largest sources; 5,000 notes.

    Raises: ContractFault with all faults of files and columns.
    """
    reading = read_records(spark, config.input)
    standardised = standardised_records(reading.records, config.input, config.standardise)
    found = [own for own in (reading.inline_notes, reading.documents) if own is not None]
    found += [read_notes(spark, config.input)[0]] if config.input.notes else []
    texts = reduce(DataFrame.unionByName, found) if found else None
    chosen = chosen_by_hash(standardised, n_records, by_source).toPandas()
    return Sample(chosen, [] if texts is None else note_texts(texts))


def chosen_by_hash(records: DataFrame, n_records: int, by_source: bool) -> DataFrame:
    """The records with the smallest hashes of their keys, of the table or of each source, in that order."""
    order = [F.xxhash64("record_key"), F.col("record_key")]
    if not by_source:
        return records.orderBy(*order).limit(n_records)
    sizes = records.groupBy("source").agg(F.count("*").alias("n_records"))
    largest = sizes.orderBy(F.desc("n_records"), "source").limit(MOST_SOURCES).select("source")
    place = F.row_number().over(Window.partitionBy("source").orderBy(*order))
    ranked = records.join(F.broadcast(largest), on="source", how="left_semi").withColumn("place", place)
    return ranked.where(F.col("place") <= n_records).drop("place").orderBy("source", *order)


def note_texts(notes: DataFrame) -> list[str]:
    """Distinct texts, at most ``MOST_NOTES``, with the smallest hashes."""
    distinct = notes.where(F.trim("text") != "").select("text").distinct()
    return [row["text"] for row in distinct.orderBy(F.xxhash64("text"), "text").limit(MOST_NOTES).collect()]
