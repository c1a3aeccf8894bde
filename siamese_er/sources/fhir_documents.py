"""FHIR DocumentReference and Binary resources -> NOTES.

Source: HL7 FHIR R4 (4.0.1), DocumentReference, Attachment, Binary.
"""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from siamese_er.config import InputSettings
from siamese_er.errors import without_values
from siamese_er.schemas import KEY_SEPARATOR, NOTES, conform
from siamese_er.sources import fhir_lines as fhir
from siamese_er.sources.fhir_lines import CODED, Lines, listed, parsed, part
from siamese_er.sources.fhir_text import HTML, PLAIN, RTF, XML, read_attachment

ATTACHMENT = "struct<contentType:string,data:string,url:string,size:string,hash:string>"
CONTENT = f"struct<attachment:{ATTACHMENT}>"
CONTAINED = "struct<resourceType:string,id:string,contentType:string,data:string>"
PREFERENCE = (*PLAIN, *HTML, *RTF, *XML)  # of the formats one document comes in
READ = StructType(
    [StructField("text", StringType()), StructField("n_bytes", LongType()), StructField("sha1", StringType())]
)


def document_notes(lines: Lines, settings: InputSettings) -> DataFrame:
    """NOTES of the documents that hold: their latest version is current and neither entered in error nor deleted.

    One note for each document, in the first of the formats it comes in that can be read (plain, HTML, RTF, XML). Text
    is null where none can: another format, data that is not in the export, a size or hash that does not fit.
    """
    attached = attachments(lines, settings)
    inline = with_texts(attached, settings.max_note_characters)
    referred = with_texts(binaries(lines, settings), settings.max_note_characters).select(
        "source", "binary_id", *[F.col(name).alias(f"referred_{name}") for name in READ.names]
    )
    joined = inline.join(referred, ["source", "binary_id"], "left")
    whole = [F.coalesce(name, f"referred_{name}").alias(name) for name in READ.names]
    texts = joined.select(
        *[name for name in joined.columns if name not in READ.names and "referred_" not in name], *whole
    )
    is_sound = F.coalesce(F.col("size").try_cast("bigint") == F.col("n_bytes"), F.lit(True)) & F.coalesce(
        F.col("hash") == F.col("sha1"), F.lit(True)
    )
    return current_notes(texts.withColumn("text", F.when(is_sound, F.col("text"))), lines, settings)


def attachments(lines: Lines, settings: InputSettings) -> DataFrame:
    """One row for each attachment of each version of a document, contained Binaries put in their place."""
    reference = parsed("subject", "struct<reference:string>")["reference"]
    kind = parsed("type", CODED)
    coding = F.get(kind["coding"], F.lit(0))
    started = parsed("context", "struct<period:struct<start:string>>")["period"]["start"]
    is_current = F.coalesce(part("status") == "current", F.lit(True))
    is_error = F.coalesce(part("docStatus") == "entered-in-error", F.lit(False))
    contained = listed("contained", CONTAINED)
    documents = lines.of("DocumentReference").select(
        fhir.source_of(settings).alias("source"),
        part("id").alias("note_id"),
        fhir.referred_id(reference, "Patient").alias("record_id"),
        F.coalesce(part("date"), started).alias("note_date"),
        F.coalesce(kind["text"], coding["display"], coding["code"]).alias("note_type"),
        (is_current & ~is_error).alias("holds"),
        *[column.alias(name) for name, column in fhir.version_columns(parsed("meta", fhir.META)).items()],
        F.filter(contained, lambda own: own["resourceType"] == "Binary").alias("contained"),
        F.posexplode_outer(listed("content", CONTENT)).alias("place", "content"),
    ).where("note_id is not null and record_id is not null")  # fmt: skip
    url = F.col("content.attachment.url")
    inner = F.get(F.filter("contained", lambda own: F.concat(F.lit("#"), own["id"]) == url), F.lit(0))
    return documents.select(
        "source", "note_id", "record_id", "note_date", "note_type", "holds", "updated_at", "version_id", "place",
        F.coalesce("content.attachment.contentType", inner["contentType"]).alias("content_type"),
        F.coalesce("content.attachment.data", inner["data"]).alias("data"),
        F.col("content.attachment.size").alias("size"), F.col("content.attachment.hash").alias("hash"),
        fhir.referred_id(url, "Binary").alias("binary_id"),
    )  # fmt: skip


def binaries(lines: Lines, settings: InputSettings) -> DataFrame:
    """The latest version of each Binary: source, binary_id, content_type, data."""
    rows = lines.of("Binary").select(
        fhir.source_of(settings).alias("source"), part("id").alias("binary_id"),
        part("contentType").alias("content_type"), part("data").alias("data"),
        *[column.alias(name) for name, column in fhir.version_columns(parsed("meta", fhir.META)).items()],
    )  # fmt: skip
    newest = Window.partitionBy("source", "binary_id").orderBy(
        F.col("updated_at").desc_nulls_last(), F.col("version_id").desc_nulls_last(), "content_type", "data"
    )
    latest = rows.where("binary_id is not null").withColumn("rank", F.row_number().over(newest)).where("rank = 1")
    return latest.drop("rank", "updated_at", "version_id")


def with_texts(rows: DataFrame, max_characters: int) -> DataFrame:
    """The rows with text (cut), n_bytes and sha1 in place of their data."""
    kept = [field for field in rows.schema.fields if field.name != "data"]

    @without_values("read attachments")
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found = [
                read_attachment(kind.as_py(), data.as_py())
                for kind, data in zip(batch.column("content_type"), batch.column("data"), strict=True)
            ]
            texts = [None if own.text is None else own.text[:max_characters] for own in found]
            columns = [batch.column(field.name) for field in kept]
            columns += [pa.array(texts, pa.string()), pa.array([own.n_bytes for own in found], pa.int64()),
                        pa.array([own.sha1 for own in found], pa.string())]  # fmt: skip
            yield pa.RecordBatch.from_arrays(columns, names=[field.name for field in kept] + READ.names)

    return rows.mapInArrow(read, StructType([*kept, *READ.fields]))


def current_notes(texts: DataFrame, lines: Lines, settings: InputSettings) -> DataFrame:
    """NOTES: of each document the latest version, of that the readable text of the most preferred format."""
    no_rank = len(PREFERENCE)
    kind = F.trim(F.lower(F.regexp_replace("content_type", ";.*$", "")))
    preference = F.coalesce(F.array_position(F.array(*map(F.lit, PREFERENCE)), kind), F.lit(no_rank))
    found = texts.withColumns({"preference": preference, "is_final": F.lit(False)})
    deleted = fhir.tombstones(lines, "DocumentReference", settings).withColumnRenamed("resource_id", "note_id")
    both = found.unionByName(deleted.withColumn("holds", F.lit(False)), allowMissingColumns=True)
    first = Window.partitionBy("source", "note_id").orderBy(
        F.col("is_final").desc(),
        *[F.col(name).desc_nulls_last() for name in ("updated_at", "version_id")],
        F.col("holds"),
        F.col("text").isNull(),
        *[
            F.col(name).asc_nulls_last()
            for name in ("preference", "place", "record_id", "note_date", "note_type", "text")
        ],
    )
    latest = both.withColumn("rank", F.row_number().over(first)).where("rank = 1 and holds")
    record_key = F.concat("source", F.lit(KEY_SEPARATOR), "record_id")
    return conform(latest.withColumn("record_key", record_key), NOTES)
