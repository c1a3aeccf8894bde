"""Fellegi-Sunter weights of a table without labels: u from random pairs, m and the prior by EM over counted patterns.

m: share of true matches, among those with the comparison present, at a level. u: the same share among random pairs.
Sources: Fellegi and Sunter, JASA 64, 1969; Winkler 1988 (EM); Herzog, Scheuren, Winkler 2007.

Guards, since EM finds two classes even where there is one: m is held by pseudo-counts to the m of the shipped model, the
prior is bounded, u is smoothed, and the fit says whether it converged.
"""

from dataclasses import dataclass

import numpy as np

from siamese_er.linkage.comparisons import COMPARISONS

WIDEST = max(len(comparison.labels) for comparison in COMPARISONS)
HELD_BY = 40.0  # pseudo-matches that hold m to the model's
MOST_BITS = 14.0  # bound of one weight


@dataclass(frozen=True)
class TableFit:
    """What was learned about one table; shapes (len(COMPARISONS), WIDEST), column 0 (missing) unused."""

    m: np.ndarray
    u: np.ndarray
    coverage: np.ndarray  # (len(COMPARISONS),) share of random pairs with both sides present
    prior: float  # share of all pairs of the table that match
    n_records: int
    n_candidates: int
    converged: bool
    rounds: int

    def weights(self) -> np.ndarray:
        """log2(m / u) of each level, bounded; 0 for missing."""
        weights = np.clip(np.log2(self.m / self.u), -MOST_BITS, MOST_BITS)
        weights[:, 0] = 0.0
        for position, comparison in enumerate(COMPARISONS):
            weights[position, len(comparison.labels) :] = 0.0
        return weights


def level_shares(levels: np.ndarray, counts: np.ndarray, held: np.ndarray, strength: float) -> np.ndarray:
    """Share of each level among the present, for each comparison, with ``held`` shares as ``strength`` pseudo-counts."""
    shares = np.ones((len(COMPARISONS), WIDEST))
    for position, comparison in enumerate(COMPARISONS):
        width = len(comparison.labels)
        seen = np.bincount(levels[:, position], counts, minlength=width)[:width].astype(float)
        seen[0] = 0
        pseudo = held[position, :width] * strength
        pseudo[0] = 0
        shares[position, :width] = (seen + pseudo) / (seen.sum() + pseudo.sum())
        shares[position, 0] = 1
    return shares


def random_agreement(levels: np.ndarray, model_u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(u, coverage) from the levels of random pairs; the model's u counts as 10 pairs, so that none is 0."""
    u = level_shares(levels, np.ones(len(levels)), model_u, 10.0)
    return u, (levels > 0).mean(0) if len(levels) else np.zeros(len(COMPARISONS))


def pattern_weights(levels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum of the weights of each row of levels (bits)."""
    return weights[np.arange(len(COMPARISONS)), levels].sum(1)


def fit(
    levels: np.ndarray, counts: np.ndarray, random_levels: np.ndarray, n_records: int,
    model_m: np.ndarray, model_u: np.ndarray, rounds: int = 25,
) -> TableFit:  # fmt: skip
    """The TableFit of one table from its counted candidate patterns and its random pairs.

    In: distinct level rows (n_patterns, len(COMPARISONS)) with the number of candidate pairs of each. True matches are
    taken to be among the candidates; the prior is over all pairs of the table, and free to go to nothing.
    """
    order = np.lexsort(levels.T)
    levels, counts = levels[order], counts[order].astype(float)
    all_pairs = max(n_records * (n_records - 1) / 2, 1.0)
    u, coverage = random_agreement(random_levels, model_u)
    m, prior, converged, done = model_m.copy(), min(0.3 * n_records / all_pairs, 0.5), not len(levels), 0
    for done in range(1, (rounds if len(levels) else 0) + 1):
        table = TableFit(m, u, coverage, prior, n_records, int(counts.sum()), False, done)
        logit = pattern_weights(levels, table.weights()) + np.log2(prior / (1 - prior))
        matches = counts / (1 + np.exp2(-np.clip(logit, -60, 60)))
        new_m = level_shares(levels, matches, model_m, HELD_BY)
        new_prior = float(np.clip(matches.sum() / all_pairs, 0.01 / all_pairs, min(5.0 * n_records / all_pairs, 0.5)))
        converged = abs(np.log(new_prior / prior)) < 1e-3 and float(np.abs(new_m - m).max()) < 1e-3
        m, prior = new_m, new_prior
        if converged:
            break
    return TableFit(m, u, coverage, prior, n_records, int(counts.sum()), converged, done)


def counted_patterns(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows of levels and how often each occurs."""
    packed = np.zeros(len(levels), np.int64)
    for position in range(levels.shape[1]):
        packed = packed * WIDEST + levels[:, position]
    _, first, counts = np.unique(packed, return_index=True, return_counts=True)
    return levels[first], counts


def plausible(levels: np.ndarray, model_m: np.ndarray, model_u: np.ndarray) -> np.ndarray:
    """Rows of levels that are at least as likely among matches as among random pairs, by the shipped model's m and u.

    Candidates below that are dropped before anything is counted, in training as in a run.
    """
    return np.flatnonzero(pattern_weights(levels, plausible_weights(model_m, model_u)) >= 0)


def plausible_weights(model_m: np.ndarray, model_u: np.ndarray) -> np.ndarray:
    """The weights (bits) by which ``plausible`` judges: log2(m / u) of the shipped model, 0 for missing."""
    weights = np.log2(model_m / model_u)
    weights[:, 0] = 0.0
    return weights
