"""Dates with the precision they were written in: YYYY-MM-DD, YYYY-MM, YYYY or --MM-DD; nothing is imputed."""

import re
from calendar import monthrange
from datetime import datetime
from functools import lru_cache

from siamese_er.fields.text import CACHED_VALUES, MISSING, PLACEHOLDER, Standard, ascii_words, is_placeholder

FIRST_YEAR, LAST_YEAR = 1000, 2100
LAST_SHORT_YEAR = 30  # of two digits: 00..30 are 2000..2030, the others 19xx
DEFAULT_DATES = frozenset(
    {"19000101", "11111111", "99991231", "00010101", "18991230", "18991231", "17530101",
     "19010101", "99990101", "99999999", "00000000", "22220222", "33330303", "20991231", "21001231", "12341234"}
)  # fmt: skip
MONTH_PREFIXES = {
    "jan": 1, "ene": 1, "feb": 2, "fev": 2, "mar": 3, "maer": 3, "apr": 4, "abr": 4, "avr": 4, "may": 5, "mai": 5,
    "jun": 6, "juin": 6, "jul": 7, "juil": 7, "aug": 8, "ago": 8, "aou": 8, "sep": 9, "set": 9, "oct": 10, "okt": 10,
    "out": 10, "nov": 11, "dec": 12, "dic": 12, "dez": 12,
}  # fmt: skip
LOOK_ALIKES = str.maketrans("oil|zsgb", "01112598")  # letters that are read for digits
TIME = re.compile(r"[Tt ]\s*\d{1,2}:\d{2}.*$")
MIDDLE_TIME = re.compile(r"\s\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?=\s)")
NUMBERS = re.compile(r"(\d+)\s*([/.\-\s])\s*(\d+)\s*[/.\-\s]\s*(\d+)")
YEAR_MONTH = re.compile(r"(\d{4})[/.\-\s](\d{1,2})")
MONTH_YEAR = re.compile(r"(\d{1,2})[/.\-\s](\d{4})")
MONTH_DAY = re.compile(r"--(\d{2})-?(\d{2})")
ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
UNKNOWN_PARTS = re.compile(r"(?<=\d{4})([-/])(?:\?\?|xx|uu)(?:[-/](?:\?\?|xx|uu))?$", re.IGNORECASE)
WORD_OR_NUMBER = re.compile(r"[a-z]+|\d+")


def dated(year: int, month: int, day: int) -> Standard:
    """The date of these parts, as precise as they are (0 = unknown), or why it is none."""
    digits = f"{year:04d}{month:02d}{day:02d}"
    if digits in DEFAULT_DATES:
        return Standard(fault="default_date")
    possible = (
        FIRST_YEAR <= year <= LAST_YEAR
        and (1 <= month <= 12 or month == day == 0)
        and (day == 0 or day <= monthrange(year, month)[1])
    )
    if not possible:
        return Standard(fault="impossible_date", invalid=digits)
    if month == 0:
        return Standard(f"{year:04d}")
    return Standard(f"{year:04d}-{month:02d}" + (f"-{day:02d}" if day else ""))


def full_year(text: str) -> int:
    """The year; two digits by the pivot."""
    year = int(text)
    if len(text) > 2:
        return year
    return 2000 + year if year <= LAST_SHORT_YEAR else 1900 + year


def by_month_day(first: int, second: int, year: int, day_first: bool) -> Standard:
    """The date of two numbers and a year: a number over 12 is the day, else ``day_first`` decides."""
    if first > 12 >= second:
        day_first = True
    elif second > 12 >= first:
        day_first = False
    return dated(year, second, first) if day_first else dated(year, first, second)


def numbered(text: str, day_first: bool | None) -> Standard | None:
    """The date of numbers with separators between them; None where the text is none."""
    if found := NUMBERS.fullmatch(text):
        first, separator, second, third = found.groups()
        if len(first) > 4 or len(second) > 2 or len(third) > 4:
            return None
        if len(first) >= 3 or (int(first) > 31 and len(third) <= 2):
            return dated(full_year(first), int(second), int(third))
        is_day_first = separator == "." if day_first is None else day_first
        return by_month_day(int(first), int(second), full_year(third), is_day_first)
    if found := YEAR_MONTH.fullmatch(text):
        return dated(int(found[1]), int(found[2]), 0)
    if found := MONTH_YEAR.fullmatch(text):
        return dated(int(found[2]), int(found[1]), 0)
    return None


def is_likely_year(text: str) -> bool:
    """Whether four digits are a year in which a living or recent patient may be born."""
    return 1800 <= int(text) <= LAST_YEAR


