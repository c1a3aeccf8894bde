"""Losses by name, with the distance and the mining as arguments of their own (cosine or Euclidean; which triplets).

Contrastive: Hadsell, Chopra and LeCun, CVPR 2006. Triplet and semi-hard mining: Schroff et al., CVPR 2015. Batch-hard
mining: Hermans et al., arXiv 1703.07737. InfoNCE: van den Oord et al., arXiv 1807.03748.
"""

from collections.abc import Callable
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
    vectors: Tensor, people: Tensor, margin: float = 0.2, mining: Mining = "batch_hard", metric: Metric = "cosine"
) -> Tensor:
    """Mean of max(0, d(anchor, positive) - d(anchor, negative) + margin) over the triplets that the mining chooses.

    all: every (anchor, other row of its person, row of another person). semi_hard: those of them whose negative is
    farther than the positive, but by less than the margin. batch_hard: for each anchor its farthest positive and its
    nearest negative. 0 where no triplet is chosen.
    """
    apart = distances(vectors, vectors, metric)
    same = people[:, None] == people[None, :]
    positive = same & ~torch.eye(len(people), dtype=torch.bool, device=people.device)
    if mining == "batch_hard":
        anchors = positive.any(dim=1) & (~same).any(dim=1)
        farthest = apart.masked_fill(~positive, -torch.inf).amax(dim=1)
        nearest = apart.masked_fill(same, torch.inf).amin(dim=1)
        return mean_or_zero(functional.relu(farthest[anchors] - nearest[anchors] + margin), vectors)
    gap = apart[:, None, :] - apart[:, :, None]  # (anchor, positive, negative): d(a, n) - d(a, p)
    chosen = positive[:, :, None] & ~same[:, None, :]
    if mining == "semi_hard":
        chosen = chosen & (gap > 0) & (gap < margin)
    return mean_or_zero(functional.relu(margin - gap[chosen]), vectors)


def mean_or_zero(values: Tensor, vectors: Tensor) -> Tensor:
    """The mean, or a zero that still has a gradient where nothing was chosen."""
    return values.mean() if values.numel() else vectors.sum() * 0.0


def infonce(left: Tensor, right: Tensor, excluded: Tensor | None = None, scale: float = 20.0) -> Tensor:
    """Symmetric InfoNCE of n pairs: row i of left belongs to row i of right and to no other.

    right (m, width) may have more rows than left (n, width): the rest are further negatives, for left alone.
    ``excluded`` (n, m) is true where the two are one person or one identical value, which is never a negative; the
    diagonal is never excluded.
    """
    n_pairs = len(left)
    scores = scale * functional.normalize(left, dim=-1) @ functional.normalize(right, dim=-1).T
    own = torch.eye(n_pairs, len(right), dtype=torch.bool, device=left.device)
    if excluded is not None:
        scores = scores.masked_fill(excluded & ~own, -torch.inf)
    targets = torch.arange(n_pairs, device=left.device)
    forward = functional.cross_entropy(scores, targets)
    return (forward + functional.cross_entropy(scores[:, :n_pairs].T, targets)) / 2


def bce(logits: Tensor, is_match: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted mean of the binary cross entropy of log odds (n,) against is_match (n,)."""
    losses = functional.binary_cross_entropy_with_logits(logits, is_match.to(logits.dtype), reduction="none")
    return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()


LOSSES: dict[str, Callable[..., Tensor]] = {
    "contrastive": contrastive, "triplet": triplet, "infonce": infonce, "bce": bce,
}  # fmt: skip
