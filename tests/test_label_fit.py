"""What labelled pairs teach: the correction, its folds, and the reasons for which the shipped head stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from siamese_er.linkage import label_fit
from siamese_er.linkage.label_fit import LabelCorrection, LabelledPairs, fit_labels, folds_of, mean_and_error

COLUMNS = (1, 4, 2)


def labelled(n=600, off_by=0.0, seed=1, **changed):
    """Pairs whose true log odds are the shipped ones less ``off_by`` nats."""
    random = np.random.default_rng(seed)
    weights = random.normal(0, 5, n)
    is_match = random.random(n) < expit(weights * label_fit.NATS - off_by)
    made = {
        "match_weights": weights, "group_sums": random.normal(0, 1, (n, 3)).astype(np.float32), "is_match": is_match,
        "weights": np.ones(n), "groups": np.arange(n) // 2,
    }  # fmt: skip
    return LabelledPairs(**made | changed)


def test_a_shift_of_the_shipped_odds_is_found_and_taken_back():
    fit = fit_labels(labelled(off_by=3.0), COLUMNS, 25)

    assert fit.report["accepted"]
    assert fit.report["log_loss_after"] < fit.report["log_loss_before"] - fit.report["standard_error"]
    assert fit.report["coefficients"]["constant"] == pytest.approx(-3, abs=0.7)
    corrected = fit.correction(np.array([0.0, 4.0]), np.zeros((2, 5)))
    assert corrected == pytest.approx([-3 / label_fit.NATS, 4 - 3 / label_fit.NATS], abs=1.2)


def test_a_shipped_head_that_is_right_stays():
    accepted = [fit_labels(labelled(seed=seed), COLUMNS, 25).report["accepted"] for seed in range(20)]

    assert sum(accepted) <= 3


def test_labels_drawn_by_lot_are_refused():
    for seed in range(10):
        random = np.random.default_rng(seed)

        fit = fit_labels(labelled(is_match=random.random(600) < 0.5), COLUMNS, 25)

        assert fit.correction is None
        assert fit.report["reason"].startswith(("labels deny", "the evidence does not tell"))


def test_labels_drawn_by_lot_in_the_review_band_are_refused():
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(20):
        pairs = labelled(match_weights=random.uniform(-2, 4, 600), is_match=random.random(600) < 0.5)
        refused += fit_labels(pairs, COLUMNS, 25).correction is None

    assert refused >= 19


def test_labels_the_wrong_way_round_are_refused():
    pairs = labelled()

    assert fit_labels(labelled(is_match=~pairs.is_match), COLUMNS, 25).correction is None


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        pytest.param(labelled(n=40), "fewer than 25", id="too few"),
        pytest.param(labelled(is_match=np.ones(600, bool)), "fewer than 25", id="matches alone"),
        pytest.param(labelled(groups=np.zeros(600, int)), "too many labelled pairs share", id="one household"),
        pytest.param(labelled(n=0), "no labelled pair", id="none"),
    ],
)
def test_the_shipped_head_stays_for_a_stated_reason(pairs, reason):
    fit = fit_labels(pairs, COLUMNS, 25)

    assert fit.correction is None
    assert not fit.report["accepted"]
    assert fit.report["log_loss_after"] is None
    assert fit.report["reason"].startswith(reason)


def test_importance_weights_undo_a_sample_that_prefers_one_kind_of_evidence():
    pairs = labelled(n=4000, off_by=2.0)
    is_taken = np.random.default_rng(5).random(4000) < np.where(pairs.match_weights > 0, 0.9, 0.3)
    chosen = {name: getattr(pairs, name)[is_taken] for name in ("match_weights", "group_sums", "is_match", "groups")}
    weights = np.where(chosen["match_weights"] > 0, 1 / 0.9, 1 / 0.3)

    fit = fit_labels(LabelledPairs(**chosen, weights=weights), COLUMNS, 25)

    assert fit.report["accepted"]
    assert fit.report["coefficients"]["constant"] == pytest.approx(-2, abs=0.5)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60))
def test_folds_never_split_a_group_and_are_even_as_far_as_groups_allow(groups):
    numbers = np.array(groups)

    folds = folds_of(numbers)

    assert all(len(set(folds[numbers == number])) == 1 for number in set(groups))
    filled = np.bincount(folds, minlength=label_fit.FOLDS)
    assert filled.max() - filled.min() <= np.bincount(numbers).max()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_the_report_does_not_depend_on_the_order_of_labels(seed):
    pairs, order = labelled(n=120, off_by=2.0), np.random.default_rng(seed).permutation(120)
    shuffled = LabelledPairs(**{name: value[order] for name, value in pairs.__dict__.items()})

    first, second = fit_labels(pairs, COLUMNS, 25).report, fit_labels(shuffled, COLUMNS, 25).report

    assert first["accepted"] == second["accepted"]
    assert first["log_loss_after"] == pytest.approx(second["log_loss_after"], abs=2e-6)


@given(st.lists(st.floats(-23, 23), min_size=1, max_size=30), st.integers(0, 99))
def test_a_correction_moves_no_pair_far_and_leaves_none_out_of_range(weights, seed):
    correction = LabelCorrection(tuple(np.random.default_rng(seed).normal(0, 5, 5)), COLUMNS)

    corrected = correction(np.array(weights), np.ones((len(weights), 5), np.float32))

    assert (np.abs(corrected - weights) <= label_fit.MOST_BITS + 1e-5).all()
    assert (np.abs(corrected) <= label_fit.LARGEST_WEIGHT + 1e-5).all()


def test_a_standard_error_of_dependent_pairs_is_that_of_their_groups():
    values, groups = np.repeat([0.0, 1.0, 2.0, 5.0], 3), np.repeat(np.arange(4), 3)

    mean, error = mean_and_error(values, np.ones(12), groups)

    assert mean == 2
    assert error == pytest.approx(np.std([0, 1, 2, 5], ddof=1) / 2)
