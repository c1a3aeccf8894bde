"""Names: lower-case ASCII, particles glued to what follows, titles dropped, suffixes apart, full names split."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from siamese_er.fields.name_marks import (
    PLACEHOLDER_TOKENS,
    is_name_placeholder,
    is_no_family,
    is_somebody,
    is_test_name,
    newborn,
    newborn_marks,
)
from siamese_er.fields.nickname_groups import nickname_group
from siamese_er.fields.text import CACHED_VALUES, ascii_words, is_placeholder

__all__ = ["NameParts", "family_name", "given_name", "name_suffix", "nickname_group", "split_full_name"]

TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "rev", "reverend", "sra", "srta", "dra", "herr",
     "frau", "mme", "mlle", "sr"}
)  # fmt: skip
LONE_TITLES = TITLES - {"herr", "frau", "sr"}  # these three may be a name or suffix where they stand alone
CREDENTIALS = frozenset({"md", "phd", "dds", "dvm", "esq", "esquire", "mbbs", "dmd", "jd", "rn", "msc", "bsc", "frcs"})
SUFFIXES = {
    "jr": "jr", "junior": "jr", "jnr": "jr", "sr": "sr", "senior": "sr", "snr": "sr", "ii": "ii", "2nd": "ii",
    "iii": "iii", "3rd": "iii", "iv": "iv", "4th": "iv", "5th": "v",
}  # fmt: skip
SUFFIX_COLUMN = SUFFIXES | {
    "v": "v", "2": "ii", "3": "iii", "4": "iv", "5": "v", "second": "ii", "third": "iii", "fourth": "iv", "fifth": "v",
}  # fmt: skip
GIVEN_PARTICLES = frozenset({"de", "del", "la", "las", "los", "da", "do", "dos", "das", "van", "von", "der", "mc"})
FAMILY_PARTICLES = GIVEN_PARTICLES | frozenset(
    {"di", "du", "des", "della", "dello", "dal", "dalla", "den", "ter", "ten", "vom", "zu", "zur", "zum", "af", "av",
     "bin", "ibn", "bint", "abu", "abd", "al", "el", "le", "mac", "o", "d", "l", "st", "saint", "sainte", "ste", "san",
     "santa", "fitz", "ap"}
)  # fmt: skip
SAINTS = {"saint": "st", "sainte": "st", "ste": "st"}
LINKS = frozenset({"y", "e"})


class NameParts(NamedTuple):
    """What one written name holds."""

    name: str = ""
    suffixes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    """"placeholder", "title" (nothing but one), "test", and for given names those of `name_marks.newborn_marks`."""


def without_titles(tokens: list[str]) -> list[str]:
    """The tokens from the first that is no title; "sr" before a name is Spanish for Mr."""
    while tokens and (tokens[0] in LONE_TITLES or (tokens[0] in TITLES and len(tokens) > 1)):
        tokens = tokens[1:]
    return tokens


def without_suffixes(tokens: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The tokens before trailing suffixes and credentials, and the suffixes; one token always stays."""
    suffixes: list[str] = []
    while len(tokens) > 1 and (tokens[-1] in SUFFIXES or tokens[-1] in CREDENTIALS):
        if tokens[-1] in SUFFIXES:
            suffixes.insert(0, SUFFIXES[tokens[-1]])
        tokens = tokens[:-1]
    return tokens, tuple(dict.fromkeys(suffixes))


def glued(tokens: list[str], particles: frozenset[str]) -> list[str]:
    """The tokens with each run of particles joined to the token that follows it.

    >>> glued(["garcia", "de", "la", "cruz"], FAMILY_PARTICLES)
    ['garcia', 'delacruz']
    """
    joined: list[str] = []
    prefix = ""
    for position, token in enumerate(tokens):
        if token in particles and position < len(tokens) - 1:
            prefix += SAINTS.get(token, token)
        else:
            joined.append(prefix + token)
            prefix = ""
    return joined


def without_links(tokens: list[str]) -> list[str]:
    """The tokens without "y" and "e" between two surnames."""
    last = len(tokens) - 1
    return [token for position, token in enumerate(tokens) if position in (0, last) or token not in LINKS]


def marked_placeholder(value: str, words: str) -> tuple[str, ...]:
    """The marks of a name that is none as a whole; empty where it is one."""
    if words and is_test_name(words):
        return ("placeholder", "test")
    if is_placeholder(value) or is_name_placeholder(words):
        return ("placeholder",)
    return ()


