"""Rows in a second of encoding and scoring: ``python jobs/measure_costs.py [--device cuda]``; no Spark session."""

import sys
from typing import Annotated

import torch
import typer

from siamese_er.card_limits import card_limits
from siamese_er.commands import start, status_of
from siamese_er.config import ModelSettings
from siamese_er.costs import costs
from siamese_er.errors import ContractFault
from siamese_er.model import model_folder
from siamese_er.neural.checkpoint import load_encoder

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def measure(model: str | None, device: str, records: int) -> None:
    """Print the table, and of a GPU what the networks reach of what it can."""
    if device != "cpu" and not torch.cuda.is_available():
        raise ContractFault(f"--device {device}: torch sees no GPU here")
    folder = model or model_folder(ModelSettings())
    print("| work | rows | rows/s |\n|---|---|---|")
    for name, (n_rows, in_a_second) in costs(folder, device, records).items():
        print(f"| {name} | {n_rows:,} | {in_a_second:,.0f} |", flush=True)
    if device == "cpu":
        return
    print(f"\n{torch.cuda.get_device_name()}")
    print("| network alone | rows a batch | rows/s | TFLOP/s | of the card |\n|---|---|---|---|---|")
    for name, of in card_limits(load_encoder(folder, "cuda:0")).items():
        print(
            f"| {name} | {of.batch:,} | {of.rows_per_second:,.0f} | {of.tera_operations:.2f} | {of.share:.2%} |",
            flush=True,
        )


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
