"""Figures of a run against a truth table: ``spark-submit jobs/evaluate.py --run OUTPUT --truth TRUTH``."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.quality.evaluation import evaluation
from siamese_er.quality.report import evaluation_object, readable
from siamese_er.session import build_session
from siamese_er.sources.truth import read_truth

app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    run: Annotated[str, typer.Option(help="output folder of jobs/match.py, or the folder of one run")],
    truth: Annotated[str, typer.Option(help="Parquet or CSV with source, record_id, entity_id [, household_id]")],
    by: Annotated[
        list[str] | None, typer.Option(help="subgroup column; repeat it. source_pair, entity_size, age_band, sex ...")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    notes_ablation: Annotated[bool, typer.Option("--notes-ablation", help="with and without notes")] = False,
) -> None:
    """Print pairwise, cluster, B-cubed, blocking, threshold and calibration figures of a run."""
    if notes_ablation:
        raise ContractFault("--notes-ablation: not yet supported: comes with the learned-evidence release")
    spark = build_session(MatchConfig(), "siamese_er evaluate")
    try:
        result = evaluation(spark, run, read_truth(spark, truth), by or (), datetime.now(UTC).year)
    finally:
        spark.stop()
    print(json.dumps(evaluation_object(result)) if as_json else readable(result))


def main(argv: list[str] | None = None) -> int:
    """The exit status: 0, or 2 with a line on stderr for each path, column or flag that breaks the contract."""
    faults: list[str] = []
    try:
        status = typer.main.get_command(app)(argv, standalone_mode=False)
    except ContractFault as fault:
        faults = fault.faults
    except typer.TyperException as error:
        faults = [error.format_message()]
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return 2 if faults else int(status or 0)


if __name__ == "__main__":
    sys.exit(main())