def plain_parts(value: str, particles: frozenset[str], has_links: bool) -> NameParts:
    """Placeholders, titles, suffixes and particles of one name dealt with, in this order."""
    words = ascii_words(value)
    if marks := marked_placeholder(value, words):
        return NameParts(marks=marks)
    all_tokens = words.split()
    tokens = [token for token in all_tokens if token not in PLACEHOLDER_TOKENS]
    dropped = ("placeholder",) if len(tokens) < len(all_tokens) else ()
    tokens, suffixes = without_suffixes(without_titles(tokens))
    if len(tokens) == 1 and tokens[0] in SUFFIXES and tokens[0] != "junior" and not has_links:
        return NameParts("", (SUFFIXES[tokens[0]], *suffixes), dropped)
    if has_links:
        tokens = without_links(tokens)
    name = " ".join(glued(tokens, particles))
    if name and name != words and (marks := marked_placeholder(name, name)):
        return NameParts("", suffixes, marks)
    return NameParts(name, suffixes, dropped if name or dropped or suffixes else ("title",))


@lru_cache(CACHED_VALUES)
def given_name(value: str) -> NameParts:
    """Normal form of a given or middle name; a newborn's temporary name, or a relation, is empty and marked.

    >>> given_name("Dr. Mary-Ann"), given_name("Babygirl B").marks
    (NameParts(name='mary ann', suffixes=(), marks=()), ('newborn', 'newborn:2'))
    """
    words = ascii_words(value)
    if found := newborn(words):
        return NameParts(marks=tuple(newborn_marks(found)))
    if is_somebody(words):
        return NameParts(marks=("placeholder",))
    parts = plain_parts(value, GIVEN_PARTICLES, has_links=False)
    if parts.name != words and (found := newborn(parts.name)):
        return NameParts("", parts.suffixes, tuple(newborn_marks(found)))
    return parts


@lru_cache(CACHED_VALUES)
def family_name(value: str) -> NameParts:
    """Normal form of a family name; a relation is empty and marked.

    >>> family_name("de la Cruz Jr."), family_name("García y López").name
    (NameParts(name='delacruz', suffixes=('jr',), marks=()), 'garcia lopez')
    """
    if is_no_family(ascii_words(value)):
        return NameParts(marks=("placeholder",))
    return plain_parts(value, FAMILY_PARTICLES, has_links=True)


@lru_cache(CACHED_VALUES)
def name_suffix(value: str) -> tuple[str, ...]:
    """The suffixes written in a suffix column: jr, sr, ii, iii, iv, v; credentials and the rest give none."""
    return tuple(dict.fromkeys(SUFFIX_COLUMN[token] for token in ascii_words(value).split() if token in SUFFIX_COLUMN))


def is_all_suffix(part: str) -> bool:
    """Whether a part between commas is only suffixes and credentials."""
    tokens = ascii_words(part).split()
    return all(token in SUFFIXES or token in CREDENTIALS or token == "v" for token in tokens)


@lru_cache(CACHED_VALUES)
def split_full_name(value: str) -> tuple[str, str, str, str]:
    """Given, middle, family name and suffix of a full name; a lone word is the family name.

    "Family, Given Middle" where there is a comma, else the last word with its particles is the family name.

    >>> split_full_name("van der Berg, Anna Maria"), split_full_name("Anna M. van der Berg Jr")
    (('Anna', 'Maria', 'van der Berg', ''), ('Anna', 'M.', 'van der Berg', 'Jr'))
    """
    parts = [part.strip() for part in re.split("[,،、]", value) if part.strip()]
    suffix = " ".join(part for part in parts[1:] if is_all_suffix(part))
    parts = parts[:1] + [part for part in parts[1:] if not is_all_suffix(part)]
    if len(parts) >= 2:
        given, middle = first_and_rest(" ".join(parts[1:]).split())
        return given, middle, parts[0], suffix
    words = (parts[0] if parts else "").split()
    while words and ascii_words(words[0]) in TITLES:
        words = words[1:]
    while len(words) > 2 and is_all_suffix(words[-1]) and ascii_words(words[-1]):
        suffix, words = f"{words[-1]} {suffix}".strip(), words[:-1]
    start = family_start(words)
    given, middle = first_and_rest(words[:start])
    return given, middle, " ".join(words[start:]), suffix


def first_and_rest(words: Sequence[str]) -> tuple[str, str]:
    """The given name and the middle names; a newborn's temporary name and particles stay together."""
    words = list(words)
    for length in range(len(words), 1, -1):
        if newborn(ascii_words(" ".join(words[:length]))):
            return " ".join(words[:length]), " ".join(words[length:])
    length = 1
    while length < len(words) and ascii_words(words[length - 1]) in GIVEN_PARTICLES:
        length += 1
    return " ".join(words[:length]), " ".join(words[length:])


def family_start(words: Sequence[str]) -> int:
    """Where the family name starts: its last word, the particles before it, and a surname linked by "y"."""
    start = max(len(words) - 1, 0)
    while start > 1 and ascii_words(words[start - 1]) in FAMILY_PARTICLES:
        start -= 1
    if start > 2 and ascii_words(words[start - 1]) in LINKS:
        start -= 2
        while start > 1 and ascii_words(words[start - 1]) in FAMILY_PARTICLES:
            start -= 1
    return start
