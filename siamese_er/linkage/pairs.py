"""Record pairs of blocks: every unordered pair that shares a live key, each once, with the passes that propose it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SLICE = 200_000  # pairs held at once
PAIRS_AT_ONCE = 300_000  # pairs formed before they are looked at
KIND_BITS = 5  # passes are fewer than 32
Held = tuple[np.ndarray, np.ndarray, np.ndarray]
"""(key, row, pass) of the keys that records hold, ascending by key."""


def live_keys(keys: np.ndarray, counts: np.ndarray, max_block_size: int) -> np.ndarray:
    """Whether each key proposes pairs: held by at least two records and by no more than ``max_block_size``."""
    return (counts >= 2) & (counts <= max_block_size)


def block_pairs(rows: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left row, right row, key) of all pairs inside each block; a pair of two blocks comes twice.

    In: one entry for each (record row, key); Out: left < right.
    """
    order = np.lexsort((rows, keys))
    rows, keys = rows[order], keys[order]
    _, starts, sizes = np.unique(keys, return_index=True, return_counts=True)
    rank = np.arange(len(rows)) - np.repeat(starts, sizes)
    later = np.repeat(sizes, sizes) - rank - 1  # partners that come after this entry in its block
    left = np.repeat(np.arange(len(rows)), later)
    first = np.repeat(np.cumsum(later) - later, later)
    right = left + 1 + np.arange(int(later.sum())) - first
    return rows[left], rows[right], keys[left]


def key_matrix(rows: np.ndarray, keys: np.ndarray, passes: np.ndarray, n_records: int) -> tuple[np.ndarray, np.ndarray]:
    """(n_records, widest) keys and their passes, keys ascending in a row; unused places hold a negative row-unique key."""
    order = np.lexsort((keys, rows))
    rows, keys, passes = rows[order], keys[order], passes[order]
    counts = np.bincount(rows, minlength=n_records)
    width = max(int(counts.max(initial=0)), 1)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    matrix = np.repeat(-1 - np.arange(n_records, dtype=np.int64)[:, None], width, 1)
    kinds = np.full((n_records, width), -1, np.int16)
    matrix[rows, place], kinds[rows, place] = keys, passes
    return matrix, kinds


def smallest_shared(matrix: np.ndarray, kinds: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The smallest key that both records hold; a pair is looked at in that key's block alone."""
    smallest = np.full(len(left), -1, np.int64)
    open_pairs = np.arange(len(left))
    for i in range(matrix.shape[1]):  # keys ascend, so the first shared one is the smallest
        keys, present = matrix[left[open_pairs], i], kinds[left[open_pairs], i] >= 0
        hit = (keys[:, None] == matrix[right[open_pairs]]).any(1) & present
        smallest[open_pairs[hit]] = keys[hit]
        open_pairs = open_pairs[~hit & present]
        if not len(open_pairs):
            break
    return smallest


def pass_masks(matrix: np.ndarray, kinds: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bit mask of the passes that propose each pair; bit p is pass p."""
    masks = np.zeros(len(left), np.int64)
    keys_right = matrix[right]
    for i in range(matrix.shape[1]):
        kind = kinds[left, i].astype(np.int64)
        hit = (matrix[left, i][:, None] == keys_right).any(1) & (kind >= 0)
        masks |= np.where(hit, np.int64(1) << np.maximum(kind, 0), 0)
    return masks


def pairs_once(
    matrix: np.ndarray, kinds: np.ndarray, left: np.ndarray, right: np.ndarray, key: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left, right, pass mask) of the pairs whose block ``key`` is the place to look at them; done in bounded slices."""
    kept = []
    for start in range(0, len(left), SLICE):
        part = slice(start, start + SLICE)
        once = smallest_shared(matrix, kinds, left[part], right[part]) == key[part]
        a, b = left[part][once], right[part][once]
        kept.append((a, b, pass_masks(matrix, kinds, a, b)))
    if not kept:
        none = np.zeros(0, np.int64)
        return none, none, none
    lefts, rights, masks = (np.concatenate(column) for column in zip(*kept, strict=True))
    return lefts, rights, masks


def candidate_pairs(
    rows: np.ndarray, keys: np.ndarray, passes: np.ndarray, n_records: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left row, right row, pass mask) of every pair that shares a key, each once, for a table held in memory."""
    left, right, key = block_pairs(rows, keys)
    matrix, kinds = key_matrix(rows, keys, passes, n_records)
    return pairs_once(matrix, kinds, left, right, key)


@dataclass(frozen=True)
class Met:
    """Pairs of records of two groups: row in the one, row in the other, mask of the passes that propose them."""

    left: np.ndarray
    right: np.ndarray
    masks: np.ndarray


def met_pairs(left: Held, right: Held, is_same: bool) -> Iterator[Met]:
    """All pairs of two groups that share a key, each once, about PAIRS_AT_ONCE at a time.

    In: (key, row, pass) of either, ascending by key; ``is_same``: both are one group, of which a pair comes once.
    """
    keys, rows, kinds = left
    low, high = np.searchsorted(right[0], keys, "left"), np.searchsorted(right[0], keys, "right")
    has = np.flatnonzero(high > low)
    by_row = np.sort(rows[has].astype(np.int64) << 32 | has)  # then by place; of either there are fewer than 2^32
    has = by_row & (2**32 - 1)
    rows, kinds, low, counts = rows[has], kinds[has], low[has], (high - low)[has]
    totals = np.cumsum(counts)
    start = 0
    while start < len(rows):
        reached = int(np.searchsorted(totals, (totals[start - 1] if start else 0) + PAIRS_AT_ONCE))
        end = int(np.searchsorted(rows, rows[min(reached, len(rows) - 1)], "right"))
        part = slice(start, end)
        yield met(rows[part], kinds[part], low[part], counts[part], right, is_same)
        start = end


def met(rows: np.ndarray, kinds: np.ndarray, low: np.ndarray, counts: np.ndarray, right: Held, is_same: bool) -> Met:
    """The pairs of some left rows: entry i meets ``counts[i]`` entries of ``right`` from ``low[i]`` on."""
    total = int(counts.sum())
    place = np.repeat(low - (np.cumsum(counts) - counts), counts) + np.arange(total)
    first, second, kind = np.repeat(rows, counts), right[1][place], np.repeat(kinds, counts).astype(np.int64)
    if is_same:
        later = second > first
        first, second, kind = first[later], second[later], kind[later]
    base, width = int(rows[0]), int(right[1].max(initial=0)) + 1
    packed = np.sort((((first - base) * width + second) << KIND_BITS) | kind)
    pairs = packed >> KIND_BITS
    starts = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]])) if len(pairs) else np.zeros(0, np.int64)
    masks = np.bitwise_or.reduceat(np.int64(1) << (packed & (2**KIND_BITS - 1)), starts) if len(pairs) else pairs
    pairs = pairs[starts]
    return Met(pairs // width + base, pairs % width, masks)
