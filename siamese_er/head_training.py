"""Training of the pair head and its calibration on simulated tables.

The head sees pairs beside their table's unlabelled statistics, computed exactly as a run computes them, over hundreds of
tables: so it learns when to trust which field.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from siamese_er.config import NoteSettings
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.context import context_names
from siamese_er.linkage.features import feature_names, features
from siamese_er.linkage.fellegi_sunter import WIDEST, level_shares, plausible
from siamese_er.linkage.tables import table_fit
from siamese_er.neural.checkpoint import stored_card
from siamese_er.neural.head import Scorer, save_head
from siamese_er.neural.head_fit import (
    Examples,
    FitSettings,
    calibrated,
    held_out_metrics,
    network_logits,
    trained_network,
)
from siamese_er.simulation import HELD_OUT_EVERY, SIZES, TrainingTable, loaded, simulate
from siamese_er.table_scores import first_scores, rows_of_evidence

MOST_PAIRS = 4000  # pairs kept of one table: all likely and true ones, a weighted sample of the rest
ENCODER_FILES = ("encoder.json", "encoder.safetensors", "tokenizer.json")


@dataclass(frozen=True)
class HeadSettings:
    """How the head is trained; ``workers`` does not change the result, ``device`` (cpu or cuda) the last digits."""

    n_tables: int = 800
    first_seed: int = 1
    n_folds: int = 3
    n_networks: int = 2
    fit: FitSettings = field(default_factory=FitSettings)
    workers: int = 2
    device: str = "cpu"
    sizes: tuple[int, int] = SIZES


def only_plausible(table: TrainingTable, model_m: np.ndarray, model_u: np.ndarray) -> TrainingTable:
    """The table without the candidates that a run drops before it counts anything."""
    kept = plausible(table.evidence.compared.levels, model_m, model_u)
    return TrainingTable(rows_of_evidence(table.evidence, kept), table.is_true[kept])


Shares = tuple[np.ndarray, np.ndarray]
FEWEST_TRUE = 20  # true pairs of a table whose m counts


def shares(levels: np.ndarray, strength: float) -> Shares:
    """(level shares, share of pairs with both sides present) of some pairs, by comparison."""
    flat = np.ones((len(COMPARISONS), WIDEST))
    return level_shares(levels, np.ones(len(levels)), flat, strength), (levels > 0).mean(0)[:, None]


def table_shares(path: str) -> tuple[Shares | None, Shares]:
    """Shares of the true pairs of a stored table, null where they are few, and of its random pairs."""
    table = loaded(path)
    true = table.evidence.compared.levels[table.is_true]
    return shares(true, 0.5) if len(true) >= FEWEST_TRUE else None, shares(table.evidence.random_levels, 0.01)


def pooled(tables: Iterable[Shares]) -> np.ndarray:
    """Mean level shares over tables; a table weighs, for a comparison, by the share of its pairs with both sides present."""
    found, present = (np.stack(column) for column in zip(*tables, strict=True))
    return np.maximum(np.average(found, axis=0, weights=np.broadcast_to(present + 1e-6, found.shape)), 1e-7)


def pooled_shares(paths: list[str], workers: int) -> tuple[np.ndarray, np.ndarray]:
    """(m, u) over all simulated tables with their truth, each table counting alike: what EM starts from and is held to."""
    found = of_tables(table_shares, [(path,) for path in paths], workers, "m and u")
    return pooled([true for true, _ in found if true is not None]), pooled([random for _, random in found])


def kept_pairs(is_true: np.ndarray, bits: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(rows, importance): likely and true pairs always, the easy rest by chance with a matching importance."""
    chance = np.where(is_true, 1.0, np.clip(np.exp2((bits + 6) / 3), 0.02, 1))
    chance *= min(1.0, MOST_PAIRS / max(chance.sum(), 1))
    rows = np.flatnonzero(rng.random(len(chance)) < chance)
    return rows, 1 / chance[rows]


Sampled = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def of_tables(work: Callable[..., Any], arguments: list[tuple[Any, ...]], workers: int, title: str) -> list[Any]:
    """``work`` of the arguments of each table, in their order, in so many processes of one thread each."""
    bar = partial(tqdm, desc=title, unit="table", mininterval=10, total=len(arguments))
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        jobs = [pool.submit(work, *each) for each in arguments]
        return [job.result() for job in bar(jobs)]


def examples(work: Callable[..., Sampled], arguments: list[tuple[Any, ...]], workers: int, title: str) -> Examples:
    """What ``work`` takes of each table, as one set."""
    parts = of_tables(work, arguments, workers, title)
    inputs, is_true, importance, tables = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Examples(inputs, is_true, table_importance(importance, tables), tables)


def first_sample(number: int, path: str, model_m: np.ndarray, model_u: np.ndarray) -> Sampled:
    """Sampled pairs of a stored table as the first round sees them."""
    table = only_plausible(loaded(path), model_m, model_u)
    fit, shape = table_fit(table.evidence, model_m, model_u)
    matrix = features(table.evidence.compared, fit, shape)
    bits = matrix[:, feature_names().index("weight_sum")] * 10
    rows, importance = kept_pairs(table.is_true, bits, np.random.default_rng(number))
    return matrix[rows].astype(np.float16), table.is_true[rows], importance, np.full(len(rows), number)


