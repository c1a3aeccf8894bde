"""What labelled pairs of a site may change: a small correction on top of the shipped head, kept only if it proves itself.

The correction is logistic regression with the shipped logit as an offset and a ridge penalty that pulls it to "no
change": five numbers, whatever the head is. It is judged on folds that no person and no household straddles.

Sources: Platt 1999 (a sigmoid on top of scores); Roberts et al. 2017, Ecography 40 (blocked cross-validation).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy  # its parts are imported where they are used: no worker that only scores waits for them

from siamese_er.linkage.features import GROUPS

NATS = float(np.log(2))
INPUTS = ("constant", "match_weight", *GROUPS)
PENALTY = 1.0  # of squared coefficients, beside a log loss summed over pairs
LEAST_SLOPE = (
    -9.0
)  # the correction leaves at least a tenth of the shipped weight, so that it never turns the order round
MOST_BITS = 6.0  # no pair moves by more: labels seldom cover all kinds of pairs
LARGEST_WEIGHT = 16 / NATS
FOLDS = 5
MOST_IN_ONE_FOLD = 0.6  # share of the pairs
SURE_BITS = 10.0  # beyond, the shipped head is sure (odds of 1,000)
MOST_CONTRADICTED = 0.2  # share of the sure pairs that labels may deny before the labels are doubted
CHANCE = 0.01


@dataclass(frozen=True)
class LabelCorrection:
    """What labels add to a match weight: ``coefficients`` of INPUTS, in nats."""

    coefficients: tuple[float, ...]
    columns: tuple[int, ...]  # where the sums of GROUPS stand among the features

    def __call__(self, match_weights: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Corrected match weights (bits), rounded to 1e-5."""
        if not len(match_weights):
            return match_weights
        change = correction_inputs(match_weights, features[:, self.columns]) @ np.array(self.coefficients) / NATS
        changed = match_weights + np.clip(change, -MOST_BITS, MOST_BITS)
        return np.round(np.clip(changed, -LARGEST_WEIGHT, LARGEST_WEIGHT), 5)


@dataclass(frozen=True)
class LabelledPairs:
    """Labelled pairs: shipped match weights (bits), sums of GROUPS as the features hold them, and what people said."""

    match_weights: np.ndarray
    group_sums: np.ndarray
    is_match: np.ndarray
    weights: np.ndarray  # importance weights, greater than 0
    groups: np.ndarray  # pairs of one number share a person or a household


@dataclass(frozen=True)
class LabelFit:
    """The correction, null where the shipped head stays, and what run.json says of it."""

    correction: LabelCorrection | None
    report: dict[str, Any] = field(default_factory=dict)


def group_columns(names: tuple[str, ...]) -> tuple[int, ...]:
    """Where the sums of GROUPS stand among the features."""
    return tuple(names.index(f"group_{group}") for group in GROUPS)


def correction_inputs(match_weights: np.ndarray, group_sums: np.ndarray) -> np.ndarray:
    """(n, len(INPUTS)), each about -2..2."""
    constant = np.ones(len(match_weights))
    return np.column_stack([constant, match_weights * NATS / 10, group_sums.astype(np.float64)])


def coefficients(pairs: LabelledPairs, rows: np.ndarray) -> np.ndarray:
    """The coefficients that fit some rows best under the penalty; the problem is convex, so there is one answer."""
    inputs = correction_inputs(pairs.match_weights[rows], pairs.group_sums[rows])
    offset, label = pairs.match_weights[rows] * NATS, pairs.is_match[rows].astype(float)
    weights = pairs.weights[rows] / pairs.weights[rows].mean()

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        logits = offset + inputs @ beta
        value = (weights * losses(logits, label)).sum() + PENALTY * (beta @ beta) / 2
        return float(value), inputs.T @ (weights * (scipy.special.expit(logits) - label)) + PENALTY * beta

    bounds = [(LEAST_SLOPE, None) if name == "match_weight" else (None, None) for name in INPUTS]
    found = scipy.optimize.minimize(
        loss, np.zeros(len(INPUTS)), jac=True, method="L-BFGS-B", bounds=bounds, options={"gtol": 1e-8}
    )
    return np.round(found.x, 6)


