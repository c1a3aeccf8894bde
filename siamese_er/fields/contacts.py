"""Phones in E.164 and e-mail addresses in lower case."""

import re
from functools import lru_cache

import phonenumbers

from siamese_er.fields.text import CACHED_VALUES, PLACEHOLDER, Standard, alphanumerics, is_placeholder, romanised

EXTENSION = re.compile(
    r"(?<=\d)\s*(?:,|;|ext(?:ension)?|x|#)\s*[.:]?\s*(?:ext(?:ension)?|x|=)?[.:=]?\s*\d{1,6}\s*$", re.I
)
NANP = re.compile(r"(?:\+?1)?([2-9]\d{2}[2-9]\d{6})")
NOT_DIAL = re.compile(r"[^0-9+]|(?<!^)\+")
FILLERS = frozenset({"1234567890", "0123456789", "1234567", "12345678", "123456789", "2345678901", "9876543210"})
NO_EMAIL = frozenset(
    {"none", "noemail", "nomail", "na", "no", "unknown", "unk", "notgiven", "notprovided", "declined", "refused",
     "noreply", "donotreply", "null", "nil", "invalid", "fake", "notavailable", "noaddress", "nobody", "no email"}
)  # fmt: skip
TEST_DOMAINS = frozenset({"test", "na", "none", "unknown", "noemail", "example", "nomail", "email"})


def is_filler_number(digits: str) -> bool:
    """Whether a phone number is one digit repeated, counts up, or has no subscriber."""
    return len(set(digits[-10:])) == 1 or digits in FILLERS or digits[-7:] in ("0000000", "9999999")


def parsed_phone(text: str, region: str) -> str:
    """E.164 where the number is possible, as a whole, in its own country or the region; else empty."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(CACHED_VALUES)
def standard_phone(value: str, region: str = "US") -> Standard:
    """A phone number in E.164 where possible in the region, else its digits, without its extension.

    A number of the North American plan skips phonenumbers, which costs some 30 microseconds.

    >>> standard_phone("(617) 555-0123 x45").value, standard_phone("555-5555").fault
    ('+16175550123', 'placeholder')
    """
    if is_placeholder(value):
        return PLACEHOLDER
    text = EXTENSION.sub("", (value if value.isascii() else romanised(value)).lower().removeprefix("tel:").strip())
    dialled = NOT_DIAL.sub("", text.lstrip("( "))
    digits = dialled.replace("+", "")
    national = digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
    if not digits or is_filler_number(national):
        return PLACEHOLDER if digits else Standard(fault="invalid_phone")
    if len(digits) < 7 or len(digits) > 17:
        return Standard(fault="invalid_phone")
    if (region == "US" or dialled.startswith("+1")) and (found := NANP.fullmatch(dialled)):
        return Standard(f"+1{found[1]}")
    return Standard(parsed_phone(dialled, region) or parsed_phone(digits, region) or digits)


@lru_cache(CACHED_VALUES)
def standard_email(value: str) -> Standard:
    """An e-mail address in lower case; one that says there is none is a placeholder.

    >>> standard_email(" Ann@Example.org").value, standard_email("test@test.com").fault
    ('ann@example.org', 'placeholder')
    """
    if is_placeholder(value):
        return PLACEHOLDER
    text = (value if value.isascii() else romanised(value)).lower().strip().removeprefix("mailto:")
    text = "".join(text.split())
    local, _, domain = text.partition("@")
    if alphanumerics(local or text) in NO_EMAIL or domain.split(".")[0] in TEST_DOMAINS - {"example", "email"}:
        return PLACEHOLDER
    if alphanumerics(local) in ("test", "example", "email") and domain.split(".")[0] in TEST_DOMAINS:
        return PLACEHOLDER
    if text.count("@") != 1 or not local or not domain.strip("."):
        return Standard(fault="invalid_email")
    return Standard(text)
