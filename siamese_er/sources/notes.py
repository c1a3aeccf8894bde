"""Clinical notes from files of their own -> NOTES, QUARANTINE."""

from dataclasses import replace

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.config import InputSettings
from siamese_er.schemas import KEY_SEPARATOR, NOTES, QUARANTINE, conform
from siamese_er.sources import columns as raw
from siamese_er.sources.fhir import read_fhir
from siamese_er.sources.fhir_files import parted_files
from siamese_er.sources.inputs import input_files
from siamese_er.sources.mapping import NOTE_COLUMNS, ColumnMapping
from siamese_er.sources.rows import bad_reason, key_columns, mapped_tables, note_hash, quarantine, union
from siamese_er.sources.tables import RawTable
from siamese_er.sources.vocabulary import NOTE_VOCABULARY


def read_notes(spark: SparkSession, settings: InputSettings) -> tuple[DataFrame, DataFrame]:
    """The notes behind ``settings.notes`` and the rows that could not become one.

    Text beyond ``max_note_characters`` is cut. Several texts in one row are several notes; a row without text is none.
    A note without an id gets the hash of its record and text. Files without rows are no fault. FHIR documents without
    text that can be read have null text.

    Raises: ContractFault listing all faults of files and columns.
    """
    files = input_files(spark, settings.notes, settings.format)
    table_files, fhir_files = parted_files(spark, files)
    fhir = read_fhir(spark, fhir_files, settings)
    explicit = {name: target for name, target in settings.columns.items() if target in NOTE_COLUMNS}
    vocabulary = replace(NOTE_VOCABULARY, explicit=explicit)
    tables, mappings = mapped_tables(spark, table_files, vocabulary, allow_empty=True)
    rows = [note_rows(table, mapping, settings) for table, mapping in zip(tables, mappings, strict=True)]
    bad = [quarantine(table, own) for table, own in zip(tables, rows, strict=True)]
    notes = [single_notes(own) for own in rows] + [own for own in (fhir.notes,) if own is not None]
    bad += [own for own in (fhir.quarantine,) if own is not None]
    return union(spark, notes, NOTES), union(spark, bad, QUARANTINE)


def note_rows(table: RawTable, mapping: ColumnMapping, settings: InputSettings) -> DataFrame:
    """Every row of a table of notes with its keys, its texts (cut) and the reason why it is bad, if it is."""
    placed = mapping.placed
    keys = key_columns(table, mapping, settings)

    def single(name: str) -> Column:
        return raw.first_text(table, placed[name].columns[0]) if name in placed else F.lit(None).cast("string")

    texts = raw.texts(table, placed["text"].columns[0])
    return table.rows.select(
        keys["source"].alias("source"),
        keys["record_id"].alias("record_id"),
        *[single(name).alias(name) for name in ("note_id", "note_date", "note_type")],
        F.transform(texts, lambda text: F.substring(text, 1, settings.max_note_characters)).alias("texts"),
        *[F.col(name) for name in ("source_path", "block", "mark")],
        bad_reason(keys["record_id"]).alias("reason"),
    )


def single_notes(rows: DataFrame) -> DataFrame:
    """One row for each text; the second and later texts of a row have its note id with their number behind it."""
    exploded = rows.where(F.col("reason").isNull()).select("*", F.posexplode("texts").alias("number", "text"))
    record_key = F.concat("source", F.lit(KEY_SEPARATOR), "record_id")
    numbered = F.concat("note_id", F.lit("-"), (F.col("number") + 1).cast("string"))
    own_id = F.when(F.col("number") == 0, F.col("note_id")).otherwise(numbered)
    return conform(
        exploded.select(
            record_key.alias("record_key"),
            F.coalesce(own_id, note_hash(record_key, F.col("text"))).alias("note_id"),
            "note_date",
            "note_type",
            "text",
        ),
        NOTES,
    )


def n_cut_notes(notes: DataFrame, settings: InputSettings) -> int:
    """How many notes are as long as the limit, so that text may have been cut; runs a job."""
    return notes.where(F.length("text") >= settings.max_note_characters).count()
