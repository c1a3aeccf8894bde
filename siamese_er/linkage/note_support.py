"""What notes say for a pair where a veto would hold it back."""

import numpy as np

from siamese_er.linkage.compare import PAIR_FACTS, Compared
from siamese_er.linkage.comparisons import INDEX
from siamese_er.linkage.cosines import COSINES
from siamese_er.linkage.note_charts import CHARTS
from siamese_er.linkage.note_pairs import NOTE_FACTS

BIRTH_BITS = 3.0
"""Of strangers in simulated tables, 5 to 13 % agree on a birth year that a note states."""
BITS_OF_COSINE, LEAST_COSINE = 12.0, 0.2
"""Of strangers with notes in simulated tables, the terms of 12 % have a cosine of .2, of 3 % one of .3, of .8 % one of .4."""
MOST_BITS = 6.0
"""One rare disease of two people looks like one person, so what notes can say is bounded."""


def note_support(compared: Compared) -> np.ndarray:
    """(n,) bits, 0 to MOST_BITS: the surprise at what the notes of two strangers would have in common.

    The terms of both, and a stated birth year where the birth dates themselves cannot be compared. Nothing where any
    fact of the notes contradicts.
    """
    facts = compared.facts[:, [PAIR_FACTS.index(name) for name in NOTE_FACTS]]
    cosine = np.nan_to_num(compared.cosines[:, COSINES.index("cosine_note_terms")])
    of_terms = np.where(cosine >= LEAST_COSINE, BITS_OF_COSINE * cosine, 0)
    says_birth = (facts[:, NOTE_FACTS.index("note_birth")] > 0) & (compared.levels[:, INDEX["birth_date"]] == 0)
    bits = np.minimum(of_terms + BIRTH_BITS * says_birth, MOST_BITS)
    return np.where((facts < 0).any(1), 0.0, bits)


def record_errs(compared: Compared) -> np.ndarray:
    """(n,) bool: whether a side's own notes say that its birth year or sex is wrong and the other side's is right."""
    wrong, cleared = (compared.facts[:, PAIR_FACTS.index(name)] for name in CHARTS)
    return (cleared > 0) & (wrong == 0)
