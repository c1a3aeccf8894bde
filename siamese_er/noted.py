"""Match weights of which notes give a bounded part: the same pairs are scored with and without what notes say."""

from dataclasses import dataclass

import numpy as np

from siamese_er.linkage.compare import Compared, rows_of_pairs
from siamese_er.linkage.features import TableShape, features
from siamese_er.linkage.fellegi_sunter import TableFit
from siamese_er.linkage.note_cap import capped, has_note_evidence, without_notes
from siamese_er.neural.head import Scorer


@dataclass(frozen=True)
class NotedWeights:
    """``weights``: match weights (bits). ``bare``: the same without notes; equal where notes say nothing."""

    weights: np.ndarray
    bare: np.ndarray
    has_notes: np.ndarray

    def from_notes(self) -> np.ndarray:
        """Bits that notes give, nan for pairs about which they say nothing."""
        return np.where(self.has_notes, np.round(self.weights - self.bare, 5), np.nan)


def noted_weights(
    scorer: Scorer, compared: Compared, fit: TableFit, shape: TableShape, most_bits: float,
    context: np.ndarray | None = None, bare_context: np.ndarray | None = None,
) -> NotedWeights:  # fmt: skip
    """Weights of pairs by one round, the notes' part at most ``most_bits`` up or down.

    ``context``: further inputs of the round; ``bare_context``: the same as if the pair had no notes.
    """

    def weights_of(pairs: Compared, more: np.ndarray | None) -> np.ndarray:
        columns = features(pairs, fit, shape)
        return scorer.match_weights(columns if more is None else np.concatenate([columns, more], axis=1))

    weights = weights_of(compared, context)
    bare, has_notes = weights.copy(), has_note_evidence(compared)
    rows = np.flatnonzero(has_notes)
    if len(rows):
        more = None if bare_context is None else bare_context[rows]
        bare[rows] = weights_of(without_notes(rows_of_pairs(compared, rows)), more)
        weights[rows] = capped(weights[rows], bare[rows], most_bits)[0]
    return NotedWeights(weights, bare, has_notes)
