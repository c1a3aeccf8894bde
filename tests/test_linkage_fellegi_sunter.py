import numpy as np
import pytest

from siamese_er.linkage.comparisons import COMPARISONS, INDEX
from siamese_er.linkage.fellegi_sunter import WIDEST, counted_patterns, fit, level_shares, plausible, random_agreement


def flat_shares(top: float) -> np.ndarray:
    """Shares with ``top`` at the greatest level and the rest evenly below."""
    shares = np.ones((len(COMPARISONS), WIDEST))
    for row, comparison in enumerate(COMPARISONS):
        width = len(comparison.labels) - 1
        shares[row, 1 : width + 1] = (1 - top) / (width - 1)
        shares[row, width] = top
    return shares


def drawn(rng: np.random.Generator, n: int, agree: dict[str, float]) -> np.ndarray:
    """Levels of n pairs that agree on each named comparison with a probability, all others missing."""
    levels = np.zeros((n, len(COMPARISONS)), np.int8)
    for name, share in agree.items():
        top = COMPARISONS[INDEX[name]].top
        levels[:, INDEX[name]] = np.where(rng.random(n) < share, top, 1)
    return levels


AMONG_MATCHES = {"birth_date": 0.9, "sex": 0.98, "postal_code": 0.7, "phone": 0.6, "email": 0.8}
AMONG_STRANGERS = {"birth_date": 0.001, "sex": 0.5, "postal_code": 0.05, "phone": 0.001, "email": 0.001}


def test_fit_finds_the_m_the_u_and_the_prior_of_a_table():
    rng = np.random.default_rng(1)
    matches, strangers = drawn(rng, 2_000, AMONG_MATCHES), drawn(rng, 60_000, AMONG_STRANGERS)
    levels, counts = counted_patterns(np.concatenate([matches, strangers]))

    found = fit(levels, counts, drawn(rng, 200_000, AMONG_STRANGERS), 700, flat_shares(0.8), flat_shares(0.01))

    assert found.converged
    assert found.prior * 700 * 699 / 2 == pytest.approx(2_000, rel=0.2)
    for name, share in AMONG_MATCHES.items():
        assert found.m[INDEX[name], COMPARISONS[INDEX[name]].top] == pytest.approx(share, abs=0.06), name


def test_the_prior_goes_to_nothing_where_no_pair_matches():
    rng = np.random.default_rng(2)
    strangers = drawn(rng, 50_000, AMONG_STRANGERS)
    levels, counts = counted_patterns(strangers)

    found = fit(levels, counts, strangers, 5_000, flat_shares(0.8), flat_shares(0.01), rounds=100)

    assert found.prior * 5_000 * 4_999 / 2 < 1


def test_fit_does_not_depend_on_the_order_of_patterns():
    rng = np.random.default_rng(3)
    levels, counts = counted_patterns(drawn(rng, 5_000, AMONG_MATCHES))
    order = rng.permutation(len(levels))

    one = fit(levels, counts, levels, 500, flat_shares(0.8), flat_shares(0.01))
    two = fit(levels[order], counts[order], levels, 500, flat_shares(0.8), flat_shares(0.01))

    assert np.array_equal(one.m, two.m)
    assert one.prior == two.prior


def test_fit_of_a_table_without_candidates_keeps_the_model():
    none = np.zeros((0, len(COMPARISONS)), np.int8)

    found = fit(none, np.zeros(0), none, 10, flat_shares(0.8), flat_shares(0.01))

    assert np.allclose(found.m, flat_shares(0.8))
    assert found.n_candidates == 0


def test_counted_patterns_count_every_row():
    levels = np.random.default_rng(4).integers(0, 2, (500, len(COMPARISONS))).astype(np.int8)
    levels[:, 5:] = 0

    patterns, counts = counted_patterns(levels)

    assert counts.sum() == 500
    assert len({tuple(row) for row in patterns.tolist()}) == len(patterns)


def test_shares_and_coverage_leave_missing_out():
    levels = np.zeros((4, len(COMPARISONS)), np.int8)
    levels[:3, INDEX["sex"]] = [1, 2, 2]

    u, coverage = random_agreement(levels, flat_shares(0.5))

    assert coverage[INDEX["sex"]] == 0.75
    assert level_shares(levels, np.ones(4), flat_shares(0.5), 0.0001)[INDEX["sex"], 2] == pytest.approx(2 / 3, abs=1e-3)
    assert u[INDEX["sex"], 1:3].sum() == pytest.approx(1)


def test_plausible_drops_what_random_agreement_explains_better():
    levels = np.zeros((2, len(COMPARISONS)), np.int8)
    levels[0, INDEX["birth_date"]] = COMPARISONS[INDEX["birth_date"]].top
    levels[1, INDEX["birth_date"]] = 1

    assert plausible(levels, flat_shares(0.8), flat_shares(0.01)).tolist() == [0]
