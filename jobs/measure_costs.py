"""Rows in a second of encoding and scoring: ``python jobs/measure_costs.py [--device cuda]``; no Spark session."""

import sys
from typing import Annotated

import torch
import typer

from siamese_er.commands import start, status_of
from siamese_er.config import ModelSettings
from siamese_er.costs import costs
from siamese_er.errors import ContractFault
from siamese_er.model import model_folder

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def measure(model: str | None, device: str, records: int) -> None:
    """Print the table."""
    if device != "cpu" and not torch.cuda.is_available():
        raise ContractFault(f"--device {device}: torch sees no GPU here")
    print("| work | rows | rows/s |\n|---|---|---|")
    for name, (n_rows, in_a_second) in costs(model or model_folder(ModelSettings()), device, records).items():
        print(f"| {name} | {n_rows:,} | {in_a_second:,.0f} |", flush=True)


@command.command()
def main(
    model: Annotated[str | None, typer.Option(help="folder of a model; default: the one shipped")] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda for the encoder on a GPU")] = "cpu",
    records: Annotated[int, typer.Option(min=100, help="records of the simulated table")] = 5000,
) -> None:
    """Measure what encoding and scoring cost here."""
    sys.exit(status_of(lambda: measure(model, device, records)))


if __name__ == "__main__":
    start(command, sys.argv[1:])
