"""Where the model of a run is."""

from importlib.resources import files

from siamese_er.config import ModelSettings


def model_folder(settings: ModelSettings) -> str:
    """The folder of the model: the configured one, else the one shipped with the package."""
    return settings.path or str(files("siamese_er") / "models" / "default")
