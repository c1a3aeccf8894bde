"""All figures of one run against a truth table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from siamese_er.errors import ContractFault
from siamese_er.quality import counts
from siamese_er.quality.blocking import reduction_ratio
from siamese_er.quality.calibration import brier_score, calibration_error, reliability_table
from siamese_er.quality.clusters import cluster_figures, correct_pairs, ratio, true_pairs
from siamese_er.quality.runs import optional_table, run_folder, run_record, with_columns
from siamese_er.quality.subgroup_calibration import (
    curves,
    pairs_by_members,
    pairs_by_pattern,
    pattern_figures,
    subgroup_calibration,
)  # fmt: skip
from siamese_er.quality.subgroups import subgroup_figures, with_subgroup
from siamese_er.quality.thresholds import threshold_figures

PAIR_COLUMNS = ("left_source", "left_record_id", "right_source", "right_record_id", "match_probability")
CROSSWALK_COLUMNS = ("source", "record_id", "enterprise_id")
TRUTH_COLUMNS = ("source", "record_id", "entity_id")


@dataclass(frozen=True)
class RunCounts:
    """What the figures of one run are computed from; see ``clusters.py`` and ``thresholds.py`` for the two tables."""

    shapes: pd.DataFrame
    curve: pd.DataFrame
    n_records: int
    n_not_in_crosswalk: int
    n_without_truth: int
    n_candidate_pairs: int | None
    n_false_within_household: int | None
    n_questions: int | None


@dataclass(frozen=True)
class Evaluation:
    """Figures by name (null where undefined), the reliability table, and a table for each requested subgroup column."""

    figures: dict[str, Any]
    reliability: pd.DataFrame
    subgroups: dict[str, pd.DataFrame]


def evaluate_run(spark: SparkSession, run_dir: str, truth: DataFrame) -> dict[str, Any]:
    """The figures of one run, by name; numbers, null where undefined, and recall by entity size as a dict.

    Rules: a record of the truth that the crosswalk lacks is a cluster of its own. Records without truth are left out
    and counted. True pairs are all pairs of records of one entity, within a source too.

    In:  the output folder of a matcher, or one run's folder; truth with ``source``, ``record_id``, ``entity_id`` and,
         if known, ``household_id``.

    Raises: ContractFault when the folder holds no run, a column lacks, or a record occurs twice.
    """
    return evaluation(spark, run_dir, truth).figures


def evaluation(
    spark: SparkSession, run_dir: str, truth: DataFrame, by: Sequence[str] = (), year: int = 2026
) -> Evaluation:
    """The figures of `evaluate_run` with their tables; ``by`` names subgroup columns, ``year`` dates the age bands.

    Raises: ContractFault as `evaluate_run`, and for a column that cannot be a subgroup.
    """
    folder = run_folder(spark, run_dir)
    golden_records = optional_table(spark, folder, "golden_records", ("enterprise_id",))
    with labelled(spark, folder, truth) as (records, n_in_crosswalk):
        grouped = {column: with_subgroup(records, column, golden_records, year) for column in by if column != "pattern"}
        run = run_counts(spark, folder, records, n_in_crosswalk)
        scored_pairs = optional_table(spark, folder, "scored_pairs", PAIR_COLUMNS)
        tables = {
            column: pattern_table(scored_pairs, records)
            if column == "pattern"
            else subgroup_table(scored_pairs, grouped[column], per_pair=column == "source_pair")
            for column in by
        }
    return Evaluation(figures(run), reliability_table(run.curve), tables)


def subgroup_table(scored_pairs: DataFrame | None, members: DataFrame, per_pair: bool) -> pd.DataFrame:
    """Figures and calibration of each subgroup of labelled records; calibration is null in a run without scored pairs."""
    table = subgroup_figures(members, per_pair)
    if scored_pairs is None:
        return table
    calibration = subgroup_calibration(curves(pairs_by_members(scored_pairs, members, per_pair)))
    return table.merge(
        calibration[calibration.subgroup.isin(table.subgroup[table.n_records.notna()])], "left", "subgroup"
    )


def pattern_table(scored_pairs: DataFrame | None, records: DataFrame) -> pd.DataFrame:
    """Figures and calibration of each pattern of fields that both records of a scored pair hold.

    Raises: ContractFault where the run has no scored pairs with evidence.
    """
    if scored_pairs is None or "evidence" not in scored_pairs.columns:
        raise ContractFault("--by pattern: the run has no scored_pairs with evidence")
    found = curves(pairs_by_pattern(scored_pairs, records))
    return (
        pattern_figures(found).merge(subgroup_calibration(found), "left", "subgroup") if len(found) else pd.DataFrame()
    )


@contextmanager
def labelled(spark: SparkSession, folder: str, truth: DataFrame) -> Iterator[tuple[DataFrame, int]]:
    """The labelled records, cached for the time of the block, and the number of records in the crosswalk."""
    crosswalk = optional_table(spark, folder, "crosswalk", CROSSWALK_COLUMNS)
    if crosswalk is None:
        raise ContractFault("the run has no crosswalk")
    counts.n_unique_records(with_columns(truth, "truth", TRUTH_COLUMNS), "truth")
    n_in_crosswalk = counts.n_unique_records(crosswalk, "crosswalk")
    records = counts.labelled_records(crosswalk, truth).persist()
    try:
        yield records, n_in_crosswalk
    finally:
        records.unpersist()


def run_counts(spark: SparkSession, folder: str, records: DataFrame, n_in_crosswalk: int) -> RunCounts:
    """The counts behind the figures of one run. Raises: ContractFault when no record of the truth has an entity."""
    shapes = counts.cluster_shapes(records)
    n_records = int((shapes.n_cells * shapes.n_shared).sum())
    if not n_records:
        raise ContractFault("truth: no record with an entity_id")
    n_known = records.where("is_in_crosswalk").count()
    scored_pairs = optional_table(spark, folder, "scored_pairs", PAIR_COLUMNS)
    if scored_pairs is None:
        curve = counts.NO_PAIRS
    else:
        curve = counts.probability_counts(counts.judged_pairs(scored_pairs, records))
    households = "household_id" in records.columns
    queue = optional_table(spark, folder, "review_queue", ())
    return RunCounts(
        shapes=shapes,
        curve=curve,
        n_records=n_records,
        n_not_in_crosswalk=n_records - n_known,
        n_without_truth=n_in_crosswalk - n_known,
        n_candidate_pairs=run_record(spark, folder).get("counts", {}).get("candidate_pairs"),
        n_false_within_household=counts.false_links_within(records, "household_id") if households else None,
        n_questions=None if queue is None else queue.count(),
    )


def figures(run: RunCounts) -> dict[str, Any]:
    """All figures by name.

    ``blocking_recall``: share of the true pairs that were scored or ended in one cluster, so what comparing could still
    find. ``reduction_ratio``: share of all record pairs that were not compared; null unless run.json counts the
    candidate pairs. ``questions``: rows of the review queue, null where the run has none; ``questions_per_100_records`` of
    the crosswalk is the review load. ``calibration_error`` leaves out pairs below .05, ``brier`` does not.
    """
    n_true, curve = true_pairs(run.shapes), run.curve
    reachable = correct_pairs(run.shapes) + int(curve.n_true_unlinked.sum())
    n_all, n_candidates = run.n_records + run.n_without_truth, run.n_candidate_pairs
    result: dict[str, Any] = {
        "records": run.n_records,
        "records_not_in_crosswalk": run.n_not_in_crosswalk,
        "records_without_truth": run.n_without_truth,
        "scored_pairs": int(curve.n_pairs.sum()),
        "blocking_recall": ratio(reachable, n_true),
        "candidate_pairs": n_candidates,
        "reduction_ratio": None if n_candidates is None else reduction_ratio(n_candidates, n_all),
    }
    result |= cluster_figures(run.shapes) | threshold_figures(curve, n_true)
    result |= {"calibration_error": calibration_error(curve), "brier": brier_score(curve)}
    n_in_run = run.n_records - run.n_not_in_crosswalk + run.n_without_truth
    load = None if run.n_questions is None else ratio(100 * run.n_questions, n_in_run)
    result |= {"questions": run.n_questions, "questions_per_100_records": load}
    return result | {"false_links_within_household": run.n_false_within_household}
