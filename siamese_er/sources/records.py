"""Records of users' files: Parquet, CSV, JSON lines, FHIR, OMOP -> RECORDS, their history, QUARANTINE."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, LongType, MapType, StructField, StructType

from siamese_er.config import InputSettings
from siamese_er.errors import ContractFault
from siamese_er.schemas import (
    HISTORY,
    IDENTIFIERS,
    KEY_SEPARATOR,
    MULTIVALUED,
    NOTES,
    QUARANTINE,
    RECORDS,
    SINGLE_VALUED,
    STRINGS,
    conform,
)
from siamese_er.sources import columns as raw
from siamese_er.sources.foreign import read_foreign
from siamese_er.sources.inputs import input_files
from siamese_er.sources.mapping import NOTE_COLUMNS, RECORD_COLUMNS, ColumnMapping
from siamese_er.sources.rows import bad_reason, key_columns, mapped_tables, note_hash, quarantine, sound, union
from siamese_er.sources.tables import RawTable
from siamese_er.sources.vocabulary import RECORD_VOCABULARY

FLAGS = ("multiple_birth", "deleted")
OF_DELETIONS = ("record_key", "source", "record_id", "updated_at", "deleted", "version_id", "is_final")
"""All that is kept of the versions of a deleted key."""
VERSIONS = StructType(
    [
        *RECORDS.fields,
        StructField("notes", STRINGS),
        StructField("version_id", LongType()),  # FHIR's meta.versionId
        StructField("is_final", BooleanType()),  # a deletion that comes after every version
    ]
)


@dataclass(frozen=True)
class Reading:
    """What one input holds. Every row read is in exactly one of records, history, deleted and quarantine."""

    rows: DataFrame
    """VERSIONS of every key, as they were read."""
    versions: DataFrame
    """All versions of every key, with ``rank`` (1 = the latest) and ``is_deleted``; the next four follow from it."""
    records: DataFrame
    """RECORDS: the latest version of each key that is not deleted."""
    history: DataFrame
    """HISTORY: the earlier versions of every key."""
    deleted: DataFrame
    """RECORDS: keys whose latest version says ``deleted``."""
    inline_notes: DataFrame | None
    """NOTES from a ``notes`` column of the records; null where no file has one."""
    quarantine: DataFrame
    """QUARANTINE: rows that could not become a record."""
    mappings: dict[str, dict[str, object]]
    """For each file, which of its columns became what, and which none."""
    fingerprint: dict[str, int]
    """Bytes of each input file."""
    documents: DataFrame | None = None
    """NOTES of documents among the same files, text null where a document has none to read; null without any."""

    def with_versions(self, versions: DataFrame) -> "Reading":
        """The same reading over its own versions, written down."""
        return replace(self, versions=versions, **parts_of(versions, self.inline_notes is not None))


def parts_of(versions: DataFrame, has_notes: bool) -> dict[str, Any]:
    """records, history, deleted and inline_notes of ranked versions."""
    is_latest, is_deleted = F.col("rank") == 1, F.col("is_deleted")
    living = versions.where(is_latest & ~is_deleted)
    return {
        "records": conform(living, RECORDS),
        "history": conform(versions.where(~is_latest), HISTORY),
        "deleted": conform(versions.where(is_latest & is_deleted), RECORDS),
        "inline_notes": inline_notes(living) if has_notes else None,
    }


def read_records(spark: SparkSession, settings: InputSettings, allow_empty: bool = False) -> Reading:
    """The records behind ``settings.records``, mapped, versioned, with the bad rows set apart.

    Faults of files and columns are found from headers and footers, before any job on the data (JSON lines need one
    job to learn their fields). The frames are lazy; cache what you read twice.

    Raises: ContractFault listing all faults: paths, formats, headers, mappings, and (unless ``allow_empty``) no rows.
    """
    files = input_files(spark, settings.records, settings.format)
    of_notes = set(NOTE_COLUMNS) - set(RECORD_COLUMNS) if settings.notes else set()
    explicit = {name: target for name, target in settings.columns.items() if target not in of_notes}
    vocabulary = replace(RECORD_VOCABULARY, explicit=explicit)
    table_files, foreign = read_foreign(spark, files, settings)
    tables, mappings = mapped_tables(spark, table_files, vocabulary, allow_empty or foreign.records is not None)
    rows = [contract_rows(table, mapping, settings) for table, mapping in zip(tables, mappings, strict=True)]
    found = [sound(own) for own in rows] + [own for own in (foreign.records,) if own is not None]
    bad = [quarantine(table, own) for table, own in zip(tables, rows, strict=True)]
    rows_read = union(spark, found, VERSIONS)
    versions = ranked_versions(rows_read)
    return Reading(
        rows=rows_read,
        versions=versions,
        **parts_of(versions, any("notes" in mapping.placed for mapping in mappings)),
        quarantine=union(spark, bad + [own for own in (foreign.quarantine,) if own is not None], QUARANTINE),
        mappings={
            path: mapping.described() for table, mapping in zip(tables, mappings, strict=True) for path in table.paths
        }
        | foreign.mappings,
        fingerprint={file.path: file.n_bytes for file in files},
        documents=foreign.notes,
    )


def contract_rows(table: RawTable, mapping: ColumnMapping, settings: InputSettings) -> DataFrame:
    """Every row of a raw table in the contract's columns, with its place and the reason why it is bad, if it is."""
    placed = mapping.placed
    columns: dict[str, Column] = key_columns(table, mapping, settings)
    for name in (*MULTIVALUED, "notes"):
        columns[name] = raw.placed_texts(table, placed[name]) if name in placed else raw.no_texts()
    if "notes" in placed:
        whole = columns["notes"]
        columns["notes"] = F.transform(whole, lambda note: F.substring(note, 1, settings.max_note_characters))
    for name in SINGLE_VALUED:
        value = raw.first_text(table, placed[name].columns[0]) if name in placed else F.lit(None).cast("string")
        columns[name] = raw.flag(value) if name in FLAGS else value
    known = raw.identifiers(table, placed["identifiers"].columns[0]) if "identifiers" in placed else None
    columns["identifiers"] = F.array().cast(IDENTIFIERS) if known is None else known
    updated = raw.time(table, placed["updated_at"].columns[0]) if "updated_at" in placed else None
    columns["updated_at"] = F.lit(None).cast("timestamp") if updated is None else updated
    unknown = placed["identifiers"].columns if "identifiers" in placed and known is None else ()
    columns["extra"] = raw.extra(table, (*mapping.unplaced, *unknown), settings.max_note_characters)
    return table.rows.select(
        *[column.alias(name) for name, column in columns.items()],
        *[F.col(name) for name in ("source_path", "block", "mark")],
        bad_reason(columns["record_id"]).alias("reason"),
        F.lit(None).cast("bigint").alias("version_id"),
        F.lit(False).alias("is_final"),
    ).withColumn("record_key", F.concat("source", F.lit(KEY_SEPARATOR), "record_id"))


