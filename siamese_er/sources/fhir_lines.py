"""Lines of FHIR resources: their parts as columns, their versions, what is deleted, and what cannot be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.config import InputSettings
from siamese_er.schemas import QUARANTINE, conform
from siamese_er.sources.columns import present
from siamese_er.sources.fhir_files import FhirFile
from siamese_er.sources.tables import RawTable, json_lines, json_table, positions

META = "struct<versionId:string,lastUpdated:string,source:string,security:array<struct<system:string,code:string>>>"
DELETED = "array<struct<request:struct<method:string,url:string>>>"
CODED = "struct<text:string,coding:array<struct<system:string,code:string,display:string>>>"
ID = r"[A-Za-z0-9.\-]{1,64}"
FOLDER = r"([^/]+?)(?:/(?:Patient|DocumentReference|Binary|Bundle|deleted|output|data))*/[^/]+$"
PLACES = ("source_path", "block", "mark", "reason")


@dataclass(frozen=True)
class Lines:
    """All lines of some files; ``rows`` as of `RawTable` with ``type``, the line's resourceType."""

    table: RawTable

    def of(self, kind: str) -> DataFrame:
        """The readable lines of one resource type."""
        return self.table.rows.where(F.col("reason").isNull() & (F.col("type") == kind))


def lines_of(spark: SparkSession, files: Sequence[FhirFile], wanted: frozenset[str]) -> Lines | None:
    """The lines of the files that may hold these types; null where no file may."""
    paths = [file.path for file in files if file.may_hold(wanted)]
    if not paths:
        return None
    table = json_table(json_lines(spark, paths), paths, ())
    kind = F.col("fields").getItem("resourceType")
    reason = F.coalesce("reason", F.when(kind.isNull(), F.lit("missing_resource_type")))
    rows = table.rows.withColumns({"type": kind, "reason": reason})
    return Lines(RawTable(table.paths, "json", (), rows))


def part(name: str) -> Column:
    """One element of the resource as text, JSON where it is nested; null where it is absent or blank."""
    return F.nullif(F.trim(F.col("fields").getItem(name)), F.lit(""))


def parsed(name: str, kind: str) -> Column:
    """One nested element in a type of Spark; what does not fit the type is null, and costs no more than itself."""
    return F.from_json(F.col("fields").getItem(name), kind)


def listed(name: str, kind: str) -> Column:
    """One repeating element; an empty list where it is absent or no list of such things."""
    return F.coalesce(F.array_compact(parsed(name, f"array<{kind}>")), F.array().cast(f"array<{kind}>"))


def ordered(items: Column, rank: Callable[[Column], Column]) -> Column:
    """The items by ascending rank, those of one rank as they stood."""
    keyed = F.transform(
        items, lambda item, place: F.struct(rank(item).alias("rank"), place.alias("place"), item.alias("item"))
    )
    return F.transform(F.array_sort(keyed), lambda entry: entry["item"])


def said(value: Column, words: tuple[str, ...]) -> Column:
    """True where the value is one of the words; false also where it is null."""
    return F.coalesce(value.isin(*words), F.lit(False))


def all_texts(items: Column, text_of: Callable[[Column], Column]) -> Column:
    """The distinct texts of the items that are not blank, trimmed, in the order of the items."""
    return F.array_distinct(present(F.transform(items, lambda item: F.trim(text_of(item)))))


def source_of(settings: InputSettings) -> Column:
    """The source of a line: its folder's name if so configured, folders named after their content passed over; else
    ``default``. A server is a source: ids of one server are unique, whatever system a resource came from."""
    folder = F.nullif(F.regexp_extract("source_path", FOLDER, 1), F.lit(""))
    return F.coalesce(folder, F.lit("default")) if settings.source_from_path else F.lit("default")


def referred_id(reference: Column, kind: str) -> Column:
    """The id in a reference to one type of resource: ``Patient/1``, ``https://server/fhir/Patient/1``, with a version
    or not, or ``urn:uuid:...``; null for contained resources and other types."""
    own = F.regexp_extract(reference, rf"^(?:.*/)?{kind}/({ID})(?:/_history/.*)?$", 1)
    uuid = F.regexp_extract(reference, rf"^urn:uuid:({ID})$", 1)
    return F.coalesce(F.nullif(own, F.lit("")), F.nullif(uuid, F.lit("")))


def moment(written: Column) -> Column:
    """A FHIR instant as a timestamp; null where it is none."""
    return F.when(written.rlike(r"^\d{4}-\d{2}"), F.try_to_timestamp(written))


def version_columns(meta: Column) -> dict[str, Column]:
    """updated_at and version_id (null where it is no number) of a resource."""
    return {"updated_at": moment(meta["lastUpdated"]), "version_id": meta["versionId"].try_cast("bigint")}


def tombstones(lines: Lines, kind: str, settings: InputSettings) -> DataFrame:
    """source, resource_id, updated_at, is_final of the resources of a type that Bundles in the files delete.

    A Bundle that does not say when (``timestamp``, ``meta.lastUpdated``) is final: it comes after every version.
    """
    entries = F.filter(listed("entry", DELETED[6:-1]), lambda e: F.upper(e["request"]["method"]) == "DELETE")
    bundles = lines.of("Bundle").select(
        source_of(settings).alias("source"),
        F.coalesce(moment(part("timestamp")), moment(parsed("meta", META)["lastUpdated"])).alias("updated_at"),
        F.explode(entries).alias("entry"),
    )
    resource_id = referred_id(F.col("entry.request.url"), kind)
    found = bundles.select("source", resource_id.alias("resource_id"), "updated_at")
    return found.where("resource_id is not null").withColumn("is_final", F.col("updated_at").isNull())


def bad_lines(lines: Lines, kinds: Sequence[str], settings: InputSettings) -> DataFrame:
    """QUARANTINE: lines that no resource can be read from, and resources of these types without an id or a patient.

    Bundles are read for their deletions; one without any is set apart too.
    """
    entries = listed("entry", DELETED[6:-1])
    has_deletion = F.exists(entries, lambda e: F.coalesce(F.upper(e["request"]["method"]) == "DELETE", F.lit(False)))
    subject = parsed("subject", "struct<reference:string>")["reference"]
    is_kind = F.col("type").isin(*kinds)
    reason = (
        F.when(F.col("reason").isNotNull(), F.col("reason"))
        .when((F.col("type") == "Bundle") & ~has_deletion, F.lit("unsupported_bundle"))
        .when(is_kind & part("id").isNull(), F.lit("missing_record_id"))
        .when(is_kind & ~part("id").rlike(f"^{ID}$"), F.lit("invalid_record_id"))
        .when(
            is_kind & (F.col("type") == "DocumentReference") & referred_id(subject, "Patient").isNull(),
            F.lit("missing_subject"),
        )
    )
    bad = lines.table.rows.withColumn("reason", reason).where("reason is not null").select(
        *PLACES, source_of(settings).alias("source"), F.lit(None).cast("string").alias("record_id")
    )  # fmt: skip
    return conform(positions(lines.table, bad), QUARANTINE)
