"""One small field encoder for each loss, distance and mining, on the same values in the same order: a table."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler
from torch import Tensor

from siamese_er.neural.fit import Budget, Descent, EmbeddingsCollapsed, encoded_values
from siamese_er.neural.fit_masked import HIDDEN, SYMBOL_SHARE
from siamese_er.neural.losses import LossChoice, batch_loss
from siamese_er.neural.text import FIELD_KINDS, TEXT_LENGTHS, text_codes
from siamese_er.neural.towers import FieldEncoder, TowerSettings
from siamese_er.synthetic.variants import VALUES, mistyped, name_values, variant

KIND = "family"
CHOICES = (
    *(LossChoice("infonce", metric) for metric in ("cosine", "euclidean")),
    *(LossChoice("contrastive", metric) for metric in ("cosine", "euclidean")),
    *(LossChoice("triplet", metric, mining) for mining in ("all", "semi_hard", "batch_hard")
      for metric in ("cosine", "euclidean")),
    LossChoice("bce"),
    LossChoice("masked"),
)  # fmt: skip
HEAD = "| loss | mining | distance | R@1 | AUC | CPU seconds |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class HeldOutNames:
    """Surnames of no training: all clean ones, mistyped ones with the place of their own, and of its near namesake."""

    clean: tuple[str, ...]
    typed: tuple[str, ...]
    own: NDArray[np.int64]
    near: NDArray[np.int64]


def held_out_names(seed: int, n_names: int = 1500) -> HeldOutNames:
    """One slip in each of some held-out surnames; near is the other surname that takes the fewest edits."""
    random, clean = Random(seed), name_values(KIND, True)
    asked = [(place, mistyped(random, clean[place])) for place in random.sample(range(len(clean)), n_names)]
    asked = [(place, typed) for place, typed in asked if typed != clean[place]]
    own, typed = np.asarray([place for place, _ in asked]), tuple(typed for _, typed in asked)
    edits = process.cdist([clean[i] for i in own], clean, scorer=DamerauLevenshtein.distance, dtype=np.int32)
    edits[np.arange(len(own)), own] = np.iinfo(np.int32).max
    return HeldOutNames(clean, typed, own, edits.argmin(axis=1))


def measures(names: HeldOutNames, scores: Callable[[list[str], list[str]], NDArray[Any]]) -> tuple[float, float]:
    """(R@1, AUC): how often a mistyped name is nearest to its own; how often it is nearer than the near namesake to it.

    AUC is over all pairs of a true pair (clean, mistyped) and a pair of two near surnames, ties counting half.
    """
    found = scores(list(names.typed), list(names.clean))
    rows = np.arange(len(names.typed))
    true = found[rows, names.own]
    between = scores([names.clean[i] for i in names.own], [names.clean[i] for i in names.near])
    near = np.sort(np.diagonal(between))
    below, not_above = np.searchsorted(near, true, "left"), np.searchsorted(near, true, "right")
    return float((found.argmax(axis=1) == names.own).mean()), float((below + not_above).mean() / 2 / len(near))


def batches(network: FieldEncoder, choice: LossChoice, seed: int, n_pairs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Losses of the choice on the batches of a seed: variants of surnames, for ``masked`` surnames with hidden letters."""
    random, rng = Random(seed), np.random.default_rng(seed)
    while True:
        clean = sorted({VALUES[KIND](random) for _ in range(n_pairs)})
        one = [variant(random, KIND, value) for value in clean]
        other = [value if random.random() < 0.5 else variant(random, KIND, value) for value in clean]
        if choice.name == "masked":
            codes = text_codes(clean, TEXT_LENGTHS[KIND])
            hidden = np.where((codes > 0) & (rng.random(codes.shape) < SYMBOL_SHARE), HIDDEN, codes)
            kinds = torch.full((len(clean),), FIELD_KINDS.index(KIND))
            left = network(torch.from_numpy(hidden.astype(np.int64)), kinds)
            values, vectors = [*clean, *clean], torch.cat([left, encoded_values(network, KIND, clean)])
        else:
            values = [*one, *other]
            vectors = encoded_values(network, KIND, values)
        alike = torch.from_numpy(np.asarray(values, dtype=object)[:, None] == np.asarray(values, dtype=object)[None, :])
        yield batch_loss(choice, vectors[: len(clean)], vectors[len(clean) :], alike), vectors


def line(choice: LossChoice, names: HeldOutNames, steps: int, seed: int, n_pairs: int = 64) -> str:
    """The table's line for one choice; a training that collapsed says so."""
    torch.manual_seed(seed)
    network = FieldEncoder(TowerSettings())
    descent = Descent([network], Budget(steps), "fields")
    started = time.process_time()
    mining = choice.mining if choice.name == "triplet" else ""
    head = f"| `{choice.name}` | {mining.replace('_', '-')} | {choice.metric} |"
    try:
        descent.run(batches(network, choice, seed, n_pairs))
    except EmbeddingsCollapsed:
        return f"{head} collapsed at step {descent.steps + 1} | | {time.process_time() - started:.0f} |"
    seconds = time.process_time() - started

    def cosines(left: list[str], right: list[str]) -> NDArray[Any]:
        with torch.inference_mode():
            a, b = (encoded_values(network, KIND, values) for values in (left, right))
            return (a @ b.T).numpy()

    recall, auc = measures(names, cosines)
    return f"{head} {recall:.3f} | {auc:.3f} | {seconds:.0f} |"


def loss_table(steps: int, seed: int, report: Callable[[str], None]) -> None:
    """Report the table line by line, Jaro-Winkler and untrained weights first."""
    names = held_out_names(seed)
    report(HEAD)
    recall, auc = measures(
        names, lambda left, right: process.cdist(left, right, scorer=JaroWinkler.similarity, dtype=np.float32)
    )
    report(f"| Jaro-Winkler, for reference | | | {recall:.3f} | {auc:.3f} | |")
    for choice in CHOICES:
        report(line(choice, names, steps, seed))
