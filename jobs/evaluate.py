"""Figures of a run against a truth table: ``spark-submit jobs/evaluate.py --run OUTPUT --truth TRUTH``."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from siamese_er.ablation import notes_ablation
from siamese_er.commands import one_value_a_flag, status_of
from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.quality.evaluation import evaluation
from siamese_er.quality.report import Form, evaluation_told, table_told
from siamese_er.session import build_session
from siamese_er.sources.truth import read_truth

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def told(run: str, truth: str, by: list[str], form: Form, withhold: list[str] | None) -> str:
    """The figures as text, in a session of their own; ages are those of this year's end. ``withhold``: the ablation."""
    spark = build_session(MatchConfig(), "siamese_er evaluate")
    try:
        known = read_truth(spark, truth)
        if withhold is not None:
            return table_told(notes_ablation(spark, run, known, withhold), form)
        return evaluation_told(evaluation(spark, run, known, by, datetime.now(UTC).year), form)
    finally:
        spark.stop()


@command.command()
def main(
    run: Annotated[str, typer.Option(help="output folder of jobs/match.py, or the folder of one run")],
    truth: Annotated[str, typer.Option(help="Parquet or CSV with source, record_id, entity_id [, household_id]")],
    by: Annotated[list[str] | None, typer.Option(help="subgroups: source_pair age_band sex race pattern ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print Markdown tables")] = False,
    with_ablation: Annotated[
        bool, typer.Option("--notes-ablation", help="match again without notes, and so on")
    ] = False,
    withhold: Annotated[list[str] | None, typer.Option(help="ablation without: identifiers, addresses ...")] = None,
) -> None:
    """Print pairwise, cluster, B-cubed, blocking, threshold and calibration figures of a run, or what its notes add."""
    names = [name for part in withhold or [] for name in part.split(",") if name]
    form: Form = "json" if as_json else "markdown" if as_markdown else "text"

    def printed() -> None:
        if names and not with_ablation:
            raise ContractFault("--withhold: only with --notes-ablation")
        print(told(run, truth, by or [], form, names if with_ablation else None))

    sys.exit(status_of(printed))


if __name__ == "__main__":
    command(one_value_a_flag(sys.argv[1:], ["--by", "--withhold"]))
