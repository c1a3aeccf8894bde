"""Step 5: a band for every scored pair: linked automatically, asked of a person, or neither."""

from functools import reduce
from operator import add, or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.config import DecideSettings, SourceSettings
from siamese_er.schemas import KEY_SEPARATOR, LINKS, conform, keys_of_sides

BALANCED_VETOES = ("national_id_conflict",)
NAMING = ("given_names", "family_names", "national_ids", "scoped_identifiers")
CONTACTS = ("emails", "phones", "addresses")
DESCRIBING = ("birth_dates", *CONTACTS, "cities", "postal_codes")


def standings(records: DataFrame, standardised: DataFrame, preset: str) -> DataFrame:
    """record_key and standing of the records that are not matched like others; all other records have no row.

    ``excluded``: test patients. ``restricted``: sensitivity says so; matched by people only. ``unmatchable``: too little
    to tell its person from another. Under ``safe`` that is neither a name nor an identifier, nor a birth date with an
    e-mail address, a phone or an address; under ``balanced`` fewer than two of these and of city and postal code.
    """
    is_test = F.array_contains("name_marks", "test")
    named = reduce(or_, (F.size(column) > 0 for column in NAMING))
    n_known = reduce(add, ((F.size(column) > 0).cast("int") for column in DESCRIBING))
    has_contact = reduce(or_, (F.size(column) > 0 for column in CONTACTS))
    described = n_known >= 2 if preset == "balanced" else (F.size("birth_dates") > 0) & has_contact
    nothing = ~named & ~described
    restricted = F.coalesce(F.lower(F.trim("sensitivity")) == "restricted", F.lit(False))
    standing = F.when(is_test, "excluded").when(nothing, "unmatchable").when(restricted, "restricted")
    return (
        standardised.join(records.select("record_key", "sensitivity"), on="record_key", how="inner")
        .select("record_key", standing.alias("standing"))
        .where(F.col("standing").isNotNull())
    )


def source_of(key: str) -> Column:
    """The source part of a record key."""
    return F.substring_index(F.col(key), KEY_SEPARATOR, 1)


def with_decisions(scores: DataFrame, decisions: DataFrame | None) -> DataFrame:
    """The scores with ``is_verified`` (see LINKS); decided pairs that were never scored come in without evidence.

    Their weight and probability are null: 0 bits would say that the odds are even.
    """
    if decisions is None:
        return scores.withColumn("is_verified", F.lit(None).cast("boolean"))
    decided = decisions.select("left_key", "right_key", (F.col("decision") == "match").alias("is_verified"))
    return scores.join(decided, on=["left_key", "right_key"], how="full")


def banded(
    scores: DataFrame, standing: DataFrame, decisions: DataFrame | None,
    settings: DecideSettings, sources: dict[str, SourceSettings],
) -> DataFrame:  # fmt: skip
    """SCORES with ``is_verified`` and ``band``.

    ``auto``: the probability reaches the threshold of the preset and nothing forbids it, or a person said match.
    ``review``: a person should look: likely but forbidden, or in between. ``no``: neither, or a person said no.
    """
    pairs = with_decisions(scores, decisions)
    for side in ("left", "right"):
        of_side = standing.select(F.col("record_key").alias(f"{side}_key"), F.col("standing").alias(f"{side}_standing"))
        pairs = pairs.join(of_side, on=f"{side}_key", how="left")
    return pairs.withColumn("band", band(settings, sources)).drop("left_standing", "right_standing")


def band(settings: DecideSettings, sources: dict[str, SourceSettings]) -> Column:
    """The band of a pair from its probability, vetoes, standings and what people decided."""
    p = F.coalesce("match_probability", F.lit(0.0))
    vetoed = F.coalesce(F.size("vetoes"), F.lit(0)) > 0
    if settings.preset == "balanced":
        vetoed = F.coalesce(F.arrays_overlap("vetoes", F.array(*map(F.lit, BALANCED_VETOES))), F.lit(False))
    outside = F.col("left_standing").isin("excluded", "unmatchable") | F.col("right_standing").isin(
        "excluded", "unmatchable"
    )
    by_people_only = (F.col("left_standing") == "restricted") | (F.col("right_standing") == "restricted")
    clean = [name for name, known in sources.items() if known.deduplicated]
    one_clean_source = (source_of("left_key") == source_of("right_key")) & source_of("left_key").isin(clean)
    forbidden = vetoed | F.coalesce(by_people_only, F.lit(False)) | one_clean_source
    return (
        F.when(F.col("is_verified"), "auto")
        .when(~F.col("is_verified"), "no")
        .when(F.coalesce(outside, F.lit(False)), "no")
        .when((p >= settings.threshold()) & ~forbidden, "auto")
        .when(p >= min(settings.review_threshold, settings.threshold()), "review")
        .otherwise("no")
    )


def links(scored_pairs: DataFrame, decisions: DataFrame | None) -> DataFrame:
    """LINKS of SCORED_PAIRS, and of the pairs that people decided and that were never scored: what clustering needs."""
    scored = scored_pairs.withColumns(keys_of_sides()).select(
        "left_key", "right_key", "match_weight", "match_probability", "band", "vetoes"
    )
    pairs = with_decisions(scored, decisions)
    of_people = F.when(F.col("is_verified"), "auto").otherwise("no")
    return conform(pairs.withColumn("band", F.coalesce("band", of_people)), LINKS)
