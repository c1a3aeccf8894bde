"""Figures of a run against a truth table: ``spark-submit jobs/evaluate.py --run OUTPUT --truth TRUTH``."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from siamese_er.ablation import notes_ablation
from siamese_er.commands import one_value_a_flag, status_of
from siamese_er.config import MatchConfig
from siamese_er.quality.evaluation import evaluation
from siamese_er.quality.report import aligned, evaluation_object, readable
from siamese_er.session import build_session
from siamese_er.sources.truth import read_truth

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def told(run: str, truth: str, by: list[str], as_json: bool, with_ablation: bool) -> str:
    """The figures as text, in a session of their own; ages are those of this year's end."""
    spark = build_session(MatchConfig(), "siamese_er evaluate")
    try:
        if with_ablation:
            return aligned(notes_ablation(spark, run, read_truth(spark, truth)))
        result = evaluation(spark, run, read_truth(spark, truth), by, datetime.now(UTC).year)
        return json.dumps(evaluation_object(result)) if as_json else readable(result)
    finally:
        spark.stop()


@command.command()
def main(
    run: Annotated[str, typer.Option(help="output folder of jobs/match.py, or the folder of one run")],
    truth: Annotated[str, typer.Option(help="Parquet or CSV with source, record_id, entity_id [, household_id]")],
    by: Annotated[
        list[str] | None,
        typer.Option(help="subgroup columns; several may follow: source_pair, entity_size, age_band, sex, race ..."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    with_ablation: Annotated[bool, typer.Option("--notes-ablation", help="match again without notes")] = False,
) -> None:
    """Print pairwise, cluster, B-cubed, blocking, threshold and calibration figures of a run."""
    sys.exit(status_of(lambda: print(told(run, truth, by or [], as_json, with_ablation))))


if __name__ == "__main__":
    command(one_value_a_flag(sys.argv[1:], ["--by"]))
