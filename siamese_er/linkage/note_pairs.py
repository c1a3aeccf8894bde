"""What the notes of one record say about another record: birth year, sex and name, each 1, -1 or 0 for a pair."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from siamese_er.fields.note_own import FAR, TOLERANCE, name_relation, parts_of
from siamese_er.linkage.values import value_column

NOTE_FACTS = ("note_birth", "note_sex", "note_name")
WIDEST = 5  # years between the first and last birth year of a side; beyond it the side is at odds with itself
SEX_CODES = {"m": 1, "f": 2}
BOTH_SEXES = 3


def note_facts_of_pairs(records: pa.Table, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, len(NOTE_FACTS)) of 1 (corroborates), -1 (contradicts) or 0 (nothing known), symmetric in left and right.

    Each is read off left's notes against right's record, right's notes against left's, and notes against notes; one
    contradiction outweighs agreement. Notes that contradict their own record are gone before (``note_tables``).
    """
    result = np.zeros((len(left), len(NOTE_FACTS)), np.float32)
    if "note_births" not in records.column_names or all(
        records[name].null_count == records.num_rows for name in ("note_births", "note_sexes", "note_names")
    ):
        return result
    result[:, 0] = birth_facts(year_spans(records["birth_dates"]), year_spans(records["note_births"]), left, right)
    own_sexes, note_sexes = sex_codes(records["sexes"]), sex_codes(records["note_sexes"])
    result[:, 1] = sex_facts(own_sexes, note_sexes, left, right)
    result[:, 2] = name_facts(records, own_sexes | note_sexes, left, right)
    return result


def year_spans(column: pa.ChunkedArray) -> np.ndarray:
    """(n, 2) first and last year of each row's dates or "first:last" spans; 0 where unknown or too far apart."""
    values = value_column(column)
    spans = np.array([span(value) for value in values.values], np.int64).reshape(-1, 2)
    owners = np.repeat(np.arange(len(values.offsets) - 1), values.counts)
    known = spans[values.codes, 0] > 0
    owners, found = owners[known], spans[values.codes[known]]
    first, last = np.full(len(values.counts), 9999, np.int64), np.zeros(len(values.counts), np.int64)
    np.minimum.at(first, owners, found[:, 0])
    np.maximum.at(last, owners, found[:, 1])
    is_known = (last > 0) & (last - first <= WIDEST)
    return np.where(is_known[:, None], np.column_stack([first, last]), 0)


def span(value: str) -> tuple[int, int]:
    """First and last year of a standardised date or of "1950:1951"; zeros for a date without a year."""
    if not value[:4].isdigit():
        return 0, 0
    return int(value[:4]), int(value[5:9]) if value[4:5] == ":" else int(value[:4])


def combined(signs: Iterable[np.ndarray]) -> np.ndarray:
    """-1 where any sign is, else 1 where any is, else 0."""
    found = np.stack(list(signs))
    return np.where((found < 0).any(0), -1, (found > 0).any(0).astype(int))


def birth_facts(own: np.ndarray, noted: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Signs of birth years: within TOLERANCE agrees, farther than FAR contradicts."""

    def sign(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        gap = np.maximum(np.maximum(a[:, 0] - b[:, 1], b[:, 0] - a[:, 1]), 0)
        known = (a[:, 0] > 0) & (b[:, 0] > 0)
        return np.where(known, (gap <= TOLERANCE).astype(int) - (gap > FAR), 0)

    return combined([sign(noted[left], own[right]), sign(own[left], noted[right]), sign(noted[left], noted[right])])


def sex_codes(column: pa.ChunkedArray) -> np.ndarray:
    """1 for m, 2 for f, 3 for both, 0 for neither."""
    values = value_column(column)
    codes = np.array([SEX_CODES.get(value, 0) for value in values.values], np.int64)
    result = np.zeros(len(values.counts), np.int64)
    np.bitwise_or.at(result, np.repeat(np.arange(len(result)), values.counts), codes[values.codes])
    return result


def sex_facts(own: np.ndarray, noted: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Signs of sexes; a side that has both says nothing."""

    def sign(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        known = (a % BOTH_SEXES > 0) & (b % BOTH_SEXES > 0)
        return np.where(known, np.where(a == b, 1, -1), 0)

    return combined([sign(noted[left], own[right]), sign(own[left], noted[right]), sign(noted[left], noted[right])])


def name_facts(records: pa.Table, sexes: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Signs of names, for the pairs where a note names its patient; see ``note_own.name_relation``."""
    result = np.zeros(len(left), np.int64)
    noted = [tuple(cell or ()) for cell in records["note_names"].to_pylist()]
    has_names = np.array([bool(cell) for cell in noted])
    rows = np.flatnonzero(has_names[left] | has_names[right])
    if not len(rows):
        return result
    names = ("given_names", "middle_names", "family_names", "former_family_names")
    given, middle, family, former = (records[name].to_pylist() for name in names)
    own = [(parts_of(g, m), parts_of(f, o)) for g, m, f, o in zip(given, middle, family, former, strict=True)]
    stated = [
        (parts_of([n.partition("|")[0] for n in cell]), parts_of([n.partition("|")[2] for n in cell])) for cell in noted
    ]
    for row in rows:
        a, b = left[row], right[row]
        is_man = bool((sexes[a] | sexes[b]) & SEX_CODES["m"])
        signs = [
            best_name(noted[a], own[b], is_man), best_name(noted[b], own[a], is_man),
            best_name(noted[a], stated[b], is_man), best_name(noted[b], stated[a], is_man),
        ]  # fmt: skip
        result[row] = -1 if -1 in signs else max(signs)
    return result


def best_name(names: tuple[str, ...], other: tuple[tuple[str, ...], tuple[str, ...]], is_man: bool) -> int:
    """The best relation of several stated names to one side's names; 0 without names."""
    return max((name_relation(name, *other, is_man) for name in names), default=0)
