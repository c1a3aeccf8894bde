"""Training of the pair head and its calibration on simulated tables.

The head sees pairs beside their table's unlabelled statistics, computed exactly as a run computes them, over hundreds of
tables: so it learns when to trust which field.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import isotonic_regression
from tqdm import tqdm

from siamese_er.linkage.compare import Compared
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.features import feature_names, features
from siamese_er.linkage.fellegi_sunter import WIDEST, level_shares, plausible
from siamese_er.linkage.tables import table_fit
from siamese_er.neural.checkpoint import stored_card
from siamese_er.neural.head import Calibration, PairHead, save_head
from siamese_er.simulation import HELD_OUT_EVERY, SIZES, TrainingTable, loaded, simulate

MOST_PAIRS = 4000  # pairs kept of one table: all likely and true ones, a weighted sample of the rest
ENCODER_FILES = ("encoder.json", "encoder.safetensors", "tokenizer.json")


@dataclass(frozen=True)
class HeadSettings:
    """How the head is trained; ``workers`` does not change the result."""

    n_tables: int = 336
    first_seed: int = 1
    epochs: int = 6
    n_networks: int = 2
    width: int = 128
    workers: int = 2
    sizes: tuple[int, int] = SIZES


def only_plausible(table: TrainingTable, model_m: np.ndarray, model_u: np.ndarray) -> TrainingTable:
    """The table without the candidates that a run drops before it counts anything."""
    kept = plausible(table.evidence.compared.levels, model_m, model_u)
    c = table.evidence.compared
    compared = Compared(c.levels[kept], c.similarities[kept], c.rarities[kept], c.cosines[kept], c.facts[kept])
    return TrainingTable(replace(table.evidence, compared=compared), table.is_true[kept])


def pooled_shares(tables: list[TrainingTable]) -> tuple[np.ndarray, np.ndarray]:
    """(m, u) over all simulated tables with their truth, each table counting alike: what EM starts from and is held to."""
    flat = np.ones((len(COMPARISONS), WIDEST))
    true = [t.evidence.compared.levels[t.is_true] for t in tables]
    return pooled([levels for levels in true if len(levels) >= 20], flat, 0.5), pooled(
        [t.evidence.random_levels for t in tables], flat, 0.01
    )


def pooled(tables: list[np.ndarray], flat: np.ndarray, strength: float) -> np.ndarray:
    """Mean level shares over tables; a table weighs, for a comparison, by the share of its pairs with both sides present."""
    shares = np.stack([level_shares(levels, np.ones(len(levels)), flat, strength) for levels in tables])
    present = np.stack([(levels > 0).mean(0)[:, None] for levels in tables]) + 1e-6
    return np.maximum(np.average(shares, axis=0, weights=np.broadcast_to(present, shares.shape)), 1e-7)


def kept_pairs(table: TrainingTable, weight_sum: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(rows, importance): likely and true pairs always, the easy rest by chance with a matching importance."""
    chance = np.clip(np.exp2((weight_sum + 6) / 3), 0.02, 1)
    chance = np.where(table.is_true, 1.0, chance)
    chance *= min(1.0, MOST_PAIRS / max(chance.sum(), 1))
    rows = np.flatnonzero(rng.random(len(chance)) < chance)
    return rows, 1 / chance[rows]


