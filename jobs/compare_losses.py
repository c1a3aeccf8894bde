"""The table of losses in docs/training.md: ``python jobs/compare_losses.py [--steps N] [--seed S]``; no Spark session."""

import sys
from typing import Annotated

import torch
import typer

from siamese_er.commands import start, status_of
from siamese_er.loss_table import loss_table

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def compare(steps: int, seed: int) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    loss_table(steps, seed, lambda line: print(line, flush=True))


@command.command()
def main(
    steps: Annotated[int, typer.Option(min=1, help="steps of each training")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same table")] = 1,
) -> None:
    """Train a small field encoder with each loss, distance and mining on the same values, and compare them."""
    sys.exit(status_of(lambda: compare(steps, seed)))


if __name__ == "__main__":
    start(command, sys.argv[1:])
