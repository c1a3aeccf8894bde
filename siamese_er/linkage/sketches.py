"""Sketches of records: fixed-width numbers from which it can be seen, without their texts, how well two could ever agree.

A bag of a text has a bit for the first, second ... occurrence of each kind of letter. Two bags share at least as many
bits as the texts have letters in common, so distances and similarities of the texts can be bounded by counting bits.
"""

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa

from siamese_er.linkage import dates
from siamese_er.linkage.compare import comparison_column
from siamese_er.linkage.comparisons import COMPARISONS, INDEX
from siamese_er.linkage.levels import address_parts
from siamese_er.linkage.values import ValueColumn, value_column

MISSING, SEVERAL = 0, 1  # codes that stand for no value; greater ones are hashes of the only value
BAGS = ("given_name", "family_name", "middle_name", "national_id", "identifier", "phone", "email", "email_local",
        "address_line", "city", "postal_code", "mother_maiden_name", "whole_name")  # fmt: skip
BAG = {name: place for place, name in enumerate(BAGS)}
ENDS = ("phone", "postal_code", "national_id", "address_line")
END = {name: place for place, name in enumerate(ENDS)}
"""Codes of a part of a value: last seven digits, first three characters, last four, house number."""
SHORT, WORDS, NUMBERED, FULL_DATE = 1, 2, 4, 8
SKETCH = np.dtype([
    ("codes", np.uint32, len(COMPARISONS)),
    ("equal_levels", np.int8, len(COMPARISONS)),  # level where another record has the same only value
    ("marks", np.uint8, len(COMPARISONS)),
    ("bags", np.uint64, len(BAGS)),
    ("lengths", np.uint8, len(BAGS)),
    ("more", np.uint8, len(BAGS)),  # letters that the bag has no bit for
    ("starts", np.uint32, len(BAGS)),  # first four bytes
    ("ends", np.uint32, len(ENDS)),
    ("namespaces", np.uint64),
    ("date", np.uint32), ("swapped_date", np.uint32), ("day_number", np.int32),
])  # fmt: skip
LOOSE = 255  # a length that stands for a text which a bag cannot bound
HASH_KEY = "siamese_er codes"


