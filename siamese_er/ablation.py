"""What the notes add: the figures of a run beside those of the same run without notes."""

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.pipeline import match
from siamese_er.quality.evaluation import evaluate_run
from siamese_er.storage import previous_run

FIGURES = ("precision", "recall", "f1", "b_cubed_f1", "recall_at_precision_0.999", "calibration_error")


def notes_ablation(spark: SparkSession, run_dir: str, truth: DataFrame) -> pd.DataFrame:
    """One row for ``demographics only`` and one for ``with notes``, with FIGURES.

    The run without notes is made anew, from the input and settings that run.json names, into ``ablation`` under the
    output folder; nothing that is published changes.

    Raises: ContractFault where the run has no run.json or was itself made without notes.
    """
    run = previous_run(spark, run_dir, run_dir)
    record = run.read_record(spark) if run else {}
    if run is None or "config" not in record:
        raise ContractFault(f"--run {run_dir}: run.json does not tell how the run was made")
    config = MatchConfig.model_validate(record["config"])
    if not record["counts"]["notes"] or not config.model.use_notes:
        raise ContractFault(f"--run {run_dir}: the run had no notes; there is nothing to leave out")
    changed = {
        "run": config.run.model_copy(update={"output": f"{run.output}/ablation", "previous": None, "dry_run": False}),
        "model": config.model.model_copy(update={"use_notes": False}),
    }
    without = match(spark, config.model_copy(update=changed))
    figures = {
        "demographics only": evaluate_run(spark, without.path, truth),
        "with notes": evaluate_run(spark, run.path, truth),
    }
    rows = [{"evidence": name, **{figure: found.get(figure) for figure in FIGURES}} for name, found in figures.items()]
    return pd.DataFrame(rows)
