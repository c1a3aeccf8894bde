"""The text of clinical notes: statements, section headings, and the words and word pairs that may tell a person apart."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

ABBREVIATIONS = r"(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bDr\.)(?<!y\.o\.)(?<!\s[A-Z]\.)"
SENTENCE_END = re.compile(ABBREVIATIONS + r"(?<=[.!?;])\s+")
BULLET = re.compile(r"^[\s>*•\-–]+")
HEADING = re.compile(r"#+\s.*|[^\W\d_][\w /&(),'-]{0,48}:")
NO_HEADING = re.compile(r"[\d,.]|:\s")
INLINE_HEADING = re.compile(r"(#+\s*)?([^\W\d_][^\W\d_]*(?: [^\W\d_]+){0,3}):\s+\S")
OF_FAMILY = re.compile(r"\bfamily\b|\bfamilial\b|^fhx?$|^fam hx$", re.IGNORECASE)
DIGITS = re.compile(r"\d+")
NOT_WORDS = re.compile(r"[\W_]+")
MOST_HEADING_WORDS = 6
FACT_WORDS = frozenset(
    {"year", "years", "yr", "yrs", "yo", "old", "month", "months", "mo", "aged", "age", "man", "woman", "male",
     "female", "gentleman", "lady", "boy", "girl", "men", "women", "mr", "mrs", "ms", "miss", "dob", "born",
     "birth", "he", "she", "him", "her", "his", "hers", "himself", "herself", "name", "sex", "gender", "patient"}
)  # fmt: skip
"""Words of ages, sexes and names: facts of their own (``note_facts``), so that no term repeats them."""

RELATIVES = re.compile(
    r"\b(?:mother|mom|mum|father|dad|parents?|sisters?|brothers?|siblings?|sons?|daughters?|wife|husband|spouse|partner"
    r"|fianc\w+|aunts?|uncles?|cousins?|nieces?|nephews?|grand\w+|maternal|paternal|family|relatives?|friends?|donor"
    r"|roommate|neighbou?r|caregiver|caretaker|driver|twin|boyfriend|girlfriend|guardian)\b", re.IGNORECASE,
)  # fmt: skip
"""People in a note who are not its patient."""
HASH_KEY = "siamese_er notes"  # 16 characters, as SipHash wants


class Statement(NamedTuple):
    """One sentence or list item of a note."""

    text: str
    is_of_family: bool
    """Whether it stands under a heading of family history."""


def is_heading(line: str) -> bool:
    """Whether a line only names a section: Markdown, words with a colon behind them, or a few words in capitals."""
    is_short = len(line.split()) <= MOST_HEADING_WORDS and not NO_HEADING.search(line)
    return bool(HEADING.fullmatch(line)) or (line.isupper() and is_short)


def statements(text: str) -> Iterator[Statement]:
    """The statements of a note in order, without headings that stand alone.

    >>> [s.text for s in statements("# Plan\\nRest. See Mr. Day.\\n- ice")]
    ['Rest.', 'See Mr. Day.', 'ice']
    """
    in_family_section = False
    for line in text.splitlines():
        bare = BULLET.sub("", line).strip()
        if not bare:
            continue
        if is_heading(bare):
            in_family_section = bool(OF_FAMILY.search(bare.strip("# :")))
            continue
        is_of_family = in_family_section
        for part in SENTENCE_END.split(bare):
            if found := INLINE_HEADING.match(part):
                is_of_family = bool(OF_FAMILY.search(found[2]))
            if part.strip():
                yield Statement(part.strip(), is_of_family)


def normal_form(statement: str) -> str:
    """Lower case, numbers as 0, marks as single blanks: what recurring statements have in common.

    >>> normal_form("BP: 120/80,  Stable.")
    'bp 0 0 stable'
    """
    return NOT_WORDS.sub(" ", DIGITS.sub("0", statement.casefold())).strip()


def terms(normal_forms: Iterable[str], without: frozenset[str] = frozenset()) -> set[str]:
    """Words of two letters or more and pairs of neighbours; no numbers, no FACT_WORDS, no word of ``without``.

    >>> sorted(terms(["a 0 year old man with gout"]))
    ['gout', 'with', 'with gout']
    """
    found: set[str] = set()
    for form in normal_forms:
        words = [
            word for word in form.split()
            if len(word) > 1 and not word.isnumeric() and word not in FACT_WORDS and word not in without
        ]  # fmt: skip
        found.update(words)
        found.update(f"{first} {second}" for first, second in pairwise(words))
    return found


def hashes(texts: Iterable[str]) -> np.ndarray:
    """One uint64 for each text, the same in every process (SipHash with a fixed key)."""
    values = np.array(list(texts), dtype=object)
    if not len(values):
        return np.zeros(0, np.uint64)
    return pd.util.hash_array(values, hash_key=HASH_KEY, categorize=False)
