"""Publish a finished dry run: ``spark-submit jobs/publish.py --output DIR --tag TAG [--check]``."""

import sys
from typing import Annotated

import typer

from siamese_er.commands import start, status_of
from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.release import check_gates, ended_run, publish_ended
from siamese_er.session import build_session

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def publish(output: str, tag: str | None, run_id: str | None, only_check: bool) -> None:
    """Look at the gates of the run and, unless only to check, publish it."""
    if (tag is None) == (run_id is None):
        raise ContractFault("name the run by --tag or by --run-id")
    spark = build_session(MatchConfig(), "siamese_er publish")
    try:
        found = ended_run(spark, output, tag, run_id)
        print("\n".join(found.gate_lines()))
        check_gates(found)
        if not only_check:
            print(publish_ended(spark, found))
    finally:
        spark.stop()


@command.command()
def main(
    output: Annotated[str, typer.Option(help="folder of all runs")],
    tag: Annotated[
        str | None, typer.Option(help="the run.tag that jobs/match.py was given: the newest such run")
    ] = None,
    run_id: Annotated[str | None, typer.Option(help="id of the run")] = None,
    check: Annotated[bool, typer.Option("--check", help="say how its gates stand, publish nothing")] = False,
) -> None:
    """Publish a run that jobs/match.py --dry-run left; exit status 3 where a gate failed."""
    sys.exit(status_of(lambda: publish(output, tag, run_id, check)))


if __name__ == "__main__":
    start(command, sys.argv[1:])
