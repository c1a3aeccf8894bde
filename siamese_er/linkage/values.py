"""Columns of several values for each record, and the best value pair of each record pair, in numpy.

Distinct values are compared once: record pairs are mapped to pairs of distinct value codes, those are compared, and the
result is spread back.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Levels = np.ndarray  # int8; 0 = missing on a side, 1 = different, greater = closer
Similarities = np.ndarray  # float32; 0..1
PairComparer = Callable[[list[str], np.ndarray, np.ndarray], tuple[Levels, Similarities]]
"""(distinct values, codes of one side, codes of the other, never equal) -> level and similarity of each pair."""


@dataclass(frozen=True)
class ValueColumn:
    """The values of one column of a batch: record i has ``codes[offsets[i]:offsets[i + 1]]``, indexes into ``values``."""

    offsets: np.ndarray  # int64, (n_records + 1,)
    codes: np.ndarray  # int64, (n_values,)
    values: list[str]

    @property
    def counts(self) -> np.ndarray:
        """Number of values of each record."""
        return np.diff(self.offsets)

    @property
    def first_codes(self) -> np.ndarray:
        """The code of the first value of each record; ``len(values)`` where it has none."""
        codes = np.full(len(self.offsets) - 1, len(self.values), np.int64)
        has = np.flatnonzero(self.counts)
        codes[has] = self.codes[self.offsets[has]]
        return codes


def value_column(column: pa.ChunkedArray | pa.Array) -> ValueColumn:
    """The ValueColumn of an Arrow list-of-strings column; a null list is an empty one."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    lengths = value_lengths(array)
    encoded = pc.list_flatten(array).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return ValueColumn(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), codes, encoded.dictionary.to_pylist()
    )


def value_lengths(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """How many values each record has in a list column; 0 for a null list."""
    return pc.fill_null(pc.list_value_length(column), 0).to_numpy()


def merged(first: ValueColumn, second: ValueColumn) -> ValueColumn:
    """Both columns' values of each record, over one dictionary: the first column's values, then the second's."""
    position = {value: code for code, value in enumerate(first.values)}
    for value in second.values:
        position.setdefault(value, len(position))
    mapped = np.array([position[value] for value in second.values], np.int64)
    n_first, n_second = first.counts, second.counts
    offsets = np.concatenate([[0], np.cumsum(n_first + n_second)]).astype(np.int64)
    codes = np.empty(offsets[-1], np.int64)
    codes[within(offsets[:-1], n_first)] = first.codes
    codes[within(offsets[:-1] + n_first, n_second)] = mapped[second.codes] if len(mapped) else second.codes
    return ValueColumn(offsets, codes, list(position))


def within(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Indexes start, start + 1, ... of each group, one group after the other.

    >>> within(np.array([0, 10]), np.array([2, 3])).tolist()
    [0, 1, 10, 11, 12]
    """
    total = int(counts.sum())
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(starts, counts) + np.arange(total) - first


def value_pairs(
    column: ValueColumn, left: np.ndarray, right: np.ndarray, other: ValueColumn | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All value pairs of each record pair: (record pair number, left position, right position in ``codes``).

    Left values come from ``column``, right ones from ``other`` (default: the same column).
    """
    other = other or column
    n_left, n_right = column.counts[left], other.counts[right]
    combinations = n_left * n_right
    pair = np.repeat(np.arange(len(left)), combinations)
    rank = within(np.zeros(len(left), np.int64), combinations)
    width = np.maximum(n_right, 1)[pair]
    return pair, column.offsets[left][pair] + rank // width, other.offsets[right][pair] + rank % width


@dataclass(frozen=True)
class BestValues:
    """For each record pair its best value pair under one comparison."""

    levels: Levels  # (n_pairs,)
    similarities: Similarities  # (n_pairs,)
    left_position: np.ndarray  # position in codes of the best left value; -1 when missing
    right_position: np.ndarray


def compared_codes(
    left_codes: np.ndarray, right_codes: np.ndarray, values: list[str], top: int, compare: PairComparer
) -> tuple[Levels, Similarities]:
    """Level and similarity of value pairs given by codes; equal codes are the top level at similarity 1.

    The comparer sees each unordered pair of distinct values once, the smaller string first: symmetric by construction.
    """
    low, high = np.minimum(left_codes, right_codes), np.maximum(left_codes, right_codes)
    levels = np.full(len(low), top, np.int8)
    similarities = np.ones(len(low), np.float32)
    unequal = np.flatnonzero(low != high)
    if len(unequal):
        packed, back = np.unique(low[unequal] * len(values) + high[unequal], return_inverse=True)
        used, places = np.unique(np.concatenate([packed // len(values), packed % len(values)]), return_inverse=True)
        chosen = [values[code] for code in used.tolist()]
        rank = np.empty(len(chosen), np.int64)
        rank[pc.sort_indices(pa.array(chosen, pa.string())).to_numpy()] = np.arange(len(chosen))
        first, second = np.split(places, 2)
        in_order = rank[first] < rank[second]
        found, similarity = compare(chosen, np.where(in_order, first, second), np.where(in_order, second, first))
        levels[unequal], similarities[unequal] = found[back], similarity[back]
    return levels, similarities


def best_values(
    column: ValueColumn, left: np.ndarray, right: np.ndarray, top: int, compare: PairComparer
) -> BestValues:
    """The best (highest level, then similarity) value pair of each record pair; level 0 where a side has none."""
    pair, left_position, right_position = value_pairs(column, left, right)
    found, similarity = compared_codes(
        column.codes[left_position], column.codes[right_position], column.values, top, compare
    )
    levels, similarities = np.zeros(len(left), np.int8), np.zeros(len(left), np.float32)
    lefts, rights = np.full(len(left), -1, np.int64), np.full(len(left), -1, np.int64)
    if not len(pair) or (np.diff(pair) > 0).all():
        chosen = np.arange(len(pair))
    else:
        order = np.lexsort((right_position, left_position, -similarity, -found, pair))
        chosen = order[np.unique(pair[order], return_index=True)[1]]
    levels[pair[chosen]], similarities[pair[chosen]] = found[chosen], similarity[chosen]
    lefts[pair[chosen]], rights[pair[chosen]] = left_position[chosen], right_position[chosen]
    return BestValues(levels, similarities, lefts, rights)