def second_sample(number: int, path: str, first: Scorer, model_m: np.ndarray, model_u: np.ndarray) -> Sampled:
    """Sampled pairs of a stored table as the second round sees them; ``first`` must not have been trained on it."""
    table = only_plausible(loaded(path), model_m, model_u)
    fit, shape = table_fit(table.evidence, model_m, model_u)
    found = first_scores(table.evidence, fit, shape, first, model_m, NoteSettings().most_bits)
    is_true = table.is_true[found.rows]
    rows, importance = kept_pairs(is_true, found.weights + 4, np.random.default_rng(number))
    pairs = features(rows_of_evidence(table.evidence, found.rows[rows]).compared, fit, shape)
    inputs = np.concatenate([pairs, found.context[rows]], axis=1)
    return inputs.astype(np.float16), is_true[rows], importance, np.full(len(rows), number)


def table_importance(importance: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Importance such that a table counts by the square root of its pairs: big tables inform, but do not drown others."""
    sums = np.bincount(tables, importance)
    weights = importance / np.sqrt(sums[tables])
    return weights / weights.mean()


@dataclass(frozen=True)
class Folds:
    """Which tables a network may be trained on: every HELD_OUT_EVERYth is held out, the others are in n_folds folds."""

    first_seed: int
    n_tables: int
    n_folds: int

    def held_out(self) -> np.ndarray:
        """(n_tables,) whether a table is held out."""
        return (np.arange(self.n_tables) + self.first_seed) % HELD_OUT_EVERY == 0

    def fold(self) -> np.ndarray:
        """(n_tables,) the fold of each table; -1 for the held-out ones."""
        return np.where(self.held_out(), -1, np.arange(self.n_tables) % self.n_folds)


def first_round(
    pairs: Examples, folds: Folds, settings: HeadSettings, report: Callable[[str], None]
) -> tuple[Scorer, list[Scorer]]:
    """The first round: all networks together, and for each fold the one that did not see it (cross-fitting).

    The calibration is that of networks on tables they did not see.
    """
    fold = folds.fold()[pairs.tables]
    networks = [
        trained_network(pairs.at((fold >= 0) & (fold != k)), feature_names(), k, settings.fit, report, settings.device)
        for k in range(folds.n_folds)
    ]
    logits = np.zeros(len(fold))
    for k, network in enumerate(networks):
        logits[fold == k] = network_logits([network], pairs.inputs[fold == k])
    unseen = fold >= 0
    calibration = calibrated(logits[unseen], pairs.is_true[unseen], pairs.weights[unseen])
    exact = [network.double() for network in networks]
    return Scorer(tuple(exact), calibration), [Scorer((network,), calibration) for network in exact]


def second_round(
    pairs: Examples, folds: Folds, settings: HeadSettings, report: Callable[[str], None]
) -> tuple[Scorer, dict[str, float]]:
    """The second round, calibrated on the held-out tables, and its figures there."""
    held = folds.held_out()[pairs.tables]
    names = (*feature_names(), *context_names())
    networks = [
        trained_network(pairs.at(~held), names, 100 + seed, settings.fit, report, settings.device)
        for seed in range(settings.n_networks)
    ]
    logits = network_logits(networks, pairs.inputs[held])
    calibration = calibrated(logits, pairs.is_true[held], pairs.weights[held])
    return Scorer(tuple(networks), calibration), held_out_metrics(
        calibration(logits), pairs.is_true[held], pairs.weights[held]
    )


def train_head(
    model_dir: str, folder: str, settings: HeadSettings, report: Callable[[str], None] = print
) -> dict[str, float]:
    """Train both rounds and their calibration into ``model_dir`` and return the metrics of held-out tables.

    Tables are simulated into ``folder`` first; the encoder must be in ``model_dir`` already.
    """
    n = settings.n_tables
    folds = Folds(settings.first_seed, n, settings.n_folds)
    paths = simulate(folder, model_dir, n, settings.first_seed, settings.workers, settings.sizes)
    torch.set_num_threads(settings.workers)
    model_m, model_u = pooled_shares(paths, settings.workers)
    asked = [(number, path, model_m, model_u) for number, path in enumerate(paths)]
    pairs = examples(first_sample, asked, settings.workers, "first round")
    report(f"{len(pairs.is_true)} pairs of {n} tables, {pairs.is_true.mean():.3f} true")
    first, unseeing = first_round(pairs, folds, settings, report)
    del pairs
    scorers = [first if fold < 0 else unseeing[fold] for fold in folds.fold()]
    told = [(number, path, scorers[number], model_m, model_u) for number, path in enumerate(paths)]
    second, metrics = second_round(
        examples(second_sample, told, settings.workers, "second round"), folds, settings, report
    )
    digests = "".join(digest_of(path) for path in paths)
    card: dict[str, object] = {
        "settings": asdict(settings), "held_out": metrics, "encoder_digest": stored_card(model_dir)["digest"],
        "training_data_sha256": hashlib.sha256(digests.encode()).hexdigest(),
    }  # fmt: skip
    save_head(model_dir, first, second, model_m, model_u, feature_names(), context_names(), card)
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
