"""The versions of what a run's results depend on."""

import platform
from importlib.metadata import version

NAMES = ("siamese_er", "pyspark", "torch", "transformers", "pandas", "pyarrow", "numpy", "rapidfuzz")


def versions() -> dict[str, str]:
    """Name to version, Python's first. Raises: importlib.metadata.PackageNotFoundError where one is not installed."""
    return {"python": platform.python_version(), **{name: version(name) for name in NAMES}}
