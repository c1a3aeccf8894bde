"""A made-up run folder, evaluated in Spark: agrees with the bench's evaluator, plain loops, and itself reordered."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from siamese_er.errors import ContractFault
from siamese_er.quality import counts, evaluate_run, pair_completeness
from siamese_er.quality.evaluation import evaluation
from siamese_er.quality.subgroups import subgroup_figures, with_subgroup

BENCH = Path(__file__).parents[2] / "shared" / "bench" / "evaluate.py"
TRUTH_SCHEMA = "source string, record_id string, entity_id string, household_id string, sex string"


@pytest.fixture(scope="module")
def truth():
    random = np.random.default_rng(7)
    entities = random.integers(0, 60, 150)
    return pd.DataFrame(
        {
            "source": random.choice(["clinic", "hospital", "lab"], 150),
            "record_id": [f"r{number:03}" for number in range(150)],
            "entity_id": [f"e{entity}" for entity in entities],
            "household_id": [None if entity % 7 == 0 else f"h{entity // 3}" for entity in entities],
            "sex": [["f", "m", None][entity % 3] for entity in entities],
        }
    )


@pytest.fixture(scope="module")
def output(truth, tmp_path_factory):
    random = np.random.default_rng(11)
    folder = tmp_path_factory.mktemp("output")
    run = folder / "runs" / "one"
    run.mkdir(parents=True)
    (folder / "current.json").write_text(json.dumps({"run_id": "one", "path": "runs/one"}))
    (run / "run.json").write_text(json.dumps({"counts": {"candidate_pairs": 900}}))
    crosswalk = truth[["source", "record_id"]].iloc[5:].copy()
    wrong = random.random(len(crosswalk)) < 0.15
    crosswalk["enterprise_id"] = np.where(wrong, "p" + truth.household_id[5:].fillna("x"), "q" + truth.entity_id[5:])
    strangers = pd.DataFrame({"source": "lab", "record_id": ["new1", "new2"], "enterprise_id": ["qe1", "qe2"]})
    pd.concat([crosswalk, strangers]).to_parquet(run / "crosswalk.parquet")
    scored_pairs(truth, random).to_parquet(run / "scored_pairs.parquet")
    pd.DataFrame({"enterprise_id": crosswalk.enterprise_id.unique(), "birth_date": "1980-01-01"}).to_parquet(
        run / "golden_records.parquet"
    )
    return folder


def scored_pairs(truth, random):
    every = list(itertools.combinations(range(len(truth)), 2))
    chosen = [every[i] for i in random.choice(len(every), 600, replace=False)]
    chosen += [pair for pair in every if truth.entity_id[pair[0]] == truth.entity_id[pair[1]]][::2]
    chosen += [(right, left) for left, right in chosen[:20]] + [(3, 3)]
    left, right = (truth.iloc[[pair[side] for pair in chosen]].reset_index(drop=True) for side in (0, 1))
    likely = np.where(left.entity_id == right.entity_id, 0.7, 0.1)
    return pd.DataFrame(
        {
            "left_source": left.source, "left_record_id": left.record_id,
            "right_source": right.source, "right_record_id": right.record_id,
            "match_probability": np.clip(likely + random.normal(0, 0.3, len(chosen)), 0.01, 1).round(3),
        }
    )  # fmt: skip


def as_frame(spark, truth):
    return spark.createDataFrame(truth.astype(object).where(truth.notna(), None), TRUTH_SCHEMA)


@pytest.fixture(scope="module")
def figures(spark, output, truth):
    return evaluate_run(spark, str(output), as_frame(spark, truth))


@pytest.mark.skipif(not BENCH.exists(), reason="the bench lies beside the checkout only")
def test_evaluate_run_agrees_with_the_bench(figures, output, truth, tmp_path):
    truth.to_parquet(tmp_path / "truth.parquet")
    command = [sys.executable, str(BENCH), "--run", str(output), "--truth", str(tmp_path / "truth.parquet"), "--json"]
    expected = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert expected.keys() <= figures.keys()
    for name, value in expected.items():
        assert figures[name] == (pytest.approx(value, abs=1e-9) if value is not None else None), name


def test_evaluate_run_counts_what_lies_outside_the_truth(figures):
    assert (figures["records"], figures["records_not_in_crosswalk"], figures["records_without_truth"]) == (150, 5, 2)
    assert figures["reduction_ratio"] == pytest.approx(1 - 900 / (152 * 151 / 2))


def test_evaluate_run_counts_false_links_within_households_as_plain_loops_do(figures, output, truth):
    crosswalk = pd.read_parquet(output / "runs/one/crosswalk.parquet")
    rows = truth.merge(crosswalk, on=["source", "record_id"]).dropna(subset=["household_id"]).to_dict("records")

    expected = sum(
        one["household_id"] == other["household_id"]
        and one["enterprise_id"] == other["enterprise_id"]
        and one["entity_id"] != other["entity_id"]
        for one, other in itertools.combinations(rows, 2)
    )

    assert figures["false_links_within_household"] == expected > 0


def test_evaluate_run_does_not_depend_on_order_or_partitions(spark, figures, output, truth):
    shuffled = as_frame(spark, truth.sample(frac=1, random_state=1)).repartition(5)

    assert evaluate_run(spark, str(output / "runs/one"), shuffled) == figures


def test_evaluate_run_of_a_run_without_scored_pairs(spark, truth, tmp_path):
    truth[["source", "record_id", "entity_id"]].rename(columns={"entity_id": "enterprise_id"}).to_parquet(
        tmp_path / "crosswalk.parquet"
    )

    figures = evaluate_run(spark, str(tmp_path), as_frame(spark, truth).drop("household_id"))

    assert (figures["precision"], figures["recall"], figures["clusters_exact"]) == (1, 1, 1)
    assert (figures["scored_pairs"], figures["best_f1"], figures["blocking_recall"]) == (0, 0, 1)
    assert figures["calibration_error"] is figures["brier"] is figures["false_links_within_household"] is None


def test_evaluate_run_rounds_probabilities_when_there_are_too_many(spark, figures, output, truth, monkeypatch):
    monkeypatch.setattr(counts, "MAX_DISTINCT_PROBABILITIES", 10)

    rounded = evaluate_run(spark, str(output), as_frame(spark, truth))

    assert rounded["calibration_error"] == pytest.approx(figures["calibration_error"], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda truth: truth.drop("entity_id"), "missing column entity_id", id="truth without entities"),
        pytest.param(lambda truth: truth.union(truth.limit(2)), "2 records occur more than once", id="records twice"),
        pytest.param(lambda truth: truth.where("false"), "no record with an entity_id", id="empty truth"),
    ],
)
def test_evaluate_run_refuses_a_truth_it_cannot_use(spark, output, truth, change, message):
    with pytest.raises(ContractFault, match=message):
        evaluate_run(spark, str(output), change(as_frame(spark, truth)))


def test_subgroup_figures_equal_plain_loops(spark, output, truth):
    crosswalk = pd.read_parquet(output / "runs/one/crosswalk.parquet")
    rows = truth.merge(crosswalk, how="left", on=["source", "record_id"])
    rows["enterprise_id"] = rows.enterprise_id.fillna(rows.record_id)
    pairs = [
        pair for pair in itertools.combinations(rows.to_dict("records"), 2) if "f" in (pair[0]["sex"], pair[1]["sex"])
    ]
    linked = [one["enterprise_id"] == other["enterprise_id"] for one, other in pairs]
    true = [one["entity_id"] == other["entity_id"] for one, other in pairs]

    tables = evaluation(spark, str(output), as_frame(spark, truth), by=["sex"]).subgroups

    women = tables["sex"].set_index("subgroup").loc["f"]
    assert (women.linked_pairs, women.true_pairs) == (sum(linked), sum(true))
    assert women.recall == pytest.approx(sum(np.logical_and(linked, true)) / sum(true))
    assert list(tables["sex"].subgroup) == ["(missing)", "f", "m"]


def test_subgroups_by_derived_columns(spark, output, truth, figures):
    by = ["source_pair", "entity_size", "age_band"]

    tables = evaluation(spark, str(output), as_frame(spark, truth), by=by, year=2020).subgroups

    assert len(tables["source_pair"]) == 6
    assert tables["source_pair"].true_pairs.sum() == figures["true_pairs"]
    assert dict(zip(tables["entity_size"].subgroup, tables["entity_size"].true_pairs, strict=True))["1"] == 0
    assert set(tables["age_band"].subgroup) == {"40-64", "(missing)"}


def test_subgroups_come_with_their_calibration(spark, output, truth, figures):
    tables = evaluation(spark, str(output), as_frame(spark, truth), by=["sex", "source_pair"]).subgroups

    assert {"recall_low", "recall_high", "warning", "calibration_error", "share_true_low"} <= set(tables["sex"].columns)
    shown = tables["source_pair"].scored_pairs.sum()
    assert 0 < shown <= figures["scored_pairs"]


def test_questions_are_counted_for_100_records_of_the_run(spark, truth, tmp_path):
    walk = truth[["source", "record_id", "entity_id"]].rename(columns={"entity_id": "enterprise_id"})
    walk.to_parquet(tmp_path / "crosswalk.parquet")
    pd.DataFrame({"task_id": ["t1", "t2", "t3"]}).to_parquet(tmp_path / "review_queue.parquet")

    figures = evaluate_run(spark, str(tmp_path), as_frame(spark, truth.head(100)).drop("household_id"))

    assert (figures["questions"], figures["questions_per_100_records"]) == (3, 2.0)


def test_patterns_need_evidence(spark, output, truth):
    with pytest.raises(ContractFault, match="--by pattern: the run has no scored_pairs with evidence"):
        evaluation(spark, str(output), as_frame(spark, truth), by=["pattern"])


def test_small_subgroups_show_nothing(spark):
    rows = [(f"r{i}", "a", "a", "many" if i < 10 else "few") for i in range(19)]
    records = spark.createDataFrame(rows, "record_key string, entity string, cluster string, subgroup string")

    table = subgroup_figures(records).set_index("subgroup")

    assert table.loc["few"].isna().all()
    assert table.loc["many", "n_records"] == 10


@pytest.mark.parametrize(
    ("column", "message"),
    [
        pytest.param("national_id", "not a column of the truth", id="identifying column of golden records"),
        pytest.param("record_id", "a key", id="key"),
    ],
)
def test_with_subgroup_refuses(spark, column, message):
    schema = "source string, record_id string, entity string, enterprise_id string"
    golden = spark.createDataFrame([], "enterprise_id string, national_id string")

    with pytest.raises(ContractFault, match=message):
        with_subgroup(spark.createDataFrame([], schema), column, golden, 2020)


def test_pair_completeness_takes_pairs_in_either_order_and_once(spark):
    truth = spark.createDataFrame(
        [("s", "1", "a"), ("s", "2", "a"), ("t", "3", "a"), ("t", "4", "b"), ("t", "5", None), ("t", "6", None)],
        "source string, record_id string, entity_id string",
    )
    pairs = spark.createDataFrame(
        [("t\x1f3", "s\x1f1"), ("s\x1f1", "t\x1f3"), ("s\x1f1", "t\x1f4"), ("t\x1f5", "t\x1f6")],
        "left_key string, right_key string",
    )

    completeness = pair_completeness(truth, pairs)

    assert completeness == {"true_pairs": 3, "true_pairs_blocked": 1, "pair_completeness": pytest.approx(1 / 3)}


def test_pair_completeness_is_null_without_true_pairs(spark):
    truth = spark.createDataFrame([("s", "1", "a")], "source string, record_id string, entity_id string")
    pairs = spark.createDataFrame([], "left_key string, right_key string")

    assert pair_completeness(truth, pairs)["pair_completeness"] is None
