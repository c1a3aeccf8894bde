"""The context of a pair: checked against plain loops, and laws."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.linkage.context import (
    LEAST_BITS,
    MOST_BITS,
    MOST_NEIGHBOURS,
    PAIR_CONTEXT,
    first_round,
    neighbours,
    others,
    pair_context,
)

PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]),
    st.floats(-10, 14).map(lambda bits: round(bits, 3)), min_size=1, max_size=20,
)  # fmt: skip


def found(pairs):
    """(left, right, weights, context) of a dict of pairs, those of LEAST_BITS or more as neighbours."""
    left, right = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    weights = np.array(list(pairs.values()))
    lists = neighbours(left, right, weights, 8)
    return left, right, weights, pair_context(weights, others(lists, left, right), others(lists, right, left))


def chance(bits):
    return 1 / (1 + 2.0**-bits)


@given(PAIRS)
def test_context_is_what_plain_loops_find(pairs):
    left, right, _, context = found(pairs)
    column = {name: context[:, position] for position, name in enumerate(PAIR_CONTEXT)}
    known = {pair: min(bits, MOST_BITS) for pair, bits in pairs.items() if bits >= LEAST_BITS}

    def bits(a, b):
        return known.get((min(a, b), max(a, b)), -MOST_BITS)

    for row, (a, b) in enumerate(zip(left, right, strict=True)):
        thirds = [c for c in range(8) if c not in (a, b) and max(bits(a, c), bits(b, c)) > -MOST_BITS]
        rivals = sorted(max((bits(side, c) for c in thirds), default=-MOST_BITS) for side in (a, b))
        both = [sorted((bits(a, c), bits(b, c))) for c in thirds]

        assert [column["rival_weaker"][row] * 5, column["rival_stronger"][row] * 5] == [
            np.float32(np.round(x / 5 * 4096) / 4096) * 5 for x in rivals
        ]
        assert abs(column["support"][row] * 5 - max((low for low, _ in both), default=-MOST_BITS)) < 0.01
        against = max((high for low, high in both if low <= -3), default=-MOST_BITS)
        assert abs(column["contradiction"][row] * 5 - against) < 0.01
        assert abs(np.expm1(column["soft_support"][row]) - sum(chance(x) * chance(y) for x, y in both)) < 0.01


@given(PAIRS)
def test_context_is_symmetric_bit_for_bit(pairs):
    left, right, weights, context = found(pairs)
    lists = neighbours(left, right, weights, 8)

    turned = pair_context(weights, others(lists, right, left), others(lists, left, right))

    assert np.array_equal(context, turned)


def test_neighbours_are_the_strongest_and_bounded():
    n = MOST_NEIGHBOURS + 6
    left, right = np.zeros(n, np.int64), np.arange(1, n + 1)

    lists = neighbours(left, right, np.linspace(-3, 9, n), n + 1)

    assert lists.offsets[1] == MOST_NEIGHBOURS
    assert set(lists.codes[:MOST_NEIGHBOURS]) == set(range(7, n + 1))


@given(PAIRS)
def test_first_round_counts_every_near_pair_in_one_bin(pairs):
    near = {pair: bits for pair, bits in pairs.items() if bits >= LEAST_BITS}
    if not near:
        return
    _, _, weights, context = found(near)

    assert first_round(weights, context).bins.sum() == len(near)
