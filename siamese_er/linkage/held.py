"""Texts that records of a batch hold, and hashes of them: whole columns at a time, each distinct text looked at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from siamese_er.linkage.values import value_column, within

HASH_KEY = "siamese_er block"


@dataclass(frozen=True)
class Held:
    """``hashes`` (uint64) that records hold; ``rows``: the record of each, ascending."""

    rows: np.ndarray
    hashes: np.ndarray

    def once(self) -> "Held":
        """No hash twice in a record; ascending within it."""
        if (np.diff(self.rows) > 0).all():  # most columns: no record holds two
            return self
        order = np.lexsort((self.hashes, self.rows))
        rows, hashes = self.rows[order], self.hashes[order]
        is_new = np.ones(len(rows), bool)
        is_new[1:] = (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])
        return Held(rows[is_new], hashes[is_new])

    def but_of(self, rows: np.ndarray) -> "Held":
        """Without those of the records named."""
        kept = ~np.isin(self.rows, rows)
        return Held(self.rows[kept], self.hashes[kept])


@dataclass(frozen=True)
class Texts:
    """Texts that records hold: ``rows``, ascending, and ``codes``, the place of each among the distinct ``values``."""

    rows: np.ndarray
    codes: np.ndarray
    values: list[str]

    def where(self, is_wanted: Callable[[str], bool]) -> "Texts":
        """Those of the wanted values."""
        kept = np.array([is_wanted(value) for value in self.values], bool)[self.codes]
        return Texts(self.rows[kept], self.codes[kept], self.values)

    def hashed(self, form: Callable[[str], str] = str) -> Held:
        """The hashes of a form of them; an empty form has none."""
        formed = [form(value) for value in self.values]
        kept = np.array([len(text) > 0 for text in formed], bool)[self.codes]
        return Held(self.rows[kept], text_hashes(formed)[self.codes[kept]])


def text_hashes(texts: Sequence[str]) -> np.ndarray:
    """A 64-bit hash of each text, the same in every process."""
    return pd.util.hash_array(np.array(texts, dtype=object), hash_key=HASH_KEY, categorize=False)


def mixed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A hash of two hashes, other if they change places.

    Source: the finalizer of Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    found = first + np.uint64(0x9E3779B97F4A7C15)
    for hashes in (second, np.uint64(0)):
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found = (found ^ (found >> np.uint64(31))) + hashes
    return found


def texts_of(records: pa.Table, name: str, most: int) -> Texts:
    """The first texts of each record in a list column; an absent column is empty lists."""
    if name not in records.column_names:
        return Texts(np.zeros(0, np.int64), np.zeros(0, np.int64), [])
    column = value_column(records[name])
    rows = np.repeat(np.arange(records.num_rows), column.counts)
    kept = within(np.zeros(records.num_rows, np.int64), column.counts) < most
    return Texts(rows[kept], column.codes[kept], column.values)


def expanded(parts: Sequence[tuple[Texts, Callable[[str], list[str]]]], most: int | None = None) -> Texts:
    """What each text falls into, column after column, no text twice in a record and ``most`` of them."""
    place: dict[str, int] = {}
    rows, codes = [], []
    for texts, split in parts:
        lists = [[place.setdefault(part, len(place)) for part in split(value)] for value in texts.values]
        counts = np.array([len(own) for own in lists], np.int64)
        flat = np.array([code for own in lists for code in own], np.int64)
        starts = np.cumsum(counts) - counts
        rows.append(np.repeat(texts.rows, counts[texts.codes]))
        codes.append(flat[within(starts[texts.codes], counts[texts.codes])])
    row, code = np.concatenate(rows), np.concatenate(codes)
    order = np.argsort(row, kind="stable")
    row, code = row[order], code[order]
    kept = np.sort(np.unique(row * max(len(place), 1) + code, return_index=True)[1])
    row, code = row[kept], code[kept]
    if most is not None:
        is_early = np.arange(len(row)) - np.searchsorted(row, row) < most
        row, code = row[is_early], code[is_early]
    return Texts(row, code, list(place))


def concatenated(first: Held, second: Held) -> Held:
    """The hashes of both."""
    rows, hashes = np.concatenate([first.rows, second.rows]), np.concatenate([first.hashes, second.hashes])
    order = np.argsort(rows, kind="stable")
    return Held(rows[order], hashes[order])


def met(first: Held, second: Held) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every hash of the first with every hash of the second of one record: its row and both."""
    starts, ends = (np.searchsorted(second.rows, first.rows, side=side) for side in ("left", "right"))
    counts = ends - starts
    return np.repeat(first.rows, counts), np.repeat(first.hashes, counts), second.hashes[within(starts, counts)]


def product(first: Held, second: Held) -> Held:
    """Every hash of the first with every hash of the second of one record, mixed."""
    rows, ones, others = met(first, second)
    return Held(rows, mixed(ones, others))


def unordered_product(first: Held, second: Held) -> Held:
    """The same in an order that the hashes decide, as `unordered_pairs` mixes them; two equal ones make no pair."""
    rows, ones, others = met(first, second)
    differ = ones != others
    return Held(rows[differ], mixed(np.minimum(ones, others), np.maximum(ones, others))[differ])


def unordered_pairs(held: Held, most: int) -> Held:
    """Two different hashes of a record, mixed, in an order that they decide; records hold at most ``most`` hashes."""
    once = held.once()
    rows, hashes = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    for step in range(1, most):
        same = np.flatnonzero(once.rows[step:] == once.rows[:-step])
        rows.append(once.rows[same])
        hashes.append(mixed(once.hashes[same], once.hashes[same + step]))
    found = np.concatenate(rows)
    order = np.argsort(found, kind="stable")
    return Held(found[order], np.concatenate(hashes)[order])
