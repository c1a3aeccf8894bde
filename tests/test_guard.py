"""``jobs/compare_guard.py``: clusters of plain closure beside the published ones."""

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

from siamese_er.errors import ContractFault
from siamese_er.quality.guard import AFTER, BEFORE, KEY, guard_figures

JOB = Path(__file__).parent.parent / "jobs" / "compare_guard.py"
PEOPLE = {"a1": "A", "a2": "A", "b1": "B", "b2": "B", "c1": "C"}
LINKS = [
    ("a1", "a2", "auto"),
    ("a2", "b1", "auto"),
    ("b1", "b2", "auto"),
    ("b2", "c1", "review"),
    ("a1", "gone", "auto"),
]
SIDES = ["left_source", "left_record_id", "right_source", "right_record_id"]


@pytest.fixture
def run(tmp_path):
    """The folder of a run in which the guard cut a2 from b1, beside a truth of its records."""
    folder = tmp_path / "out" / "runs" / "r1"
    ids = {"a1": "P", "a2": "P", "b1": "Q", "b2": "Q", "c1": "R", "unknown": "P"}
    tables = {
        "crosswalk": pd.DataFrame([("s", *row) for row in ids.items()], columns=[*KEY, "enterprise_id"]),
        "scored_pairs": pd.DataFrame([("s", a, "s", b, band) for a, b, band in LINKS], columns=[*SIDES, "band"]),
    }
    for name, table in tables.items():
        (folder / name).mkdir(parents=True)
        table.to_parquet(folder / name / "part.parquet")
    (tmp_path / "out" / "current.json").write_text(json.dumps({"run_id": "r1", "path": "runs/r1"}))
    truth = pd.DataFrame([("s", *row) for row in PEOPLE.items()], columns=[*KEY, "entity_id"])
    truth.to_csv(tmp_path / "truth.csv", index=False)
    truth.to_parquet(tmp_path / "truth.parquet")
    return folder


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_guard_is_held_against_the_closure_of_all_links(run, suffix):
    found = guard_figures(run, run.parents[2] / f"truth.{suffix}")

    assert found.loc[BEFORE].to_dict() == pytest.approx(
        {"clusters": 2, "largest_cluster": 4, "clusters_of_several_entities": 1, "false_links": 4, "precision": 1 / 3,
         "recall": 1, "f1": 0.5}
    )  # fmt: skip
    assert found.loc[AFTER].to_dict() == pytest.approx(
        {"clusters": 3, "largest_cluster": 2, "clusters_of_several_entities": 0, "false_links": 0, "precision": 1,
         "recall": 1, "f1": 1}
    )  # fmt: skip


def test_a_run_without_links_is_all_singles_before_the_guard(run):
    path = run / "scored_pairs" / "part.parquet"
    pd.read_parquet(path).head(0).to_parquet(path)

    found = guard_figures(run, run.parents[2] / "truth.csv")

    assert (found.loc[BEFORE, "clusters"], found.loc[BEFORE, "recall"]) == (5, 0)


def test_a_truth_of_other_records_is_a_fault(run, tmp_path):
    pd.DataFrame([("t", "x", "X")], columns=[*KEY, "entity_id"]).to_csv(tmp_path / "other.csv", index=False)

    with pytest.raises(ContractFault, match="none of its records"):
        guard_figures(run, tmp_path / "other.csv")


@pytest.mark.parametrize(
    "is_output", [pytest.param(True, id="output folder"), pytest.param(False, id="folder of a run")]
)
def test_the_job_prints_both(run, capsys, is_output):
    specification = importlib.util.spec_from_file_location("job_compare_guard", JOB)
    job = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(job)

    with pytest.raises(SystemExit) as ended:
        job.main(run.parents[1] if is_output else run, run.parents[2] / "truth.csv")

    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert [line.startswith(name) for line, name in zip(told.splitlines()[1:], (BEFORE, AFTER), strict=True)] == [
        True,
        True,
    ]
