"""National and scoped identifiers: form, validity, placeholders, scope."""

import re
from functools import lru_cache

from stdnum.gb import nhs
from stdnum.us import ssn

from siamese_er.fields.text import (
    CACHED_VALUES,
    MISSING,
    PLACEHOLDER,
    Standard,
    alphanumerics,
    ascii_words,
    is_placeholder,
)

SSN_FORM = re.compile(r"\d{3}([- ])\d{2}\1\d{4}")
NHS_FORM = re.compile(r"\d{3} \d{3} \d{4}")
LAST_FOUR = re.compile(r"(?:[x*#•]{3}[- ]?[x*#•]{2}[- ]?|last4:)?(\d{4})", re.IGNORECASE | re.ASCII)
KNOWN_FAKES = frozenset({"123456789", "987654321", "078051120", "219099999", "111223333", "1234567890", "0123456789"})
SYSTEM_MARKS = re.compile(r"[^a-z0-9:/._-]+")
SSN_SYSTEMS = frozenset({"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1", "2.16.840.1.113883.4.1"})
NHS_SYSTEMS = frozenset({"https://fhir.nhs.uk/id/nhs-number", "urn:oid:2.16.840.1.113883.2.1.4.1"})


def is_filler(number: str) -> bool:
    """Whether an identifier is one character repeated or counts up from 1 or 0."""
    return len(set(number)) == 1 or number in KNOWN_FAKES or (len(number) >= 5 and "1234567890".startswith(number))


def is_valid_number(text: str, number: str, region: str) -> bool:
    """Whether the number keeps its country's rule, where form or region say which rule that is.

    Source: SSA, SSN randomization (no area 000, 666, 9xx, group 00, serial 0000); NHS data dictionary, modulus 11.
    """
    if SSN_FORM.fullmatch(text) or (region == "US" and len(number) == 9 and number.isdigit()):
        return bool(ssn.is_valid(number))
    if NHS_FORM.fullmatch(text) or (region == "GB" and len(number) == 10 and number.isdigit()):
        return bool(nhs.is_valid(number))
    return True


@lru_cache(CACHED_VALUES)
def national_id(value: str, region: str = "US") -> Standard:
    """A national id in normal form: lower-case letters and digits; "last4:0049" where only its end is known.

    >>> national_id("020-64-9552").value, national_id("666-12-3456").invalid, national_id("xxx-xx-0049").value
    ('020649552', '666123456', 'last4:0049')
    """
    text = value.strip()
    number = alphanumerics(text)
    if found := LAST_FOUR.fullmatch(text) or LAST_FOUR.fullmatch(number):
        return PLACEHOLDER if found[1] == "0000" else Standard(f"last4:{found[1]}")
    if is_placeholder(text) or is_placeholder(number) or is_filler(number):
        return PLACEHOLDER
    if len(number) < 4 or not any(mark.isdigit() for mark in number):
        return Standard(fault="invalid_identifier")
    if is_valid_number(text, number, region):
        return Standard(number)
    return Standard(fault="invalid_identifier", invalid=number)


@lru_cache(CACHED_VALUES)
def scoped_value(value: str) -> Standard:
    """An identifier's value inside its assigner, in lower-case letters and digits."""
    number = alphanumerics(value)
    if (
        is_placeholder(value)
        or is_placeholder(number)
        or not number.strip("0")
        or (len(number) >= 4 and len(set(number)) == 1)
    ):
        return PLACEHOLDER
    return Standard(number)


@lru_cache(CACHED_VALUES)
def scope(text: str) -> str:
    """An assigner's or type's name in normal form: lower-case, without blanks or bars."""
    return SYSTEM_MARKS.sub("", text.lower()) if text.isascii() else ascii_words(text).replace(" ", "")


def scoped_identifier(system: str, kind: str, value: str) -> Standard:
    """ "system|type|value" in normal form; comparable only inside the system and type."""
    standard = scoped_value(value)
    return Standard(f"{scope(system)}|{scope(kind)}|{standard.value}") if standard.value else standard


def national_region(system: str, kind: str) -> str:
    """The country whose national id this system or type holds; empty = it holds none."""
    if system.strip().lower() in SSN_SYSTEMS or kind.strip().upper() in ("SS", "SSN"):
        return "US"
    if system.strip().lower() in NHS_SYSTEMS or kind.strip().upper() in ("NH", "NHS"):
        return "GB"
    return ""


def birth_order(value: str) -> Standard:
    """A birth order in digits; true, false and words give none."""
    digits = value.strip().removesuffix(".0")
    is_order = digits.isascii() and digits.isdigit() and len(digits) <= 3 and 0 < int(digits) < 20
    return Standard(str(int(digits))) if is_order else MISSING
