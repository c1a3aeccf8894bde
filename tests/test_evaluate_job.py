"""``jobs/evaluate.py`` and ``jobs/compare_public.py`` as their users call them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest

from siamese_er.quality import comparison
from siamese_er.quality.clusters import cluster_figures, shapes_of
from siamese_er.quality.comparison import Cost, best_peer, measured
from siamese_er.quality.evaluation import Evaluation
from siamese_er.quality.report import readable

JOBS = Path(__file__).parents[1] / "jobs"


def job(name):
    specification = importlib.util.spec_from_file_location(f"job_{name}", JOBS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def ran(arguments):
    return subprocess.run([sys.executable, str(JOBS / "evaluate.py"), *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def run_and_truth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    records = pd.DataFrame({"source": "s", "record_id": [f"r{i}" for i in range(4)]})
    records.assign(enterprise_id=["p", "p", "q", "q"]).to_parquet(folder / "crosswalk.parquet")
    records.assign(entity_id=["a", "a", "b", "c"]).to_csv(folder / "truth.csv", index=False)
    return folder, folder / "truth.csv"


def test_evaluate_prints_one_json_object(run_and_truth):
    run, truth = run_and_truth

    told = ran(["--run", str(run), "--truth", str(truth), "--json", "--by", "source", "entity_size"])

    assert told.returncode == 0, told.stderr
    figures = json.loads(told.stdout.splitlines()[-1])
    assert (figures["precision"], figures["recall"], figures["calibration_error"]) == (0.5, 1, None)
    assert figures["by"].keys() == {"source", "entity_size"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param([], "neither a current.json nor a crosswalk", id="folder without a run"),
    ],
)
def test_evaluate_ends_with_status_2_and_one_line(tmp_path, run_and_truth, arguments, line):
    told = ran(["--run", str(tmp_path), "--truth", str(run_and_truth[1]), *arguments])

    assert told.returncode == 2
    assert line in told.stderr
    assert "Traceback" not in told.stderr


def test_readable_has_a_line_for_each_figure_and_a_dash_where_undefined():
    figures = cluster_figures(shapes_of([1, 2, 3], ["a", "a", "b"]))

    lines = readable(Evaluation(figures, pd.DataFrame(), {})).splitlines()

    shown = {line[:33].strip(): line[33:].strip() for line in lines}
    assert (shown["precision"], shown["recall"], shown["true_pairs"]) == ("-", "0.0", "1")
    assert shown["pair_recall_by_entity_size 2"] == "0.0"


def test_best_peer_looks_at_both_defaults():
    low, high = {"f1": 0.9}, {"f1": 0.95}
    peers = [
        {"set": "febrl1", "tool": "one", "config": "x", "clusters_default": low, "clusters_at_95": None},
        {"set": "febrl1", "tool": "two", "config": "y", "clusters_default": low, "clusters_at_95": high},
        {"set": "febrl3", "tool": "three", "config": "z", "clusters_default": {"f1": 1.0}},
    ]

    assert best_peer(peers, "febrl1") == ("two y .95", 0.95)
    assert best_peer(peers, "synthea") is None


def test_measured_counts_the_memory_of_the_whole_tree(tmp_path):
    grandchild = "import time; held = bytearray(200 * 2**20); time.sleep(1.5)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{grandchild}']); sys.exit(3)"

    cost = measured([sys.executable, "-c", child], tmp_path / "log")

    assert cost.status == 3
    assert cost.seconds > 1.5
    assert 200 / 1024 < cost.peak_gib < 1


def test_memory_rests_longer_than_it_took_to_look_at(monkeypatch):
    now, looks = [100.0], []

    class Slow:
        pss = rss = 2**30

        def __init__(self, *_):
            looks.append(now[0])
            now[0] += 0.1

    monkeypatch.setattr(comparison, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(psutil.Process, "memory_full_info", Slow)
    monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [])
    watch = comparison.Watch(os.getpid())
    for now[0] in (100.0, 100.5, 102.9, 103.2):
        watch.look()

    assert looks == [100.0, 103.2]
    assert watch.peak == 2**30


def test_measured_counts_the_cpu_time_of_ended_children(tmp_path):
    grandchild = (
        "import time; t = time.process_time(); [None for _ in iter(lambda: time.process_time() - t < 1.2, False)]"
    )
    child = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', '{grandchild}']); time.sleep(1)"

    cost = measured([sys.executable, "-c", child], tmp_path / "log")

    assert 0.6 < cost.cpu_seconds < 3


FIGURES = {
    "records": 1000, "precision": 1.0, "recall": None, "f1": 0.5, "b_cubed_f1": 0.5, "calibration_error": 0.1,
    "false_links_per_10000_links": 0.0, "recall_at_precision_0.999": 0.5,
}  # fmt: skip


def test_compare_public_takes_presets_by_set_and_goes_on_after_a_failure(tmp_path, monkeypatch):
    compare = job("compare_public")
    commands = []
    for name in ("febrl1", "febrl3", "rldata500"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "truth.parquet").touch()

    def fake_match(arguments, log):
        commands.append(arguments)
        return Cost(1 if log.name == "febrl3.log" else 0, 61.2, 80.0, 1.26)

    def fake_evaluate(command, **_):
        return subprocess.CompletedProcess(command, 0, f"noise\n{json.dumps(FIGURES)}\n")

    monkeypatch.setattr(compare, "measured", fake_match)
    monkeypatch.setattr(compare.subprocess, "run", fake_evaluate)

    with pytest.raises(SystemExit) as ended:
        compare.main(data=tmp_path, output=tmp_path / "figures.md", work=tmp_path / "work")

    assert ended.value.code == 2
    assert [command[-1] for command in commands] == [f"decide.preset={name}" for name in ("safe", "safe", "balanced")]
    table = (tmp_path / "figures.md").read_text().splitlines()
    assert len({line.count("|") for line in table}) == 1
    assert [line.split(" | ")[0] for line in table[2:]] == ["| febrl1", "| rldata500"]
    assert table[2].startswith("| febrl1 | 1,000 | safe | 1.0000 | - | 0.5000 |")


def test_compare_public_leaves_columns_out_and_passes_over_sets_without_them(tmp_path, monkeypatch):
    compare = job("compare_public")
    inputs = []
    for name, column in (("febrl1", "national_id"), ("febrl3", "mrn"), ("rldata500", "phone")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "truth.parquet").touch()
        pd.DataFrame({"record_id": ["1"], column: ["9"]}).to_parquet(tmp_path / name / "records.parquet")

    def fake_match(arguments, _):
        inputs.append(pd.read_parquet(arguments[arguments.index("--input") + 1]))
        return Cost(0, 61.2, 80.0, 1.26)

    monkeypatch.setattr(compare, "measured", fake_match)
    monkeypatch.setattr(compare.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(
        command, 0, f"{json.dumps(FIGURES)}\n"))  # fmt: skip

    with pytest.raises(SystemExit) as ended:
        compare.main(data=tmp_path, work=tmp_path / "work", withhold=["identifiers"])

    assert not ended.value.code
    assert [list(records.columns) for records in inputs] == [["record_id"]] * 2
    assert list(pd.read_parquet(tmp_path / "febrl1" / "records.parquet").columns) == ["record_id", "national_id"]

    (tmp_path / "febrl3" / "records.parquet").unlink()
    with pytest.raises(SystemExit) as ended:
        compare.main(data=tmp_path, work=tmp_path / "work", withhold=["identifiers"])
    assert ended.value.code == 2
    assert len(inputs) == 2
