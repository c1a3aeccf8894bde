"""The values that stand for election to a golden record, and those that win."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.agreement import contradicts_itself
from siamese_er.config import SourceSettings, SurvivorshipSettings
from siamese_er.schemas import GOLDEN_FIELDS, MULTIVALUED, RECORDS

STANDARD_OF = {
    "given_name": "given_names", "middle_name": "middle_names", "family_name": "family_names",
    "name_suffix": "suffixes", "former_family_name": "former_family_names", "mother_maiden_name": "maiden_names",
    "birth_date": "birth_dates", "death_date": "death_dates", "sex": "sexes", "national_id": "national_ids",
    "phone": "phones", "email": "emails", "address_line": "addresses", "city": "cities", "state": "states",
    "postal_code": "postal_codes", "country": "countries", "birth_order": "birth_orders",
}  # fmt: skip
"""Golden field -> its standardised column; the other fields have none."""

PARTS_OF_FULL_NAME = ("given_name", "middle_name", "family_name", "name_suffix")
ONE_PER_PERSON = (
    "given_name", "family_name", "name_suffix", "birth_date", "death_date", "sex", "national_id", "birth_order",
)  # fmt: skip
NEVER = 2**62


def _no_strings() -> Column:
    return F.array().cast("array<string>")


def _written(values: Column) -> Column:
    """The values that are neither null nor blank."""
    return F.filter(F.coalesce(values, _no_strings()), lambda value: F.trim(value) != "")


def written_identifiers() -> Column:
    """The identifiers of a record that have a value; empty where there is none."""
    none = F.array().cast(RECORDS["identifiers"].dataType)
    return F.filter(F.coalesce("identifiers", none), lambda identifier: F.trim(identifier["value"]) != "")


def _field_values(name: str, rule: str) -> Column:
    """The values of one field of a record that count, as array<struct<field, is_extra, rule, value, standard>>."""
    raw = _written(F.col(name) if name in MULTIVALUED else F.array(name))
    if name not in STANDARD_OF:
        return F.transform(raw, lambda value: _entry(F.lit(name), False, F.lit(rule), value, F.lower(F.trim(value))))
    standard = F.coalesce(F.col("standard")[STANDARD_OF[name]], _no_strings())
    if name == "sex":
        standard = F.filter(standard, lambda value: value != "unknown")
    if name in PARTS_OF_FULL_NAME:
        raw = F.when((F.size(raw) > 0) | (F.size(F.coalesce("full_name", _no_strings())) == 0), raw).otherwise(standard)
    raw = (
        F.when(F.size(standard) == 0, _no_strings())
        .when(F.size(raw) > F.size(standard), _kept(raw, standard))
        .otherwise(raw)
    )
    whole = F.array_join(F.array_sort(standard), " ")
    is_aligned = F.size(raw) == F.size(standard)
    return F.transform(
        raw,
        lambda value, place: _entry(
            F.lit(name), False, F.lit(rule), value, F.when(is_aligned, F.get(standard, place)).otherwise(whole)
        ),
    )


def _kept(raw: Column, standard: Column) -> Column:
    """Of more raw values than standardised ones, those that look like one of these; all where none does."""

    def bare(value: Column) -> Column:
        return F.regexp_replace(F.lower(value), "[^a-z0-9]", "")

    alike = F.filter(
        raw, lambda value: F.exists(standard, lambda kept: (bare(value) != "") & F.contains(bare(value), bare(kept)))
    )
    return F.when(F.size(alike) > 0, alike).otherwise(raw)


def _entry(field: Column, is_extra: bool, rule: Column, value: Column, standard: Column) -> Column:
    return F.struct(
        field.alias("field"), F.lit(is_extra).alias("is_extra"), rule.alias("rule"), value.alias("value"),
        standard.alias("standard"),
    )  # fmt: skip


def value_candidates(
    members: DataFrame, settings: SurvivorshipSettings, sources: Mapping[str, SourceSettings]
) -> DataFrame:
    """One row for each value of each field of each record that counts, with what its rule needs to know.

    Out: enterprise_id, record_key, source, record_id; recency and trust, the least first; field, is_extra, rule, value
         as written, standard (its standardised form, or all of the record's where they cannot be told apart).
    """
    default = settings.default_rule
    rules = _literal_map({"": default, **settings.rules})
    trusts = _literal_map({"": 0, **{name: -source.trust for name, source in sources.items()}})
    extras = F.transform(
        F.filter(
            F.map_entries(F.coalesce("extra", F.create_map().cast("map<string,string>"))),
            lambda column: F.trim(column["value"]) != "",
        ),
        lambda column: _entry(
            column["key"], True, F.coalesce(F.try_element_at(rules, column["key"]), F.lit(default)),
            column["value"], F.lower(F.trim(column["value"])),
        ),
    )  # fmt: skip
    known = [_field_values(name, settings.rules.get(name, default)) for name in GOLDEN_FIELDS]
    trust = F.coalesce(F.try_element_at(trusts, F.col("source")), F.lit(0)).cast("long")
    return members.select(
        "enterprise_id", "record_key", "source", "record_id",
        F.coalesce(-F.unix_micros("updated_at"), F.lit(NEVER)).alias("recency"), trust.alias("trust"),
        F.explode(F.concat(*known, extras)).alias("entry"),
    ).select("*", "entry.*").drop("entry")  # fmt: skip


def _literal_map(entries: Mapping[str, str | int]) -> Column:
    return F.create_map(*[F.lit(item) for pair in entries.items() for item in pair])


def winners(values: DataFrame) -> DataFrame:
    """enterprise_id, field, is_extra, won (with value, source, record_id, rule), alternates, is_conflict.

    Everything is grouped by enterprise_id first, so that records move between machines once.
    """
    rule, recency, trust = F.col("rule"), F.col("recency"), F.col("trust")
    first = F.when(rule == "source_trust", trust).when(rule == "longest", -F.length("standard")).otherwise(recency)
    second = F.when(rule.isin("source_trust", "longest"), recency).otherwise(trust)
    rank = F.struct(first, second, trust, "value", "record_key", "source", "record_id", "rule")
    same_field = ["enterprise_id", "field", "is_extra"]
    by_standard = values.groupBy(*same_field, "standard").agg(
        F.min(rank).alias("best"),
        F.first("rule").alias("rule"),
        F.collect_set("record_key").alias("record_keys"),
        F.collect_set("value").alias("written"),
    )
    votes = F.when(rule == "majority", -F.size("record_keys")).otherwise(0)
    by_field = by_standard.groupBy(*same_field).agg(
        F.min(F.struct(votes.alias("votes"), "best"))["best"].alias("won"),
        F.array_distinct(F.flatten(F.collect_list("written"))).alias("written"),
        F.collect_list("standard").alias("standards"),
        F.size(F.array_distinct(F.flatten(F.collect_list("record_keys")))).alias("n_records"),
    )
    return by_field.select(
        *same_field,
        "won",
        F.array_sort(F.array_except("written", F.array("won.value"))).alias("alternates"),
        (
            F.col("field").isin(*ONE_PER_PERSON)
            & ~F.col("is_extra")
            & (F.col("n_records") > 1)
            & contradicts_itself(F.col("standards"))
        ).alias("is_conflict"),
    )
