"""OMOP CDM 5.4 tables person, location, death and note, and a side table of names -> records, notes and quarantine.

Source: OHDSI OMOP Common Data Model 5.4. The model has no names and contacts: ``person_name`` (or ``person_names``,
``person_pii``) is a table of one's own with ``person_id`` and any of the contract's columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.config import InputSettings
from siamese_er.schemas import MULTIVALUED, NOTES, QUARANTINE
from siamese_er.sources import columns as raw
from siamese_er.sources.inputs import InputFile, csv_header, parquet_footer
from siamese_er.sources.mapping import bare
from siamese_er.sources.notes import note_rows, single_notes
from siamese_er.sources.rows import Foreign, bad_reason, completed, quarantine, sound, union
from siamese_er.sources.tables import RawTable, raw_tables
from siamese_er.sources.vocabulary import NOTE_VOCABULARY, RECORD_VOCABULARY

PERSON_COLUMNS = frozenset({"personid", "genderconceptid", "yearofbirth"})
SIDE_TABLES = ("person_name", "person_names", "person_pii")
READ = ("person", "location", "death", "note", *SIDE_TABLES)
SEXES = {8507: "M", 8532: "F", 8521: "other"}
RACES = {8527: "White", 8516: "Black or African American", 8515: "Asian", 8657: "American Indian or Alaska Native",
         8557: "Native Hawaiian or Other Pacific Islander"}  # fmt: skip
ETHNICITIES = {38003563: "Hispanic or Latino", 38003564: "Not Hispanic or Latino"}
NAMED = tuple(name for name in MULTIVALUED if name not in ("birth_date", "death_date", "sex"))


@dataclass(frozen=True)
class Database:
    """The files of one OMOP database by the name of their table, all in the folder ``root``."""

    root: str
    tables: Mapping[str, tuple[InputFile, ...]]

    def of(self, *names: str) -> list[InputFile]:
        """The files of these tables."""
        return [file for name in names for file in self.tables.get(name, ())]


def table_place(path: str) -> tuple[str, str]:
    """Table and root folder of a file: ``root/person.csv``, ``root/person/part-0.parquet``.

    >>> table_place("x/cdm/PERSON.parquet/part-0.parquet"), table_place("x/cdm/note.csv.gz")
    (('person', 'x/cdm'), ('note', 'x/cdm'))
    """
    folder, _, name = path.rpartition("/")
    above, _, folder_name = folder.rpartition("/")
    own, parent = stem(name), stem(folder_name)
    return (parent, above) if own not in READ and parent in READ else (own, folder)


def stem(name: str) -> str:
    """The name of a file or folder without its extensions, lower case."""
    return name.partition(".")[0].lower()


def parted_databases(
    spark: SparkSession, files: Sequence[InputFile], is_declared: bool
) -> tuple[list[InputFile], list[Database]]:
    """The other files, and the OMOP databases among these: folders with a table ``person`` of OMOP's columns.

    All files in such a folder and below are the database's. ``is_declared`` (``input.format``): every folder is one. Runs
    no job.
    """
    places = {file: table_place(file.path) for file in files}
    roots = {root for file, (name, root) in places.items() if name == "person" and is_person(spark, file)}
    if is_declared:
        roots = {root for _, root in places.values()}
    found: dict[str, dict[str, tuple[InputFile, ...]]] = {root: {} for root in sorted(roots)}
    others = []
    for file, (name, own_root) in places.items():
        root = max((root for root in roots if file.path.startswith(f"{root}/")), key=len, default=None)
        if root is None:
            others.append(file)
            continue
        table = name if own_root == root else stem(file.path.removeprefix(f"{root}/").split("/")[0])
        found[root][table] = (*found[root].get(table, ()), file)
    return others, [Database(root, tables) for root, tables in found.items()]


def is_person(spark: SparkSession, file: InputFile) -> bool:
    """True where a file has the columns that every OMOP person table has."""
    if not file.n_bytes or file.layout not in ("csv", "parquet"):
        return False
    header = csv_header(spark, file) if file.layout == "csv" else parquet_footer(spark, file)
    return header is not None and {bare(column) for column in header.columns} >= PERSON_COLUMNS


def read_omop(spark: SparkSession, database: Database, settings: InputSettings) -> Foreign:
    """The persons and notes of one database; ``person_id`` is the record's id, its source the folder if so configured.

    Runs no job on the data. Tables of no use here are named in the mappings and not read.
    """
    source = database.root.rpartition("/")[2] if settings.source_from_path else "default"
    persons = [(table, person_rows(table, source)) for table in tables_of(spark, database.of("person"))]
    notes = [(table, own_notes(table, source, settings)) for table in tables_of(spark, database.of("note"))]
    found = None
    if persons:
        found = reduce(DataFrame.unionByName, [sound(rows) for _, rows in persons])
        for detail, key in (
            (locations(spark, database), "location_id"),
            (deaths(spark, database), "record_id"),
            (names(spark, database), "record_id"),
        ):
            found = found if detail is None else found.join(detail, key, "left")
        found = completed(united(found))
    return Foreign(
        found,
        union(spark, [single_notes(rows) for _, rows in notes], NOTES) if notes else None,
        union(spark, [quarantine(table, rows) for table, rows in [*persons, *notes]], QUARANTINE),
        {
            file.path: {"OMOP" if name in READ else "OMOP, not read": [name]}
            for name, own in database.tables.items()
            for file in own
        },
    )


def tables_of(spark: SparkSession, files: Sequence[InputFile]) -> list[RawTable]:
    """The files of one table; their header is whatever names an id."""
    return raw_tables(spark, files, lambda columns: any(bare(name).endswith("id") for name in columns), lambda _: False)


def text_of(table: RawTable, name: str) -> Column:
    """The value of a column, whatever the case of its name; null where the table has none."""
    own = next((column for column in table.columns if bare(column) == bare(name)), None)
    value = F.lit(None).cast("string") if own is None else raw.first_text(table, own)
    return F.regexp_replace(value, r"^(\d+)\.0+$", "$1")


def concept(table: RawTable, name: str, meanings: Mapping[int, str]) -> Column:
    """What a concept id means; for another id the value that the source system had."""
    concept_id = text_of(table, f"{name}_concept_id")
    known = F.create_map(*[F.lit(part) for key, word in meanings.items() for part in (str(key), word)])
    return F.coalesce(F.try_element_at(known, concept_id), F.nullif(text_of(table, f"{name}_source_value"), F.lit("")))


def person_rows(table: RawTable, source: str) -> DataFrame:
    """Every row of a person table with its keys, demographics, location and the reason why it is bad, if it is.

    A birth date is as precise as year, month and day are; ``birth_datetime`` is not read, as it often holds a first of
    January that nobody said. ``person_source_value`` is the number in the source system: comparable inside one source.
    """
    parts = F.struct(*[text_of(table, f"{part}_of_birth").alias(part) for part in ("year", "month", "day")])
    values = {
        "birth_date": raw.present(F.array(raw.once(parts, raw.known_date))),
        "sex": raw.present(F.array(concept(table, "gender", SEXES))),
        "own_mrn": raw.present(F.array(text_of(table, "person_source_value"))),
        "race": concept(table, "race", RACES),
        "ethnicity": concept(table, "ethnicity", ETHNICITIES),
        "location_id": text_of(table, "location_id"),
        "updated_at": F.lit(None).cast("timestamp"),
        "version_id": F.lit(None).cast("bigint"),
        "is_final": F.lit(False),
    }
    record_id = text_of(table, "person_id")
    rows = table.rows.select(
        F.lit(source).alias("source"),
        record_id.alias("record_id"),
        *[column.alias(name) for name, column in values.items()],
        *[F.col(name) for name in ("source_path", "block", "mark")],
        bad_reason(record_id).alias("reason"),
    )
    return rows.withColumnRenamed("own_mrn", "mrn")


def locations(spark: SparkSession, database: Database) -> DataFrame | None:
    """location_id and its address; null where the database has no locations. Of rows with one id the least counts."""
    parts = {"city": "city", "state": "state", "postal_code": "zip", "country": "country_source_value"}
    found = []
    for table in tables_of(spark, database.of("location")):
        line = F.concat_ws(" ", text_of(table, "address_1"), text_of(table, "address_2"))
        columns = {"address_line": line} | {name: text_of(table, own) for name, own in parts.items()}
        lists = F.struct(*[raw.present(F.array(column)).alias(name) for name, column in columns.items()])
        found.append(
            table.rows.where("reason is null").select(
                text_of(table, "location_id").alias("location_id"), lists.alias("address")
            )
        )
    if not found:
        return None
    rows = reduce(DataFrame.unionByName, found).where("location_id is not null")
    return rows.groupBy("location_id").agg(F.min("address").alias("address")).select("location_id", "address.*")


def deaths(spark: SparkSession, database: Database) -> DataFrame | None:
    """record_id and death_date, the first of several; null where the database has no deaths."""
    found = [
        table.rows.where("reason is null").select(
            text_of(table, "person_id").alias("record_id"),
            F.coalesce(text_of(table, "death_date"), text_of(table, "death_datetime")).alias("day"),
        )
        for table in tables_of(spark, database.of("death"))
    ]
    if not found:
        return None
    rows = reduce(DataFrame.unionByName, found).dropna()
    return rows.groupBy("record_id").agg(F.array(F.min("day")).alias("death_date"))


def names(spark: SparkSession, database: Database) -> DataFrame | None:
    """record_id and the contract's columns that the side table has, all values of a person's rows by content.

    Its own addresses and numbers stand before those of the model; null where there is no side table.
    """
    found = []
    for table in tables_of(spark, database.of(*SIDE_TABLES)):
        placed = replace(RECORD_VOCABULARY, required=("record_id",)).mapping(table.columns).placed
        columns = {name: F.array().cast(raw.STRINGS) for name in NAMED}
        columns |= {name: raw.placed_texts(table, placed[name]) for name in NAMED if name in placed}
        own = F.struct(*[column.alias(name) for name, column in columns.items()])
        found.append(
            table.rows.where("reason is null").select(text_of(table, "person_id").alias("record_id"), own.alias("own"))
        )
    if not found:
        return None
    people = reduce(DataFrame.unionByName, found).dropna().groupBy("record_id")
    rows = people.agg(F.array_sort(F.collect_set("own")).alias("own"))
    lists = {name: F.array_distinct(F.flatten(F.col("own").getField(name))) for name in NAMED}
    return rows.select("record_id", *[values.alias(f"side_{name}") for name, values in lists.items()])


def united(persons: DataFrame) -> DataFrame:
    """The persons with the values of the side table before those of the model."""
    given = set(persons.columns)
    empty = F.array().cast(raw.STRINGS)
    columns = {}
    for name in NAMED:
        lists = [F.coalesce(own, empty) for own in (f"side_{name}", name) if own in given]
        if lists:
            columns[name] = F.array_distinct(F.concat(*lists))
    dates = {"death_date": F.coalesce("death_date", empty)} if "death_date" in given else {}
    sides = [name for name in given if name.startswith("side_")]
    return persons.withColumns(columns | dates).drop("location_id", *sides)


def own_notes(table: RawTable, source: str, settings: InputSettings) -> DataFrame:
    """Every row of a note table as of `notes.note_rows`."""
    explicit = {name: "note_type" for name in table.columns if bare(name) == "notetitle"}
    mapping = replace(NOTE_VOCABULARY, explicit=explicit).mapping(table.columns)
    return note_rows(table, mapping, settings).withColumn("source", F.lit(source))
