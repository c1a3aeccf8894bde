"""Whether a Hugging Face encoder can stand in for the notes tower of a model; looks at files, needs no torch."""

import json
from pathlib import Path
from typing import Any

from siamese_er.config import ModelSettings

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack")


def note_model_faults(settings: ModelSettings) -> list[str]:
    """Why ``model.note_model`` cannot be used, a line for each reason; empty: it can, or none is wanted.

    Looks at files alone, so it can run before Spark starts.
    """
    if settings.note_model is None:
        return []
    folder, name = Path(settings.note_model), f"model.note_model {settings.note_model}"
    if not folder.is_dir():
        return [f"{name}: no such folder; no model is downloaded"]
    faults = []
    if not any(folder.glob("*.safetensors")):
        has_pickle = any(path.suffix in PICKLED for path in folder.iterdir())
        advice = (
            "only pickled weights, which are never loaded; save them as safetensors" if has_pickle else "no weights"
        )
        faults.append(f"{name}: {advice} (model.safetensors)")
    if not (folder / "tokenizer.json").is_file():
        faults.append(f"{name}: tokenizer.json is missing; save a fast tokenizer")
    return faults + [f"{name}: {fault}" for fault in config_faults(folder / "config.json")]


def config_faults(path: Path) -> list[str]:
    """What in the config.json of a Hugging Face folder rules it out."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        return ["config.json is missing or damaged"]
    faults = []
    if "auto_map" in content:
        faults.append("config.json asks for code of its own, which is never run")
    if content.get("is_encoder_decoder"):
        faults.append("has a decoder; an encoder alone is needed")
    return faults
