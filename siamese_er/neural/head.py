"""The pair head: a small network over the evidence of a pair and the statistics of its table, and its calibration.

It conditions on unlabelled statistics of the table (m, u, prior, household patterns), and is trained over many simulated
tables, so that on an unseen table it knows when to trust which field: adaptation, amortised.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from siamese_er.errors import ContractFault

BITS = float(np.log2(np.e))
MOST_LOGIT = 16.0
OF_TABLE = "table_"
"""How the names of features begin that are the same for all pairs of a table."""


class PairHead(nn.Module):
    """(n, n_features) -> (n,) logit of a match."""

    def __init__(self, n_features: int, width: int = 128, depth: int = 2, dropout: float = 0.05) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        layers: list[nn.Module] = []
        inputs = n_features
        for _ in range(depth):
            layers += [nn.Linear(inputs, width), nn.SiLU(), nn.Dropout(dropout)]
            inputs = width
        self.body = nn.Sequential(*layers)
        self.out = nn.Linear(inputs, 1)
        self.skip = nn.Linear(n_features, 1)

    def forward(self, evidence: torch.Tensor) -> torch.Tensor:
        """Logits; the skip connection keeps what is simply additive (the Fellegi-Sunter sum) simple."""
        x = ((evidence - self.mean) / self.scale).clamp(-6, 6)  # (n, n_features)
        return (self.out(self.body(x)) + self.skip(x)).squeeze(-1)

    def of_table(
        self, own: torch.Tensor, places: torch.Tensor, table: torch.Tensor, same: torch.Tensor
    ) -> torch.Tensor:
        """The logits of pairs of one table: features at ``places`` are each pair's ``own`` (n, len(places)), those that are the
        ``same`` for all are ``table`` (len(same),), and what they add is worked out once."""
        x, constant = (
            ((values - self.mean[at]) / self.scale[at]).clamp(-6, 6) for values, at in ((own, places), (table, same))
        )

        def linear(layer: nn.Linear) -> torch.Tensor:
            return functional.linear(x, layer.weight[:, places], layer.bias + layer.weight[:, same] @ constant)

        return (self.out(self.body[1:](linear(self.body[0]))) + linear(self.skip)).squeeze(-1)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Calibration:
    """A monotone map of logits, linear between knots: learned on held-out simulated tables."""

    logits: tuple[float, ...]
    calibrated: tuple[float, ...]

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated logits (natural log odds)."""
        return np.interp(logits, self.logits, self.calibrated)


@dataclass(frozen=True)
class Scorer:
    """Networks whose logits are averaged, and the calibration of the mean.

    ``is_of_table``: which features say something of a table, so that they are the same for all its pairs; null: not known.
    """

    networks: tuple[PairHead, ...]
    calibration: Calibration
    is_of_table: np.ndarray | None = None

    def match_weights(self, evidence: np.ndarray) -> np.ndarray:
        """(n,) match weight of each row of evidence: log2 odds, calibrated.

        In float64 and rounded to 1e-5 bits, so that batch size and order leave no trace.
        """
        if not len(evidence):
            return np.zeros(0)
        logits = self._logits(evidence)
        logits = np.clip(self.calibration(np.clip(logits, -40, 40)), -MOST_LOGIT, MOST_LOGIT)
        return np.round(logits * BITS, 5)

    def _logits(self, evidence: np.ndarray) -> np.ndarray:
        same = np.zeros(evidence.shape[1], bool) if self.is_of_table is None else self.is_of_table
        if (evidence[:, same] != evidence[0, same]).any():  # pairs of several tables
            same = np.zeros_like(same)
        own = torch.from_numpy(evidence[:, ~same].astype(np.float64, order="C"))
        table = torch.from_numpy(evidence[0, same].astype(np.float64))
        places, places_same = (torch.from_numpy(np.flatnonzero(mask)) for mask in (~same, same))
        with torch.inference_mode():
            found = [network.of_table(own, places, table, places_same) for network in self.networks]
            return np.asarray(torch.stack(found).mean(0).numpy())


