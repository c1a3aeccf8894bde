"""How close two distinct values of one kind of field are: a level and a similarity. Vectorised over value pairs.

Each comparer takes the distinct standardised values and the codes of both sides of each pair (never equal) and returns
int8 levels and float32 similarities in 0..1. The labels of the levels are in ``comparisons.py``. What one value tells is
worked out once for each value, not for each pair.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio
from rapidfuzz.process import cpdist

from siamese_er.fields.names import nickname_group

NICKNAMES = lru_cache(maxsize=100_000)(nickname_group)
Compared = tuple[np.ndarray, np.ndarray]


def strings(values: Iterable[str]) -> np.ndarray:
    """The values as an object array, to be picked from by codes."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def each(values: list[str], fact: Callable[[str], Any], kind: Any) -> np.ndarray:
    """One fact of every distinct value."""
    return np.fromiter(map(fact, values), kind, len(values))


def scored(texts: np.ndarray, a: np.ndarray, b: np.ndarray, scorer: Any, kind: Any) -> np.ndarray:
    """A rapidfuzz scorer over pairs of texts."""
    return cpdist(texts[a].tolist(), texts[b].tolist(), scorer=scorer, dtype=kind)


def jaro_winkler(texts: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Jaro-Winkler similarity of each pair, 0..1 (Winkler 1990)."""
    return scored(texts, a, b, JaroWinkler.normalized_similarity, np.float32)


def edits(texts: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Optimal string alignment distance of each pair: insertions, deletions, substitutions, neighbour swaps."""
    return scored(texts, a, b, OSA.distance, np.int32)


def relative_similarity(distance: np.ndarray, lengths: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 - edits / longer length."""
    return (1 - distance / np.maximum(np.maximum(lengths[a], lengths[b]), 1)).astype(np.float32)


def name_closeness(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """(closeness, similarity): closeness 0 far, 1 near, 2 close (about one typing error)."""
    texts, lengths = strings(values), each(values, len, np.int32)
    similarity, distance = jaro_winkler(texts, a, b), edits(texts, a, b)
    relative = relative_similarity(distance, lengths, a, b)
    close = ((distance <= 1) & (np.minimum(lengths[a], lengths[b]) >= 4)) | ((similarity >= 0.93) & (distance <= 2))
    near = (similarity >= 0.83) | (relative >= 0.65)
    return np.where(close, 2, np.where(near, 1, 0)), np.maximum(similarity, relative).astype(np.float32)


def is_initial(values: list[str], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether one of the two is a single letter, with which the other begins."""
    first = each(values, lambda value: ord(value[0]) if value else 0, np.int32)
    lengths = each(values, len, np.int32)
    return (first[a] == first[b]) & (np.minimum(lengths[a], lengths[b]) == 1)


def of_several_parts(values: list[str], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row numbers of the pairs of which a side has several words."""
    several = each(values, lambda value: " " in value, bool)
    return np.flatnonzero(several[a] | several[b])


def are_of_two_sexes(first: str, second: str) -> bool:
    """Whether two given names are alike but for the ending that makes one a woman's: Daniel and Daniela, Mario and Maria."""
    short, long = sorted((first, second), key=len)
    if len(short) == len(long):
        return short[:-1] == long[:-1] and {short[-1], long[-1]} == {"o", "a"}
    return long.startswith(short) and long[len(short) :] in ("a", "ina", "ine", "ette", "elle")


def given_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Levels 1 different, 2 initial, 3 near, 4 close, 5 nickname, 6 part (one has a further name), 7 = equal.

    Names of a man and a woman that differ by their ending are near, not close: they are rarely one mistyped name.
    """
    closeness, similarity = name_closeness(values, a, b)
    levels = np.choose(closeness, [1, 3, 4]).astype(np.int8)
    for i in np.flatnonzero(closeness == 2).tolist():
        if are_of_two_sexes(values[a[i]], values[b[i]]):
            levels[i] = 3
    groups = [NICKNAMES(value) for value in values]
    known = np.array([len(group) > 1 for group in groups], bool)
    for i in np.flatnonzero((closeness < 2) & (known[a] | known[b])).tolist():
        if groups[a[i]] & groups[b[i]]:
            levels[i] = 5
    levels[is_initial(values, a, b)] = 2
    for i in of_several_parts(values, a, b).tolist():
        first, second = values[a[i]], values[b[i]]
        if set(first.split()) & set(second.split()):
            levels[i] = 6
        elif first.replace(" ", "") == second.replace(" ", ""):
            levels[i], similarity[i] = 6, 1 - 1e-3
    return levels, similarity


def family_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Levels 1 different, 2 near, 3 close, 4 part (one surname of several in common), 5 = equal."""
    closeness, similarity = name_closeness(values, a, b)
    levels = np.choose(closeness, [1, 2, 3]).astype(np.int8)
    for i in of_several_parts(values, a, b).tolist():
        first, second = values[a[i]], values[b[i]]
        parts_a, parts_b = set(first.split()), set(second.split())
        if first.replace(" ", "") == second.replace(" ", "") or parts_a == parts_b:
            levels[i], similarity[i] = 4, 1 - 1e-3
        elif any(len(part) > 2 for part in parts_a & parts_b):
            levels[i] = 4
        elif closeness[i] == 0 and max(JaroWinkler.similarity(x, y) for x in parts_a for y in parts_b) >= 0.93:
            levels[i] = 2
    return levels, similarity


def middle_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Levels 1 conflict, 2 initial agrees, 3 close or part, 4 = equal."""
    closeness, similarity = name_closeness(values, a, b)
    levels = np.where(closeness == 2, 3, 1).astype(np.int8)
    levels[is_initial(values, a, b)] = 2
    for i in of_several_parts(values, a, b).tolist():
        if set(values[a[i]].split()) & set(values[b[i]].split()):
            levels[i] = 3
    return levels, similarity


def code_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Identifiers: 1 different, 2 last four agree (where one side has no more), 3 one typing error, 4 = equal."""
    texts = strings(value.removeprefix("invalid:") for value in values)
    lengths = each(texts.tolist(), len, np.int32)
    distance = edits(texts, a, b)
    similarity = relative_similarity(distance, lengths, a, b)
    levels = np.where((distance <= 1) & (np.minimum(lengths[a], lengths[b]) >= 6), 3, 1).astype(np.int8)
    short = each(values, lambda value: value.startswith("last4:"), bool)
    ends = strings(value[-4:] for value in values)
    either = short[a] | short[b]
    agrees = either & (short[a] != short[b]) & (ends[a] == ends[b]).astype(bool)
    levels[either] = np.where(agrees[either], 2, 1)
    similarity[either] = np.where(agrees[either], 0.5, 0.0)
    return levels, np.minimum(similarity, np.float32(1 - 1e-3))


def phone_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Levels 1 different, 2 one typing error or the last seven digits agree, 3 = equal."""
    texts, ends = strings(values), strings(value[-7:] for value in values)
    distance = edits(texts, a, b)
    similarity = relative_similarity(distance, each(values, len, np.int32), a, b)
    return np.where((distance == 1) | (ends[a] == ends[b]).astype(bool), 2, 1).astype(np.int8), similarity


def email_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Levels 1 different, 2 same or nearly the same local part, 3 one or two typing errors, 4 = equal."""
    local = strings(value.partition("@")[0] for value in values)
    distance = edits(strings(values), a, b)
    closeness = jaro_winkler(local, a, b)
    similarity = relative_similarity(distance, each(values, len, np.int32), a, b)
    near = (local[a] == local[b]).astype(bool) | (closeness >= 0.93)
    levels = np.where(distance <= 2, 3, np.where(near, 2, 1)).astype(np.int8)
    return levels, np.maximum(similarity, closeness * 0.9)


def address_parts(addresses: list[str]) -> tuple[list[str], list[str]]:
    """(numbers, words) of standardised address lines without their units; numbers keep their order.

    >>> address_parts(["12 oak street unit 4", "elm road"])
    (['12', ''], ['oak street', 'elm road'])
    """
    lines = pc.replace_substring_regex(pa.array(addresses, pa.string()), "(?s) unit .*", "")
    parts = (pc.replace_substring_regex(lines, pattern, " ") for pattern in (r"\P{Nd}+", r"\p{Nd}+"))
    words = (pc.binary_join(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(part)), " ").to_pylist() for part in parts)
    return next(words), next(words)


def address_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Levels 1 different, 2 same street, another number, 3 near street, same number, 4 same but for unit or order, 5 equal."""
    numbers, words = map(strings, address_parts(values))
    numbered = each(values, lambda value: any(map(str.isdigit, value)), bool)
    streets = np.maximum(scored(words, a, b, token_sort_ratio, np.float32) / 100, jaro_winkler(words, a, b))
    same_number = (numbers[a] == numbers[b]).astype(bool) & numbered[a]
    no_number = ~numbered[a] | ~numbered[b]
    levels = np.where((same_number | no_number) & (streets >= 0.85), 3, np.where(streets >= 0.9, 2, 1))
    levels = np.where(same_number & (streets >= 0.97), 4, levels).astype(np.int8)
    similarity = np.where(same_number | no_number, streets, 0.7 * streets)
    return levels, np.minimum(similarity, 1 - 1e-3).astype(np.float32)


def word_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Cities and the like: 1 different, 2 near, 3 = equal."""
    closeness, similarity = name_closeness(values, a, b)
    return np.where(closeness == 2, 2, 1).astype(np.int8), similarity


def postal_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Levels 1 different, 2 one typing error or the same first three characters, 3 = equal."""
    distance = edits(strings(values), a, b)
    starts = strings(value[:3] for value in values)
    similarity = relative_similarity(distance, each(values, len, np.int32), a, b)
    return np.where((distance == 1) | (starts[a] == starts[b]).astype(bool), 2, 1).astype(np.int8), similarity


def exact_levels(values: list[str], a: np.ndarray, b: np.ndarray) -> Compared:
    """Closed sets (sex, suffix, state): 1 different, 2 = equal."""
    return np.ones(len(a), np.int8), np.zeros(len(a), np.float32)
