"""The known truth of a benchmark: which records are one entity. Never an input of matching."""

from functools import reduce

from pyspark.sql import DataFrame, SparkSession

from siamese_er.config import InputSettings
from siamese_er.sources import columns as raw
from siamese_er.sources.inputs import input_files
from siamese_er.sources.mapping import ColumnMapping
from siamese_er.sources.rows import bad_reason, key_columns, mapped_tables
from siamese_er.sources.tables import RawTable
from siamese_er.sources.vocabulary import TRUTH_VOCABULARY


def read_truth(spark: SparkSession, path: str) -> DataFrame:
    """source, record_id, entity_id, and household_id where some file has it, one row for each row of the files.

    Rows without a record id or an entity are left out.

    Raises: ContractFault listing the faults of files and columns.
    """
    tables, mappings = mapped_tables(spark, input_files(spark, [path]), TRUTH_VOCABULARY, allow_empty=False)
    rows = [truth_rows(table, mapping) for table, mapping in zip(tables, mappings, strict=True)]
    truth = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), rows)
    return truth.dropna(subset=["record_id", "entity_id"])


def truth_rows(table: RawTable, mapping: ColumnMapping) -> DataFrame:
    """The sound rows of one table in the columns of the truth."""
    keys = key_columns(table, mapping, InputSettings())
    names = [name for name in ("entity_id", "household_id") if name in mapping.placed]
    return (
        table.rows.select(
            keys["source"].alias("source"),
            keys["record_id"].alias("record_id"),
            *[raw.first_text(table, mapping.placed[name].columns[0]).alias(name) for name in names],
            bad_reason(keys["record_id"]).alias("reason"),
        )
        .where("reason is null")
        .drop("reason")
    )
