"""What the other pairs of two records say about a pair: rivals, shared neighbours, contradictions; and of a table.

Source of the idea: collective entity resolution (Bhattacharya and Getoor, ACM TKDD 1, 2007). All symmetric.
"""

from dataclasses import dataclass

import numpy as np

from siamese_er.linkage.comparisons import COMPARISONS, INDEX
from siamese_er.linkage.features import TABLE_FIELDS
from siamese_er.linkage.fellegi_sunter import TableFit, level_shares

LEAST_BITS = -7.0  # pairs below this weight are nobody's neighbour
MOST_BITS = 12.0
MOST_NEIGHBOURS = 24  # of one record, the strongest
PAIR_CONTEXT = (
    "first_weight", "rival_weaker", "rival_stronger", "n_likely_others", "n_likely_others_gap", "n_others", "n_others_gap",
    "support", "contradiction", "soft_support", "soft_contradiction", "matches_elsewhere", "matches_elsewhere_gap",
)  # fmt: skip
TABLE_CONTEXT = (
    "table_sure", "table_likely", "table_open", "table_unlikely", "table_far", "table_uncertain", "table_uncertain_share",
    "table_contradicted", "table_supported", "table_second_prior",
)  # fmt: skip


def context_names() -> tuple[str, ...]:
    """The names of the columns of ``context_features``."""
    names = [f"second_weight_{c.name}" for c in COMPARISONS] + ["second_weight_sum"]
    return (*PAIR_CONTEXT, *names, *TABLE_CONTEXT, *(f"table_second_m_{name}" for name in TABLE_FIELDS))


@dataclass(frozen=True)
class Neighbours:
    """Lists of likely partners, one for each of n records: ``codes[offsets[i]:offsets[i + 1]]`` with their weights."""

    offsets: np.ndarray
    codes: np.ndarray
    weights: np.ndarray


def neighbours(left: np.ndarray, right: np.ndarray, weights: np.ndarray, n_records: int) -> Neighbours:
    """The strongest MOST_NEIGHBOURS partners of each record among pairs of LEAST_BITS or more."""
    near = weights >= LEAST_BITS
    of = np.concatenate([left[near], right[near]])
    other, bits = np.concatenate([right[near], left[near]]), np.concatenate([weights[near]] * 2)
    order = np.lexsort((other, -bits, of))
    of, other, bits = of[order], other[order], bits[order]
    starts = np.searchsorted(of, np.arange(n_records))
    kept = np.arange(len(of)) - starts[of] < MOST_NEIGHBOURS
    of, other, bits = of[kept], other[kept], bits[kept]
    return Neighbours(np.searchsorted(of, np.arange(n_records + 1)), other, bits)


@dataclass(frozen=True)
class Others:
    """For n pairs, the further partners of the record on one side: which pair, which third record, how many bits."""

    pair: np.ndarray
    third: np.ndarray
    bits: np.ndarray


def others(lists: Neighbours, own: np.ndarray, partner: np.ndarray) -> Others:
    """The Others of pairs of record numbers: everybody in ``own``'s lists but the partner."""
    counts = lists.offsets[own + 1] - lists.offsets[own]
    pair = np.repeat(np.arange(len(own)), counts)
    flat = lists.offsets[own][pair] + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    apart = lists.codes[flat] != partner[pair]
    return Others(pair[apart], lists.codes[flat[apart]], lists.weights[flat[apart]])


def probability(bits: np.ndarray) -> np.ndarray:
    """The probability of log2 odds."""
    return 1 / (1 + np.exp2(-bits))


