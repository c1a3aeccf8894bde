"""The values that stand for election to a golden record; whole Arrow columns at a time, as records are many."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siamese_er.schemas import GOLDEN_FIELDS, MULTIVALUED

STANDARD_OF = {
    "given_name": "given_names", "middle_name": "middle_names", "family_name": "family_names",
    "name_suffix": "suffixes", "former_family_name": "former_family_names", "mother_maiden_name": "maiden_names",
    "birth_date": "birth_dates", "death_date": "death_dates", "sex": "sexes", "national_id": "national_ids",
    "phone": "phones", "email": "emails", "address_line": "addresses", "city": "cities", "state": "states",
    "postal_code": "postal_codes", "country": "countries", "birth_order": "birth_orders",
}  # fmt: skip
"""Golden field -> its standardised column; the other fields have none."""

PARTS_OF_FULL_NAME = ("given_name", "middle_name", "family_name", "name_suffix")
UNION = "union"
NOT_PLAIN = re.compile("[^a-z0-9]")


@dataclass(frozen=True)
class Values:
    """Values of rows, one entry each, ordered by row."""

    rows: np.ndarray
    texts: pa.Array

    def of_rows(self, is_chosen: np.ndarray) -> "Values":
        """The values of the rows for which ``is_chosen`` is true."""
        return self.where(is_chosen[self.rows])

    def where(self, is_chosen: np.ndarray) -> "Values":
        """The values at the places where ``is_chosen`` is true."""
        return Values(self.rows[is_chosen], self.texts.filter(pa.array(is_chosen)))

    def counts(self, n_rows: int) -> np.ndarray:
        """How many values each row has."""
        return np.bincount(self.rows, minlength=n_rows)

    def lists(self, is_chosen: np.ndarray) -> dict[int, list[str]]:
        """Row -> its values, for the rows chosen that have any."""
        found: dict[int, list[str]] = {}
        chosen = self.of_rows(is_chosen)
        for row, text in zip(chosen.rows.tolist(), chosen.texts.to_pylist(), strict=True):
            found.setdefault(row, []).append(text)
        return found


@dataclass(frozen=True)
class Candidates:
    """Values of one field, or of all extra columns (``names`` says which), as written and in standard form."""

    names: pa.Array
    rows: np.ndarray
    texts: pa.Array
    standards: pa.Array
    rule: str | None = None  # the rule they stand under, whatever the config says


def value_candidates(records: pa.Table) -> list[Candidates]:
    """The values of every field and extra column that count: those of which standardising left something.

    A standard is the value's own standardised form, or all of the record's where they cannot be told apart.

    In: RECORDS with STANDARDISED columns, ``extra`` as list<struct<key, value>>.
    """
    found = []
    for name in GOLDEN_FIELDS:
        values, standards = field_values(records, name)
        names = pa.array([name]).take(pa.array(np.zeros(len(values.rows), np.int64)))
        found.append(Candidates(names, values.rows, values.texts, standards))
    return [*found, extra_values(records)]


def field_values(records: pa.Table, name: str) -> tuple[Values, pa.Array]:
    """The values of one field that count and the standard of each."""
    written = listed(records[name]) if name in MULTIVALUED else single(records[name])
    if name not in STANDARD_OF:
        return written, pc.utf8_lower(pc.utf8_trim(written.texts, " "))
    n_rows = records.num_rows
    standard = listed(records[STANDARD_OF[name]], blank_too=True)
    if name == "sex":
        standard = standard.where(pc.not_equal(standard.texts, "unknown").to_numpy(zero_copy_only=False))
    n_written, n_standard = written.counts(n_rows), standard.counts(n_rows)
    of_full_name = np.zeros(n_rows, bool)
    if name in PARTS_OF_FULL_NAME:
        n_full = pc.fill_null(pc.list_value_length(one_array(records["full_name"])), 0).to_numpy()
        of_full_name = (n_written == 0) & (n_full > 0) & (n_standard > 0)
    is_aligned = (n_written == n_standard) & (n_standard > 0)
    unlike = (n_written != n_standard) & (n_written > 0) & (n_standard > 0)
    aligned, of_aligned = written.of_rows(is_aligned), standard.of_rows(is_aligned)
    parts = [(aligned, of_aligned.texts)]
    if of_full_name.any():
        whole = standard.of_rows(of_full_name)
        parts.append((whole, whole.texts))
    if unlike.any():
        parts.append(unaligned(written.lists(unlike), standard.lists(unlike)))
    return together(parts) if len(parts) > 1 else parts[0]


def unaligned(written: dict[int, list[str]], standard: dict[int, list[str]]) -> tuple[Values, pa.Array]:
    """Values and standards of rows that have not as many of the one as of the other."""
    rows, texts, standards = [], [], []
    for row, own in written.items():
        kept = own if len(own) < len(standard[row]) else kept_values(own, standard[row])
        is_aligned = len(kept) == len(standard[row])
        rows += [row] * len(kept)
        texts += kept
        standards += standard[row] if is_aligned else [" ".join(sorted(standard[row]))] * len(kept)
    return Values(np.array(rows, np.int64), pa.array(texts, pa.string())), pa.array(standards, pa.string())


def kept_values(written: list[str], standards: list[str]) -> list[str]:
    """Of more written values than standards, those that look like one of these; all where none does."""
    plain = [NOT_PLAIN.sub("", standard.lower()) for standard in standards]
    bare = [NOT_PLAIN.sub("", value.lower()) for value in written]
    alike = [
        value for value, own in zip(written, bare, strict=True) if own and any(standard in own for standard in plain)
    ]
    return alike or written


def together(parts: Sequence[tuple[Values, pa.Array]]) -> tuple[Values, pa.Array]:
    """The values and standards of all parts, ordered by row; each row's are in one part, in order."""
    rows = np.concatenate([values.rows for values, _ in parts])
    order = np.argsort(rows, kind="stable")
    texts = pa.concat_arrays([values.texts for values, _ in parts]).take(pa.array(order))
    standards = pa.concat_arrays([standards for _, standards in parts]).take(pa.array(order))
    return Values(rows[order], texts), standards


