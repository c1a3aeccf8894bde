"""The key figures of a run, by name, and the table that keeps those of all runs: ``OUTPUT/kpis/``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from siamese_er.drift import Drift, greatest
from siamese_er.errors import ContractFault
from siamese_er.files import files_of
from siamese_er.quality.blocking import reduction_ratio
from siamese_er.quality.clusters import ratio
from siamese_er.schemas import KPIS, conform
from siamese_er.storage import written

FOLDER = "kpis"


@dataclass(frozen=True)
class Kpi:
    """A key figure: its name, its unit and what it says."""

    name: str
    unit: str
    meaning: str


DEFINITIONS = (
    Kpi("records", "records", "living records"),
    Kpi("quarantined_share", "share", "rejected rows of all rows read"),
    Kpi("missing_records_share", "share", "full mode: records of the last run that are missing and not deleted, of all it had"),
    Kpi("missing_source_share", "share", "full mode: the same of the source that lacks the greatest share"),
    Kpi("candidate_pairs_per_record", "pairs", "pairs that blocking proposed, for each record"),
    Kpi("pair_volume_change", "times", "candidate pairs for each record, over those of the last run of the same mode"),
    Kpi("reduction_ratio", "share", "pairs of records that were not compared, of all"),
    Kpi("links", "pairs", "pairs of band auto"),
    Kpi("links_cut", "pairs", "links that the guard against chain merges refused"),
    Kpi("duplicate_share", "share", "records beyond the first of their enterprise id, of all"),
    Kpi("largest_cluster", "records", "records of the largest cluster"),
    Kpi("review_share", "share", "questions of the review queue for each record"),
    Kpi("review_reduction", "share", "pairs of band review that nobody is asked about: 1 - questions / pairs"),
    Kpi("expected_false_links", "pairs", "sum of 1 - p over the links, if probabilities are right"),
    Kpi("expected_missed_pairs", "pairs", "sum of p over scored pairs that are not linked, if probabilities are right"),
    Kpi("seconds", "s", "all steps until the report"),
    Kpi("microseconds_per_comparison", "us", "seconds of all steps over candidate pairs: latency of one comparison"),
    Kpi("greatest_drift", "index", "greatest population stability index against the last run"),
    Kpi("greatest_reference_drift", "times", "greatest index against the model's reference, over its limit"),
    Kpi("drift_warnings", "measures", "measures beyond their limit, against the last run or the reference"),
    Kpi("labelled_precision", "share", "labelled pairs in one cluster that are matches, by their weights"),
    Kpi("known_precision", "share", "precision on the truth, else labelled_precision: what min_precision looks at"),
    Kpi("precision", "share", "truth: pairs within clusters that are one person"),
    Kpi("recall", "share", "truth: pairs of one person that are within a cluster"),
    Kpi("f1", "share", "truth: harmonic mean of the two"),
    Kpi("b_cubed_precision", "share", "truth: B-cubed precision"),
    Kpi("b_cubed_recall", "share", "truth: B-cubed recall"),
    Kpi("b_cubed_f1", "share", "truth: B-cubed F1"),
    Kpi("pair_accuracy", "share", "truth: candidate and true pairs that were decided rightly; truth of all records"),
    Kpi("false_acceptance_rate", "share", "truth: candidate pairs of two persons that ended in one cluster, of all such"),
    Kpi("pair_completeness", "share", "truth: true pairs that blocking proposed"),
    Kpi("recall_at_precision_0.999", "share", "truth: recall that the probabilities alone would reach (sensitivity)"),
    Kpi("residual_duplicates", "share", "truth: persons with several enterprise ids, of all persons"),
    Kpi("calibration_error", "share", "truth: expected calibration error of pairs from .05"),
)  # fmt: skip


def kpis(
    record: Mapping[str, Any], last: Mapping[str, Any], drifts: Sequence[Drift], labelled_precision: float | None = None
) -> dict[str, float | None]:
    """The key figures by name, all of DEFINITIONS; null where a run cannot know one (no truth, no last run).

    In: ``record``, what run.json says so far; ``last``, the run.json of the previous run, empty without one.
    """
    counts, seconds = record["counts"], sum(record["seconds"].values())
    n_records, n_candidates = counts["records"], record["candidate_pairs"]
    rows_read = n_records + counts["earlier_versions"] + counts["deleted"] + counts["quarantined_records"]
    in_review = counts["pairs_by_band"].get("review", 0)
    found: dict[str, float | None] = {
        "records": n_records,
        "quarantined_share": ratio(counts["quarantined_records"], rows_read),
        "missing_records_share": missing_records_share(record),
        "missing_source_share": missing_source_share(record),
        "candidate_pairs_per_record": ratio(n_candidates, n_records),
        "pair_volume_change": pair_volume_change(record, last),
        "reduction_ratio": reduction_ratio(n_candidates, n_records),
        "links": counts["links"],
        "links_cut": counts["links_cut"],
        "duplicate_share": ratio(n_records - counts["clusters"], n_records),
        "largest_cluster": counts["largest_cluster"],
        "review_share": ratio(counts["review_queue"], n_records),
        "review_reduction": max(1 - counts["review_queue"] / in_review, 0.0) if in_review else None,
        "seconds": round(seconds, 2),
        "microseconds_per_comparison": ratio(seconds * 1e6, n_candidates),
        **expectations(record["aggregates"]["score"]),
        "greatest_drift": greatest(drift for drift in drifts if drift.against == "last run"),
        "greatest_reference_drift": greatest_excess(drifts),
        "drift_warnings": sum(drift.warns for drift in drifts),
        "labelled_precision": labelled_precision,
    }
    found |= true_figures(record)
    found["known_precision"] = labelled_precision if found["precision"] is None else found["precision"]
    return {kpi.name: found[kpi.name] for kpi in DEFINITIONS}


def missing_records_share(record: Mapping[str, Any]) -> float | None:
    """Records of the last run that did not arrive, of all it had; null for a batch, which is not of everything."""
    if mode_of(record) == "incremental":
        return None
    counts, change = record["counts"], record["counts"]["changes"]
    return ratio(change["gone"] - counts["deleted_known"], change["gone"] + change["same"] + change["moved"])


def missing_source_share(record: Mapping[str, Any]) -> float | None:
    """The greatest share of a source's records of the last run that did not arrive; null for a batch or without a last run."""
    if missing_records_share(record) is None:
        return None
    return max((missing / known for missing, known in record["counts"]["missing_by_source"].values()), default=0.0)


