"""How close two texts can be at most, by what their sketches say of them: the bags of their letters; see ``sketches.py``."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from siamese_er.linkage.sketches import LOOSE

SLACK = 1e-3  # bits and similarities; bounds are in float32


@dataclass(frozen=True)
class Closeness:
    """What bags tell of pairs of texts: bounds of distances from below, of similarities from above; each made when asked for.

    In: lengths of both texts and letters that they share at most (float32), and their first four bytes.
    """

    lengths: tuple[np.ndarray, np.ndarray]
    shared: np.ndarray
    starts: tuple[np.ndarray, np.ndarray]

    @cached_property
    def loose(self) -> np.ndarray:
        """Whether a text is one that a bag cannot bound."""
        first, second = self.lengths
        return (first == LOOSE) | (second == LOOSE)

    @cached_property
    def longest(self) -> np.ndarray:
        """Letters of the longer text; LOOSE for a text that a bag cannot bound."""
        return np.maximum(*self.lengths)

    @cached_property
    def shortest(self) -> np.ndarray:
        """Letters of the shorter text, likewise."""
        return np.where(self.loose, LOOSE, np.minimum(*self.lengths))

    @cached_property
    def common(self) -> np.ndarray:
        """Letters that both have, at most."""
        return np.where(self.loose, self.longest, self.shared)

    @cached_property
    def edits(self) -> np.ndarray:
        """The least edit distance."""
        return np.where(self.loose, 0, self.longest - self.shared)

    @cached_property
    def similarity(self) -> np.ndarray:
        """The greatest Jaro-Winkler similarity."""
        (first, second), shared = self.lengths, self.shared
        jaro = np.where(shared > 0, (shared / np.maximum(first, 1) + shared / np.maximum(second, 1) + 1) / 3, 0)
        unlike = np.bitwise_xor(*self.starts)
        prefix = sum(
            ((unlike & np.uint32(mask)) == 0).astype(np.float32) for mask in (0xFF, 0xFFFF, 0xFFFFFF, 2**32 - 1)
        )
        similarity = jaro + np.float32(0.1) * prefix * (1 - jaro)
        return np.where(self.loose | (self.longest == 0), 1, similarity)

    def of_pairs(self, rows: np.ndarray) -> "Closeness":
        """That of some of the pairs."""
        parts = (*self.lengths, self.shared, *self.starts)
        first, second, shared, left, right = (part.take(rows) for part in parts)
        return Closeness((first, second), shared, (left, right))

    @property
    def is_initial(self) -> np.ndarray:
        """Whether one may be the first letter of the other."""
        return (self.shortest == 1) & ((np.bitwise_xor(*self.starts) & np.uint32(0xFF)) == 0)

    @property
    def is_near(self) -> np.ndarray:
        """Whether `levels.name_closeness` may be near."""
        return (self.similarity >= 0.83 - SLACK) | (self.edits <= (0.35 + SLACK) * self.longest)

    @property
    def is_close(self) -> np.ndarray:
        """Whether `levels.name_closeness` may be close."""
        found = (self.edits <= 1) & (self.shortest >= 4)
        rows = np.flatnonzero(~found & (self.edits <= 2))  # few: of the others no similarity is asked
        found[rows] = self.of_pairs(rows).similarity >= 0.93 - SLACK
        return found
