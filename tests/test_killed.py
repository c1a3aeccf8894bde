"""A run whose driver and one of whose executors are killed, and that is gone on with: the tables are those of a whole run.

One chain for several steps, as each start costs seconds: (1) two executor processes, one killed while pairs are
compared, then the driver and all below it while scores are being written; (2) one process, killed when clusters have
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

LOCK_SECONDS = 2
EXECUTOR = "CoarseGrainedExecutorBackend"
FINISHED_BEFORE = (
    "standardised",
    "embeddings",
    "first_weights",
    "work/chunks",
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
                [SIAMESE_ER, "submit", "--master", master, *settings, str(CHECKOUT / "jobs" / "match.py"), *arguments],
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
    """The output of the chain, and what it left of each attempt."""
    folder = tmp_path_factory.mktemp("killed")
    arguments = [*marked_input.flags(folder / "out"), "--resume", "--set", f"run.lock_seconds={LOCK_SECONDS}"]
    events = (f"spark.eventLog.dir={folder / 'events'}", "spark.eventLog.enabled=true", "spark.eventLog.compress=false",
              "spark.executor.memory=1g")  # fmt: skip
    (folder / "events").mkdir()
    with driver(folder, arguments, "local-cluster[2,1,1024]", events) as first:
        first.wait_for(lambda: first.has("work/compared_pairs/_temporary"))
        victim = first.executors()[0]
        victim.kill()
        first.wait_for(lambda: first.has("work/first_scores/_SUCCESS") and first.has("first_weights/_SUCCESS"))
        first.wait_for(lambda: first.has("work/contexts") or first.has("work/scores"))
        first.kill()
    finished = written(folder / "out")
    time.sleep(LOCK_SECONDS + 0.5)
    with driver(folder, arguments, "local[2]") as second:
        second.wait_for(lambda: second.has("work/guarded/_SUCCESS"))
        second.kill()
    time.sleep(LOCK_SECONDS + 0.5)
    with driver(folder, arguments, "local[1]") as third:
        third.wait_for(lambda: (folder / "out" / "current.json").exists())
        assert third.process.wait(LONGEST_RUN_SECONDS) == 0, third.log.read_text()[-3000:]
    return folder, victim, finished


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


def test_an_executor_was_lost_and_another_took_its_place(resumed):
    folder, victim, _ = resumed
    (log,) = (
        path
        for path in (folder / "events").rglob("*")
        if path.is_file() and not path.name.startswith((".", "appstatus"))
    )
    events = [json.loads(line) for line in log.read_text().splitlines()]

    kinds = [event["Event"] for event in events]
    assert not victim.is_running()
    assert kinds.count("SparkListenerExecutorRemoved") >= 1
    assert kinds.count("SparkListenerExecutorAdded") >= 3
