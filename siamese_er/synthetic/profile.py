"""Profiles: every knob of one synthetic table, and how a random one is drawn.

A matcher trained on one kind of table is wrong on the next, so training draws a new profile for each table: who lives
in it, which columns it has, who typed it, and how badly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

LetterCase = Literal["as_is", "upper", "lower", "title"]
Repeats = Literal["none", "two_files", "originals", "geometric", "heavy"]
NameHalf = Literal["whole", "first", "second"]

COLUMNS = (
    "given_name", "middle_name", "family_name", "name_suffix", "former_family_name", "mother_maiden_name",
    "birth_date", "death_date", "sex", "national_id", "mrn", "phone", "email", "address_line", "city", "state",
    "postal_code", "country", "multiple_birth", "birth_order", "updated_at", "race",
)  # fmt: skip
"""The contract's columns that a synthetic table may have, besides source and record_id."""

LOCALES = (
    "en_US", "en_GB", "en_IE", "en_NZ", "en_IN", "de_DE", "fr_FR", "es_ES", "es_MX", "it_IT", "pl_PL", "tr_TR", "nl_NL",
    "pt_BR", "sv_SE", "cs_CZ", "hu_HU", "ru_RU", "uk_UA", "el_GR", "ar_AA", "ar_latin", "zh_CN", "zh_latin", "ja_JP",
    "vi_VN", "hi_IN", "ko_KR", "id_ID",
)  # fmt: skip

NOISE_RANGES = {
    "nickname": (0.005, 0.15), "initial_only": (0.002, 0.10), "middle_initial": (0.05, 0.9),
    "middle_joined": (0.002, 0.10), "swapped_names": (0.001, 0.10), "swapped_middle": (0.001, 0.08),
    "surname_part_dropped": (0.02, 0.5), "hyphen_changed": (0.02, 0.5), "without_diacritics": (0.02, 0.8),
    "transliterated": (0.01, 0.5), "placeholder_name": (0.0005, 0.02), "suffix_dropped": (0.1, 0.9),
    "default_birth_date": (0.001, 0.03), "january_first": (0.001, 0.03), "partial_birth_date": (0.001, 0.05),
    "id_last_four": (0.005, 0.2), "id_placeholder": (0.001, 0.04), "sex_wrong": (0.001, 0.04),
    "unit_dropped": (0.02, 0.5), "street_abbreviated": (0.02, 0.7), "birth_date_error": (0.001, 0.10),
    "post_office_box": (0.001, 0.05), "other_phone": (0.005, 0.4),
}  # fmt: skip
"""Chance that one record shows the trait (of those where it can), lowest and highest of a random profile."""

FAMILY_RANGES = {
    "twins": (0.01, 0.3), "near_twin_names": (0.05, 0.5), "junior": (0.02, 0.4), "newborn": (0.02, 0.5),
    "shared_phone": (0.1, 0.95), "shared_email": (0.01, 0.5), "guarantor_id": (0.005, 0.3),
    "group_address": (0.002, 0.1), "namesake": (0.002, 0.10), "namesake_birth_date": (0.02, 0.5),
    "recycled_phone": (0.002, 0.05), "roommates": (0.01, 0.3), "spouse_keeps_name": (0.05, 0.6),
    "spouse_birth_date": (0.002, 0.05),
}  # fmt: skip
"""Chance of each trait among the households, children or people that may have it."""

LIFE_RANGES = {
    "moved": (0.005, 0.5), "phone_changed": (0.01, 0.6), "email_changed": (0.01, 0.6), "married": (0.005, 0.3),
    "died": (0.002, 0.08), "given_changed": (0.0005, 0.01),
}  # fmt: skip
"""Chance that it happens to a person within the years that the table spans."""

