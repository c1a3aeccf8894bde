"""The conventions of a source: its letter case, its date, phone and id formats."""

from collections.abc import Callable
from datetime import date
from typing import Any

from siamese_er.synthetic import numbers
from siamese_er.synthetic.knobs import Profile, Source
from siamese_er.synthetic.typing_errors import valid_day

AS_IS = {"updated_at", "death_date", "multiple_birth", "birth_order"}
SEX_WORDS = {
    "letter": {"M": "M", "F": "F", "U": "U"}, "word": {"M": "Male", "F": "Female", "U": "Unknown"},
    "number": {"M": "1", "F": "2", "U": "9"},
}  # fmt: skip
CASES: dict[str, Callable[[str], str]] = {
    "as_is": lambda text: text, "upper": str.upper, "lower": str.lower, "title": str.title,
}  # fmt: skip


def written_day(value: tuple[int, ...], form: str) -> str:
    """A date in the source's format; partial and impossible dates in ISO's manner."""
    if len(value) < 3:
        return "-".join(f"{part:02d}" for part in value)
    year, month, day = value
    if form == "%Y-%m-%d" or valid_day(year, month, day) != (year, month, day):
        return f"{year:04d}-{month:02d}-{day:02d}"
    return date(year, month, day).strftime(form)


def as_written(values: dict[str, Any], profile: Profile, source: Source, country: str) -> dict[str, str | None]:
    """The values in the source's letter case and formats, limited to the table's columns; None stays None."""
    writers: dict[str, Callable[[Any], str]] = {
        "birth_date": lambda value: written_day(value, source.date_format),
        "phone": lambda value: numbers.phone_as_written(value, country, source.phone_style),
        "national_id": lambda value: numbers.id_as_written(value, profile.id_kind, source.id_style),
        "sex": lambda value: SEX_WORDS[source.sex_style][value],
    }
    recase = CASES[source.letter_case]
    row: dict[str, str | None] = {}
    for name in profile.columns:
        value = values[name]
        if value is None or name in AS_IS:
            row[name] = value
        elif name == "middle_name" and source.middle_initials:
            row[name] = recase(value[0])
        else:
            row[name] = writers.get(name, recase)(value)
    return row