def losses(logits: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Log loss (nats) of each pair."""
    return np.logaddexp(0, logits) - label * logits


def folds_of(groups: np.ndarray, n_folds: int = FOLDS) -> np.ndarray:
    """The fold of each pair; a group is never split. Largest groups first, each into the emptiest fold."""
    numbers, back, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    fold_of, filled = np.zeros(len(numbers), np.int64), np.zeros(n_folds, np.int64)
    for number in np.lexsort((numbers, -sizes)):
        fold_of[number] = filled.argmin()
        filled[fold_of[number]] += sizes[number]
    return fold_of[back]


def held_out(pairs: LabelledPairs, folds: np.ndarray, columns: tuple[int, ...]) -> np.ndarray:
    """For each pair the match weight that the correction learned from the other folds gives it."""
    corrected = np.empty(len(folds))
    width = max(columns, default=0) + 1
    for fold in np.unique(folds):
        test = np.flatnonzero(folds == fold)
        correction = LabelCorrection(tuple(coefficients(pairs, np.flatnonzero(folds != fold))), columns)
        features = np.zeros((len(test), width))
        features[:, columns] = pairs.group_sums[test]
        corrected[test] = correction(pairs.match_weights[test], features)
    return corrected


def mean_and_error(values: np.ndarray, weights: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Weighted mean and its standard error where the values of one group depend on each other."""
    mean = float(np.average(values, weights=weights))
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights * (values - mean))
    n = len(sums)
    return mean, float(np.sqrt((sums**2).sum() * n / max(n - 1, 1)) / weights.sum())


def doubts(pairs: LabelledPairs, folds: np.ndarray, min_of_each: int) -> str | None:
    """Why nothing can be learned from these labels; null where it can be tried."""
    n_match = int(pairs.is_match.sum())
    if min(n_match, len(pairs.is_match) - n_match) < min_of_each:
        return f"fewer than {min_of_each} labelled pairs of either kind were compared"
    trained_on = [pairs.is_match[folds != fold] for fold in np.unique(folds)]
    is_one_kind = any(labels.all() or not labels.any() for labels in trained_on)
    if is_one_kind or np.bincount(folds).max() > MOST_IN_ONE_FOLD * len(folds):
        return "too many labelled pairs share their persons or households to judge on others"
    sure = np.abs(pairs.match_weights) > SURE_BITS
    denied = (pairs.match_weights > 0) != pairs.is_match
    if sure.sum() >= min_of_each and denied[sure].mean() > MOST_CONTRADICTED:
        return (
            f"labels deny {denied[sure].mean():.0%} of the pairs of which the shipped model is sure: look at them first"
        )
    return None


def fit_labels(pairs: LabelledPairs, columns: tuple[int, ...], min_of_each: int) -> LabelFit:
    """The correction, if it lowers the held-out log loss by more than the standard error of the difference.

    The report: ``used``, ``matches``, ``no_matches``, ``groups``, ``folds``, ``log_loss_before``, ``log_loss_after`` (both
    held out, null where nothing was tried), ``standard_error`` of their difference, ``accepted`` and ``reason``.
    """
    n, n_match = len(pairs.is_match), int(pairs.is_match.sum())
    folds = folds_of(pairs.groups)
    report: dict[str, Any] = {
        "used": n, "matches": n_match, "no_matches": n - n_match, "groups": len(np.unique(pairs.groups)),
        "folds": len(np.unique(folds)), "log_loss_before": None, "log_loss_after": None, "standard_error": None,
        "accepted": False, "reason": doubts(pairs, folds, min_of_each) if n else "no labelled pair was compared",
    }  # fmt: skip
    if report["reason"] is not None:
        return LabelFit(None, report)
    corrected, label = held_out(pairs, folds, columns), pairs.is_match.astype(float)
    before, after = losses(pairs.match_weights * NATS, label), losses(corrected * NATS, label)
    gain, error = mean_and_error(before - after, pairs.weights, pairs.groups)
    report["log_loss_before"] = round(float(np.average(before, weights=pairs.weights)), 6)
    report["log_loss_after"] = round(float(np.average(after, weights=pairs.weights)), 6)
    report["standard_error"] = round(error, 6)
    if (
        scipy.stats.mannwhitneyu(corrected[pairs.is_match], corrected[~pairs.is_match], alternative="greater").pvalue
        > CHANCE
    ):
        report["reason"] = "the evidence does not tell labelled matches from the others"
    elif gain <= error:
        report["reason"] = "the held-out log loss falls by no more than its standard error"
    else:
        found = coefficients(pairs, np.arange(n))
        report |= {"accepted": True, "coefficients": dict(zip(INPUTS, found.tolist(), strict=True))}
        return LabelFit(LabelCorrection(tuple(found.tolist()), columns), report)
    return LabelFit(None, report)
