import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.linkage.pairs import block_pairs, candidate_pairs, live_keys

MEMBERSHIPS = st.sets(st.tuples(st.integers(0, 11), st.integers(1, 6)), max_size=40)


def reference(members: set[tuple[int, int]]) -> dict[tuple[int, int], set[int]]:
    """Pairs of rows and the keys they share, by plain loops."""
    shared: dict[tuple[int, int], set[int]] = {}
    for row_a, key_a in members:
        for row_b, key_b in members:
            if row_a < row_b and key_a == key_b:
                shared.setdefault((row_a, row_b), set()).add(key_a)
    return shared


@given(MEMBERSHIPS)
def test_block_pairs_are_all_pairs_of_every_block(members):
    rows, keys = (np.array([m[i] for m in members], np.int64) for i in (0, 1))

    left, right, key = block_pairs(rows, keys)

    expected = {(a, b, k) for (a, b), shared in reference(members).items() for k in shared}
    assert len(left) == len(expected)
    assert set(zip(left.tolist(), right.tolist(), key.tolist(), strict=True)) == expected


@given(MEMBERSHIPS)
def test_candidate_pairs_come_once_with_all_their_passes(members):
    rows, keys = (np.array([m[i] for m in members], np.int64) for i in (0, 1))

    left, right, mask = candidate_pairs(rows, keys, keys.astype(np.int16), 12)

    found = list(zip(left.tolist(), right.tolist(), strict=True))
    expected = reference(members)
    assert len(found) == len(set(found))
    assert dict(zip(found, mask.tolist(), strict=True)) == {
        pair: sum(1 << key for key in shared) for pair, shared in expected.items()
    }


@pytest.mark.parametrize(
    ("count", "is_live"),
    [
        pytest.param(1, False, id="a key of one record"),
        pytest.param(2, True, id="a pair"),
        pytest.param(5, True, id="as large as allowed"),
        pytest.param(6, False, id="too large"),
    ],
)
def test_live_keys(count, is_live):
    assert live_keys(np.array([7]), np.array([count]), 5).tolist() == [is_live]
