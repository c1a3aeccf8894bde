"""What simulated tables look like to a model: ``python jobs/drift_reference.py [--model FOLDER]``; no Spark session."""

import sys
from typing import Annotated

import typer

from siamese_er.commands import start, status_of
from siamese_er.config import ModelSettings
from siamese_er.drift import REFERENCE
from siamese_er.drift_reference import FIRST_SEED, ReferenceSettings, write_reference
from siamese_er.model import model_folder

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def reference(model: str | None, settings: ReferenceSettings) -> None:
    """Write the reference beside the model and say where."""
    folder = model or model_folder(ModelSettings())
    made = write_reference(folder, settings)
    print(f"{folder}/{REFERENCE}: {len(made['measures'])} measures of {made['n_tables']} simulated tables")


@command.command()
def main(
    model: Annotated[str | None, typer.Option(help="folder of a model; default: the one shipped")] = None,
    tables: Annotated[int, typer.Option(min=2, help="tables to simulate")] = ReferenceSettings.n_tables,
    seed: Annotated[int, typer.Option(help="seed of the first table")] = FIRST_SEED,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = ReferenceSettings.workers,
) -> None:
    """Simulate tables, score them with the model, and write reference.json beside it: what runs are compared with."""
    settings = ReferenceSettings(n_tables=tables, first_seed=seed, workers=workers)
    sys.exit(status_of(lambda: reference(model, settings)))


if __name__ == "__main__":
    start(command, sys.argv[1:])
