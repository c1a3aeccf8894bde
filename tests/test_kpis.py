"""Key figures: their formulas, and the table that keeps those of all runs."""

import pytest
from run_record import COUNTS, record_of

from siamese_er.appraisal import labelled_precision
from siamese_er.config import GateSettings
from siamese_er.drift import Drift
from siamese_er.errors import ContractFault
from siamese_er.kpis import DEFINITIONS, keep_kpis, kept_kpis, kpis, pair_volume_change
from siamese_er.schemas import CROSSWALK, LABELS


def test_figures_of_a_run_without_truth():
    found = record_of()["kpis"]

    assert found["quarantined_share"] == pytest.approx(5 / 210)
    assert found["candidate_pairs_per_record"] == 5
    assert found["reduction_ratio"] == pytest.approx(1 - 1000 / 19_900)
    assert found["duplicate_share"] == pytest.approx(30 / 200)
    assert found["review_share"] == pytest.approx(8 / 200)
    assert found["review_reduction"] == pytest.approx(1 - 8 / 20)
    assert found["microseconds_per_comparison"] == pytest.approx(5000)
    assert found["expected_false_links"] == pytest.approx(0.5)
    assert found["expected_missed_pairs"] == pytest.approx(11.2)
    unknown = {name for name, value in found.items() if value is None}
    assert {"precision", "pair_accuracy", "missing_records_share", "pair_volume_change", "known_precision"} <= unknown


def test_figures_of_a_run_with_truth():
    found = record_of(with_truth=True)["kpis"]

    assert found["known_precision"] == found["precision"] == 0.9
    assert found["pair_accuracy"] == pytest.approx(1 - (4 + 12) / (1000 + 2))
    assert found["false_acceptance_rate"] == pytest.approx(4 / (1000 - 46))
    assert found["pair_completeness"] == 0.96
    assert found["residual_duplicates"] == pytest.approx(8 / 160)


def test_figures_over_candidate_pairs_need_the_truth_of_all_records():
    record = record_of(with_truth=True)
    record["metrics"] = record["metrics"] | {"records_without_truth": 1}

    found = kpis(record, {}, [])

    assert (found["pair_accuracy"], found["false_acceptance_rate"]) == (None, None)
    assert found["precision"] == 0.9


@pytest.mark.parametrize(
    ("mode", "deleted", "share"),
    [
        pytest.param("full", 0, 0.3, id="all that are gone did not arrive"),
        pytest.param("full", 30, 0, id="all that are gone are said to be deleted"),
        pytest.param("incremental", 30, None, id="a batch is not of everything"),
    ],
)
def test_missing_records_are_those_that_nobody_deleted(mode, deleted, share):
    counts = COUNTS | {"changes": COUNTS["changes"] | {"gone": 30, "same": 70}, "deleted_known": deleted}
    counts["missing_by_source"] = {"a": [1, 9], "b": [1, 4]}
    settings = GateSettings(max_missing_records_share=0.2)

    record = record_of(settings=settings, counts=counts, config={"run": {"mode": mode}})

    assert record["kpis"]["missing_records_share"] == share
    assert record["kpis"]["missing_source_share"] == (None if share is None else 0.25)
    assert bool(record["failed_gates"]) == (share == 0.3)


@pytest.mark.parametrize(
    ("last", "change"),
    [
        pytest.param({}, None, id="no last run"),
        pytest.param(record_of(), 1, id="the same again"),
        pytest.param(record_of(counts=COUNTS | {"candidate_pairs": 250}), 4, id="four times as many"),
        pytest.param(record_of(config={"run": {"mode": "incremental"}}), None, id="a run of another mode"),
        pytest.param(record_of(counts=COUNTS | {"candidate_pairs": 0}), None, id="no pairs before"),
    ],
)
def test_pair_volume_against_the_last_run(last, change):
    assert pair_volume_change(record_of(), last) == change


def test_drift_goes_into_the_figures():
    drifts = [
        Drift("score", "last run", 0.3, 0.25),
        Drift("missing phones", "reference", 0.4, 0.8),
        Drift("x", "reference", None, None),
    ]

    found = kpis(record_of(), {}, drifts)

    assert (found["greatest_drift"], found["greatest_reference_drift"], found["drift_warnings"]) == (0.3, 0.5, 1)


def test_figures_of_all_runs_are_kept_one_file_each(spark, tmp_path):
    first, second = record_of(), record_of(run_id="20260102T000000000Z-abcdef", status="gate_failed")

    for record in (first, second, second):
        keep_kpis(spark, str(tmp_path), record)

    kept = kept_kpis(spark, str(tmp_path)).toPandas()
    assert len(list((tmp_path / "kpis").rglob("*.parquet"))) == 2
    assert not kept.duplicated(["run_id", "kpi"]).any()
    assert kept.groupby("run_id").size().to_dict() == {r["run_id"]: len(DEFINITIONS) for r in (first, second)}
    assert set(kept["status"]) == {"published", "gate_failed"}
    assert kept.set_index(["run_id", "kpi"]).value[first["run_id"], "links"] == 40
    assert kept[kept["kpi"] == "precision"]["value"].isna().all()


def test_no_kept_figures_are_a_fault(spark, tmp_path):
    with pytest.raises(ContractFault, match="no run has left key figures"):
        kept_kpis(spark, str(tmp_path))


def test_labelled_precision_counts_pairs_of_one_cluster_by_weight(spark):
    walk = [("s", record, person, "auto", "r", None, None, None) for record, person in zip("abcd", "xxxy", strict=True)]
    labels = [("s\x1fa", "s\x1fb", True, 3.0), ("s\x1fa", "s\x1fc", False, 1.0), ("s\x1fa", "s\x1fd", True, 9.0)]

    found = labelled_precision(spark.createDataFrame(labels, LABELS), spark.createDataFrame(walk, CROSSWALK))

    assert found == pytest.approx(3 / 4)
    assert labelled_precision(spark.createDataFrame([], LABELS), spark.createDataFrame(walk, CROSSWALK)) is None
