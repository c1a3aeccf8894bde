"""Where the notebooks look for what they read and append to, wherever their kernel was started."""

import os
from pathlib import Path

NOTEBOOKS = "notebooks"


def place(variable: str, name: str) -> str:
    """The path that an environment variable gives, else the file or folder of that name.

    The kernel of a notebook runs in the notebook's folder, jobs mostly in the folder above: ``name`` is taken from
    where it is there, here first. What is nowhere yet belongs here, but out of a folder called ``notebooks``.
    """
    if named := os.environ.get(variable):
        return named
    above = Path("..", name)
    is_above = not Path(name).exists() and (above.exists() or Path.cwd().name == NOTEBOOKS)
    return str(above) if is_above else name
