"""A training that was killed goes on where it was: one safetensors file, facts in its header, no pickle.

A phase runs in rounds. What a round sees is a function of the seed, the number of the round and the weights at its
start, so that a checkpoint between two rounds is all that there is to keep: no state of a random generator.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from siamese_er.errors import ContractFault
from siamese_er.neural.fit import Descent

STATE = "training.safetensors"
ROUND = 200  # steps between two checkpoints
Rounds = Callable[[int], Iterable[tuple[Tensor, Tensor]]]
"""The losses of a round, by its number."""


@dataclass
class TrainingState:
    """Where a training stands. ``arguments`` are those that it was started with; others may not go on from it."""

    folder: str
    arguments: Mapping[str, Any]
    done: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    phase: dict[str, Any] = field(default_factory=dict)

    def write(self, networks: Mapping[str, nn.Module], descent: Descent | None = None) -> None:
        """Keep weights and, inside a phase, the optimiser; a kill while writing leaves the checkpoint before."""
        tensors = {f"{part}.{name}": t for part, net in networks.items() for name, t in net.state_dict().items()}
        self.phase = {}
        if descent is not None:
            tensors |= moments(descent)
            self.phase = {"name": descent.phase, "steps": descent.steps, "losses": descent.seen,
                          "seconds": time.monotonic() - descent.started}  # fmt: skip
        facts = {"arguments": self.arguments, "done": self.done, "history": self.history, "phase": self.phase}
        stored = save(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
            metadata={"facts": json.dumps(facts)},
        )
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        temporary = Path(self.folder, f"{STATE}.tmp")
        temporary.write_bytes(stored)
        temporary.replace(Path(self.folder, STATE))

    def restore(self, networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
        """Put the stored weights into the networks and read the facts; the moments, empty where there is no state.

        Raises: ContractFault where the state is damaged or of a training with other arguments.
        """
        path = Path(self.folder, STATE)
        if not path.exists():
            return {}
        try:
            content = path.read_bytes()
            tensors, facts = load(content), stored_facts(content)
        except (OSError, ValueError, KeyError, SafetensorError):
            raise ContractFault(f"{path}: damaged; remove it to train from the start") from None
        if facts["arguments"] != json.loads(json.dumps(self.arguments)):
            raise ContractFault(f"{path}: of a training with other arguments; remove it or choose another --output")
        for part, network in networks.items():
            prefix = f"{part}."
            network.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        self.done, self.history, self.phase = facts["done"], facts["history"], facts["phase"]
        return {name: tensor for name, tensor in tensors.items() if name.startswith("optimiser.")}

    def remove(self) -> None:
        """The training is over."""
        Path(self.folder, STATE).unlink(missing_ok=True)


def stored_facts(content: bytes) -> dict[str, Any]:
    """The JSON that the header of a safetensors file holds beside its tensors."""
    size = int.from_bytes(content[:8], "little")
    return dict(json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["facts"]))


def is_unfinished(folder: str) -> bool:
    """Whether a training into the folder was started and did not end."""
    return Path(folder, STATE).exists()


def moments(descent: Descent) -> dict[str, Tensor]:
    """The tensors of AdamW's state, by the place of their weight."""
    return {
        f"optimiser.{place}.{name}": tensor
        for place, state in descent.optimiser.state_dict()["state"].items()
        for name, tensor in state.items()
    }


def resumed(descent: Descent, phase: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Put a descent back where its phase stood."""
    content = descent.optimiser.state_dict()
    for name, tensor in tensors.items():
        _, place, key = name.split(".")
        content["state"].setdefault(int(place), {})[key] = tensor
    descent.optimiser.load_state_dict(content)
    descent.steps, descent.seen = phase["steps"], list(phase["losses"])
    descent.started = time.monotonic() - phase["seconds"]


def descend_in_rounds(
    descent: Descent, rounds: Rounds, seed: int, keep: Callable[[Descent], None] | None = None
) -> tuple[int, float]:
    """Run a descent round by round; the steps done and the mean of the last 50 losses.

    ``keep`` is called after each round but the last. Every round must yield ``ROUND`` losses at least.
    """
    while not descent.is_done:
        number = descent.steps // ROUND
        torch.manual_seed(seed * 100_003 + number)
        descent.run(rounds(number), ROUND - descent.steps % ROUND)
        if keep is not None and not descent.is_done:
            keep(descent)
    return descent.steps, descent.loss
