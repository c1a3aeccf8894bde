"""What every kind of field starts from: lower-case ASCII words, and what people write for "missing"."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from anyascii import anyascii

CACHED_VALUES = 100_000
APOSTROPHES = re.compile(r"['`\"]+")
NOT_WORD = re.compile(r"[^a-z0-9]+")
NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")
REPEATED_X = re.compile(r"x{2,}(?: x+)*")

MISSING_WORDS = frozenset(
    {
        "unknown", "unknwn", "unkown", "unk", "unkn", "uknown", "na", "none", "null", "nil", "nan", "missing",
        "blank", "empty", "undefined", "unspecified", "unavailable", "notavailable", "not available",
        "not applicable", "not given", "not known", "not stated", "not provided", "not recorded", "not specified",
        "not disclosed", "not on file", "no data", "nodata", "refused", "declined", "refused to answer",
        "declined to answer", "tbd", "tba", "to be advised", "to be determined", "asdf", "dummy", "invalid", "no info",
        "no information", "information not available", "inconnu", "desconocido", "desconocida", "unbekannt",
        "dont know", "don t know", "do not know", "does not know", "did not answer", "no answer", "no response",
        "not answered", "not reported", "wouldnt say", "would not say", "no sabe", "no consta", "sin dato", "sin datos",
        "nao informado", "ignorado", "keine angabe", "weiss nicht", "ne sait pas", "non renseigne", "sconosciuto",
    }
)  # fmt: skip
MISSING_CASED = frozenset({"NaT", "NaN"})  # Nat is a name
MISSING_FORMS = frozenset({"n/a", "n.a.", "n.a", "#n/a", "<na>", "n\\a"})
LONGEST_FORM = max(map(len, MISSING_FORMS))


class Standard(NamedTuple):
    """One value after standardising; empty text where there is nothing."""

    value: str = ""
    """The normal form; empty = missing."""
    fault: str = ""
    """Why the value lost its evidence, such as "placeholder"; empty = it did not."""
    invalid: str = ""
    """Normal form of a value that is no placeholder but cannot be true; for near-miss comparison."""


PLACEHOLDER = Standard(fault="placeholder")
MISSING = Standard()


def romanised(text: str) -> str:
    """The text in ASCII, any script; letters without a romanisation become their code points, never nothing."""
    ascii_text = anyascii(unicodedata.normalize("NFC", text))
    if any(mark.isalnum() for mark in ascii_text):
        return ascii_text
    return " ".join(f"u{ord(mark):x}" for mark in text if mark.isalnum())


@lru_cache(CACHED_VALUES)
def ascii_words(text: str) -> str:
    """Lower-case ASCII letters and digits with single spaces; apostrophes vanish, other marks part words.

    >>> ascii_words("O’Brien-Łukasz"), ascii_words("王小明")
    ('obrien lukasz', 'wangxiaoming')
    """
    if not text.isascii():
        text = romanised(text)
    return NOT_WORD.sub(" ", APOSTROPHES.sub("", text.lower())).strip()


def alphanumerics(text: str) -> str:
    """Lower-case ASCII letters and digits alone."""
    return NOT_ALPHANUMERIC.sub("", ascii_words(text))


def is_placeholder(text: str) -> bool:
    """Whether a non-blank text only says that the value is missing ("N/A", "unknown", "?", "XXX", "NaN").

    >>> is_placeholder("N/A"), is_placeholder("?"), is_placeholder("N A")
    (True, True, False)
    """
    words = ascii_words(text)
    if not words or words in MISSING_WORDS or (words[0] == "x" and REPEATED_X.fullmatch(words)):
        return True
    written = text.strip()
    return len(written) <= LONGEST_FORM and (written in MISSING_CASED or written.lower() in MISSING_FORMS)
