"""A run whose driver and one of whose executors are killed, and that is gone on with: the tables are those of a whole run.

One chain for several steps, as each start costs seconds: (1) two executor processes, both killed while pairs are
compared, then the driver and all below it while contexts are being written; (2) one process, killed when clusters have
been guarded; (3) one process that ends.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest
from conftest import CHECKOUT, LONGEST_RUN_SECONDS, SIAMESE_ER

pytestmark = pytest.mark.timeout(2 * LONGEST_RUN_SECONDS)
LOCK_SECONDS = 2
EXECUTOR = "CoarseGrainedExecutorBackend"
FINISHED_BEFORE = (
    "standardised",
    "places",
    "first_weights",
    "chunks",
    "work/compared_pairs",
    "work/first_scores",
)
"""Tables that the first attempt finished; no later one writes them again."""


class Driver:
    """jobs/match.py under way, in a group of processes of its own, with what it writes."""

    def __init__(self, folder: Path, arguments: list[str], master: str, conf: tuple[str, ...] = ()) -> None:
        settings = [part for setting in ("spark.ui.enabled=false", *conf) for part in ("--conf", setting)]
        self.output, self.log = folder / "out", folder / "log.txt"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [SIAMESE_ER, "submit", "--master", master, *settings, str(CHECKOUT / "jobs" / "match.py"),
                 *map(str, arguments)],
                stdout=log, stderr=log, start_new_session=True, cwd=folder,
            )  # fmt: skip

    def wait_for(self, is_there: Callable[[], bool]) -> None:
        """Wait until something is there, while the driver runs."""
        until = time.monotonic() + LONGEST_RUN_SECONDS
        while not is_there():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < until
            time.sleep(0.01)

    def has(self, file: str) -> bool:
        """Whether the run has a file or folder."""
        return any(self.output.glob(f"runs/*/{file}"))

    def executors(self) -> list[psutil.Process]:
        """The processes of Spark's executors below this driver."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                command = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            found += [process] if any(EXECUTOR in word for word in command) and "java" in process.name() else []
        return found

    def kill(self) -> None:
        """End the driver and all processes below it at once, as a machine that fails does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        assert self.process.wait(60) == -signal.SIGKILL


@contextmanager
def driver(*arguments, **settings):
    """A Driver that is not left running."""
    started = Driver(*arguments, **settings)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.kill()


def written(output: Path) -> dict[str, float]:
    """When each of FINISHED_BEFORE was finished."""
    (run,) = (output / "runs").iterdir()
    return {name: (run / name / "_SUCCESS").stat().st_mtime_ns for name in FINISHED_BEFORE}


@pytest.fixture(scope="module")
def resumed(marked_input, tmp_path_factory):
    """The folder of the chain, the executors that were killed, and when the first attempt's tables were finished."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "events").mkdir()
    arguments = ["--input", marked_input.records, "--notes", marked_input.notes, "--decisions", marked_input.decisions]
    arguments += ["--output", folder / "out", "--resume", "--set", f"run.lock_seconds={LOCK_SECONDS}"]
    with driver(folder, arguments, "local-cluster[2,1,1024]", two_executors(folder)) as first:
        first.wait_for(lambda: first.has("work/compared_pairs"))
        victims = first.executors()
        for victim in victims:
            victim.kill()
        first.wait_for(lambda: first.has("work/first_scores/_SUCCESS") and first.has("first_weights/_SUCCESS"))
        first.wait_for(lambda: first.has("work/contexts"))
        first.kill()
    finished = written(folder / "out")
    time.sleep(LOCK_SECONDS + 0.5)
    with driver(folder, arguments, "local[2]") as second:
        second.wait_for(lambda: second.has("work/guarded/_SUCCESS"))
        second.kill()
    time.sleep(LOCK_SECONDS + 0.5)
    with driver(folder, arguments, "local[1]") as third:
        assert third.process.wait(LONGEST_RUN_SECONDS) == 0, third.log.read_text()[-3000:]
    return folder, victims, finished


def two_executors(folder: Path) -> tuple[str, ...]:
    """Settings of executors that think they have a GPU each, and of Spark's event log."""
    found = folder / "gpus.sh"
    found.write_text('#!/bin/sh\necho \'{"name": "gpu", "addresses": ["0"]}\'\n')
    found.chmod(0o755)
    gpus = {
        "worker.resource.gpu.amount": 1,
        "worker.resource.gpu.discoveryScript": found,
        "executor.resource.gpu.amount": 1,
    }
    log = {"eventLog.dir": folder / "events", "eventLog.enabled": "true", "eventLog.compress": "false"}
    return tuple(f"spark.{name}={value}" for name, value in ({"executor.memory": "1g"} | gpus | log).items())


def test_tables_of_a_run_killed_again_and_again_are_those_of_a_whole_run(resumed, submitted_run):
    run = resumed[0] / "out" / json.loads((resumed[0] / "out" / "current.json").read_text())["path"]

    for name in ("crosswalk", "golden_records", "clusters", "scored_pairs", "review_queue", "enterprise_id_history"):
        tables = [pd.read_parquet(run / name), submitted_run.table(name)]
        own = [column for column in tables[0].columns if column not in ("run_id", "valid_from")]
        rows = [sorted(table[own].astype(str).itertuples(index=False, name=None)) for table in tables]
        assert rows[0] == rows[1], name
        assert rows[0], name


def test_steps_that_were_finished_are_not_done_again(resumed):
    folder, _, finished = resumed
    (run,) = (folder / "out" / "runs").iterdir()

    kept = {name: (run / name / "_SUCCESS").stat().st_mtime_ns for name in FINISHED_BEFORE if "/" not in name}
    record = json.loads((run / "run.json").read_text())
    assert kept == {name: finished[name] for name in kept}
    assert (record["status"], record["resumed"]) == ("published", True)
    assert not (run / "work").exists()


@pytest.fixture(scope="module")
def events(resumed) -> list[dict]:
    """What Spark noted of the first attempt."""
    files = [path for path in (resumed[0] / "events").rglob("*") if path.is_file() and path.stat().st_size]
    lines = [line for path in files if not path.name.startswith(".") for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines if line.endswith("}")]  # the last line may be cut


def test_executors_were_lost_and_others_took_their_place(resumed, events):
    kinds = [event["Event"] for event in events]

    assert len(resumed[1]) == 2
    assert not any(victim.is_running() for victim in resumed[1])
    assert kinds.count("SparkListenerExecutorRemoved") >= 2
    assert kinds.count("SparkListenerExecutorAdded") >= 4


def test_the_stage_that_encodes_asked_for_one_gpu_a_task_and_no_other_did(events):
    asked = {
        event["Resource Profile Id"]: event["Task Resource Requests"]["gpu"]["Amount"]
        for event in events
        if event["Event"] == "SparkListenerResourceProfileAdded" and "gpu" in event["Task Resource Requests"]
    }
    stages = [event["Stage Info"] for event in events if event["Event"] == "SparkListenerStageSubmitted"]
    with_gpu = [stage["Stage ID"] for stage in stages if stage["Resource Profile Id"] in asked]

    assert set(asked.values()) == {1.0}
    assert 0 < len(with_gpu) < len(stages) / 2
