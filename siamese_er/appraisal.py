"""What a run looks like before it is published: drift, key figures, gates and the report, from its written tables."""

from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.aggregates import aggregates, profile_of
from siamese_er.config import GateSettings, MatchConfig
from siamese_er.drift import LIKELY, Drift, drift_between, drift_from_reference, load_reference
from siamese_er.errors import where_it_broke
from siamese_er.gates import failed_gates, gates
from siamese_er.kpis import keep_kpis, kpis
from siamese_er.model import model_folder
from siamese_er.quality.calibration import reliability_table
from siamese_er.quality.clusters import ratio
from siamese_er.quality.counts import record_key
from siamese_er.quality.evaluation import figures, labelled, run_counts
from siamese_er.quality.report import rows
from siamese_er.quality.subgroup_overview import UNITS, subgroup_overview
from siamese_er.report.files import write_report
from siamese_er.sources.labels import read_labels
from siamese_er.storage import RunFolder

SUBGROUPS = ("source", "sex", "age_band")
"""By these a run with truth is told apart in its report; more by jobs/evaluate.py."""
FEWEST_LIKELY, MOST_HELD_BACK, MOST_VETOES = 20, 0.5, 2
"""From so many likely pairs on, the share of them that may be held back without a word, and the vetoes that it names."""


def appraised(
    spark: SparkSession, config: MatchConfig, run: RunFolder, before: RunFolder | None, tables: dict[str, DataFrame],
    record: dict[str, Any],
) -> list[str]:  # fmt: skip
    """One line for each gate that failed, after aggregates, drift, key figures and gates went into the record.

    The key figures are kept under OUTPUT/kpis and the report is written, whether a gate failed or not. A report that
    cannot be written does not stop the run: ``report`` of the record says class and place of the error.
    """
    last = before.read_record(spark) if before is not None else {}
    record["aggregates"] = aggregates(tables)
    drifts = drifts_of(config, record, last)
    precision = None
    if config.input.labels is not None:
        precision = labelled_precision(read_labels(spark, config.input.labels), tables["crosswalk"])
    record["drift"] = [drift.described() for drift in drifts]
    record["kpis"] = kpis(record, last, drifts, precision)
    found = gates(config.gates, record["counts"], record["kpis"])
    record["gates"] = [gate.described() for gate in found]
    record["warnings"] = [
        *held_back(record["aggregates"]),
        *warnings(config.gates, drifts, record["kpis"]),
        *forgotten_decisions(config, last),
    ]
    failed = failed_gates(found)
    status = "gate_failed" if failed else "dry_run" if config.run.dry_run else "published"
    ended = record | {"status": status, "failed_gates": failed}
    keep_kpis(spark, run.output, ended)
    try:
        write_report(spark, run.path, ended)
        record["report"] = {"path": "report.html"}
    except Exception as error:
        record["report"] = {"error": type(error).__name__, "place": where_it_broke(error)}
    return failed


def drifts_of(config: MatchConfig, record: dict[str, Any], last: dict[str, Any]) -> list[Drift]:
    """Drift against the last run, if its run.json has aggregates, and against the model's reference, if it has one."""
    now = profile_of(record["aggregates"], record["counts"]["records"])
    found: list[Drift] = []
    if "aggregates" in last:
        then = profile_of(last["aggregates"], last["counts"]["records"])
        found += drift_between(now, then, config.gates.warn_drift)
    reference = load_reference(model_folder(config.model), record["model"]["head_digest"])
    return found + (drift_from_reference(now, reference) if reference else [])


def warnings(settings: GateSettings, drifts: list[Drift], figures: dict[str, float | None]) -> list[str]:
    """What somebody should look at though nothing failed, a line each."""
    found = [
        f"drift: {each.measure} has a stability index of {each.index:.3f} against the {each.against}, "
        f"limit {each.limit:.3f}"
        for each in drifts
        if each.warns
    ]
    change = figures["pair_volume_change"]
    if change is not None and max(change, 1 / change if change else float("inf")) > settings.warn_pair_volume_change:
        found.append(f"pair volume: candidate pairs for each record are {change:.2f} times those of the last run")
    return found


def held_back(found: dict[str, Any]) -> list[str]:
    """A line where most likely pairs wait for a person, as tables that say little of each person make them do."""
    likely = [row for row in found["score"] if row["lowest"] >= LIKELY and row["band"] in ("auto", "review")]
    n_likely, n_held = sum(row["n"] for row in likely), sum(row["n"] for row in likely if row["band"] == "review")
    if n_likely < FEWEST_LIKELY or n_held <= MOST_HELD_BACK * n_likely:
        return []
    most = " and ".join(f"{veto} ({n:,})" for veto, n in list(found["held_back"].items())[:MOST_VETOES])
    reasons = f", most often by {most}" if most else ""
    return [f"links: {n_held:,} of {n_likely:,} likely pairs are held back for a person{reasons}"]


def forgotten_decisions(config: MatchConfig, last: dict[str, Any]) -> list[str]:
    """A line where the run before was given people's decisions and this one was not, so that they hold no more."""
    given_then = last.get("config", {}).get("input", {}).get("decisions")
    if config.input.decisions is not None or given_then is None:
        return []
    return ["decisions: the run before was given a file of them, this one none, so what people decided holds no more"]


def labelled_precision(labels: DataFrame, crosswalk: DataFrame) -> float | None:
    """Share of matches among the labelled pairs that are in one cluster, by their weights; null where there is none.

    An estimate of the precision only where the labels are a random sample, or weighted as one.
    """
    ids = crosswalk.select(record_key().alias("record_key"), "enterprise_id")
    sides = [ids.toDF(f"{side}_key", f"{side}_id") for side in ("left", "right")]
    joined = labels.join(sides[0], "left_key").join(sides[1], "right_key").where(F.col("left_id") == F.col("right_id"))
    matching = F.when(F.col("is_match"), F.col("weight")).otherwise(0.0)
    sums = joined.agg(F.sum(matching).alias("matches"), F.sum("weight").alias("all")).first()
    assert sums is not None
    return ratio(sums["matches"] or 0.0, sums["all"] or 0.0)


def judged(spark: SparkSession, run: RunFolder, truth: DataFrame, started: str) -> dict[str, Any]:
    """``metrics`` and ``evaluation`` of run.json: the figures, the reliability table and those of some subgroups."""
    golden_records = run.read_table(spark, "golden_records")
    with labelled(spark, run.path, truth) as (records, n_in_crosswalk):
        counted = run_counts(spark, run.path, records, n_in_crosswalk)
        found = figures(counted)
        everyone = {name: found[name] for name in UNITS}
        by = subgroup_overview(records, golden_records, SUBGROUPS, int(started[:4]), everyone)
    return {"metrics": found, "evaluation": {"reliability": rows(reliability_table(counted.curve)), "by": by}}
