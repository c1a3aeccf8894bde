"""Figures of a run against a truth table: ``spark-submit jobs/evaluate.py --run OUTPUT --truth TRUTH``."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from siamese_er.commands import one_value_a_flag, status_of
from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.quality.evaluation import Evaluation, evaluation
from siamese_er.quality.report import evaluation_object, readable
from siamese_er.session import build_session
from siamese_er.sources.truth import read_truth

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def evaluate(run_dir: str, truth: str, by: list[str]) -> Evaluation:
    """The figures of the run, in a session of their own; ages are those of this year's end."""
    spark = build_session(MatchConfig(), "siamese_er evaluate")
    try:
        return evaluation(spark, run_dir, read_truth(spark, truth), by, datetime.now(UTC).year)
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
    notes_ablation: Annotated[bool, typer.Option("--notes-ablation", help="with and without notes")] = False,
) -> None:
    """Print pairwise, cluster, B-cubed, blocking, threshold and calibration figures of a run."""

    def tell() -> None:
        if notes_ablation:
            raise ContractFault("--notes-ablation: not yet supported: comes with the learned-evidence release")
        result = evaluate(run, truth, by or [])
        print(json.dumps(evaluation_object(result)) if as_json else readable(result))

    sys.exit(status_of(tell))


if __name__ == "__main__":
    command(one_value_a_flag(sys.argv[1:], ["--by"]))
