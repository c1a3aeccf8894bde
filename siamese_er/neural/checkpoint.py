"""Model folders: encoder.safetensors, encoder.json, tokenizer.json. Local files only; nothing is ever unpickled."""

import copy
import functools
import hashlib
import hmac
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


def encoder_digest(model_dir: str, settings: Mapping[str, Any], copies: Mapping[str, str] | None = None) -> str:
    """SHA-256 over weights, tokenizer, settings and copies for sources (file name: its SHA-256), as hex digits."""
    digest = hashlib.sha256()
    for name in (WEIGHTS, TOKENIZER):
        digest.update(hashlib.sha256(Path(model_dir, name).read_bytes()).digest())
    digest.update(json.dumps(settings, sort_keys=True).encode())
    if copies:
        digest.update(json.dumps(copies, sort_keys=True).encode())
    return digest.hexdigest()


def copy_name(model_dir: str, source: str) -> str:
    """File of the tower copies for one source: a hash of its name keyed by the model, never the name itself."""
    key = hashlib.sha256(Path(model_dir, TOKENIZER).read_bytes()).digest()
    return f"source-{hmac.new(key, source.encode(), 'sha256').hexdigest()[:20]}.safetensors"


def flat_weights(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Weights by network and name as they are stored: float16, half the size; they are widened on loading."""
    return {
        f"{part}.{name}": tensor.detach().cpu().half().contiguous()
        for part, network in networks.items()
        for name, tensor in network.state_dict().items()
        if tensor.is_floating_point()
    }


def save_encoder(
    model_dir: str, networks: Mapping[str, nn.Module], settings: TowerSettings, tokenizer: Any, card: Mapping[str, Any],
    copies: Mapping[str, Mapping[str, nn.Module]] | None = None,
) -> str:  # fmt: skip
    """Write the folder and return its digest.

    ``card`` goes into encoder.json beside the settings and the digest: seed, command, metrics. ``copies``: source =
    its own field and demographics networks, a file each.
    """
    folder = Path(model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(flat_weights(networks), folder / WEIGHTS)
    tokenizer.save(str(folder / TOKENIZER))
    files: dict[str, str] = {}
    for source, own in (copies or {}).items():
        path = folder / copy_name(model_dir, source)
        save_file(flat_weights(own), path)
        files[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    stored = settings.model_dump(mode="json")
    digest = encoder_digest(model_dir, stored, files)
    content = {"format": FORMAT, "digest": digest, "settings": stored, **({"copies": files} if files else {}), **card}
    (folder / CARD).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return digest


def stored_weights(model_dir: str, file: str = WEIGHTS) -> dict[str, dict[str, Tensor]]:
    """Weights of a file of the folder by network and name, as float64.

    Raises: ContractFault where the file is not safetensors.
    """
    try:
        flat = load(Path(model_dir, file).read_bytes())
    except (OSError, SafetensorError):
        raise ContractFault(f"model {model_dir}: {file} is missing or damaged") from None
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


@functools.lru_cache(maxsize=32)
def load_encoder(
    model_dir: str, device: str = "cpu", note_model: str | None = None, source: str | None = None
) -> Encoder:
    """The encoder of a folder, on the device; loaded once for each Python process.

    ``note_model``: folder of a Hugging Face encoder instead of the notes tower. ``source``: with that source's tower
    copies where the model has any, else the very encoder without. One torch thread: Spark runs as many workers as there
    are cores, and several threads each are many times slower.

    Raises: ContractFault where a file is missing or damaged, or weights and settings are not the digest's.
    """
    torch.set_num_threads(1)
    card = stored_card(model_dir)
    copies = dict(card.get("copies", {}))
    if source is not None and (name := copy_name(model_dir, source)) in copies:
        return with_copies(load_encoder(model_dir, device, note_model), model_dir, name, copies[name])
    if source is not None:
        return load_encoder(model_dir, device, note_model)
    try:
        settings = TowerSettings.model_validate(card["settings"])
        digest = encoder_digest(model_dir, card["settings"], copies)
    except (OSError, KeyError, ValidationError):
        raise ContractFault(f"model {model_dir}: settings or a file are missing or damaged") from None
    if card.get("format") != FORMAT or card.get("digest") != digest:
        raise ContractFault(f"model {model_dir}: weights, tokenizer or settings are not the ones of its digest")
    tokenizer = str(Path(note_model or model_dir, TOKENIZER))
    return Encoder(settings, stored_weights(model_dir), tokenizer, digest, device, note_model)


def with_copies(shared: Encoder, model_dir: str, file: str, sha256: str) -> Encoder:
    """The encoder with field and demographics networks of a file of the folder; it shares the notes tower.

    Raises: ContractFault where the file is not the one that the card names.
    """
    path = Path(model_dir, file)
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ContractFault(f"model {model_dir}: {file} is missing or not the file of its digest")
    own = copy.copy(shared)
    own.take(stored_weights(model_dir, file))
    return own
