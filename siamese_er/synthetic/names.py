"""Name lists of many countries (from faker's data) and how often each name of a table is drawn."""

import importlib
from bisect import bisect
from functools import lru_cache
from random import Random
from typing import Any
from zlib import crc32

import numpy as np

from siamese_er.synthetic.knobs import NameHalf
from siamese_er.synthetic.wordlists import (
    ARABIC_FAMILY,
    ARABIC_FEMALE,
    ARABIC_MALE,
    CHINESE_GIVEN,
    CODAS,
    ENDINGS,
    ONSETS,
    VOWELS,
)


@lru_cache(maxsize=64)
def provider(kind: str, locale: str) -> Any:
    """Faker's class of word lists for one locale; `kind` is person or address."""
    return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider


@lru_cache(maxsize=64)
def name_lists(locale: str) -> dict[str, tuple[str, ...]]:
    """The distinct names of one locale by use: ``M`` and ``F`` (given names), ``family`` (masculine form)."""
    if locale == "ar_latin":
        return {"M": ARABIC_MALE, "F": ARABIC_FEMALE, "family": ARABIC_FAMILY}
    words = provider("person", "zh_CN" if locale == "zh_latin" else locale)
    if locale == "zh_latin":
        return {"M": CHINESE_GIVEN, "F": CHINESE_GIVEN, "family": tuple(words.last_romanized_names)}

    def first(*attributes: str) -> tuple[str, ...]:
        found = next(getattr(words, name) for name in attributes if getattr(words, name, None))
        return tuple(dict.fromkeys(str(name) for name in found))

    family = first("unisex_last_names", "last_names_male", "last_names")
    if locale == "pl_PL":
        family += tuple(words.male_last_names)
    return {
        "M": first("first_names_male", "first_names"),
        "F": first("first_names_female", "first_names"),
        "family": tuple(dict.fromkeys(family)),
    }


def in_half(name: str, half: NameHalf) -> bool:
    """True if the name belongs to this half of all names; the halves are disjoint across lists and locales."""
    return half == "whole" or (crc32(name.casefold().encode()) % 2 == 0) == (half == "first")


class ZipfList:
    """Values in a table's own random order of popularity; rank r is drawn in proportion to r ** -exponent."""

    def __init__(self, values: list[Any], exponent: float, rng: np.random.Generator, size: int | None = None) -> None:
        order = rng.permutation(len(values))[:size]
        self.values = [values[i] for i in order]
        weights = np.arange(1, len(self.values) + 1, dtype=float) ** -exponent
        self.cumulated = (np.cumsum(weights) / weights.sum()).tolist()
        self.last = len(self.values) - 1

    def draw(self, random: Random) -> Any:
        """One value."""
        return self.values[min(bisect(self.cumulated, random.random()), self.last)]


def table_names(
    locale: str, half: NameHalf, size: int, exponent: float, rng: np.random.Generator
) -> dict[str, ZipfList]:
    """The names of one locale as a table uses them: a half, a size and a popularity of its own."""
    lists = {}
    for use, names in name_lists(locale).items():
        kept = [name for name in names if in_half(name, half)] or list(names[:1])
        lists[use] = ZipfList(kept, exponent, rng, size)
    return lists


def coined_surname(random: Random, half: NameHalf) -> str:
    """A surname in nobody's list, from syllables: every real table has names that no list has."""
    for _ in range(20):
        syllables = random.choice((1, 1, 2))
        stem = "".join(random.choice(ONSETS) + random.choice(VOWELS) + random.choice(CODAS) for _ in range(syllables))
        name = (stem + random.choice(ENDINGS)).capitalize()
        if in_half(name, half):
            break
    return name


FEMININE = {
    "ru_RU": (("ский", "ская"), ("ов", "ова"), ("ев", "ева"), ("ин", "ина")),
    "uk_UA": (("ський", "ська"), ("цький", "цька")),
    "pl_PL": (("ski", "ska"), ("cki", "cka"), ("dzki", "dzka")),
    "cs_CZ": (("ý", "á"), ("ek", "ková"), ("a", "ová"), ("", "ová")),
}


def family_form(family: str, locale: str, sex: str) -> str:
    """The surname as a woman or a man of this locale bears it; lists hold the masculine form."""
    if sex == "F":
        for masculine, feminine in FEMININE.get(locale, ()):
            if family.endswith(masculine):
                return family[: len(family) - len(masculine)] + feminine
    return family
