"""Where the model of a run is, and its pair head."""

from importlib.resources import files
from pathlib import Path

from siamese_er.config import ModelSettings
from siamese_er.linkage.context import context_names
from siamese_er.linkage.features import feature_names
from siamese_er.neural.head import HeadModel, load_head

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
