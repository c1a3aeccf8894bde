"""Fitting the networks of one round of the pair head to labelled examples, and their calibration."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import isotonic_regression
from torch.nn.functional import binary_cross_entropy_with_logits

from siamese_er.neural.head import Calibration, PairHead


@dataclass(frozen=True)
class FitSettings:
    """How one network is fitted."""

    epochs: int = 8
    width: int = 128
    dropout: float = 0.15
    weight_decay: float = 0.05
    table_noise: float = 0.5


@dataclass(frozen=True)
class Examples:
    """Pairs of many tables: inputs of a round, truth, importance (a table counts by the square root of its pairs), table."""

    inputs: np.ndarray
    is_true: np.ndarray
    weights: np.ndarray
    tables: np.ndarray

    def at(self, rows: np.ndarray) -> "Examples":
        """Some of the pairs."""
        return Examples(self.inputs[rows], self.is_true[rows], self.weights[rows], self.tables[rows])


def trained_network(
    pairs: Examples, names: tuple[str, ...], seed: int, settings: FitSettings, report: Callable[[str], None],
    device: str = "cpu",
) -> PairHead:  # fmt: skip
    """One network by AdamW on importance-weighted binary cross entropy, trained on the device, returned on the CPU.

    What is the same for all pairs of a table gets noise, so that the network cannot know a table by its statistics.
    """
    torch.manual_seed(seed)
    x = pairs.inputs
    network = PairHead(x.shape[1], settings.width, dropout=settings.dropout)
    mean, scale = x.mean(0, dtype=np.float64), np.maximum(x.astype(np.float32).std(0), 0.05)
    network.mean.copy_(torch.from_numpy(mean.astype(np.float32)))
    network.scale.copy_(torch.from_numpy(scale))
    network.to(device)
    of_table = np.array([name.startswith("table_") or name == "prior" for name in names])
    noise = torch.from_numpy((of_table * scale * settings.table_noise).astype(np.float32)).to(device)
    evidence = torch.from_numpy(x).to(device)
    target, importance = (
        torch.from_numpy(column.astype(np.float32)).to(device)
        for column in (pairs.is_true, np.minimum(pairs.weights, 30))
    )
    batch = min(2048, len(x))
    steps = settings.epochs * (len(x) // batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=max(steps, 1))
    rng = np.random.default_rng(seed)
    for epoch in range(settings.epochs):
        order, losses = torch.from_numpy(rng.permutation(len(x))).to(device), []
        for start in range(0, len(order) - batch + 1, batch):
            rows = order[start : start + batch]
            inputs = evidence[rows].float()
            logits = network(inputs + torch.randn(inputs.shape, device=device) * noise)
            loss = binary_cross_entropy_with_logits(logits, target[rows], weight=importance[rows])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.detach())
        report(f"seed {seed} epoch {epoch + 1}: loss {torch.stack(losses).mean():.4f}")
    return network.eval().cpu()


def calibrated(logits: np.ndarray, y: np.ndarray, weights: np.ndarray, n_bins: int = 24) -> Calibration:
    """Monotone map of held-out logits to log odds: pooled adjacent violators over bins, linear between them.

    Source: Zadrozny and Elkan, KDD 2002.
    """
    edges = np.linspace(-9, 12, n_bins + 1)
    place = np.clip(np.digitize(logits, edges), 0, n_bins + 1)
    counts = np.bincount(place, weights, minlength=n_bins + 2)
    seen = counts > 0
    centre = np.bincount(place, weights * logits, minlength=n_bins + 2)[seen] / counts[seen]
    # the model's own odds as one pseudo-pair each keep thin bins from running to infinity
    own = 1 / (1 + np.exp(-centre))
    share = (np.bincount(place, weights * y, minlength=n_bins + 2)[seen] + own) / (counts[seen] + 1)
    fitted = isotonic_regression(share, weights=counts[seen]).x
    odds = np.log(np.clip(fitted, 1e-7, 1 - 1e-6)) - np.log1p(-np.clip(fitted, 1e-7, 1 - 1e-6))
    return Calibration(tuple(np.round(centre, 4).tolist()), tuple(np.round(odds, 4).tolist()))


def network_logits(networks: list[PairHead], x: np.ndarray) -> np.ndarray:
    """Mean logit of the networks, in batches."""
    with torch.inference_mode():
        parts = [
            torch.stack([n(torch.from_numpy(x[i : i + 65536].astype(np.float32))) for n in networks]).mean(0).numpy()
            for i in range(0, len(x), 65536)
        ]
    return np.concatenate(parts) if parts else np.zeros(0)


def held_out_metrics(logits: np.ndarray, y: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Log loss, best F1 and recall at precision .999 over the pairs of all held-out tables."""
    order = np.argsort(-logits)
    found = np.cumsum((weights * y)[order])
    linked = np.cumsum(weights[order])
    precision, recall = found / linked, found / max((weights * y).sum(), 1e-9)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    loss = np.average(np.logaddexp(0, np.where(y, -logits, logits)), weights=weights)
    at_999 = recall[precision >= 0.999]
    return {
        "log_loss": round(float(loss), 5), "best_f1": round(float(f1.max()), 5),
        "recall_at_precision_0.999": round(float(at_999.max(initial=0.0)), 5),
    }  # fmt: skip
