"""Each loss against its formula in plain loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from siamese_er.neural.fit import Budget, EmbeddingsCollapsed, descend, spread
from siamese_er.neural.losses import LOSSES, LossChoice, batch_loss, bce, contrastive, infonce, masked, triplet

PEOPLE = torch.tensor([0, 0, 1, 1, 1, 2])


def vectors(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


METRICS = st.sampled_from(["cosine", "euclidean"])
NUMBERS = st.floats(0.125, 2, width=32).flatmap(lambda size: st.sampled_from([size, -size]))


def rows_of(n) -> st.SearchStrategy[torch.Tensor]:
    """n rows of four numbers, none of them near the zero vector, which has no direction."""
    return arrays.arrays(np.float64, (n, 4), elements=NUMBERS).map(torch.from_numpy)


def masks_of(shape) -> st.SearchStrategy[torch.Tensor]:
    return arrays.arrays(bool, shape).map(torch.from_numpy)


def distance(a: list[float], b: list[float], metric: str) -> float:
    if metric == "euclidean":
        return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
    lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return 1 - sum(x * y for x, y in zip(a, b, strict=True)) / lengths


@given(METRICS, rows_of(4), rows_of(4), masks_of(4), st.floats(0.1, 3))
def test_contrastive_is_its_formula(metric, left, right, is_match, margin):
    total = 0.0
    for a, b, match in zip(left.tolist(), right.tolist(), is_match.tolist(), strict=True):
        d = distance(a, b, metric)
        total += d**2 if match else max(0.0, margin - d) ** 2

    actual = contrastive(left, right, is_match, margin=margin, metric=metric)

    assert float(actual) == pytest.approx(total / 4, abs=1e-5)


def expected_triplet(rows, people, excluded, margin: float, mining: str, metric: str) -> float:
    n, losses = len(rows), []
    for a in range(n):
        positives = [distance(rows[a], rows[p], metric) for p in range(n) if p != a and people[p] == people[a]]
        negatives = [
            distance(rows[a], rows[k], metric) for k in range(n) if people[k] != people[a] and not excluded[a][k]
        ]
        if mining == "batch_hard":
            if positives and negatives:
                losses.append(max(0.0, max(positives) - min(negatives) + margin))
            continue
        for p in positives:
            for k in negatives:
                if mining == "all" or 0 < k - p < margin:
                    losses.append(max(0.0, p - k + margin))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("mining", ["all", "semi_hard", "batch_hard"])
@given(METRICS, rows_of(6), st.lists(st.integers(0, 3), min_size=6, max_size=6), masks_of((6, 6)), st.floats(0.1, 2))
def test_triplet_is_its_formula(mining, metric, rows, people, excluded, margin):
    # near a border of semi-hard mining rounding decides whether a triplet is in: such draws say nothing
    gaps = [
        abs(distance(rows[a].tolist(), rows[k].tolist(), metric) - distance(rows[a].tolist(), rows[p].tolist(), metric) - edge)
        for a in range(6) for p in range(6) for k in range(6) for edge in (0, margin) if len({a, p, k}) == 3
    ]  # fmt: skip
    if mining == "semi_hard" and min(gaps) < 1e-5:
        return
    expected = expected_triplet(rows.tolist(), people, excluded.tolist(), margin, mining, metric)

    actual = triplet(rows, torch.tensor(people), margin=margin, mining=mining, metric=metric, excluded=excluded)

    assert float(actual) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("mining", ["all", "semi_hard", "batch_hard"])
def test_triplet_of_a_plain_batch_is_its_formula_and_not_zero(mining, metric):
    given_rows, none = vectors(6), torch.zeros(6, 6, dtype=torch.bool)
    expected = expected_triplet(given_rows.tolist(), PEOPLE.tolist(), none.tolist(), 0.7, mining, metric)

    actual = triplet(given_rows, PEOPLE, margin=0.7, mining=mining, metric=metric)

    assert expected > 0
    assert float(actual) == pytest.approx(expected, rel=1e-6)


def test_triplet_without_positives_is_a_zero_with_a_gradient():
    given = vectors(3).requires_grad_()

    loss = triplet(given, torch.tensor([0, 1, 2]))
    loss.backward()

    assert float(loss.detach()) == 0
    assert float(given.grad.abs().sum()) == 0


def cross_entropy(own: float, among: list[float]) -> float:
    """Minus the log of the own score's share, in the stable form."""
    top = max(among)
    return top + math.log(sum(math.exp(score - top) for score in among)) - own


def expected_infonce(left, right, excluded, scale: float, metric: str) -> float:
    n, m = len(left), len(right)

    def score(i: int, k: int) -> float:
        return -scale * distance(left[i], right[k], metric)

    total = 0.0
    for i in range(n):
        total += cross_entropy(score(i, i), [score(i, k) for k in range(m) if k == i or not excluded[i][k]])
        total += cross_entropy(score(i, i), [score(k, i) for k in range(n) if k == i or not excluded[k][i]])
    return total / (2 * n)