def glued_digits(text: str, day_first: bool | None) -> Standard | None:
    """The date of digits alone: YYYY, YYYYMM, YYYYMMDD (with a time), MMDDYYYY, MMDDYY; None where they are none."""
    if len(text) == 4:
        return dated(int(text), 0, 0)
    if len(text) in (12, 14):
        text = text[:8]
    if len(text) == 8:
        year_first = dated(int(text[:4]), int(text[4:6]), int(text[6:]))
        if not is_likely_year(text[:4]) or not year_first.value:
            year_last = by_month_day(int(text[:2]), int(text[2:4]), int(text[4:]), bool(day_first))
            if is_likely_year(text[4:]) and year_last.value:
                return year_last
        return year_first
    if len(text) == 6:
        if is_likely_year(text[:4]) and 1 <= int(text[4:]) <= 12:
            return dated(int(text[:4]), int(text[4:]), 0)
        return by_month_day(int(text[:2]), int(text[2:4]), full_year(text[4:]), bool(day_first))
    return None


def month_number(word: str) -> int:
    """The month that a word starts like; 0 = none."""
    return MONTH_PREFIXES.get(word[:4]) or MONTH_PREFIXES.get(word[:3], 0)


def worded(text: str) -> Standard | None:
    """The date of a month's name with numbers around it; None where there is no such name."""
    parts = WORD_OR_NUMBER.findall(ascii_words(text))
    months = [month_number(part) for part in parts if part.isalpha() and month_number(part)]
    numbers = [part for part in parts if part.isdigit()]
    if not months or not 1 <= len(numbers) <= 2 or max(map(len, numbers)) > 4:
        return None
    years = [number for number in numbers if len(number) == 4] or numbers[-1:]
    if len(years) > 1 or (len(numbers) == 1 and len(years[0]) < 4):
        return None
    numbers.remove(years[0])
    day = int(numbers[0]) if numbers else 0
    return dated(full_year(years[0]), months[0], day) if day < 100 else None


def by_formats(text: str, formats: tuple[str, ...]) -> Standard | None:
    """The date by the first strptime format that fits, as precise as the format; None where none does."""
    for form in formats:
        try:
            moment = datetime.strptime(text, form)
        except ValueError:
            continue
        has_month = any(code in form for code in ("%m", "%b", "%B", "%j", "%x", "%c"))
        has_day = any(code in form for code in ("%d", "%j", "%x", "%c"))
        return dated(moment.year, moment.month if has_month else 0, moment.day if has_day else 0)
    return None


@lru_cache(CACHED_VALUES)
def standard_date(value: str, formats: tuple[str, ...] = (), day_first: bool | None = None) -> Standard:
    """A written date in normal form, or the fault that cost it its evidence.

    ``formats`` (strptime) are tried first. Numbers over 12 tell day from month; where both may be either,
    ``day_first`` decides, and null means the month first, except between dots (04.03.1980), where the day is.
    Impossible dates keep their digits as YYYYMMDD in ``invalid``: 2000-13-01 is one typo from 2000-12-01.

    >>> standard_date("March 4, 1980").value, standard_date("2000-13-01").invalid, standard_date("1900-01-01").fault
    ('1980-03-04', '20001301', 'default_date')
    """
    text = value.strip()
    if not formats and (found := ISO_DAY.fullmatch(text)):
        return dated(int(found[1]), int(found[2]), int(found[3]))
    if is_placeholder(text):
        return PLACEHOLDER
    if formats and (standard := by_formats(text, formats)):
        return standard
    return without_formats(text, day_first)


def without_formats(text: str, day_first: bool | None) -> Standard:
    """The date read by the forms known here."""
    if found := MONTH_DAY.fullmatch(text):
        month, day = int(found[1]), int(found[2])
        is_day = 1 <= month <= 12 and 1 <= day <= monthrange(2000, month)[1]
        return Standard(f"--{month:02d}-{day:02d}") if is_day else Standard(fault="impossible_date")
    text = UNKNOWN_PARTS.sub("", MIDDLE_TIME.sub("", text))
    text = TIME.sub("", text).strip().rstrip("Z").strip(" ,.")
    if text.isascii() and text.isdigit():
        standard = glued_digits(text, day_first)
    else:
        standard = numbered(text, day_first) if text.isascii() else None
        standard = standard or worded(text)
    if standard is not None:
        return standard
    digits = "".join(mark for mark in text if mark in "0123456789")
    misread = without_formats(read, day_first) if (read := text.lower().translate(LOOK_ALIKES)) != text else MISSING
    likely = misread.value.replace("-", "") or misread.invalid
    return Standard(fault="unreadable_date", invalid=likely or (digits if 6 <= len(digits) <= 8 else ""))


def is_after(birth: str, death: str) -> bool:
    """Whether a birth date is later than a death date, as far as both are precise; --MM-DD never is."""
    length = min(len(birth), len(death))
    return not (birth.startswith("-") or death.startswith("-")) and birth[:length] > death[:length]