ERROR_KINDS = (
    "insert", "delete", "substitute", "transpose", "repeat", "ocr", "phonetic", "truncate", "split", "glue", "emptied",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One source system and its habits; factors multiply the table's rates."""

    name: str
    share: float = 1.0
    noise: float = 1.0
    missing: float = 1.0
    letter_case: LetterCase = "as_is"
    date_format: str = "%Y-%m-%d"
    phone_style: str = "plain"
    id_style: str = "plain"
    romanised: bool = False
    abbreviates: bool = False


@dataclass(frozen=True)
class Profile:
    """Every knob of one synthetic table.

    Rates are probabilities; a trait absent from ``missing``, ``replaced``, ``noise``, ``family`` or ``life`` has rate 0.
    ``error_fields`` and ``error_kinds`` are relative weights of the typing errors; a record that is not clean (see
    ``clean_share``) gets one to ``max_errors`` of them, each further one with chance ``more_errors``.
    """

    columns: tuple[str, ...] = COLUMNS[:-1]
    locales: Mapping[str, float] = field(default_factory=lambda: {"en_US": 1.0})
    sources: tuple[Source, ...] = (Source("a"),)
    name_half: NameHalf = "whole"
    name_list_size: int = 2000
    zipf_exponent: float = 0.8
    coined_share: float = 0.05
    middle_share: float = 0.7
    repeats: Repeats = "geometric"
    repeat_rate: float = 0.4
    max_repeats: int = 6
    one_per_source: bool = False
    first_clean: bool = False
    clean_share: float = 0.7
    more_errors: float = 0.3
    max_errors: int = 3
    error_fields: Mapping[str, float] = field(default_factory=dict)
    error_kinds: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, float] = field(default_factory=dict)
    replaced: Mapping[str, float] = field(default_factory=dict)
    noise: Mapping[str, float] = field(default_factory=dict)
    household_share: float = 0.0
    family: Mapping[str, float] = field(default_factory=dict)
    life: Mapping[str, float] = field(default_factory=dict)
    years: float = 5.0
    last_year: int = 2024
    birth_years: tuple[int, int] = (1925, 2005)
    n_cities: int = 30
    city_exponent: float = 0.8
    streets_per_city: int = 60
    address_style: str = "us"
    place_constant: tuple[str, str, str] | None = None
    id_kind: str = "ssn"
    id_shared: float = 0.0
    notes_share: float = 0.0
    visits: float = 1.5
    copy_forward: float = 0.3
    wrong_chart: float = 0.0


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between low and high whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with this probability."""
    return bool(rng.random() < probability)


def random_rates(
    rng: np.random.Generator, ranges: Mapping[str, tuple[float, float]], absent: float, level: float = 1.0
) -> dict[str, float]:
    """A rate for each trait, log-uniform in its range times ``level``, at most .95; 0 with chance ``absent``."""
    return {
        trait: 0.0 if chance(rng, absent) else min(0.95, level * log_uniform(rng, low, high))
        for trait, (low, high) in ranges.items()
    }


def random_columns(rng: np.random.Generator) -> tuple[str, ...]:
    """Which columns a table has: a common core (10 % names and birth date alone) or each other one by its own coin."""
    kind = rng.choice(
        ["names_date", "contact", "address", "address_id", "everything", "coins"], p=[0.1, 0.1, 0.15, 0.2, 0.15, 0.3]
    )
    core = ["given_name", "family_name", "birth_date"]
    full_address = ["address_line", "city", "state", "postal_code"]
    chosen = {
        "names_date": core,
        "contact": [*core, "city", "email"],
        "address": [*core, *full_address],
        "address_id": [*core, *full_address, "national_id"],
        "everything": list(COLUMNS),
        "coins": [*core, *(name for name in COLUMNS if chance(rng, 0.5))],
    }[str(kind)]
    extra = [name for name in ("sex", "middle_name", "phone", "updated_at", "mrn") if chance(rng, 0.25)]
    dropped = {"birth_date"} if kind == "coins" and chance(rng, 0.1) else set()
    return tuple(name for name in COLUMNS if name in {*chosen, *extra} - dropped)


def random_sources(rng: np.random.Generator, n_sources: int) -> tuple[Source, ...]:
    """Sources with conventions of their own; half of all tables share one convention in all sources."""
    names = rng.permutation(["ehr", "lab", "claims", "registry", "clinic"])[:n_sources]

    def habits() -> dict[str, str | bool]:
        dates = ["%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y"]
        return {
            "letter_case": str(rng.choice(["as_is", "upper", "lower", "title"], p=[0.4, 0.25, 0.25, 0.1])),
            "date_format": str(rng.choice(dates, p=[0.8, 0.08, 0.05, 0.04, 0.03])),
            "phone_style": str(rng.choice(["plain", "dashes", "brackets", "international"])),
            "id_style": str(rng.choice(["plain", "dashes"])),
            "romanised": chance(rng, 0.5),
            "abbreviates": chance(rng, 0.3),
        }

    common = habits()
    is_common = chance(rng, 0.5)
    return tuple(
        Source(
            name=str(name),
            share=float(rng.dirichlet([3, 3])[0]),
            noise=log_uniform(rng, 0.4, 2.0) if n_sources > 1 else 1.0,
            missing=log_uniform(rng, 0.3, 2.0) if n_sources > 1 else 1.0,
            **(common if is_common else habits()),  # type: ignore[arg-type]
        )
        for name in names
    )


def random_weights(rng: np.random.Generator, names: Iterable[str], shape: float) -> dict[str, float]:
    """Relative weights, gamma-distributed: the smaller the shape, the fewer names carry most of the weight."""
    return {name: float(rng.gamma(shape)) + 1e-6 for name in names}


def random_profile(rng: np.random.Generator, name_half: NameHalf = "whole") -> Profile:
    """A profile drawn from everything we can imagine a site to be.

    Independent of one another: columns (names and birth date alone up to all); locales (45 % one, else 2 to 5 of 29);
    30 to 4,000 names a list, Zipf exponent 0 to 1.2, coined surnames 0 to 40 %; sources 1 to 5; repeats: none 6 %, two
    files 20 %, originals with duplicates 14 %, geometric 45 %, heavy (up to 12 records) 15 %; clean records 10 to 98 %,
    else 1 to 4 typing errors, and more in heavy tables; missing values 0 to 60 % by field; a field replaced outright 0
    to 25 %; noise, family and life traits as in ``NOISE_RANGES``, ``FAMILY_RANGES``, ``LIFE_RANGES``, each off in a
    share of tables and scaled by a common level of .1 to 1.5; households: none 35 %, else 5 to 100 % of the units;
    1 to 500 cities, placeholder city 5 %; notes in 25 %.
    """
    n_locales = 1 if chance(rng, 0.45) else int(rng.integers(2, 6))
    preference = np.array([6.0 if name.startswith("en_") else 1.0 for name in LOCALES])
    preference /= preference.sum()
    locales = rng.choice(LOCALES, size=n_locales, replace=False, p=preference)
    repeats: Repeats = rng.choice(
        ["none", "two_files", "originals", "geometric", "heavy"], p=[0.06, 0.2, 0.14, 0.45, 0.15]
    )
    n_sources = 2 if repeats == "two_files" else int(rng.choice([1, 2, 3, 4, 5], p=[0.4, 0.2, 0.2, 0.1, 0.1]))
    columns = random_columns(rng)
    level = log_uniform(rng, 0.1, 1.5)
    has_replaced = chance(rng, 0.6)
    missing_level = log_uniform(rng, 0.02, 1.0)
    households = 0.0 if chance(rng, 0.35) else float(rng.uniform(0.05, 1.0))
    first_birth_year = int(rng.integers(1900, 1990))
    last_year = int(rng.integers(1995, 2026))
    placeholder = [("Anytown", "US", "00000"), ("Springfield", "IL", "62701"), ("Anytown", "WA", "00000")]
    style = "uk" if locales[0] in ("en_GB", "en_IE") else "au" if locales[0] == "en_NZ" else "us"
    return Profile(
        columns=columns,
        locales={str(name): float(weight) for name, weight in zip(locales, rng.dirichlet(np.ones(n_locales)))},
        sources=random_sources(rng, n_sources),
        name_half=name_half,
        name_list_size=int(log_uniform(rng, 30, 4000)),
        zipf_exponent=float(rng.uniform(0, 1.2)),
        coined_share=0.0 if chance(rng, 0.5) else log_uniform(rng, 0.01, 0.4),
        middle_share=float(rng.uniform(0.1, 1.0)),
        repeats=repeats,
        repeat_rate=float(rng.uniform(0.3, 1.0) if repeats == "two_files" else log_uniform(rng, 0.03, 0.7)),
        max_repeats=12 if repeats == "heavy" else int(rng.integers(2, 7)),
        one_per_source=chance(rng, 0.3),
        first_clean=chance(rng, 0.8 if repeats == "originals" else 0.25),
        clean_share=float(rng.uniform(0.1, 0.5) if repeats == "heavy" else 1 - log_uniform(rng, 0.02, 0.9)),
        more_errors=float(rng.uniform(0.05, 0.7)),
        max_errors=int(rng.integers(2, 8) if repeats == "heavy" else rng.integers(1, 5)),
        error_fields=random_weights(rng, columns, float(rng.choice([0.5, 1.0, 4.0]))),
        error_kinds=random_weights(rng, ERROR_KINDS, 1.0),
        missing={name: min(0.6, missing_level * float(rng.beta(0.5, 1.5))) for name in columns if chance(rng, 0.7)},
        replaced={name: log_uniform(rng, 0.001, 0.25) for name in columns if has_replaced and chance(rng, 0.3)},
        noise=random_rates(rng, NOISE_RANGES, absent=0.35, level=level),
        household_share=households,
        family=random_rates(rng, FAMILY_RANGES, absent=0.25 if households else 0.6),
        life=random_rates(rng, LIFE_RANGES, absent=0.3),
        years=log_uniform(rng, 0.2, 20),
        last_year=last_year,
        birth_years=(first_birth_year, int(rng.integers(first_birth_year + 8, last_year + 1))),
        n_cities=int(log_uniform(rng, 1, 500)),
        city_exponent=float(rng.uniform(0, 1.5)),
        streets_per_city=int(log_uniform(rng, 10, 600)),
        address_style=str(rng.choice([style, "us", "uk", "au", "native"], p=[0.4, 0.15, 0.15, 0.15, 0.15])),
        place_constant=placeholder[int(rng.integers(3))] if chance(rng, 0.05) else None,
        id_kind=str(rng.choice(["ssn", "digits7", "nhs", "digits11", "alphanumeric"], p=[0.35, 0.2, 0.15, 0.15, 0.15])),
        id_shared=0.0 if chance(rng, 0.7) else log_uniform(rng, 0.001, 0.03),
        notes_share=0.0 if chance(rng, 0.75) else float(rng.uniform(0.1, 1.0)),
        visits=float(rng.uniform(1, 3.5)),
        copy_forward=float(rng.uniform(0, 0.7)),
        wrong_chart=0.0 if chance(rng, 0.5) else log_uniform(rng, 0.002, 0.03),
    )
