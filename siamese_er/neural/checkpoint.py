"""Model folders: encoder.safetensors, encoder.json, tokenizer.json. Local files only; nothing is ever unpickled."""

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor, nn

from siamese_er.errors import ContractFault
from siamese_er.neural.encoder import Encoder
from siamese_er.neural.towers import TowerSettings

WEIGHTS, CARD, TOKENIZER = "encoder.safetensors", "encoder.json", "tokenizer.json"
FORMAT = 1


def encoder_digest(model_dir: str, settings: Mapping[str, Any]) -> str:
    """SHA-256 over weights, tokenizer and settings of the folder, as hex digits."""
    digest = hashlib.sha256()
    for name in (WEIGHTS, TOKENIZER):
        digest.update(hashlib.sha256(Path(model_dir, name).read_bytes()).digest())
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()


def save_encoder(
    model_dir: str, networks: Mapping[str, nn.Module], settings: TowerSettings, tokenizer: Any, card: Mapping[str, Any]
) -> str:
    """Write the folder and return its digest.

    Weights are stored as float16 (half the size; they are widened on loading). ``card`` goes into encoder.json beside
    the settings and the digest: seed, command, metrics.
    """
    folder = Path(model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        f"{part}.{name}": tensor.detach().cpu().half().contiguous()
        for part, network in networks.items()
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()
    }
    save_file(weights, folder / WEIGHTS)
    tokenizer.save(str(folder / TOKENIZER))
    stored = settings.model_dump(mode="json")
    digest = encoder_digest(model_dir, stored)
    content = {"format": FORMAT, "digest": digest, "settings": stored, **card}
    (folder / CARD).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return digest


def stored_weights(model_dir: str) -> dict[str, dict[str, Tensor]]:
    """Weights of the folder by network and name, as float64.

    Raises: ContractFault where the file is not safetensors.
    """
    try:
        flat = load(Path(model_dir, WEIGHTS).read_bytes())
    except (OSError, SafetensorError):
        raise ContractFault(f"model {model_dir}: {WEIGHTS} is missing or damaged") from None
    weights: dict[str, dict[str, Tensor]] = {}
    for name, tensor in flat.items():
        part, _, inner = name.partition(".")
        weights.setdefault(part, {})[inner] = tensor.double()
    return weights


def stored_card(model_dir: str) -> dict[str, Any]:
    """The content of the folder's encoder.json.

    Raises: ContractFault where it is missing or no JSON.
    """
    try:
        return dict(json.loads(Path(model_dir, CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise ContractFault(f"model {model_dir}: {CARD} is missing or damaged") from None


def load_tokenizer(model_dir: str) -> Any:
    """The tokenizer of the folder."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(Path(model_dir, TOKENIZER)))


@functools.lru_cache(maxsize=4)
def load_encoder(model_dir: str, device: str = "cpu") -> Encoder:
    """The encoder of a folder, on the device; loaded once for each Python process.

    One torch thread: Spark runs as many workers as there are cores, and several threads each are many times slower.

    Raises: ContractFault where a file is missing or damaged, or weights and settings are not the digest's.
    """
    torch.set_num_threads(1)
    card = stored_card(model_dir)
    try:
        settings = TowerSettings.model_validate(card["settings"])
        digest = encoder_digest(model_dir, card["settings"])
    except (OSError, KeyError, ValidationError):
        raise ContractFault(f"model {model_dir}: settings or a file are missing or damaged") from None
    if card.get("format") != FORMAT or card.get("digest") != digest:
        raise ContractFault(f"model {model_dir}: weights, tokenizer or settings are not the ones of its digest")
    return Encoder(settings, stored_weights(model_dir), str(Path(model_dir, TOKENIZER)), digest, device)