def ranked_versions(rows: DataFrame) -> DataFrame:
    """The rows with ``rank``, 1 for the latest version of each key, and ``is_deleted``: whether this one is a deletion.

    Latest is the greatest ``updated_at`` (none is the earliest), then the greatest FHIR version, then the greatest
    content, so that the order of the input decides nothing. A deletion that is final comes last. Of a key whose latest
    version is a deletion no value is kept, in none of its versions.
    """
    of_key = Window.partitionBy("record_key")
    content = F.when(F.count("*").over(of_key) > 1, canonical_content())  # costly, and most keys have one version
    newest = of_key.orderBy(
        F.col("is_final").desc(),
        *[F.col(name).desc_nulls_last() for name in ("updated_at", "version_id")],
        F.col("content").desc(),
    )
    is_gone = F.first(_is_deleted()).over(newest)
    ranked = rows.withColumn("content", content).withColumns({"rank": F.row_number().over(newest), "is_gone": is_gone})
    return ranked.withColumns(
        {field.name: _erased(field) for field in VERSIONS if field.name not in OF_DELETIONS}
        | {"is_deleted": _is_deleted()}
    ).drop("content", "is_gone")


def sole_versions(rows: DataFrame) -> DataFrame:
    """The rows as `ranked_versions` has those of keys that have one version, which is no deletion."""
    return conform(rows, VERSIONS).withColumns({"rank": F.lit(1), "is_deleted": _is_deleted()})


def to_be_ranked(sole: DataFrame) -> DataFrame:
    """record_key of the `sole_versions` that are not what they are taken for: another has the key, or one is a deletion."""
    of_key = sole.groupBy("record_key").agg(F.count("*").alias("n"), F.bool_or("is_deleted").alias("is_gone"))
    return of_key.where((F.col("n") > 1) | F.col("is_gone")).select("record_key")


def _is_deleted() -> Column:
    return F.coalesce(F.col("deleted") == "true", F.lit(False))


def _erased(field: StructField) -> Column:
    """The column of a field, empty where the key was deleted."""
    kind = field.dataType
    empty = F.array() if isinstance(kind, ArrayType) else F.create_map() if isinstance(kind, MapType) else F.lit(None)
    return F.when(F.col("is_gone"), empty.cast(kind)).otherwise(F.col(field.name))


def canonical_content() -> Column:
    """Everything a version says but its key and ``updated_at``, as text that is equal where the content is."""
    content = [F.col(name) for name in (*MULTIVALUED, *SINGLE_VALUED, "identifiers", "notes")]
    return F.to_json(F.struct(*content, F.array_sort(F.map_entries("extra")).alias("extra")))


def inline_notes(records: DataFrame) -> DataFrame:
    """The texts of a ``notes`` column (cut already), one row each."""
    listed = records.select("record_key", F.explode("notes").alias("written"))
    return conform(
        listed.select(
            "record_key",
            note_hash(F.col("record_key"), F.col("written")).alias("note_id"),
            F.lit(None).cast("string").alias("note_date"),
            F.lit(None).cast("string").alias("note_type"),
            F.col("written").alias("text"),
        ),
        NOTES,
    )


def check_quarantine(n_input: int, n_by_reason: Mapping[str, int], max_share: float) -> None:
    """Nothing, where the share of rows in quarantine is at most ``max_share``.

    Raises: ContractFault with the counts of each reason.
    """
    n_bad = sum(n_by_reason.values())
    if n_input and n_bad / n_input > max_share:
        counts = ", ".join(f"{reason} {count}" for reason, count in sorted(n_by_reason.items()))
        raise ContractFault(
            f"{n_bad} of {n_input} input rows cannot be read ({counts}): more than"
            f" input.max_quarantined_share = {max_share}; see the table quarantine"
        )
