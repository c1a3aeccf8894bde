"""Runs beside each other: the run of today and the one before, or runs of several models against one truth."""

from collections.abc import Mapping

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from siamese_er.quality.evaluation import evaluate_run
from siamese_er.review.cases import published_run
from siamese_er.storage import RunFolder, previous_run

FIGURES = (
    "records", "precision", "recall", "f1", "b_cubed_f1", "recall_at_precision_0.999", "calibration_error",
    "questions_per_100_records",
)  # fmt: skip


def run_and_before(spark: SparkSession, output: str, before: str | None) -> tuple[RunFolder, RunFolder | None]:
    """The published run, and the run to hold it against: ``before`` (an output or run folder), else its predecessor.

    Null where there was none, or its tables are gone.
    """
    run = published_run(spark, output)
    if before:
        return run, previous_run(spark, output, before)
    earlier = run.read_record(spark).get("previous_run_id")
    if not earlier:
        return run, None
    folder = RunFolder(output, earlier, f"{output.rstrip('/')}/runs/{earlier}")
    return run, folder if folder.read_record(spark) else None


def runs_against_truth(spark: SparkSession, runs: Mapping[str, str], truth: DataFrame) -> pd.DataFrame:
    """A row of figures for each run (name -> output or run folder), as ``jobs/evaluate.py`` gives them."""
    rows = []
    for name, folder in runs.items():
        figures = evaluate_run(spark, folder, truth)
        rows.append({"run": name} | {figure: figures[figure] for figure in FIGURES})
    return pd.DataFrame(rows)
