"""Look at the input of a run before it: ``spark-submit jobs/check_input.py [--config FILE] --input PATH ...``."""

import sys
from typing import Annotated

import typer

from siamese_er.commands import one_value_a_flag, start, status_of
from siamese_er.config import MatchConfig, load_config
from siamese_er.intake import input_lines
from siamese_er.session import build_session

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def check(config: MatchConfig) -> None:
    """Read the input once and say what it holds."""
    spark = build_session(config, "siamese_er check input")
    try:
        print("\n".join(input_lines(spark, config)))
    finally:
        spark.stop()


@command.command()
def main(
    config: Annotated[str | None, typer.Option(help="TOML file of the run")] = None,
    records: Annotated[list[str] | None, typer.Option("--input", help="records; several paths may follow")] = None,
    notes: Annotated[list[str] | None, typer.Option(help="clinical notes; several paths may follow")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="SECTION.KEY=VALUE, any setting")] = None,
) -> None:
    """Find faults of files and columns, and too many bad rows, before a run; exit status 2 where there are some."""
    flags = {"input.records": records, "input.notes": notes}
    overrides = {key: value for key, value in flags.items() if value}
    sys.exit(status_of(lambda: check(load_config(config, overrides, settings or []))))


if __name__ == "__main__":
    start(command, one_value_a_flag(sys.argv[1:], ["--input", "--notes"]))