def extra_values(records: pa.Table) -> Candidates:
    """The values of the columns that the contract does not know; a known name never stands for such a column."""
    column = one_array(records["extra"])
    entries = pc.list_flatten(column)
    rows = pc.list_parent_indices(column).to_numpy().astype(np.int64)
    names, texts = entries.field("key"), entries.field("value")
    is_known = pc.is_in(names, value_set=pa.array(GOLDEN_FIELDS))
    counts = pc.and_(pc.invert(is_known), is_written(texts))
    texts = texts.filter(counts)
    return Candidates(
        names.filter(counts), rows[counts.to_numpy(zero_copy_only=False)], texts,
        pc.utf8_lower(pc.utf8_trim(texts, " ")),
    )  # fmt: skip


def listed(column: pa.ChunkedArray, blank_too: bool = False) -> Values:
    """The values of a list column; without blank ones unless these are wanted."""
    lists = one_array(column)
    rows, texts = pc.list_parent_indices(lists).to_numpy().astype(np.int64), pc.list_flatten(lists)
    if blank_too:
        return Values(rows, texts)
    return Values(rows, texts).where(is_written(texts).to_numpy(zero_copy_only=False))


def single(column: pa.ChunkedArray) -> Values:
    """The values of a text column that are not blank."""
    texts = one_array(column)
    return Values(np.arange(len(texts)), texts).where(is_written(texts).to_numpy(zero_copy_only=False))


def is_written(texts: pa.Array) -> Any:
    """Neither null nor blank, value for value."""
    return pc.fill_null(pc.not_equal(pc.utf8_trim(texts, " "), ""), False)


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array; empty, of the same type, where it has no chunk."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
