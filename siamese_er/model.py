"""Where the model of a run is, and its pair head."""

from importlib.resources import files

from siamese_er.config import ModelSettings
from siamese_er.linkage.context import context_names
from siamese_er.linkage.features import feature_names
from siamese_er.neural.head import HeadModel, load_head


def model_folder(settings: ModelSettings) -> str:
    """The folder of the model: the configured one, else the one shipped with the package."""
    return settings.path or str(files("siamese_er") / "models" / "default")


def pair_head(folder: str) -> HeadModel:
    """The head of a model folder, once a process. Raises: ContractFault if it was trained on other inputs."""
    return load_head(folder, feature_names(), context_names())
