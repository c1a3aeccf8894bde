"""A hospital's days, matched as daily batches and checked: ``spark-submit jobs/simulate.py --days 30``."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from siamese_er.commands import start, status_of
from siamese_er.config import MatchConfig
from siamese_er.days import COLUMNS, simulated_days
from siamese_er.errors import GateFailed
from siamese_er.hospital import Pace
from siamese_er.session import build_session

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def told(row: dict[str, Any]) -> None:
    """Print a day as a line of a Markdown table."""
    print("| " + " | ".join("" if row[name] is None else str(row[name]) for name in COLUMNS) + " |", flush=True)


@command.command()
def main(
    days: Annotated[int, typer.Option(help="days after the first, whole delivery")] = 30,
    records: Annotated[int, typer.Option(help="records of the whole population")] = 3000,
    output: Annotated[str, typer.Option(help="folder of the simulation; what is in it is removed")] = "simulation",
    seed: Annotated[int, typer.Option()] = 1,
    first_share: Annotated[float, typer.Option(help="share of the records that are there before day 1")] = 0.9,
    edits: Annotated[int, typer.Option(help="records edited a day")] = 5,
    deletions: Annotated[int, typer.Option(help="records deleted a day")] = 2,
    answers: Annotated[int, typer.Option(help="questions of the review queue answered a day")] = 4,
    whole_every: Annotated[int, typer.Option(help="days between comparisons with a full run; 0: the last alone")] = 10,
    other_model_on: Annotated[int | None, typer.Option(help="day of a new model; default: the middle")] = None,
) -> None:
    """Print a line a day: what came, what it cost, what moved, and what did not hold; status 3 if anything did not."""

    def run() -> None:
        spark = build_session(MatchConfig(), "siamese_er simulate")
        try:
            pace = Pace(first_share, edits, deletions, answers)
            print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)
            changed_on = other_model_on if other_model_on is not None else max(1, days // 2)
            rows = simulated_days(spark, Path(output), records, days, seed, pace, whole_every, changed_on, told)
        finally:
            spark.stop()
        if faults := [f"day {row['day']}: {row['faults']}" for row in rows if row["faults"] != "none"]:
            raise GateFailed(faults)

    sys.exit(status_of(run))


if __name__ == "__main__":
    start(command, sys.argv[1:])
