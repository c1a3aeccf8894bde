"""How close two distinct values of one kind of field are: a level and a similarity. Vectorised over value pairs.

Each comparer takes two lists of standardised values (pairwise, never equal) and returns int8 levels and float32
similarities in 0..1. The labels of the levels are in ``comparisons.py``.
"""

import re
from functools import lru_cache

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio
from rapidfuzz.process import cpdist

from siamese_er.fields.names import nickname_group

NICKNAMES = lru_cache(maxsize=100_000)(nickname_group)


def jaro_winkler(first: list[str], second: list[str]) -> np.ndarray:
    """Jaro-Winkler similarity of each pair, 0..1 (Winkler 1990)."""
    return cpdist(first, second, scorer=JaroWinkler.normalized_similarity, dtype=np.float32)


def edits(first: list[str], second: list[str]) -> np.ndarray:
    """Optimal string alignment distance of each pair: insertions, deletions, substitutions, neighbour swaps."""
    return cpdist(first, second, scorer=OSA.distance, dtype=np.int32)


def lengths(values: list[str]) -> np.ndarray:
    """Number of characters of each value."""
    return np.fromiter(map(len, values), np.int32, len(values))


def name_closeness(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(closeness, similarity): closeness 0 far, 1 near, 2 close (about one typing error)."""
    similarity, distance = jaro_winkler(first, second), edits(first, second)
    shorter = np.minimum(lengths(first), lengths(second))
    relative = 1 - distance / np.maximum(np.maximum(lengths(first), lengths(second)), 1)
    close = ((distance <= 1) & (shorter >= 4)) | ((similarity >= 0.93) & (distance <= 2))
    near = (similarity >= 0.83) | (relative >= 0.65)
    return np.where(close, 2, np.where(near, 1, 0)), np.maximum(similarity, relative).astype(np.float32)


def given_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Levels 1 different, 2 initial, 3 near, 4 close, 5 nickname, 6 part (one has a further name), 7 = equal."""
    closeness, similarity = name_closeness(first, second)
    levels = np.choose(closeness, [1, 3, 4]).astype(np.int8)
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if a[:1] == b[:1] and 1 in (len(a), len(b)):
            levels[i] = 2
        elif " " in a or " " in b:
            parts_a, parts_b = set(a.split()), set(b.split())
            if parts_a & parts_b:
                levels[i] = 6
            elif a.replace(" ", "") == b.replace(" ", ""):
                levels[i], similarity[i] = 6, 1
        elif closeness[i] < 2 and (b in NICKNAMES(a) or a in NICKNAMES(b) or NICKNAMES(a) & NICKNAMES(b)):
            levels[i] = 5
    return levels, similarity


def family_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Levels 1 different, 2 near, 3 close, 4 part (one surname of several in common), 5 = equal."""
    closeness, similarity = name_closeness(first, second)
    levels = np.choose(closeness, [1, 2, 3]).astype(np.int8)
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if " " in a or " " in b:
            parts_a, parts_b = set(a.split()), set(b.split())
            common = {part for part in parts_a & parts_b if len(part) > 2}
            if a.replace(" ", "") == b.replace(" ", "") or parts_a == parts_b:
                levels[i], similarity[i] = 4, 1
            elif common:
                levels[i] = 4
            elif closeness[i] < 2:
                best = max(JaroWinkler.similarity(x, y) for x in parts_a for y in parts_b)
                levels[i] = max(levels[i], 2 if best >= 0.93 else 1)
    return levels, similarity


def middle_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Levels 1 conflict, 2 initial agrees, 3 close or part, 4 = equal."""
    closeness, similarity = name_closeness(first, second)
    levels = np.where(closeness == 2, 3, 1).astype(np.int8)
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if a[:1] == b[:1] and 1 in (len(a), len(b)):
            levels[i] = 2
        elif set(a.split()) & set(b.split()):
            levels[i] = 3
    return levels, similarity


def code_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Identifiers: 1 different, 2 last four agree (where one side has no more), 3 one typing error, 4 = equal."""
    distance = edits(first, second)
    longer = np.maximum(lengths(first), lengths(second))
    similarity = (1 - distance / np.maximum(longer, 1)).astype(np.float32)
    near = (distance == 1) & (np.minimum(lengths(first), lengths(second)) >= 6)
    levels = np.where(near, 3, 1).astype(np.int8)
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if a.startswith("last4:") != b.startswith("last4:"):
            agrees = a.removeprefix("last4:")[-4:] == b.removeprefix("last4:")[-4:]
            levels[i], similarity[i] = (2, 0.5) if agrees else (1, 0.0)
        elif a.startswith("last4:"):
            levels[i] = 1
    return levels, similarity


def phone_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Levels 1 different, 2 one typing error or the last seven digits agree, 3 = equal."""
    distance = edits(first, second)
    last = np.fromiter((a[-7:] == b[-7:] for a, b in zip(first, second, strict=True)), bool, len(first))
    similarity = (1 - distance / np.maximum(np.maximum(lengths(first), lengths(second)), 1)).astype(np.float32)
    return np.where((distance == 1) | last, 2, 1).astype(np.int8), similarity


def email_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Levels 1 different, 2 same or nearly the same local part, 3 one or two typing errors, 4 = equal."""
    distance = edits(first, second)
    local_a, local_b = [a.partition("@")[0] for a in first], [b.partition("@")[0] for b in second]
    local = jaro_winkler(local_a, local_b)
    same = np.fromiter((a == b for a, b in zip(local_a, local_b, strict=True)), bool, len(first))
    similarity = (1 - distance / np.maximum(np.maximum(lengths(first), lengths(second)), 1)).astype(np.float32)
    levels = np.where(distance <= 2, 3, np.where(same | (local >= 0.93), 2, 1)).astype(np.int8)
    return levels, np.maximum(similarity, local * 0.9)


NUMBER = re.compile(r"\d+")


def address_parts(address: str) -> tuple[str, str]:
    """(numbers, words) of a standardised address line without its unit; numbers keep their order."""
    line = address.partition(" unit ")[0]
    return " ".join(NUMBER.findall(line)), " ".join(NUMBER.sub(" ", line).split())


def address_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Levels 1 different, 2 same street, another number, 3 near street, same number, 4 same but for unit or order, 5 equal."""
    parts_a, parts_b = [address_parts(a) for a in first], [address_parts(b) for b in second]
    words_a, words_b = [words for _, words in parts_a], [words for _, words in parts_b]
    streets = np.maximum(
        cpdist(words_a, words_b, scorer=token_sort_ratio, dtype=np.float32) / 100, jaro_winkler(words_a, words_b)
    )
    same_number = np.fromiter((bool(a[0]) and a[0] == b[0] for a, b in zip(parts_a, parts_b, strict=True)), bool, len(first))
    no_number = np.fromiter((not a[0] or not b[0] for a, b in zip(parts_a, parts_b, strict=True)), bool, len(first))
    same_street = streets >= 0.97
    levels = np.where(same_number & same_street, 4, np.where((same_number | no_number) & (streets >= 0.85), 3, 1))
    levels = np.where((levels == 1) & (streets >= 0.9), 2, levels).astype(np.int8)
    whole = jaro_winkler(first, second)
    return levels, np.where(same_number | no_number, np.maximum(streets, 0.5 * whole), 0.7 * streets).astype(np.float32)


def word_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Cities and the like: 1 different, 2 near, 3 = equal."""
    closeness, similarity = name_closeness(first, second)
    return np.where(closeness == 2, 2, 1).astype(np.int8), similarity


def postal_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Levels 1 different, 2 one typing error or the same first three characters, 3 = equal."""
    distance = edits(first, second)
    start = np.fromiter((a[:3] == b[:3] for a, b in zip(first, second, strict=True)), bool, len(first))
    similarity = (1 - distance / np.maximum(np.maximum(lengths(first), lengths(second)), 1)).astype(np.float32)
    return np.where((distance == 1) | start, 2, 1).astype(np.int8), similarity


def exact_levels(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Closed sets (sex, suffix, state): 1 different, 2 = equal."""
    return np.ones(len(first), np.int8), np.zeros(len(first), np.float32)
