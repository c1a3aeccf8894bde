"""Losses by name, with the distance and the mining as arguments of their own (cosine or Euclidean; which triplets).

Contrastive: Hadsell, Chopra and LeCun, CVPR 2006. Triplet and semi-hard mining: Schroff et al., CVPR 2015. Batch-hard
mining: Hermans et al., arXiv 1703.07737. InfoNCE: van den Oord et al., arXiv 1807.03748. Masked views against a
representation that no gradient flows into: Assran et al., ECCV 2022 (arXiv 2204.07141), without their prototypes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Metric = Literal["cosine", "euclidean"]
Mining = Literal["all", "semi_hard", "batch_hard"]


def distances(left: Tensor, right: Tensor, metric: Metric) -> Tensor:
    """Distance of each row of left (n, width) to each of right (m, width), (n, m): 1 - cosine, or Euclidean."""
    if metric == "cosine":
        return 1 - functional.normalize(left, dim=-1) @ functional.normalize(right, dim=-1).T
    squares = (left.unsqueeze(1) - right.unsqueeze(0)).square().sum(dim=-1)
    return squares.clamp(min=1e-12).sqrt()  # the root of 0 has no gradient


def contrastive(
    left: Tensor, right: Tensor, is_match: Tensor, margin: float = 0.5, metric: Metric = "cosine"
) -> Tensor:
    """Mean over pairs of d^2 for matches and max(0, margin - d)^2 for the others; is_match (n,) is boolean."""
    apart = distances(left, right, metric).diagonal()
    return torch.where(is_match, apart.square(), functional.relu(margin - apart).square()).mean()


def triplet(
    vectors: Tensor, people: Tensor, margin: float = 0.2, mining: Mining = "batch_hard", metric: Metric = "cosine",
    excluded: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean of max(0, d(anchor, positive) - d(anchor, negative) + margin) over the triplets that the mining chooses.

    all: every (anchor, other row of its person, row of another person). semi_hard: those of them whose negative is
    farther than the positive, but by less than the margin. batch_hard: for each anchor its farthest positive and its
    nearest negative. 0 where no triplet is chosen. ``excluded`` (n, n) is true where two rows are no negatives though
    of two people, such as identical values.
    """
    apart = distances(vectors, vectors, metric)
    same = people[:, None] == people[None, :]
    positive = same & ~torch.eye(len(people), dtype=torch.bool, device=people.device)
    negative = ~same if excluded is None else ~same & ~excluded
    if mining == "batch_hard":
        anchors = positive.any(dim=1) & negative.any(dim=1)
        farthest = apart.masked_fill(~positive, -torch.inf).amax(dim=1)
        nearest = apart.masked_fill(~negative, torch.inf).amin(dim=1)
        return mean_or_zero(functional.relu(farthest[anchors] - nearest[anchors] + margin), vectors)
    gap = apart[:, None, :] - apart[:, :, None]  # (anchor, positive, negative): d(a, n) - d(a, p)
    chosen = positive[:, :, None] & negative[:, None, :]
    if mining == "semi_hard":
        chosen = chosen & (gap > 0) & (gap < margin)
    return mean_or_zero(functional.relu(margin - gap[chosen]), vectors)


def mean_or_zero(values: Tensor, vectors: Tensor) -> Tensor:
    """The mean, or a zero that still has a gradient where nothing was chosen."""
    return values.mean() if values.numel() else vectors.sum() * 0.0


def infonce(
    left: Tensor, right: Tensor, excluded: Tensor | None = None, scale: float = 20.0, metric: Metric = "cosine"
) -> Tensor:
    """Symmetric InfoNCE of n pairs: row i of left belongs to row i of right and to no other.

    The score of two rows is -scale * distance. right (m, width) may have more rows than left (n, width): the rest are
    further negatives, for left alone. ``excluded`` (n, m) is true where the two are one person or one identical value,
    which is never a negative; the diagonal is never excluded.
    """
    n_pairs = len(left)
    scores = own_scores(left, right, excluded, scale, metric)
    targets = torch.arange(n_pairs, device=left.device)
    forward = functional.cross_entropy(scores, targets)
    return (forward + functional.cross_entropy(scores[:, :n_pairs].T, targets)) / 2


