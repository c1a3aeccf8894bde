"""Name lists of many countries (from faker's data) and how often each name of a table is drawn."""

import importlib
from bisect import bisect
from functools import lru_cache
from random import Random
from typing import Any
from zlib import crc32

import numpy as np

from siamese_er.synthetic.profile import NameHalf

ARABIC_MALE = [
    "Mohammed",
    "Ahmed",
    "Ali",
    "Hassan",
    "Hussein",
    "Omar",
    "Youssef",
    "Ibrahim",
    "Khalid",
    "Mustafa",
    "Abdullah",
    "Abdulrahman",
    "Karim",
    "Tariq",
    "Samir",
    "Bilal",
    "Hamza",
    "Ismail",
    "Jamal",
    "Nasser",
    "Rashid",
    "Saeed",
    "Walid",
    "Ziad",
    "Faisal",
    "Fadi",
    "Rami",
    "Marwan",
    "Adel",
    "Hisham",
    "Osama",
    "Anwar",
]
ARABIC_FEMALE = [
    "Fatima",
    "Aisha",
    "Maryam",
    "Zainab",
    "Khadija",
    "Layla",
    "Noor",
    "Huda",
    "Amina",
    "Salma",
    "Yasmin",
    "Hanan",
    "Samira",
    "Rania",
    "Dina",
    "Mona",
    "Nadia",
    "Reem",
    "Sara",
    "Lina",
    "Farah",
    "Iman",
    "Sawsan",
    "Rasha",
    "Widad",
    "Zahra",
    "Hala",
    "Najwa",
    "Suad",
    "Abeer",
]
ARABIC_FAMILY = [
    "Al-Hashimi",
    "Haddad",
    "Khoury",
    "Mansour",
    "Saleh",
    "Hamdan",
    "Al-Masri",
    "Darwish",
    "Nasr",
    "Qasim",
    "Shaheen",
    "Abdi",
    "Aziz",
    "Bakri",
    "El-Sayed",
    "Farouk",
    "Ghanem",
    "Hijazi",
    "Jaber",
    "Kanaan",
    "Al-Rashid",
    "Mahmoud",
    "Najjar",
    "Othman",
    "Rahman",
    "Said",
    "Tamimi",
    "Yassin",
    "Zaki",
    "Barakat",
    "Abu-Bakr",
    "Fayed",
    "Hakim",
    "Issa",
    "Khalil",
    "Latif",
    "Malik",
    "Rahal",
    "Sabbagh",
    "Taha",
    "Wahab",
    "Younis",
    "Bin-Laith",
    "El-Amin",
    "Sultan",
]
CHINESE_GIVEN = [
    "Wei",
    "Fang",
    "Na",
    "Xiuying",
    "Min",
    "Jing",
    "Li",
    "Qiang",
    "Lei",
    "Jun",
    "Yang",
    "Yong",
    "Yan",
    "Jie",
    "Juan",
    "Tao",
    "Ming",
    "Chao",
    "Xiulan",
    "Ping",
    "Gang",
    "Guiying",
    "Xiaoming",
    "Jianguo",
    "Yuhan",
    "Zihan",
    "Haoran",
    "Mei",
    "Xin",
    "Yue",
    "Ning",
    "Bo",
    "Hui",
    "Lan",
    "Peng",
    "Rui",
    "Shan",
    "Ting",
    "Xue",
    "Zhen",
]


@lru_cache(maxsize=64)
def provider(kind: str, locale: str) -> Any:
    """Faker's class of word lists for one locale; `kind` is person or address."""
    return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider


@lru_cache(maxsize=64)
def name_lists(locale: str) -> dict[str, tuple[str, ...]]:
    """The distinct names of one locale by use: ``M`` and ``F`` (given names), ``family`` (masculine form)."""
    if locale == "ar_latin":
        return {"M": tuple(ARABIC_MALE), "F": tuple(ARABIC_FEMALE), "family": tuple(ARABIC_FAMILY)}
    words = provider("person", "zh_CN" if locale == "zh_latin" else locale)
    if locale == "zh_latin":
        return {"M": tuple(CHINESE_GIVEN), "F": tuple(CHINESE_GIVEN), "family": tuple(words.last_romanized_names)}

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


ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sch",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
    "th",
    "kl",
    "gl",
]
VOWELS = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ou", "ei", "ai", "ea", "y", "oo"]
CODAS = ["", "", "n", "r", "l", "s", "m", "t", "ck", "nd", "rt", "lls", "ng", "st"]
ENDINGS = [
    "son",
    "er",
    "man",
    "ski",
    "berg",
    "ton",
    "ley",
    "sen",
    "ez",
    "ini",
    "escu",
    "ic",
    "enko",
    "a",
    "i",
    "ova",
    "ard",
    "well",
    "worth",
    "y",
    "o",
]


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
