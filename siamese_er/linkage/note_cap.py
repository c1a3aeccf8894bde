"""Notes corroborate or contradict, and no more: the bits by which they move a match weight are bounded."""

from dataclasses import replace

import numpy as np

from siamese_er.linkage.compare import PAIR_FACTS, Compared
from siamese_er.linkage.cosines import COSINES
from siamese_er.linkage.note_pairs import NOTE_FACTS

NOTE_COSINES = tuple(name for name in COSINES if name in ("cosine_note", "cosine_cross", "cosine_note_terms"))
COSINE_COLUMNS = [COSINES.index(name) for name in NOTE_COSINES]
FACT_COLUMNS = [PAIR_FACTS.index(name) for name in NOTE_FACTS]


def has_note_evidence(compared: Compared) -> np.ndarray:
    """(n,) bool: whether notes say anything about the pair."""
    known = ~np.isnan(compared.cosines[:, COSINE_COLUMNS])
    return known.any(1) | (compared.facts[:, FACT_COLUMNS] != 0).any(1)


def without_notes(compared: Compared) -> Compared:
    """The same pairs as if no record had notes."""
    cosines, facts = compared.cosines.copy(), compared.facts.copy()
    cosines[:, COSINE_COLUMNS], facts[:, FACT_COLUMNS] = np.nan, 0
    return replace(compared, cosines=cosines, facts=facts)


def capped(with_notes: np.ndarray, without: np.ndarray, most_bits: float) -> tuple[np.ndarray, np.ndarray]:
    """(match weight, the notes' part of it): the weight without notes, moved towards the one with by most_bits at most.

    >>> [part.tolist() for part in capped(np.array([9.0, -1.0]), np.array([1.0, 0.0]), 6.0)]
    [[7.0, -1.0], [6.0, -1.0]]
    """
    moved = np.clip(with_notes - without, -most_bits, most_bits)
    weights = np.round(without + moved, 5)
    return weights, np.round(weights - without, 5)