@dataclass(frozen=True)
class HeadModel:
    """Both rounds of the pair head, and the m and u they lean on.

    ``first`` sees a pair and its table; ``second`` also what the first says of the other pairs of the two records.
    """

    first: Scorer
    second: Scorer
    model_m: np.ndarray
    model_u: np.ndarray
    digest: str
    encoder_digest: str


def probabilities(match_weights: np.ndarray) -> np.ndarray:
    """Match probability of a match weight in bits, rounded to 1e-7."""
    return np.round(1 / (1 + np.exp2(-match_weights)), 7)


def save_head(
    folder: str, first: Scorer, second: Scorer, model_m: np.ndarray, model_u: np.ndarray,
    names: tuple[str, ...], context: tuple[str, ...], card: dict[str, object],
) -> None:  # fmt: skip
    """Write head.safetensors and head.json into the model's folder."""
    tensors = {
        f"{stage}.{i}.{key}": (value.half() if value.dim() == 2 else value.float()).contiguous()
        for stage, scorer in (("first", first), ("second", second))
        for i, network in enumerate(scorer.networks)
        for key, value in network.state_dict().items()
    }
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path / "head.safetensors")
    description = {
        "features": list(names), "context": list(context), "first": shape_of(first), "second": shape_of(second),
        "m": model_m.tolist(), "u": model_u.tolist(),
        "weights_sha256": hashlib.sha256((path / "head.safetensors").read_bytes()).hexdigest(), **card,
    }  # fmt: skip
    (path / "head.json").write_text(json.dumps(description, indent=1), encoding="utf-8")


def shape_of(scorer: Scorer) -> dict[str, object]:
    """What head.json says of one round."""
    network = scorer.networks[0]
    return {
        "n_networks": len(scorer.networks), "width": network.out.in_features,
        "depth": sum(isinstance(layer, nn.Linear) for layer in network.body),
        "calibration": {"logits": scorer.calibration.logits, "calibrated": scorer.calibration.calibrated},
    }  # fmt: skip


def loaded_scorer(
    tensors: dict[str, torch.Tensor], stage: str, description: dict[str, Any], names: tuple[str, ...]
) -> Scorer:  # fmt: skip
    """One round from the tensors of head.safetensors and its part of head.json; ``names``: those of its features."""
    networks, n_features = [], len(names)
    for i in range(description["n_networks"]):
        network = PairHead(n_features, description["width"], description["depth"])
        start = f"{stage}.{i}."
        network.load_state_dict({k.removeprefix(start): v.float() for k, v in tensors.items() if k.startswith(start)})
        networks.append(network.double().eval())
    knots = description["calibration"]
    return Scorer(tuple(networks), Calibration(tuple(knots["logits"]), tuple(knots["calibrated"])),
                  np.array([name.startswith(OF_TABLE) for name in names]))  # fmt: skip


@lru_cache(maxsize=2)
def load_head(folder: str, names: tuple[str, ...], context: tuple[str, ...]) -> HeadModel:
    """The head of a model folder; loaded once in each worker process.

    Raises: ContractFault when files are missing or altered, or the model was trained on other features.
    """
    torch.set_num_threads(1)
    path = Path(folder)
    try:
        description = json.loads((path / "head.json").read_text(encoding="utf-8"))
        weights = (path / "head.safetensors").read_bytes()
    except OSError:
        raise ContractFault(f"model {folder}: head.json and head.safetensors are not both there") from None
    if hashlib.sha256(weights).hexdigest() != description.get("weights_sha256"):
        raise ContractFault(f"model {folder}: head.safetensors is not the file that head.json describes")
    trained_on = (tuple(description.get("features", ())), tuple(description.get("context", ())))
    if trained_on != (names, context) or "encoder_digest" not in description:
        raise ContractFault(f"model {folder}: trained on other features; run jobs/train.py again")
    tensors = load_file(path / "head.safetensors")
    first = loaded_scorer(tensors, "first", description["first"], names)
    second = loaded_scorer(tensors, "second", description["second"], names + context)
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
    return HeadModel(first, second, np.array(description["m"]), np.array(description["u"]), digest,
                     description["encoder_digest"])  # fmt: skip