def best(owner: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """The greatest value of each owner, -MOST_BITS for one without."""
    result = np.full(n, -MOST_BITS)
    np.maximum.at(result, owner, values)
    return result


def pair_context(weights: np.ndarray, left: Others, right: Others) -> np.ndarray:
    """(n, len(PAIR_CONTEXT)) of pairs with their first weights (bits) and the further partners of both sides."""
    n = len(weights)
    sides = [(side.pair, np.clip(side.bits, -MOST_BITS, MOST_BITS)) for side in (left, right)]
    owner, bits = (np.concatenate(column) for column in zip(*sides, strict=True))
    third = np.concatenate([left.third, right.third]).astype(np.int64)
    both = owner * (int(third.max(initial=0)) + 1) + third
    _, place = np.unique(both, return_inverse=True)
    n_triangles = int(place.max(initial=-1)) + 1
    strongest, weakest, seen = (
        np.full(n_triangles, -MOST_BITS), np.full(n_triangles, MOST_BITS), np.bincount(place, minlength=n_triangles)
    )  # fmt: skip
    np.maximum.at(strongest, place, bits)
    np.minimum.at(weakest, place, bits)
    weakest = np.where(seen > 1, weakest, -MOST_BITS)
    of = np.zeros(n_triangles, np.int64)
    of[place] = owner
    high, low = probability(strongest), probability(weakest)
    rivals = [best(*side, n) for side in sides]
    likely = [np.bincount(side[0], side[1] >= 0, minlength=n) for side in sides]
    known = [np.bincount(side[0], minlength=n) for side in sides]
    elsewhere = [np.bincount(side[0], probability(side[1]), minlength=n) for side in sides]
    columns = np.column_stack([
        np.clip(weights, -MOST_BITS, MOST_BITS) / 5, np.minimum(*rivals) / 5, np.maximum(*rivals) / 5,
        np.log1p(likely[0] + likely[1]), np.abs(np.log1p(likely[0]) - np.log1p(likely[1])),
        np.log1p(known[0] + known[1]), np.abs(np.log1p(known[0]) - np.log1p(known[1])),
        best(of, weakest, n) / 5, best(of, np.where(weakest <= -3, strongest, -MOST_BITS), n) / 5,
        np.log1p(np.bincount(of, high * low, minlength=n)), np.log1p(np.bincount(of, high * (1 - low), minlength=n)),
        np.log1p(elsewhere[0] + elsewhere[1]), np.abs(elsewhere[0] - elsewhere[1]) / 2,
    ])  # fmt: skip
    return (np.round(columns * 4096) / 4096).astype(np.float32)  # the order of summation cannot show


def with_first_weight(context: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``pair_context`` as if the first round had given these weights to the pairs themselves."""
    changed = context.copy()
    changed[:, PAIR_CONTEXT.index("first_weight")] = np.round(np.clip(weights, -MOST_BITS, MOST_BITS) / 5 * 4096) / 4096
    return changed


@dataclass(frozen=True)
class SecondRound:
    """What the first round's probabilities tell of a table: m of every level, and figures in order of TABLE_CONTEXT."""

    m: np.ndarray
    figures: np.ndarray

    def described(self) -> dict[str, dict[str, float]]:
        """What run.json says of it."""
        figures = dict(zip(TABLE_CONTEXT, np.round(self.figures, 5).tolist(), strict=True))
        return {"second_round": figures}


@dataclass(frozen=True)
class FirstRound:
    """Sums over a table's pairs of LEAST_BITS or more: by weight (WEIGHT_BINS), and by how sure the first round is."""

    bins: np.ndarray
    uncertain: float  # sum of p (1 - p)
    supported: float  # sum of p * expected shared partners
    contradicted: float  # sum of p * expected partners of one side that are not the other's


WEIGHT_BINS = (7.0, 3.0, 0.0, -3.0, LEAST_BITS)
"""Lower bounds of the bins of weights that are counted, in bits."""


def first_round(weights: np.ndarray, context: np.ndarray) -> FirstRound:
    """The FirstRound of a table held in memory; in: the pairs' weights and ``pair_context``."""
    p = probability(weights)
    soft = {name: np.expm1(context[:, PAIR_CONTEXT.index(name)]) for name in ("soft_support", "soft_contradiction")}
    counts = np.histogram(weights, [*WEIGHT_BINS[::-1], np.inf])[0][::-1]
    return FirstRound(
        counts, float((p * (1 - p)).sum()), float((p * soft["soft_support"]).sum()),
        float((p * soft["soft_contradiction"]).sum()),
    )  # fmt: skip


def second_round(
    levels: np.ndarray, matches: np.ndarray, first: FirstRound, n_records: int, model_m: np.ndarray
) -> SecondRound:
    """The SecondRound of a table; in: its patterns of levels with the expected matches of each, and its FirstRound."""
    n, expected = max(n_records, 1), float(matches.sum())
    per_match = np.array([first.uncertain, first.contradicted, first.supported]) + 0.5
    figures = np.concatenate([
        np.log10(1 + 10 * first.bins / n), [np.log10(1 + 10 * first.uncertain / n)], per_match / (expected + 2),
        [np.log2((expected + 0.01) / max(n * (n - 1) / 2, 1)) / 10],
    ])  # fmt: skip
    return SecondRound(level_shares(levels, matches, model_m, 20.0), figures)


def context_features(pairs: np.ndarray, levels: np.ndarray, second: SecondRound, fit: TableFit) -> np.ndarray:
    """(n, len(context_names())) float32 from ``pair_context`` and the second round."""
    rows = np.arange(len(COMPARISONS))
    table = np.clip(np.log2(second.m / fit.u), -14, 14)
    table[:, 0] = 0
    weights = table[rows, levels]
    fields = [INDEX[name] for name in TABLE_FIELDS]
    top = [COMPARISONS[row].top - (COMPARISONS[row].name in ("given_name", "family_name")) for row in fields]
    constants = np.concatenate([second.figures, second.m[fields, top]])
    return np.concatenate([
        pairs, weights / 5, weights.sum(1, keepdims=True) / 10 + second.figures[-1],
        np.broadcast_to(constants, (len(pairs), len(constants))),
    ], axis=1).astype(np.float32)  # fmt: skip
