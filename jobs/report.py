"""Write report.html of a run anew: ``spark-submit jobs/report.py --run OUTPUT``."""

import sys
from typing import Annotated

import typer

from siamese_er.commands import start, status_of
from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.release import ended_run, report_again, report_of_ended
from siamese_er.session import build_session

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def report(folder: str | None, output: str | None, tag: str | None) -> None:
    """Write the report and say where it is."""
    spark = build_session(MatchConfig(), "siamese_er report")
    try:
        if folder is not None:
            print(report_again(spark, folder))
        elif output is not None and tag is not None:
            print(report_of_ended(spark, ended_run(spark, output, tag)))
        else:
            raise ContractFault("name the run by --run, or by --output and --tag")
    finally:
        spark.stop()


@command.command()
def main(
    run: Annotated[str | None, typer.Option(help="output folder (its current run), or the folder of one run")] = None,
    output: Annotated[str | None, typer.Option(help="folder of all runs, with --tag")] = None,
    tag: Annotated[str | None, typer.Option(help="the run.tag that jobs/match.py was given")] = None,
) -> None:
    """Write the page of a run from its run.json; no table is read."""
    sys.exit(status_of(lambda: report(run, output, tag)))


if __name__ == "__main__":
    start(command, sys.argv[1:])