def examples(
    paths: list[str], model_m: np.ndarray, model_u: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(features, is_true, importance, table number) of the kept pairs of all tables."""
    parts = []
    names = feature_names()
    total = names.index("weight_sum")
    for number, path in enumerate(tqdm(paths, desc="features", unit="table", mininterval=10)):
        table = only_plausible(loaded(path), model_m, model_u)
        if not len(table.is_true):
            continue
        table_found, shape = table_fit(table.evidence, model_m, model_u)
        matrix = features(table.evidence.compared, table_found, shape)
        rows, importance = kept_pairs(table, matrix[:, total] * 10, np.random.default_rng(number))
        parts.append((matrix[rows].astype(np.float16), table.is_true[rows], importance, np.full(len(rows), number)))
    x, y, w, t = (np.concatenate(column) for column in zip(*parts, strict=True))
    return x, y, w, t


def table_importance(importance: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Importance such that a table counts by the square root of its pairs: big tables inform, but do not drown others."""
    sums = np.bincount(tables, importance)
    weights = importance / np.sqrt(sums[tables])
    return weights / weights.mean()


def trained_network(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, seed: int, epochs: int, width: int, report: Callable[[str], None]
) -> PairHead:
    """One head by AdamW with a cosine schedule on importance-weighted binary cross entropy."""
    torch.manual_seed(seed)
    network = PairHead(x.shape[1], width)
    mean, scale = x.mean(0, dtype=np.float64), x.astype(np.float32).std(0)
    network.mean.copy_(torch.from_numpy(mean.astype(np.float32)))
    network.scale.copy_(torch.from_numpy(np.maximum(scale, 0.05)))
    batch = min(2048, len(x))
    steps = epochs * (len(x) // batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=max(steps, 1))
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        order, losses = rng.permutation(len(x)), []
        for start in range(0, len(order) - batch + 1, batch):
            rows = order[start : start + batch]
            logits = network(torch.from_numpy(x[rows].astype(np.float32)))
            loss = nn_loss(logits, y[rows], weights[rows])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        report(f"seed {seed} epoch {epoch + 1}: loss {np.mean(losses):.4f}")
    return network.eval()


def nn_loss(logits: torch.Tensor, y: np.ndarray, weights: np.ndarray) -> torch.Tensor:
    """Importance-weighted binary cross entropy."""
    w = torch.from_numpy(np.minimum(weights, 30).astype(np.float32))
    target = torch.from_numpy(y.astype(np.float32))
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, target, weight=w)


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


def train_head(
    model_dir: str, folder: str, settings: HeadSettings, report: Callable[[str], None] = print
) -> dict[str, float]:
    """Train head and calibration into ``model_dir`` and return the metrics of held-out tables.

    Tables are simulated into ``folder`` first; the encoder must be in ``model_dir`` already.
    """
    n, first = settings.n_tables, settings.first_seed
    paths = simulate(folder, model_dir, n, first, settings.workers, settings.sizes)
    model_m, model_u = pooled_shares([loaded(path) for path in paths])
    x, y, importance, tables = examples(paths, model_m, model_u)
    held = (np.arange(first, first + n)[tables] % HELD_OUT_EVERY) == 0
    weights = table_importance(importance, tables)
    report(f"{len(y)} pairs of {n} tables, {y.mean():.3f} true, {held.mean():.3f} held out")
    torch.set_num_threads(settings.workers)
    networks = [
        trained_network(x[~held], y[~held], weights[~held], seed, settings.epochs, settings.width, report)
        for seed in range(settings.n_networks)
    ]
    logits = network_logits(networks, x[held])
    calibration = calibrated(logits, y[held], weights[held])
    metrics = held_out_metrics(calibration(logits), y[held], weights[held])
    digests = "".join(digest_of(path) for path in paths)
    card: dict[str, object] = {
        "settings": asdict(settings), "held_out": metrics, "encoder_digest": stored_card(model_dir)["digest"],
        "training_data_sha256": hashlib.sha256(digests.encode()).hexdigest(),
    }  # fmt: skip
    save_head(model_dir, networks, calibration, model_m, model_u, feature_names(), card)
    report(json.dumps(metrics))
    return metrics


def has_encoder(folder: str) -> bool:
    """Whether the folder holds a trained encoder."""
    return all((Path(folder) / name).exists() for name in ENCODER_FILES)


def copied_encoder(source: str, target: str) -> None:
    """Copy the encoder of one model folder into another."""
    if Path(source).resolve() == Path(target).resolve():
        return
    Path(target).mkdir(parents=True, exist_ok=True)
    for name in ENCODER_FILES:
        shutil.copyfile(Path(source) / name, Path(target) / name)


def digest_of(path: str) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


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
