"""Each loss against its formula in plain loops."""

import math

import pytest
import torch

from siamese_er.neural.fit import Budget, EmbeddingsCollapsed, descend, spread
from siamese_er.neural.losses import LOSSES, bce, contrastive, infonce, triplet

PEOPLE = torch.tensor([0, 0, 1, 1, 1, 2])


def vectors(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distance(a: list[float], b: list[float], metric: str) -> float:
    if metric == "euclidean":
        return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
    lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return 1 - sum(x * y for x, y in zip(a, b, strict=True)) / lengths


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_contrastive_is_its_formula(metric):
    left, right, is_match = vectors(4), vectors(4, 1), [True, False, True, False]
    total = 0.0
    for a, b, match in zip(left.tolist(), right.tolist(), is_match, strict=True):
        d = distance(a, b, metric)
        total += d**2 if match else max(0.0, 2.0 - d) ** 2

    actual = contrastive(left, right, torch.tensor(is_match), margin=2.0, metric=metric)

    assert float(actual) == pytest.approx(total / 4)


def expected_triplet(rows: list[list[float]], people: list[int], margin: float, mining: str, metric: str) -> float:
    n, losses = len(rows), []
    for a in range(n):
        positives = [distance(rows[a], rows[p], metric) for p in range(n) if p != a and people[p] == people[a]]
        negatives = [distance(rows[a], rows[k], metric) for k in range(n) if people[k] != people[a]]
        if mining == "batch_hard":
            if positives and negatives:
                losses.append(max(0.0, max(positives) - min(negatives) + margin))
            continue
        for p in positives:
            for k in negatives:
                if mining == "all" or 0 < k - p < margin:
                    losses.append(max(0.0, p - k + margin))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("mining", ["all", "semi_hard", "batch_hard"])
def test_triplet_is_its_formula(mining, metric):
    given = vectors(6)
    expected = expected_triplet(given.tolist(), PEOPLE.tolist(), 0.7, mining, metric)

    actual = triplet(given, PEOPLE, margin=0.7, mining=mining, metric=metric)

    assert expected > 0
    assert float(actual) == pytest.approx(expected, rel=1e-6)


def test_triplet_without_positives_is_a_zero_with_a_gradient():
    given = vectors(3).requires_grad_()

    loss = triplet(given, torch.tensor([0, 1, 2]))
    loss.backward()

    assert float(loss.detach()) == 0
    assert float(given.grad.abs().sum()) == 0


def expected_infonce(
    left: list[list[float]], right: list[list[float]], excluded: list[list[bool]], scale: float
) -> float:
    def one_way(of: int, among: list[int], score) -> float:
        return -math.log(math.exp(score(of, of)) / sum(math.exp(score(of, k)) for k in among))

    n, m = len(left), len(right)

    def forward(i: int, k: int) -> float:
        return scale * (1 - distance(left[i], right[k], "cosine"))

    total = 0.0
    for i in range(n):
        total += one_way(i, [k for k in range(m) if k == i or not excluded[i][k]], forward)
        total += one_way(i, [k for k in range(n) if k == i or not excluded[k][i]], lambda a, b: forward(b, a))
    return total / (2 * n)


@pytest.mark.parametrize("n_more", [0, 2], ids=["pairs alone", "two further negatives"])
def test_infonce_is_its_formula_without_the_excluded(n_more):
    left, right = vectors(4), vectors(4 + n_more, 3)
    excluded = torch.zeros(4, 4 + n_more, dtype=torch.bool)
    excluded[0, 1] = excluded[2, 2] = excluded[3, 0] = True

    actual = infonce(left, right, excluded, scale=3.0)

    expected = expected_infonce(left.tolist(), right.tolist(), excluded.tolist(), 3.0)
    assert float(actual) == pytest.approx(expected)
    assert float(actual) < float(infonce(left, right, scale=3.0))


def test_bce_is_its_formula_with_weights():
    logits, is_match, weights = [0.3, -1.2, 2.0], [True, False, False], [1.0, 2.0, 0.5]
    chances = [1 / (1 + math.exp(-z)) for z in logits]
    losses = [-math.log(p if y else 1 - p) for p, y in zip(chances, is_match, strict=True)]
    expected = sum(w * loss for w, loss in zip(weights, losses, strict=True)) / sum(weights)

    actual = bce(torch.tensor(logits), torch.tensor(is_match), torch.tensor(weights))

    assert float(actual) == pytest.approx(expected, rel=1e-5)
    assert float(bce(torch.tensor(logits), torch.tensor(is_match))) == pytest.approx(sum(losses) / 3, rel=1e-5)


def test_losses_are_found_by_name():
    assert set(LOSSES) == {"contrastive", "triplet", "infonce", "bce"}


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
