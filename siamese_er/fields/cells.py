"""Texts of one column of a batch of records, whole columns at a time; each distinct text is looked at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from siamese_er.fields.text import Standard

Values = tuple[str, ...]
STRINGS = pa.list_(pa.string())


@dataclass(frozen=True)
class Cells:
    """The texts of a column: ``rows``, ascending, and ``codes``, the place of each among the distinct ``values``."""

    n_rows: int
    rows: np.ndarray
    codes: np.ndarray
    values: list[str]

    def where(self, is_chosen: np.ndarray) -> "Cells":
        """The texts at the places where ``is_chosen`` is true."""
        return Cells(self.n_rows, self.rows[is_chosen], self.codes[is_chosen], self.values)

    def of(self, is_wanted: Callable[[str], bool]) -> np.ndarray:
        """Whether each text is wanted."""
        return np.array([is_wanted(value) for value in self.values], bool)[self.codes]

    def lists(self) -> list[Values]:
        """The texts of each row."""
        found: list[Values] = [()] * self.n_rows
        texts = [self.values[code] for code in self.codes.tolist()]
        starts = np.flatnonzero(np.diff(self.rows, prepend=-1))
        ends = np.append(starts, len(self.rows))[1:]
        for row, start, end in zip(self.rows[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            found[row] = tuple(texts[start:end])
        return found

    def listed(self) -> pa.Array:
        """The texts of each row as an Arrow list, without repetitions."""
        rows, codes = self.rows, self.codes
        if (np.diff(rows) == 0).any():
            kept = np.sort(np.unique(rows * len(self.values) + codes, return_index=True)[1])
            rows, codes = rows[kept], codes[kept]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=self.n_rows))])
        texts = pa.array(self.values, pa.string()).take(pa.array(codes))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts)

    def replaced(self, texts: Sequence[str]) -> "Cells":
        """Each value with another text instead; those that become empty vanish."""
        place: dict[str, int] = {}
        code = np.array([place.setdefault(text, len(place)) if text else -1 for text in texts], np.int64)
        codes = code[self.codes]
        return Cells(self.n_rows, self.rows[codes >= 0], codes[codes >= 0], list(place))


def no_cells(n_rows: int) -> Cells:
    """A column that is missing everywhere."""
    return Cells(n_rows, np.zeros(0, np.int64), np.zeros(0, np.int64), [])


def cells_of(column: pa.Array) -> Cells:
    """The texts of a column of texts or of lists of texts; null and blank ones vanish."""
    if pa.types.is_list(column.type):
        rows, texts = pc.list_parent_indices(column).to_numpy(), column.flatten()
    else:
        rows, texts = np.arange(len(column)), column
    if not len(texts):
        return no_cells(len(column))
    encoded = texts.cast(pa.string()).dictionary_encode()
    values = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    is_blank = np.array([not value or value.isspace() for value in values] + [True], bool)
    found = Cells(len(column), rows.astype(np.int64), codes, values)
    return found.where(~is_blank[codes]) if is_blank[codes].any() else found


def value_texts(value: Any) -> Values:
    """The non-blank texts of one cell: a text, a list or array of texts, or a scalar; nulls vanish."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value and not value.isspace() else ()
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(text for item in value for text in value_texts(item))
    return () if pd.isna(value) else (str(value),)


def written_cells(values: Iterable[Any]) -> pa.Array:
    """Cells of any kind as an Arrow column of lists of texts."""
    return pa.array([list(value_texts(value)) for value in values], STRINGS)


def standard_cells(cells: Cells, standard: Callable[[str], Standard]) -> tuple[Cells, Cells, list[tuple[int, str]]]:
    """Normal forms, invalid forms, and row and fault of each text without a normal form; in order."""
    found = [standard(value) for value in cells.values]
    broken = np.array([bool(each.fault) and not each.value for each in found], bool)[cells.codes]
    faults = [
        (row, found[code].fault)
        for row, code in zip(cells.rows[broken].tolist(), cells.codes[broken].tolist(), strict=True)
    ]
    invalid = ["" if each.value else each.invalid for each in found]
    return cells.replaced([each.value for each in found]), cells.replaced(invalid), faults


def distinct(values: Iterable[str]) -> list[str]:
    """The values without blanks and repetitions, in order."""
    return list(dict.fromkeys(value for value in values if value))