def pair_volume_change(record: Mapping[str, Any], last: Mapping[str, Any]) -> float | None:
    """Candidate pairs for each record over those of the last run; null without one, or where it was of another mode."""
    if not last.get("counts") or mode_of(last) != mode_of(record):
        return None
    before = ratio(last["counts"].get("candidate_pairs", 0), last["counts"].get("records", 0))
    now = ratio(record["candidate_pairs"], record["counts"]["records"])
    return now / before if before and now is not None else None


def mode_of(record: Mapping[str, Any]) -> str | None:
    """Full or incremental; null where run.json does not say."""
    mode = record.get("config", {}).get("run", {}).get("mode")
    return None if mode is None else str(mode)


def expectations(histogram: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """What the probabilities of the histogram lead one to expect."""
    linked = [row for row in histogram if row["band"] == "auto"]
    others = [row for row in histogram if row["band"] != "auto"]
    return {
        "expected_false_links": round(sum(row["n"] - row["expected"] for row in linked), 3),
        "expected_missed_pairs": round(sum(row["expected"] for row in others), 3),
    }


def greatest_excess(drifts: Sequence[Drift]) -> float | None:
    """The greatest index against the reference as a multiple of its limit; null where nothing was compared."""
    return max((d.index / d.limit for d in drifts if d.against == "reference" and d.index and d.limit), default=None)


def true_figures(record: Mapping[str, Any]) -> dict[str, float | None]:
    """The key figures that need a truth; null without one. Those over candidate pairs need the truth of all records."""
    metrics, blocking = record.get("metrics") or {}, record.get("blocking") or {}
    names = ("precision", "recall", "f1", "b_cubed_precision", "b_cubed_recall", "b_cubed_f1", "calibration_error",
             "recall_at_precision_0.999")  # fmt: skip
    found: dict[str, float | None] = {name: metrics.get(name) for name in names}
    found["pair_completeness"] = blocking.get("pair_completeness")
    found["pair_accuracy"] = found["false_acceptance_rate"] = found["residual_duplicates"] = None
    if metrics:
        found["residual_duplicates"] = ratio(metrics["entities_in_several_clusters"], metrics["entities"])
    if metrics and blocking and not metrics["records_without_truth"]:
        blocked, true = blocking["true_pairs_blocked"], metrics["true_pairs"]
        looked_at = record["candidate_pairs"] + true - blocked
        wrong = metrics["false_links"] + true - metrics["correct_pairs"]
        accuracy = ratio(looked_at - wrong, looked_at)
        found["pair_accuracy"] = None if accuracy is None else max(accuracy, 0.0)
        found["false_acceptance_rate"] = ratio(metrics["false_links"], record["candidate_pairs"] - blocked)
    return found


def keep_kpis(spark: SparkSession, output: str, record: Mapping[str, Any]) -> None:
    """Write the key figures of a run as one Parquet file under ``OUTPUT/kpis/``, over those it had before."""
    rows = [
        (record["run_id"], record["started"], record["status"], kpi.name, as_number(record["kpis"][kpi.name]), kpi.unit)
        for kpi in DEFINITIONS
    ]
    frame = conform(spark.createDataFrame(rows, KPIS), KPIS).drop("run_id").coalesce(1)
    written(frame, f"{output.rstrip('/')}/{FOLDER}/run_id={record['run_id']}")


def as_number(value: float | None) -> float | None:
    """The value as Spark's double."""
    return None if value is None else float(value)


def kept_kpis(spark: SparkSession, output: str) -> DataFrame:
    """KPIS of all runs of an output folder, published or not.

    Raises: ContractFault where no run has left any.
    """
    folder = f"{output.rstrip('/')}/{FOLDER}"
    if not files_of(spark, output).names(folder):
        raise ContractFault(f"no run has left key figures in {folder}")
    return conform(spark.read.schema(KPIS).parquet(folder), KPIS)
