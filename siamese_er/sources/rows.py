"""What every reader shares: mapped raw tables, the keys of a row, and the rows set apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from siamese_er.config import InputSettings
from siamese_er.errors import ContractFault
from siamese_er.schemas import IDENTIFIERS, KEY_SEPARATOR, MULTIVALUED, QUARANTINE, SINGLE_VALUED, conform
from siamese_er.sources import columns as raw
from siamese_er.sources.inputs import InputFile
from siamese_er.sources.mapping import ColumnMapping
from siamese_er.sources.tables import RawTable, positions, raw_tables
from siamese_er.sources.vocabulary import Vocabulary


@dataclass(frozen=True)
class Foreign:
    """What files of another data model hold (FHIR, OMOP); null where they cannot hold such a thing.

    ``records``: every version of every record, in RECORDS with ``notes``, ``version_id`` and ``is_final``
    (`records.ranked_versions`). ``notes``: NOTES, text null where a document has none that can be read.
    ``mappings``: for each file what it was taken for.
    """

    records: DataFrame | None
    notes: DataFrame | None
    quarantine: DataFrame | None
    mappings: dict[str, dict[str, object]]


def mapped_tables(
    spark: SparkSession, files: Sequence[InputFile], vocabulary: Vocabulary, allow_empty: bool
) -> tuple[list[RawTable], list[ColumnMapping]]:
    """The raw tables of the files and the mapping of each.

    Raises: ContractFault for faulty mappings, all tables' at once, and (unless ``allow_empty``) where there is no row.
    """
    tables = raw_tables(spark, files, vocabulary.is_header, vocabulary.is_ambiguous)
    if not tables and not allow_empty:
        raise ContractFault(f"no rows in the input ({len(files)} files)")
    faults = vocabulary.absent([table.columns for table in tables]) if tables else []
    mappings = []
    for table in tables:
        try:
            mappings.append(vocabulary.mapping(table.columns))
        except ContractFault as fault:
            faults += [f"{table.paths[0]}: {line}" for line in fault.faults]
    if faults:
        raise ContractFault(list(dict.fromkeys(faults)))
    return tables, mappings


def key_columns(table: RawTable, mapping: ColumnMapping, settings: InputSettings) -> dict[str, Column]:
    """Source and record id; without a source the row is of ``default``, or of its file's stem if so configured."""
    stem = F.regexp_extract(F.col("source_path"), r"([^/]+?)(\.[A-Za-z0-9]+)*$", 1)
    fallback = stem if settings.source_from_path else F.lit("default")
    own = raw.first_text(table, mapping.placed["source"].columns[0]) if "source" in mapping.placed else fallback
    return {
        "source": F.coalesce(own, fallback),
        "record_id": raw.first_text(table, mapping.placed["record_id"].columns[0]),
    }


def bad_reason(record_id: Column) -> Column:
    """Why a row cannot become a record or a note; null where it can."""
    return (
        F.when(F.col("reason").isNotNull(), F.col("reason"))
        .when(record_id.isNull(), F.lit("missing_record_id"))
        .when(record_id.contains(KEY_SEPARATOR), F.lit("invalid_record_id"))
    )


def sound(rows: DataFrame) -> DataFrame:
    """The rows without a reason against them."""
    return rows.where(F.col("reason").isNull()).drop("source_path", "block", "mark", "reason")


def quarantine(table: RawTable, rows: DataFrame) -> DataFrame:
    """The bad rows: place and reason; keys only where the fault leaves them readable."""
    is_readable = F.col("reason") == "missing_record_id"
    bad = rows.where(F.col("reason").isNotNull()).select(
        "source_path",
        "block",
        "mark",
        F.when(is_readable, F.col("source")).alias("source"),
        F.lit(None).cast("string").alias("record_id"),
        "reason",
    )
    return conform(positions(table, bad), QUARANTINE)


def note_hash(record_key: Column, written: Column) -> Column:
    """An id for a note that came without one, the same wherever and in whatever order it is read."""
    return F.substring(F.sha2(F.concat_ws(KEY_SEPARATOR, record_key, written), 256), 1, 16)


def union(spark: SparkSession, frames: Sequence[DataFrame], schema: StructType) -> DataFrame:
    """All rows of the frames in the schema; an empty frame where there are none."""
    if not frames:
        return spark.createDataFrame([], schema)
    return reduce(DataFrame.unionByName, [conform(frame, schema) for frame in frames])


def completed(rows: DataFrame) -> DataFrame:
    """The rows with every column of RECORDS and ``notes``, those that are not there empty."""
    absent: dict[str, Column] = {name: F.array().cast("array<string>") for name in (*MULTIVALUED, "notes")}
    absent |= {name: F.lit(None).cast("string") for name in SINGLE_VALUED}
    absent |= {"identifiers": F.array().cast(IDENTIFIERS), "extra": F.lit(None).cast("map<string,string>")}
    missing = {name: column for name, column in absent.items() if name not in rows.columns}
    return rows.withColumns(missing | {"record_key": F.concat("source", F.lit(KEY_SEPARATOR), "record_id")})
