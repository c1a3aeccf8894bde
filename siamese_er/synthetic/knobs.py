"""The knobs of one synthetic table and their ranges."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LetterCase = Literal["as_is", "upper", "lower", "title"]
Repeats = Literal["none", "two_files", "originals", "geometric", "heavy"]
REPEATS: tuple[Repeats, ...] = ("none", "two_files", "originals", "geometric", "heavy")
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
    "sparse": (0.002, 0.08), "lasting": (0.005, 0.5),
}  # fmt: skip
"""Chance that one record shows the trait (of those where it can), lowest and highest of a random profile."""

SHIFTED_NAMES = (0.0005, 0.02)
"""The same of names moved by one place, drawn after all else, so that what else a seed gives stays: see `Scribe`."""

FAMILY_RANGES = {
    "twins": (0.01, 0.3), "near_twin_names": (0.05, 0.5), "junior": (0.02, 0.4), "newborn": (0.1, 0.9),
    "shared_phone": (0.1, 0.95), "shared_email": (0.01, 0.5), "guarantor_id": (0.005, 0.3),
    "group_address": (0.002, 0.1), "namesake": (0.002, 0.10), "namesake_birth_date": (0.0005, 0.02),
    "recycled_phone": (0.002, 0.05), "roommates": (0.01, 0.3), "spouse_keeps_name": (0.05, 0.6),
    "spouse_birth_date": (0.002, 0.05), "young": (0.1, 0.8), "close_births": (0.002, 0.05),
    "named_late": (0.05, 0.8),
}  # fmt: skip
"""Chance of each trait among the households, children or people that may have it."""

LIFE_RANGES = {
    "moved": (0.005, 0.5), "phone_changed": (0.01, 0.6), "email_changed": (0.01, 0.6), "married": (0.005, 0.3),
    "died": (0.002, 0.08), "phone_moves": (0.05, 0.9),
}  # fmt: skip
"""Chance that it happens to a person within the years that the table spans."""

ERROR_KINDS = (
    "insert", "delete", "substitute", "transpose", "repeat", "ocr", "phonetic", "truncate", "split", "glue", "emptied",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One source system and its habits; factors multiply the table's rates; ``lacks``: columns it never fills."""

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
    sex_style: Literal["letter", "word", "number"] = "letter"
    middle_initials: bool = False
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """Every knob of one synthetic table.

    Rates are probabilities; a trait absent from one of the mappings has rate 0. ``error_fields`` and ``error_kinds``
    are relative weights of the typing errors; a record that is not clean (see ``clean_share``) gets one to
    ``max_errors`` of them, each further one with chance ``more_errors``. ``missing`` is drawn for each record,
    ``never`` for each person; ``replaced`` puts somebody else's value in a field; ``mrn_renewed`` is the chance that a
    record of a known patient has a new record number.
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
    never: Mapping[str, float] = field(default_factory=dict)
    replaced: Mapping[str, float] = field(default_factory=dict)
    mrn_renewed: float = 0.05
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
