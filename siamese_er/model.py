"""Where the model of a run is, its pair head, and whether a Hugging Face encoder can stand in for its notes tower."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from siamese_er.config import ModelSettings
from siamese_er.linkage.context import context_names
from siamese_er.linkage.features import feature_names
from siamese_er.neural.head import HeadModel, load_head

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack")
PACKAGED = "package:"


def model_folder(settings: ModelSettings) -> str:
    """The folder of the model: the configured one, else the one shipped with the package."""
    return settings.path or str(files("siamese_er") / "models" / "default")


def portable(folder: str) -> str:
    """The name of a model folder by which workers find it: one of the package is each worker's own (`located`)."""
    inside = Path(folder).resolve()
    package = Path(str(files("siamese_er"))).resolve()
    return PACKAGED + inside.relative_to(package).as_posix() if inside.is_relative_to(package) else folder


def located(name: str) -> str:
    """The folder of a name of `portable` in this process; any other name is a folder already."""
    inside = name.removeprefix(PACKAGED)
    return name if inside == name else str(files("siamese_er") / inside)


def pair_head(model: str) -> HeadModel:
    """The head of a model, its folder or its name by `portable`, once a process.

    Raises: ContractFault if it was trained on other inputs.
    """
    return load_head(located(model), feature_names(), context_names())


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
