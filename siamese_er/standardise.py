"""RECORDS -> STANDARDISED: every value in the normal form of its kind of field (see ``fields/standard.py``)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.components import Checkpoint
from siamese_er.config import InputSettings, StandardiseSettings
from siamese_er.errors import without_values
from siamese_er.fields.standard import StandardRules, standard_arrow
from siamese_er.schemas import STANDARDISED, STRINGS, conform
from siamese_er.whole_files import CONTENT, OF_VERSIONS, PATH, living, rows_of
from siamese_er.worker_files import ArrowRows, frame_of

FIRST_IS_DAY = r"^\s*(1[3-9]|2[0-9]|3[01])[/\- ](0?[1-9]|1[0-2])[/\- ]([0-9]{4}|[0-9]{2})\b"
SECOND_IS_DAY = r"^\s*(0?[1-9]|1[0-2])[/\- ](1[3-9]|2[0-9]|3[01])[/\- ]([0-9]{4}|[0-9]{2})\b"
MOST_BROADCAST = 100_000  # records whose shared values are sent to every worker
IDENTIFIERS = {"national_ids": "national_id", "scoped_identifiers": "identifiers"}
CONTACTS = {"phones": "phone", "emails": "email", "addresses": "address_line"}
SHARED_COLUMNS = IDENTIFIERS | CONTACTS
"""Columns whose values tell people apart only while few people have one, by what the contract calls them."""
READ_COLUMNS = (
    "record_key", "source", "record_id", "given_name", "middle_name", "family_name", "name_suffix", "full_name",
    "former_family_name", "mother_maiden_name", "birth_date", "death_date", "sex", "national_id", "mrn", "phone",
    "email", "address_line", "city", "state", "postal_code", "country", "multiple_birth", "birth_order", "identifiers",
)  # fmt: skip


def persisted(rows: DataFrame | ArrowRows, name: str) -> DataFrame:
    """Keep rows in the session, for as long as it lives."""
    return frame_of(rows).persist()


def standardised_records(
    records: DataFrame, settings: InputSettings, rules: StandardiseSettings, keep: Checkpoint = persisted
) -> DataFrame:
    """The records in normal form, without identifiers and contacts that too many people share.

    In:  RECORDS, one row for each record_key. Out: STANDARDISED, likewise; an empty array is missing.
    Where ``settings.day_first`` is null, each source's own unambiguous birth dates decide; that is one small job over
    the input, run now. The rows before the shared values are taken out are kept (``keep``), as they are read twice, and
    those values are found now.
    """
    standardised = keep(whole_normal_forms(records, settings, rules), "normal_forms")
    shared = shared_values(standardised, rules, keep)
    return cleared(standardised, shared, "left")


def whole_normal_forms(
    records: DataFrame, settings: InputSettings, rules: StandardiseSettings, files: DataFrame | None = None
) -> ArrowRows:
    """`normal_forms` of a whole table, whose sources' own birth dates decide where ``settings.day_first`` is null.

    ``files``: the whole files that hold the records, among versions; null: they are read as rows.
    """
    day_first = day_first_sources(records) if settings.day_first is None else frozenset()
    return normal_forms(records if files is None else files, settings, rules, day_first)


def standardised_batch(
    records: DataFrame, batch: DataFrame, known: DataFrame, settings: InputSettings, rules: StandardiseSettings,
    keep: Checkpoint = persisted,
) -> DataFrame:  # fmt: skip
    """STANDARDISED of a batch, by what the whole table says of dates and of values that too many people share.

    In: ``records``: RECORDS of all living records; ``batch``: some of them; ``known``: STANDARDISED of the others, as
    earlier runs left them. Known records that lost a value are read again to count it.
    """
    day_first: frozenset[str] = frozenset()
    if settings.day_first is None:
        of_batch = F.broadcast(batch.select("source").distinct())
        day_first = day_first_sources(records.join(of_batch, on="source", how="left_semi"))
    fresh = keep(normal_forms(batch, settings, rules, day_first), "normal_forms")
    lost = F.exists("value_faults", lambda fault: F.endswith(fault, F.lit(":shared_by_many")))
    again = records.join(known.where(lost).select("record_key"), on="record_key", how="left_semi")
    table = known.where(~lost).unionByName(normal_forms(again, settings, rules, day_first).frame()).unionByName(fresh)
    of_batch = held_values(fresh).select("column", "value").distinct()
    held = held_values(table).join(of_batch, on=["column", "value"], how="left_semi")
    shared = keep(shared_by_record(held, rules), "shared_values")
    return cleared(fresh, shared, "left")


def normal_forms(
    records: DataFrame, settings: InputSettings, rules: StandardiseSettings, day_first: frozenset[str]
) -> ArrowRows:
    """STANDARDISED of records, shared values still there; ``day_first`` are sources.

    In: RECORDS, or whole files of them or of ranked versions (`whole_files.rows_of`).
    """
    standard = StandardRules(
        date_formats=settings.date_formats,
        day_first=settings.day_first,
        default_region=settings.default_region.upper(),
        placeholder_values=tuple(sorted(rules.placeholder_values.items())),
    )
    written = records.select(*[name for name in (*READ_COLUMNS, PATH, CONTENT) if name in records.columns])
    return ArrowRows(written, standard_batches(standard, day_first), STANDARDISED)


def standard_batches(rules: StandardRules, day_first: frozenset[str]) -> Callable[..., Iterator[pa.RecordBatch]]:
    """A function over batches of RECORDS that gives batches of STANDARDISED; ``day_first`` are sources."""
    sources = pa.array(sorted(day_first), pa.string())

    @without_values("standardise")
    def standardise(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in map(living, rows_of(batches, (*READ_COLUMNS, *OF_VERSIONS))):
            is_day_first = pc.is_in(batch.column("source"), value_set=sources)
            for part, part_rules in (
                (batch.filter(pc.invert(is_day_first)), rules),
                (batch.filter(is_day_first), replace(rules, day_first=True)),
            ):
                if len(part):
                    yield standard_arrow(part, part_rules)

    return standardise


def n_dates_like(pattern: str) -> Column:
    """How many birth dates of a group fit the pattern."""
    return F.sum(F.size(F.filter(F.col("birth_date"), lambda date: date.rlike(pattern))))


def day_first_sources(records: DataFrame) -> frozenset[str]:
    """Sources with more birth dates that can only be day/month/year than only month/day/year; runs a job."""
    counts = (
        records.where(F.size("birth_date") > 0)
        .groupBy("source")
        .agg(n_dates_like(FIRST_IS_DAY).alias("n_day_first"), n_dates_like(SECOND_IS_DAY).alias("n_month_first"))
        .where(F.col("n_day_first") > F.col("n_month_first"))
    )
    return frozenset(row["source"] for row in counts.select("source").collect())


def with_column_name(column: str) -> Column:
    """The values of one column as structs of column and value."""
    return F.transform(column, lambda value: F.struct(F.lit(column).alias("column"), value.alias("value")))


def held_values(standardised: DataFrame) -> DataFrame:
    """record_key, column, value, given and birth (null = missing), one row for each value of a record in SHARED_COLUMNS.

    Last-four forms are shared by nature and left out, and so are address lines without any number: a street or a village
    is no home to begin with.
    """
    named = F.concat(*[with_column_name(column) for column in SHARED_COLUMNS])
    held = standardised.select(
        "record_key",
        F.try_element_at("given_names", F.lit(1)).alias("given"),
        F.try_element_at("birth_dates", F.lit(1)).alias("birth"),
        F.explode(named).alias("held"),
    )
    is_whole = ~F.col("held.value").startswith("last4:")
    is_street = (F.col("held.column") == "addresses") & ~F.col("held.value").rlike("[0-9]")
    return held.where(is_whole & ~is_street).select("record_key", "held.column", "held.value", "given", "birth")


def n_people() -> Column:
    """How many people a group of records stands for at least.

    Distinct (given name, birth date), but no more than distinct given names or birth dates where there are any: the
    typing errors of one person multiply the pairs, not both of the others.
    """
    n_given, n_births = F.count_distinct("given"), F.count_distinct("birth")
    n_pairs = F.count_distinct(F.concat_ws("|", "given", "birth"))
    return F.least(n_pairs, F.nullif(n_given, F.lit(0)), F.nullif(n_births, F.lit(0)))


def shared_by_record(held: DataFrame, rules: StandardiseSettings) -> DataFrame:
    """record_key and ``shared``: those of its values that more people have than ``rules`` allow one.

    Grouped and joined, nothing collected: a number of all zeros may be on a million records. People are counted where
    there are records enough for so many, which few values have.
    """
    is_identifier, own = F.col("column").isin(list(IDENTIFIERS)), ["column", "value"]
    most = F.when(is_identifier, rules.max_people_for_identifier).otherwise(rules.max_people_for_contact)
    many = held.groupBy(own).agg(F.count("*").alias("n")).where(F.col("n") > most)
    held = held.join(many.select(own), on=own, how="left_semi")
    people = held.groupBy(own).agg(n_people().alias("n_people"))
    return (
        held.join(people.where(F.col("n_people") > most), on=own, how="left_semi")
        .groupBy("record_key")
        .agg(F.collect_set(F.struct("column", "value")).alias("shared"))
    )


def shared_of(column: str) -> Column:
    """The shared values of one column; none gives an empty array."""
    of_column = F.filter("shared", lambda held: held["column"] == column)
    return F.coalesce(F.transform(of_column, lambda held: held["value"]), F.array().cast(STRINGS))


def shared_values(standardised: DataFrame, rules: StandardiseSettings, keep: Checkpoint) -> DataFrame:
    """`shared_by_record` of a whole table, found now."""
    return keep(shared_by_record(held_values(standardised), rules), "shared_values")


def cleared(standardised: DataFrame, shared: DataFrame, how: str) -> DataFrame:
    """STANDARDISED without what too many people have: such identifiers identify nobody, such contacts are a place's.

    Each loss is a fault, such as "national_id:shared_by_many" or "address_line:shared_by_many".

    In: ``shared``: `shared_by_record`, counted now: where few records are named, these travel and the table does not;
    ``how``: "inner" for these records alone, "left" for all.
    """
    few = F.broadcast(shared) if shared.count() <= MOST_BROADCAST else shared
    joined = standardised.join(few, on="record_key", how=how)
    faults = [
        F.when(F.size(shared_of(column)) > 0, F.lit(f"{name}:shared_by_many"))
        for column, name in SHARED_COLUMNS.items()
    ]
    return conform(
        joined.withColumns(
            {column: F.array_except(column, shared_of(column)) for column in SHARED_COLUMNS}
            | {"value_faults": F.array_union("value_faults", F.array_compact(F.array(*faults)))}
        ),
        STANDARDISED,
    )


def fault_counts(standardised: DataFrame) -> DataFrame:
    """How many records lost a value's evidence, by column and reason: column, reason, n."""
    parts = F.split("fault", ":", 2)
    return (
        standardised.select(F.explode("value_faults").alias("fault"))
        .groupBy(F.element_at(parts, 1).alias("column"), F.element_at(parts, 2).alias("reason"))
        .agg(F.count("fault").alias("n"))
    )
