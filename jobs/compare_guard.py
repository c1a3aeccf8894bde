"""Clusters with and without the guard against chain merges: ``python jobs/compare_guard.py --run DIR --truth PATH``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from siamese_er.commands import start, status_of
from siamese_er.quality.guard import guard_figures

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def published(output: Path) -> Path:
    """The folder of the published run of an output folder; a run's own folder is itself."""
    current = output / "current.json"
    return output / json.loads(current.read_text(encoding="utf-8"))["path"] if current.exists() else output


@command.command()
def main(
    run: Annotated[Path, typer.Option(help="output folder of jobs/match.py, or the folder of one run")],
    truth: Annotated[Path, typer.Option(help="Parquet or CSV with source, record_id, entity_id")],
) -> None:
    """Print clusters, largest cluster, over-merged clusters, precision, recall and F1 before and after the guard."""
    sys.exit(status_of(lambda: print(guard_figures(published(run), truth).round(4).to_string())))


if __name__ == "__main__":
    start(command, sys.argv[1:])