@lru_cache(maxsize=2)
def alphabet(is_code: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(kind of each byte, bits of each kind, first bit of each kind); codes have more bits for each digit."""
    letters, digits = np.arange(97, 123), np.arange(48, 58)
    kind = np.arange(256) % 6 + 26
    kind[letters] = np.arange(26)
    widths = np.full(32, 2)
    if is_code:
        kind = np.arange(256) % 12 + 10
        kind[digits] = np.arange(10)
        widths = np.array([4] * 10 + [2] * 12)
    return kind, widths, np.cumsum(widths) - widths


def bags_of(texts: pa.Array, is_code: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(bag, length, letters beyond the bag, first four bytes) of each text; texts that are long or not ASCII are LOOSE."""
    texts = texts.cast(pa.large_string())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    kind, widths, first = alphabet(is_code)
    n, n_kinds = len(texts), len(widths)
    owner = np.repeat(np.arange(n), lengths)
    inside = data[offsets[0] : offsets[-1]] if n else data[:0]
    counts = np.bincount(owner * n_kinds + kind[inside], minlength=n * n_kinds).reshape(n, n_kinds)
    bags, more = np.zeros(n, np.uint64), np.maximum(counts - widths, 0).sum(1)
    for step in range(int(widths.max())):
        has = (counts > step) & (widths > step)
        bags |= (has * (np.uint64(1) << (first + step).astype(np.uint64))).sum(1, dtype=np.uint64)
    starts = np.zeros(n, np.uint32)
    for place in range(4):
        long_enough = np.flatnonzero(lengths > place)
        starts[long_enough] |= data[offsets[long_enough] + place].astype(np.uint32) << np.uint32(8 * place)
    is_loose = (np.bincount(owner, inside > 127, minlength=n) > 0) | (lengths >= LOOSE) | (more >= LOOSE)
    return (bags, np.where(is_loose, LOOSE, lengths).astype(np.uint8),
            np.minimum(more, LOOSE).astype(np.uint8), starts)  # fmt: skip


def hashes(values: list[str], column: str) -> np.ndarray:
    """A 64-bit hash of each value, the same in every process and other for another column."""
    texts = np.array([f"{column}|{value}" for value in values], dtype=object)
    return pd.util.hash_array(texts, hash_key=HASH_KEY, categorize=False)


def short_codes(values: list[str], column: str) -> np.ndarray:
    """A code beyond MISSING and SEVERAL of each value."""
    return np.maximum((hashes(values, column) >> np.uint64(32)).astype(np.uint32), np.uint32(2))


def sketches(records: pa.Table) -> np.ndarray:
    """The sketch of each of the records (STANDARDISED), a row of SKETCH."""
    found = np.zeros(records.num_rows, SKETCH)
    for place, comparison in enumerate(COMPARISONS):
        column = comparison_column(records, comparison)
        counts = column.counts
        found["codes"][counts > 1, place] = SEVERAL
        rows = np.flatnonzero(counts == 1)
        of = column.codes[column.offsets[rows]]
        if not len(rows):
            continue
        found["codes"][rows, place] = short_codes(column.values, comparison.column)[of]
        level, top = comparison.equal_level, comparison.top
        levels = [top if level is None else level(value) for value in column.values]
        found["equal_levels"][rows, place] = np.array(levels, np.int8)[of]
        note_texts(found, comparison.name, column.values, rows, of)
    note_namespaces(found, value_column(records["scoped_identifiers"]))
    note_whole_names(found, value_column(records["given_names"]), value_column(records["family_names"]))
    return found


def note_texts(found: np.ndarray, name: str, values: list[str], rows: np.ndarray, of: np.ndarray) -> None:
    """What the sketches say, in place, of the only values of one comparison; ``of`` is the value of each row."""
    place = INDEX[name]
    texts = pa.array([value.removeprefix("invalid:") for value in values], pa.string())
    if name == "birth_date":
        note_dates(found, values, rows, of)
    elif name == "address_line":
        numbers, words = address_parts(values)
        note_bag(found, name, pa.array(words, pa.string()), rows, of)
        numbered = np.array([re.search(r"\d", value) is not None for value in values])
        found["marks"][rows, place] |= np.where(numbered, NUMBERED, 0)[of].astype(np.uint8)
        note_ends(found, name, numbers, rows, of)
    elif name in BAG:
        note_bag(found, name, texts, rows, of)
    part: Callable[[str], str] | None = PARTS.get(name)
    if part is not None:
        note_ends(found, name, [part(value) for value in values], rows, of)
    if name == "email":
        note_bag(found, "email_local", pa.array([value.partition("@")[0] for value in values]), rows, of)
    marks = [SHORT * value.startswith("last4:") | WORDS * (" " in value) for value in values]
    found["marks"][rows, place] |= np.array(marks, np.uint8)[of]


PARTS: dict[str, Callable[[str], str]] = {
    "phone": lambda value: value[-7:],
    "postal_code": lambda value: value[:3],
    "national_id": lambda value: value[-4:],
}
CODES = ("national_id", "identifier", "phone", "postal_code")


def note_bag(found: np.ndarray, name: str, texts: pa.Array, rows: np.ndarray, of: np.ndarray) -> None:
    """The bags of the rows' texts, in place."""
    for part, values in zip(("bags", "lengths", "more", "starts"), bags_of(texts, name in CODES), strict=True):
        found[part][rows, BAG[name]] = values[of]


def note_ends(found: np.ndarray, name: str, parts: list[str], rows: np.ndarray, of: np.ndarray) -> None:
    """The codes of a part of the rows' values, in place."""
    found["ends"][rows, END[name]] = short_codes(parts, name)[of]


def note_dates(found: np.ndarray, values: list[str], rows: np.ndarray, of: np.ndarray) -> None:
    """The only birth dates, in place: a hexadecimal digit for each digit, and days since 1970."""
    fields = dates.date_fields(values)
    shifts = np.arange(28, -4, -4, dtype=np.uint32)

    def digits(order: list[int]) -> np.ndarray:
        return (dates.digits(fields[:, order]).astype(np.uint32) << shifts).sum(1, dtype=np.uint32)

    found["date"][rows], found["swapped_date"][rows] = digits([0, 1, 2])[of], digits([0, 2, 1])[of]
    found["day_number"][rows] = dates.day_numbers(fields)[of]
    full = (fields > 0).all(1) & (fields < [10_000, 100, 100]).all(1)
    found["marks"][rows, INDEX["birth_date"]] |= np.where(full, FULL_DATE, 0)[of].astype(np.uint8)


def note_namespaces(found: np.ndarray, column: ValueColumn) -> None:
    """One of 64 bits for each namespace in which a record has identifiers, in place."""
    if not len(column.codes):
        return
    spaces = hashes([value.rpartition("|")[0] for value in column.values], "namespace") % np.uint64(64)
    owner = np.repeat(np.arange(len(column.offsets) - 1), column.counts)
    np.bitwise_or.at(found["namespaces"], owner, (np.uint64(1) << spaces)[column.codes])


def note_whole_names(found: np.ndarray, given: ValueColumn, family: ValueColumn) -> None:
    """The bags of the letters of the first given and family name together, in place."""
    first, second = (
        np.array([*(value.replace(" ", "") for value in column.values), ""], dtype=object)[column.first_codes]
        for column in (given, family)
    )
    whole = first + second
    rows = np.arange(len(whole))
    note_bag(found, "whole_name", pa.array(whole.tolist(), pa.string()), rows, rows)