@pytest.mark.parametrize("n_more", [0, 2], ids=["pairs alone", "two further negatives"])
@given(METRICS, st.data(), st.floats(0.5, 20))
def test_infonce_is_its_formula_without_the_excluded(n_more, metric, data, scale):
    left, right = data.draw(rows_of(4)), data.draw(rows_of(4 + n_more))
    excluded = data.draw(masks_of((4, 4 + n_more)))

    actual = infonce(left, right, excluded, scale, metric)

    expected = expected_infonce(left.tolist(), right.tolist(), excluded.tolist(), scale, metric)
    assert float(actual) == pytest.approx(expected, abs=1e-4)
    assert float(actual) <= float(infonce(left, right, None, scale, metric)) + 1e-9


@given(METRICS, rows_of(4), rows_of(4), masks_of((4, 4)), st.floats(0.5, 20))
def test_masked_is_its_formula_with_and_without_negatives(metric, views, targets, excluded, scale):
    a, b = views.tolist(), targets.tolist()
    apart = [[distance(a[i], b[k], metric) for k in range(4)] for i in range(4)]
    entropies = [
        cross_entropy(-scale * apart[i][i], [-scale * apart[i][k] for k in range(4) if k == i or not excluded[i][k]])
        for i in range(4)
    ]

    assert float(masked(views, targets, metric=metric)) == pytest.approx(
        sum(apart[i][i] for i in range(4)) / 4, abs=1e-5
    )
    assert float(masked(views, targets, excluded, scale, metric)) == pytest.approx(sum(entropies) / 4, abs=1e-4)


@pytest.mark.parametrize("excluded", [None, torch.eye(4, dtype=torch.bool)], ids=["own target", "among others"])
def test_masked_sends_no_gradient_into_its_targets(excluded):
    views, targets = vectors(4).requires_grad_(), vectors(4, 1).requires_grad_()

    masked(views, targets, excluded).backward()

    assert float(views.grad.abs().sum()) > 0
    assert targets.grad is None


def test_bce_is_its_formula_with_weights():
    logits, is_match, weights = [0.3, -1.2, 2.0], [True, False, False], [1.0, 2.0, 0.5]
    chances = [1 / (1 + math.exp(-z)) for z in logits]
    losses = [-math.log(p if y else 1 - p) for p, y in zip(chances, is_match, strict=True)]
    expected = sum(w * loss for w, loss in zip(weights, losses, strict=True)) / sum(weights)

    actual = bce(torch.tensor(logits), torch.tensor(is_match), torch.tensor(weights))

    assert float(actual) == pytest.approx(expected, rel=1e-5)
    assert float(bce(torch.tensor(logits), torch.tensor(is_match))) == pytest.approx(sum(losses) / 3, rel=1e-5)


def test_losses_are_found_by_name():
    assert set(LOSSES) == {"contrastive", "triplet", "infonce", "bce", "masked"}


CHOICES = [
    *(LossChoice(name, metric) for name in LOSSES for metric in ("cosine", "euclidean")),
    LossChoice("triplet", "cosine", "all"),
    LossChoice("triplet", "euclidean", "semi_hard"),
]


@pytest.mark.parametrize("choice", CHOICES[:-1], ids=lambda choice: f"{choice.name} {choice.metric} {choice.mining}")
def test_one_person_and_identical_values_are_never_negatives(choice):
    left = vectors(4)
    right = (left + 0.05 * vectors(4, 1)).clone()
    twin = left[0] + 1e-3 * vectors(1, 2)[0]
    alike = torch.eye(4, dtype=torch.bool).repeat(2, 2)
    for i, k in ((0, 3), (3, 0)):
        alike[i, k] = alike[i + 4, k + 4] = alike[i, k + 4] = alike[i + 4, k] = True
    near_left, near_right = left.clone(), right.clone()
    near_left[3], near_right[3] = twin, twin + 1e-3

    told = batch_loss(choice, near_left.requires_grad_(), near_right, alike)
    untold = batch_loss(choice, near_left, near_right, torch.eye(4, dtype=torch.bool).repeat(2, 2))

    assert float(told.detach()) < float(untold.detach())
    told.backward()
    assert torch.isfinite(near_left.grad).all()


def test_batch_of_one_value_alone_has_no_negatives_and_a_finite_loss():
    left, everything_alike = vectors(3).requires_grad_(), torch.ones(6, 6, dtype=torch.bool)

    for choice in CHOICES:
        loss = batch_loss(choice, left, left.detach() + 0.1, everything_alike)
        assert math.isfinite(float(loss.detach())), choice


def test_spread_is_zero_for_one_direction_and_high_for_many():
    assert spread(torch.ones(4, 3) / math.sqrt(3)) == pytest.approx(0, abs=1e-6)
    assert spread(torch.eye(8)) == pytest.approx(7 / 8)


def test_descend_stops_when_embeddings_collapse():
    network = torch.nn.Linear(2, 2)

    def losses():
        while True:
            yield network(torch.ones(4, 2)).square().sum(), torch.ones(4, 3) / math.sqrt(3)

    with pytest.raises(EmbeddingsCollapsed, match="spread"):
        descend([network], losses(), Budget(200), "toy")


def test_descend_lowers_the_loss_and_stops_at_its_steps():
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 1)
    start = float(network(torch.ones(1, 2)).square().detach())

    def losses():
        while True:
            yield network(torch.ones(4, 2)).square().mean(), torch.eye(4)

    n_steps, _ = descend([network], losses(), Budget(60, learning_rate=0.05), "toy")

    assert n_steps == 60
    assert float(network(torch.ones(1, 2)).square()) < start / 2
