"""Profiles: how a random one is drawn, and the few that have names.

A matcher trained on one kind of table is wrong on the next, so training draws a new profile for each table: who lives
in it, which columns it has, who typed it, and how badly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from siamese_er.synthetic.knobs import (
    COLUMNS,
    ERROR_KINDS,
    FAMILY_RANGES,
    LIFE_RANGES,
    LOCALES,
    NOISE_RANGES,
    REPEATS,
    SHIFTED_NAMES,
    NameHalf,
    Profile,
    Repeats,
    Source,
)


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


def random_sources(rng: np.random.Generator, n_sources: int, columns: tuple[str, ...]) -> tuple[Source, ...]:
    """Sources with conventions of their own; half of all tables share one convention in all sources."""
    names = rng.permutation(["ehr", "lab", "claims", "registry", "clinic"])[:n_sources]

    def habits() -> dict[str, str | bool]:
        dates = ["%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y", "%Y"]
        return {
            "letter_case": str(rng.choice(["as_is", "upper", "lower", "title"], p=[0.4, 0.25, 0.25, 0.1])),
            "date_format": str(rng.choice(dates, p=[0.79, 0.08, 0.05, 0.04, 0.03, 0.01])),
            "phone_style": str(rng.choice(["plain", "dashes", "brackets", "international"])),
            "id_style": str(rng.choice(["plain", "dashes"])),
            "romanised": chance(rng, 0.5),
            "abbreviates": chance(rng, 0.3),
            "middle_initials": chance(rng, 0.15),
            "sex_style": str(rng.choice(["letter", "word", "number"], p=[0.7, 0.2, 0.1])),
        }

    common = habits()
    is_common = chance(rng, 0.5)
    lacking = 0.0 if n_sources == 1 or chance(rng, 0.65) else float(rng.uniform(0.05, 0.6))
    optional = [name for name in columns if name not in ("given_name", "family_name")]
    return tuple(
        Source(
            name=str(name),
            share=float(rng.dirichlet([3, 3])[0]),
            noise=log_uniform(rng, 0.4, 2.0) if n_sources > 1 else 1.0,
            missing=log_uniform(rng, 0.3, 2.0) if n_sources > 1 else 1.0,
            lacks=tuple(n for n in optional if chance(rng, lacking * (0.2 if n == "birth_date" else 1.0))),
            **(common if is_common else habits()),  # type: ignore[arg-type]
        )
        for name in names
    )


def random_weights(rng: np.random.Generator, names: Iterable[str], shape: float) -> dict[str, float]:
    """Relative weights, gamma-distributed: the smaller the shape, the fewer names carry most of the weight."""
    return {name: float(rng.gamma(shape)) + 1e-6 for name in names}


def random_repeat_rate(rng: np.random.Generator, repeats: Repeats) -> float:
    """The share of people with several records, or for geometric repeats the chance of each further record."""
    if repeats == "two_files":
        return 1.0 if chance(rng, 0.4) else float(rng.uniform(0.1, 1.0))
    if repeats == "originals":
        return 1.0 if chance(rng, 0.2) else float(rng.uniform(0.03, 1.0))
    return log_uniform(rng, 0.03, 0.7)


def random_mistakes(rng: np.random.Generator, columns: tuple[str, ...], repeats: Repeats) -> dict[str, Any]:
    """Settings of a profile: how often its values are mistyped, missing, replaced or written otherwise."""
    level = log_uniform(rng, 0.1, 1.5)
    missing_level = log_uniform(rng, 0.02, 1.0)
    has_replaced = chance(rng, 0.6)
    is_heavy = repeats == "heavy"
    rarer = [name for name in columns if name not in ("given_name", "family_name", "birth_date")]
    return {
        "first_clean": chance(rng, 0.8 if repeats == "originals" else 0.25),
        "clean_share": float(rng.uniform(0, 0.6) if is_heavy or chance(rng, 0.4) else 1 - log_uniform(rng, 0.02, 0.9)),
        "more_errors": float(rng.uniform(0.05, 0.7)),
        "max_errors": int(rng.integers(2, 8) if is_heavy else rng.integers(1, 5)),
        "error_fields": random_weights(rng, columns, float(rng.choice([0.5, 1.0, 4.0]))),
        "error_kinds": random_weights(rng, ERROR_KINDS, 1.0),
        "missing": {n: min(0.6, missing_level * float(rng.beta(0.5, 1.5))) for n in columns if chance(rng, 0.7)},
        "never": {n: min(0.6, missing_level * float(rng.beta(0.5, 2))) for n in rarer if chance(rng, 0.5)},
        "replaced": {n: log_uniform(rng, 0.001, 0.25) for n in columns if has_replaced and chance(rng, 0.3)},
        "mrn_renewed": log_uniform(rng, 0.005, 0.2) if chance(rng, 0.4) else float(rng.uniform(0.2, 1.0)),
        "noise": random_rates(rng, NOISE_RANGES, absent=0.35, level=level),
        "id_shared": 0.0 if chance(rng, 0.7) else log_uniform(rng, 0.001, 0.03),
    }


def random_inhabitants(rng: np.random.Generator, name_half: NameHalf) -> dict[str, Any]:
    """Settings of a profile: who lives in the table, how they are named and what happens to them."""
    n_locales = 1 if chance(rng, 0.45) else int(rng.integers(2, 6))
    preference = np.array([6.0 if name.startswith("en_") else 1.0 for name in LOCALES])
    locales = rng.choice(LOCALES, size=n_locales, replace=False, p=preference / preference.sum())
    households = 0.0 if chance(rng, 0.35) else float(rng.uniform(0.05, 1.0))
    first_birth_year, last_year = int(rng.integers(1900, 1985)), int(rng.integers(1995, 2026))
    return {
        "locales": {str(name): float(w) for name, w in zip(locales, rng.dirichlet(np.ones(n_locales)), strict=True)},
        "name_half": name_half,
        "name_list_size": int(log_uniform(rng, 30, 4000)),
        "zipf_exponent": float(rng.uniform(0, 1.2)),
        "coined_share": 0.0 if chance(rng, 0.5) else log_uniform(rng, 0.01, 0.4),
        "middle_share": float(rng.uniform(0.1, 1.0)),
        "household_share": households,
        "family": random_rates(rng, FAMILY_RANGES, absent=0.25 if households else 0.6),
        "life": random_rates(rng, LIFE_RANGES, absent=0.3),
        "years": log_uniform(rng, 0.2, 20),
        "last_year": last_year,
        "birth_years": (first_birth_year, int(rng.integers(first_birth_year + 8, last_year + 1))),
    }


def random_places(rng: np.random.Generator, locale: str) -> dict[str, Any]:
    """Settings of a profile: its towns, the manner of its addresses and of its national ids."""
    style = {"en_GB": "uk", "en_IE": "uk", "en_NZ": "au"}.get(locale, "us")
    constants = (("Anytown", "US", "00000"), ("Springfield", "IL", "62701"), ("Anytown", "WA", "00000"))
    return {
        "n_cities": int(log_uniform(rng, 1, 500)),
        "city_exponent": float(rng.uniform(0, 1.5)),
        "streets_per_city": int(log_uniform(rng, 10, 600)),
        "address_style": str(rng.choice([style, "us", "uk", "au", "native"], p=[0.4, 0.15, 0.15, 0.15, 0.15])),
        "place_constant": constants[int(rng.integers(3))] if chance(rng, 0.05) else None,
        "id_kind": str(
            rng.choice(["ssn", "digits7", "nhs", "digits11", "alphanumeric"], p=[0.35, 0.2, 0.15, 0.15, 0.15])
        ),
    }


def random_profile(rng: np.random.Generator, name_half: NameHalf = "whole") -> Profile:
    """A profile drawn from everything we can imagine a site to be.

    Independent of one another: columns (names and birth date alone up to all); locales (45 % one, else 2 to 5 of 29);
    30 to 4,000 names a list, Zipf exponent 0 to 1.2, coined surnames 0 to 40 %; sources 1 to 5; repeats: none 6 %, two
    files 20 % (in two of five of these everybody is in both), originals with duplicates 14 %, geometric 45 %, heavy (up
    to 12 records) 15 %; clean records 0 to 98 %, else 1 to 4 typing errors, in heavy tables up to 7; missing values 0
    to 60 % by record and 0 to 60 % by person for each field, and in a third of tables with several sources columns that
    a source never fills; a field replaced outright 0 to 25 %; noise, family and life traits as in ``NOISE_RANGES``,
    ``FAMILY_RANGES``, ``LIFE_RANGES``, each off in a share of tables, noise scaled by a common level of .1 to 1.5;
    households: none 35 %, else 5 to 100 % of the units; 1 to 500 cities, placeholder city 5 %; notes in 25 %.
    """
    repeats = REPEATS[int(rng.choice(5, p=[0.06, 0.2, 0.14, 0.45, 0.15]))]
    n_sources = 2 if repeats == "two_files" else int(rng.choice([1, 2, 3, 4, 5], p=[0.4, 0.2, 0.2, 0.1, 0.1]))
    columns = random_columns(rng)
    inhabitants = random_inhabitants(rng, name_half)
    drawn = Profile(
        columns=columns,
        sources=random_sources(rng, n_sources, columns),
        repeats=repeats,
        repeat_rate=random_repeat_rate(rng, repeats),
        max_repeats=12 if repeats == "heavy" else int(rng.integers(2, 7)),
        one_per_source=n_sources > 1 and chance(rng, 0.3),
        notes_share=0.0 if chance(rng, 0.75) else float(rng.uniform(0.1, 1.0)),
        visits=float(rng.uniform(1, 3.5)),
        copy_forward=float(rng.uniform(0, 0.7)),
        wrong_chart=0.0 if chance(rng, 0.5) else log_uniform(rng, 0.002, 0.03),
        **inhabitants,
        **random_mistakes(rng, columns, repeats),
        **random_places(rng, next(iter(inhabitants["locales"]))),
    )
    shifted = 0.0 if chance(rng, 0.5) else log_uniform(rng, *SHIFTED_NAMES)
    return replace(drawn, noise={**drawn.noise, "shifted_names": shifted})


NOISE = {trait: (low * high) ** 0.5 for trait, (low, high) in NOISE_RANGES.items()}
"""The middle of each range of noise."""
DEMO_PROFILE = Profile(
    columns=COLUMNS,
    locales={"en_US": 0.62, "es_MX": 0.14, "en_GB": 0.08, "pl_PL": 0.04, "ru_RU": 0.03, "ar_latin": 0.05,
             "zh_latin": 0.04},
    sources=(
        Source("ehr", share=0.45, noise=0.7, missing=0.6, phone_style="brackets", id_style="dashes", romanised=True),
        Source("lab", share=0.3, noise=1.4, missing=1.5, letter_case="upper", romanised=True, abbreviates=True,
               lacks=("mother_maiden_name", "former_family_name", "email", "multiple_birth", "birth_order")),
        Source("claims", share=0.25, noise=0.9, missing=0.8, letter_case="upper", date_format="%m/%d/%Y",
               phone_style="dashes", romanised=True, sex_style="number", lacks=("mrn", "death_date", "race")),
    ),
    name_list_size=800,
    coined_share=0.04,
    repeat_rate=0.5,
    clean_share=0.75,
    max_errors=2,
    error_kinds={"substitute": 3, "delete": 2, "insert": 2, "transpose": 2, "phonetic": 1, "truncate": 0.3, "ocr": 0.5},
    missing={"middle_name": 0.25, "national_id": 0.3, "phone": 0.12, "email": 0.4, "address_line": 0.06, "city": 0.04,
             "state": 0.04, "postal_code": 0.05, "country": 0.1, "sex": 0.02, "birth_date": 0.01,
             "mother_maiden_name": 0.5,
             "former_family_name": 0.5, "multiple_birth": 0.3, "birth_order": 0.3, "race": 0.3},
    never={"national_id": 0.08, "email": 0.25, "middle_name": 0.1, "phone": 0.03},
    mrn_renewed=0.15,
    replaced={"national_id": 0.004, "phone": 0.01, "email": 0.005},
    noise=NOISE,
    household_share=0.6,
    family={"twins": 0.06, "near_twin_names": 0.25, "junior": 0.12, "newborn": 0.5, "shared_phone": 0.5,
            "shared_email": 0.15, "guarantor_id": 0.03, "group_address": 0.015, "namesake": 0.02,
            "namesake_birth_date": 0.1, "recycled_phone": 0.005, "roommates": 0.05, "spouse_keeps_name": 0.25,
            "spouse_birth_date": 0.005},
    life={"moved": 0.15, "phone_changed": 0.12, "email_changed": 0.1, "married": 0.12, "died": 0.02},
    n_cities=40,
    notes_share=0.35,
    visits=1.4,
    wrong_chart=0.004,
)  # fmt: skip
"""A hospital, its laboratory and an insurer in one region of the US: families, movers, several languages, notes."""
STRANGERS_PROFILE = Profile(
    columns=("given_name", "family_name", "birth_date", "address_line", "city", "state", "postal_code", "national_id"),
    repeats="two_files",
    repeat_rate=0.8,
    sources=(Source("a"), Source("b")),
    clean_share=0.3,
    max_errors=3,
    missing={"given_name": 0.02, "family_name": 0.02, "birth_date": 0.03, "national_id": 0.03, "address_line": 0.03},
    noise={"birth_date_error": 0.02, "swapped_names": 0.02},
    address_style="au",
    id_kind="digits7",
    n_cities=200,
)
"""Unrelated people in two files, heavy typing noise."""
HOUSEHOLDS_PROFILE = replace(
    DEMO_PROFILE,
    household_share=1.0,
    family={**DEMO_PROFILE.family, "twins": 0.25, "junior": 0.4, "near_twin_names": 0.5, "roommates": 0.05},
)
"""The demo's population with nobody living alone, and more twins and Jr/Sr."""
PROFILES = {"demo": DEMO_PROFILE, "strangers": STRANGERS_PROFILE, "households": HOUSEHOLDS_PROFILE}
"""Profiles by the name a user gives."""
