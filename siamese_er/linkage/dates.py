"""How close two dates are: classes of typing error and of real difference, not a distance in days."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DIFFERENT, SAME_YEAR, SAME_DAY, PARTIAL, ONE_EDIT, SWAPPED, FIRST_OF_YEAR, EQUAL = 1, 2, 3, 4, 5, 6, 7, 8
"""Levels: nothing in common; year alone; month and day alone; all that both know; one digit wrong, two neighbours
exchanged, one day apart, or the year off by one or ten; day and month exchanged; equal on 1 January, often a default; equal."""

FULL = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
YEAR, PART = np.array([1000, 100, 10, 1]), np.array([10, 1])
PARTS_OF_FULL = ((slice(0, 4), YEAR), (slice(5, 7), PART), (slice(8, 10), PART))


def date_fields(values: list[str]) -> np.ndarray:
    """(n, 3) year, month, day of dates as standardised; 0 where unknown. Eight digits are read as YYYYMMDD, possible or not."""
    fields = np.zeros((len(values), 3), np.int32)
    texts = pa.array(values, pa.string())
    full = pc.match_substring_regex(texts, FULL)  # nearly all: read as bytes
    symbols = np.frombuffer(texts.filter(full).buffers()[2] or b"", np.uint8).reshape(-1, 10)
    numerals, is_full = symbols.astype(np.int32) - ord("0"), full.to_numpy(zero_copy_only=False)
    fields[is_full] = np.column_stack([numerals[:, part] @ tens for part, tens in PARTS_OF_FULL])
    for row in np.flatnonzero(~is_full).tolist():
        value = values[row]
        if value.startswith("--"):
            parts = ["0", *value[2:].split("-")]
        elif value.isdecimal() and len(value) == 8:
            parts = [value[:4], value[4:6], value[6:]]
        else:
            parts = value.split("-")
        numbers = [int(part) if part.isdecimal() and len(part) < 9 else 0 for part in parts[:3]]
        fields[row, : len(numbers)] = numbers
    return fields


def date_levels(values: list[str], left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Levels (see the constants) and similarities of unequal dates, full or partial."""
    fields = date_fields(values)
    a, b = fields[left], fields[right]
    known = (a > 0) & (b > 0)
    same = (a == b) & known
    full = known.all(1)
    n_edits = digit_edits(a, b)
    year_gap = np.abs(a[:, 0] - b[:, 0])
    one_edit = full & (
        (n_edits == 1) | (same[:, 1] & same[:, 2] & ((year_gap == 1) | (year_gap == 10))) | transposed(a, b)
    )
    one_edit |= full & (np.abs(day_numbers(a) - day_numbers(b)) == 1)
    swapped = full & same[:, 0] & (a[:, 1] == b[:, 2]) & (a[:, 2] == b[:, 1])
    partial = ~full & ((a == b) | ~known).all(1) & known.any(1)
    levels = np.where(same[:, 0], SAME_YEAR, DIFFERENT)
    levels = np.where(same[:, 1] & same[:, 2], SAME_DAY, levels)
    levels = np.where(partial, PARTIAL, levels)
    levels = np.where(one_edit, ONE_EDIT, levels)
    levels = np.where(swapped, SWAPPED, levels).astype(np.int8)
    similarity = np.array([0, 0, 0.3, 0.4, 0.7, 0.8, 0.85, 0.9, 1.0], np.float32)[levels]
    return levels, similarity


def digits(fields: np.ndarray) -> np.ndarray:
    """(n, 8) digits of YYYYMMDD."""
    number = fields[:, 0] * 10_000 + fields[:, 1] * 100 + fields[:, 2]
    return (number[:, None] // 10 ** np.arange(7, -1, -1)) % 10


def day_numbers(fields: np.ndarray) -> np.ndarray:
    """Days since 1970 of full dates, possible or not (13 months and 31 days follow on); other dates give any number."""
    months = (fields[:, 0].astype(np.int64) - 1970) * 12 + fields[:, 1] - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + fields[:, 2]


def digit_edits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Number of differing digits of YYYYMMDD."""
    return (digits(a) != digits(b)).sum(1)


def transposed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether exactly two neighbouring digits are exchanged."""
    x, y = digits(a), digits(b)
    different = x != y
    first = different.argmax(1)
    second = np.minimum(first + 1, 7)
    row = np.arange(len(a))
    return (different.sum(1) == 2) & (x[row, first] == y[row, second]) & (x[row, second] == y[row, first])