def own_scores(left: Tensor, right: Tensor, excluded: Tensor | None, scale: float, metric: Metric) -> Tensor:
    """-scale * distance (n, m), -inf where excluded; the diagonal, each row's own partner, never is."""
    scores = -scale * distances(left, right, metric)
    own = torch.eye(len(left), len(right), dtype=torch.bool, device=left.device)
    return scores if excluded is None else scores.masked_fill(excluded & ~own, -torch.inf)


def masked(
    views: Tensor, targets: Tensor, excluded: Tensor | None = None, scale: float = 20.0, metric: Metric = "cosine"
) -> Tensor:
    """Loss of n masked views against the representations (n, width) of the unmasked; no gradient flows into those.

    Without ``excluded`` the mean distance of a view to its own target: no negatives, for tables in which nobody knows
    who is one person; alone it collapses, so train it beside a loss with negatives. With ``excluded`` (n, n) the cross
    entropy of the own target among all that are not excluded, the score being -scale * distance.
    """
    fixed = targets.detach()
    if excluded is None:
        return distances(views, fixed, metric).diagonal().mean()
    own = torch.arange(len(views), device=views.device)
    return functional.cross_entropy(own_scores(views, fixed, excluded, scale, metric), own)


def bce(logits: Tensor, is_match: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted mean of the binary cross entropy of log odds (n,) against is_match (n,)."""
    losses = functional.binary_cross_entropy_with_logits(logits, is_match.to(logits.dtype), reduction="none")
    return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()


LOSSES: dict[str, Callable[..., Tensor]] = {
    "contrastive": contrastive, "triplet": triplet, "infonce": infonce, "bce": bce, "masked": masked,
}  # fmt: skip


@dataclass(frozen=True)
class LossChoice:
    """A loss by name, its distance, and for triplets the mining."""

    name: str = "infonce"
    metric: Metric = "cosine"
    mining: Mining = "batch_hard"


def batch_loss(choice: LossChoice, left: Tensor, right: Tensor, alike: Tensor) -> Tensor:
    """The chosen loss of n pairs of rows (n, width), every other row of the batch a possible negative.

    ``alike`` (2n, 2n), over the rows of left and then of right, is true where two are one person or one identical
    value: never negatives. contrastive takes, beside each pair, left's nearest row that may be a negative; bce weighs
    all n * n pairs such that matches and the others count alike, with log odds 20 * (1/2 - distance).
    """
    n = len(left)
    own = torch.eye(n, dtype=torch.bool, device=left.device)
    never = alike[:n, n:] | own
    if choice.name == "triplet":
        people = torch.arange(n, device=left.device).repeat(2)
        return triplet(torch.cat([left, right]), people, mining=choice.mining, metric=choice.metric, excluded=alike)
    if choice.name == "contrastive":
        apart = distances(left, right, choice.metric).detach().masked_fill(never, torch.inf)
        has_other = ~never.all(dim=1)
        others = right[apart.argmin(dim=1)[has_other]]
        is_match = torch.arange(n + len(others), device=left.device) < n
        lefts, rights = torch.cat([left, left[has_other]]), torch.cat([right, others])
        return contrastive(lefts, rights, is_match, metric=choice.metric)
    if choice.name == "bce":
        weights = torch.where(own, 1 / n, (~never).float() / (~never).sum().clamp(min=1))
        log_odds = 20 * (0.5 - distances(left, right, choice.metric))
        return bce(log_odds.flatten(), own.flatten(), weights.flatten())
    if choice.name == "masked":
        return masked(left, right, never, metric=choice.metric)
    return infonce(left, right, never, metric=choice.metric)
