"""Fitting the three networks on pairs that the caller makes; the pairs' origin is not known here."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siamese_er.errors import SiameseErError
from siamese_er.neural.losses import infonce
from siamese_er.neural.text import FIELD_KINDS, TEXT_LENGTHS, text_codes
from siamese_er.neural.towers import FieldEncoder

MIN_SPREAD = 0.02
SETTLED = 100  # steps; random networks start with all embeddings alike
Progress = Callable[[str, int, int, float], None]
"""Called with the phase, the steps done, the steps in all and the loss."""


class EmbeddingsCollapsed(SiameseErError):
    """All embeddings of a batch point the same way: the training found the trivial answer and is of no use."""


def spread(vectors: Tensor) -> float:
    """1 - squared length of the mean of unit vectors (n, width): 0 when all are one, near 1 when they are spread."""
    return float(1 - vectors.detach().mean(dim=0).square().sum())


@dataclass(frozen=True)
class Budget:
    """How long a phase trains: ``steps``, or until ``seconds`` run out (then the clock decides the result)."""

    steps: int
    seconds: float = math.inf
    learning_rate: float = 2e-3

    def used(self, step: int, started: float) -> float:
        """Share of the budget that is used up before this step (from 1), 0 to 1."""
        return min(1.0, max((step - 1) / self.steps, (time.monotonic() - started) / self.seconds))


class Descent:
    """AdamW with warm-up and cosine decay over a budget, the collapse guard, and how far it has come."""

    def __init__(
        self, networks: Sequence[nn.Module], budget: Budget, phase: str, progress: Progress | None = None
    ) -> None:
        self.weights = [weight for network in networks for weight in network.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.AdamW(self.weights, lr=budget.learning_rate, weight_decay=1e-3)
        self.budget, self.phase, self.progress = budget, phase, progress
        self.steps, self.seen = 0, list[float]()
        self.started = time.monotonic()

    @property
    def is_done(self) -> bool:
        """Whether the budget is used up."""
        return self.budget.used(self.steps + 1, self.started) >= 1

    def run(self, losses: Iterable[tuple[Tensor, Tensor]], steps: int | None = None) -> None:
        """Take steps until the losses end, the budget is used up or ``steps`` are taken.

        Each item is (loss, embeddings of the batch).

        Raises: EmbeddingsCollapsed as soon as the spread of a batch's embeddings is below ``MIN_SPREAD`` after
        ``SETTLED`` steps.
        """
        last = math.inf if steps is None else self.steps + steps
        if self.is_done or self.steps >= last:
            return
        for loss, vectors in losses:
            self.step(loss, vectors)
            if self.is_done or self.steps >= last:
                return

    def step(self, loss: Tensor, vectors: Tensor) -> None:
        """One step against the gradient of the loss."""
        step = self.steps + 1
        if step >= SETTLED and spread(vectors) < MIN_SPREAD:
            raise EmbeddingsCollapsed(f"{self.phase}: spread of the embeddings below {MIN_SPREAD} at step {step}")
        used = self.budget.used(step, self.started)
        for group in self.optimiser.param_groups:
            group["lr"] = self.budget.learning_rate * min(1.0, step / 50) * 0.5 * (1 + math.cos(math.pi * used))
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimiser.step()
        self.steps = step
        self.seen = [*self.seen[-49:], float(loss.detach())]
        if self.progress is not None and step % 25 == 0:
            self.progress(self.phase, step, self.budget.steps, self.loss)

    @property
    def loss(self) -> float:
        """Mean of the last 50 losses; nan before the first."""
        return float(np.mean(self.seen)) if self.seen else math.nan


def descend(
    networks: Sequence[nn.Module],
    losses: Iterable[tuple[Tensor, Tensor]],
    budget: Budget,
    phase: str,
    progress: Progress | None = None,
) -> tuple[int, float]:
    """Minimise losses over a budget; the steps done and the mean of the last 50 losses. See `Descent`.

    Raises: EmbeddingsCollapsed.
    """
    descent = Descent(networks, budget, phase, progress)
    descent.run(losses)
    return descent.steps, descent.loss


def encoded_values(network: FieldEncoder, kind: str, values: Sequence[str]) -> Tensor:
    """Vectors (n, width) of text values, with gradient where it is on."""
    codes = torch.from_numpy(text_codes(values, TEXT_LENGTHS[kind]).astype(np.int64))
    kinds = torch.full((len(values),), FIELD_KINDS.index(kind))
    weight = network.out.weight
    return network(codes.to(weight.device), kinds.to(weight.device))


def near_values(
    network: FieldEncoder, kind: str, values: Sequence[str], n_neighbours: int, chunk: int = 1024
) -> NDArray[np.int64]:
    """For each value the places of the values nearest to it (n, n_neighbours), itself left out: the hard negatives."""
    with torch.inference_mode():
        parts = [values[i : i + chunk] for i in range(0, len(values), chunk)]
        vectors = torch.cat([encoded_values(network, kind, part) for part in parts])
        found = [(part @ vectors.T).topk(n_neighbours + 1).indices[:, 1:] for part in vectors.split(chunk)]
    return torch.cat(found).cpu().numpy()


@dataclass
class ValuePairs:
    """Where training values come from: ``clean(kind)`` draws one, ``variant(kind, value)`` writes it differently."""

    clean: Callable[[str], str]
    variant: Callable[[str, str], str]


def hard_batch(
    network: FieldEncoder, kind: str, pool: Sequence[str], near: NDArray[np.int64] | None, n_pairs: int,
    rng: np.random.Generator,
) -> list[str]:  # fmt: skip
    """Distinct values: anchors and, once neighbours are known, three of each anchor's nearest."""
    if near is None:
        return [pool[i] for i in rng.choice(len(pool), n_pairs, replace=False)]
    anchors = rng.choice(len(pool), n_pairs // 4, replace=False)
    close = [rng.choice(near[anchor], 3, replace=False) for anchor in anchors]
    places = dict.fromkeys(np.concatenate([anchors, *close]).tolist())
    return [pool[i] for i in places]


def value_losses(
    network: FieldEncoder, pairs: ValuePairs, rng: np.random.Generator, n_pairs: int = 256, pool_size: int = 6000,
    refresh: int = 40, random_batches: int = 200, shares: Sequence[float] = (0.24, 0.34, 0.2, 0.1, 0.12),
) -> Iterable[tuple[Tensor, Tensor]]:  # fmt: skip
    """InfoNCE losses of batches of one kind each, without end.

    Every ``refresh`` batches of a kind its pool is drawn anew and its nearest neighbours are found with the network
    as it is then; the first ``random_batches`` have random negatives, as an untrained network knows no neighbours.
    Identical values are never negatives.
    """
    pools: dict[str, tuple[list[str], NDArray[np.int64] | None, int]] = {}
    n_drawn = 0
    while True:
        kind = str(rng.choice(FIELD_KINDS, p=np.asarray(shares) / np.sum(shares)))
        pool, near, left = pools.get(kind, ([], None, 0))
        if left == 0:
            pool = sorted({pairs.clean(kind) for _ in range(pool_size)})
            near = near_values(network, kind, pool, 12) if n_drawn >= random_batches else None
            left = refresh
        pools[kind] = (pool, near, left - 1)
        n_drawn += 1
        clean = hard_batch(network, kind, pool, near, min(n_pairs, len(pool) // 2), rng)
        one = [pairs.variant(kind, value) for value in clean]
        other = [value if rng.random() < 0.5 else pairs.variant(kind, value) for value in clean]
        identical = torch.from_numpy(np.asarray(one, dtype=object)[:, None] == np.asarray(other, dtype=object)[None, :])
        vectors = encoded_values(network, kind, one + other)
        excluded = identical.to(vectors.device)
        yield infonce(vectors[: len(one)], vectors[len(one) :], excluded), vectors
