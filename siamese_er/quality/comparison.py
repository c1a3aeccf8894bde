"""One matcher beside others on public sets: time and memory of a command, and the lines of the README's table."""

import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SHARES = ("precision", "recall", "f1", "b_cubed_f1", "recall_at_precision_0.999", "calibration_error")
HEADINGS = (
    "set", "records", "preset", "precision", "recall", "F1", "B-cubed F1", "recall at precision .999",
    "calibration error", "false links per 10,000", "seconds", "peak GiB", "best peer at a default", "its F1",
)  # fmt: skip


RESTS = 30
"""So looking at memory takes at most a thirtieth of a core's time."""


@dataclass(frozen=True)
class Cost:
    """What a command took: exit status, wall seconds, CPU seconds of all its processes, their memory at its peak."""

    status: int
    seconds: float
    cpu_seconds: float
    peak_gib: float


class Watch:
    """CPU seconds and resident bytes of a process and all below it, as last seen and at the peak."""

    def __init__(self, root: int) -> None:
        self.root = psutil.Process(root)
        self.cpu: dict[tuple[int, float], float] = {}
        self.peak = 0
        self.memory_from = 0.0  # when memory is looked at again

    def look(self) -> None:
        """Look once. A page that several processes share counts once, in equal parts (PSS), where the system says so.

        The system walks over all pages for that and holds up who wants more: memory rests RESTS times as long as it took.
        """
        begun, n_bytes = time.monotonic(), 0
        sees_memory = begun >= self.memory_from
        with suppress(psutil.NoSuchProcess):
            for process in (self.root, *self.root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
                    times = process.cpu_times()
                    self.cpu[process.pid, process.create_time()] = times.user + times.system
                    if sees_memory:
                        memory = process.memory_full_info()
                        n_bytes += getattr(memory, "pss", memory.rss)
        self.peak = max(self.peak, n_bytes)
        if sees_memory:
            self.memory_from = time.monotonic() + RESTS * (time.monotonic() - begun)


def measured(arguments: list[str], log: Path) -> Cost:
    """The cost of a command, Spark's start included; what it prints goes to ``log``.

    The process tree is looked at twice a second, its memory less often where it is large: a shorter peak, and the CPU time
    of a shorter process, are missed.
    """
    start, ended = time.monotonic(), threading.Event()
    with log.open("w") as file, subprocess.Popen(arguments, stdout=file, stderr=subprocess.STDOUT) as process:
        watch = Watch(process.pid)

        def look() -> None:
            while not ended.wait(0.5):
                watch.look()

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            status = process.wait()
        finally:
            ended.set()
            watcher.join()
    return Cost(status, time.monotonic() - start, sum(watch.cpu.values()), watch.peak / 2**30)


def submitted(job: Path, *arguments: str) -> list[str]:
    """The command line that runs a job: through this environment's launcher, else spark-submit on the PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    launcher = shutil.which("siamese-er", path=path)
    starter = [launcher, "submit"] if launcher else [shutil.which("spark-submit", path=path) or "spark-submit"]
    return [*starter, str(job), *arguments]


def best_peer(peers: list[dict[str, Any]], name: str) -> tuple[str, float] | None:
    """The tool with the best pairwise F1 of clusters at one of its defaults, and that F1; null without peers.

    ``peers``: ``set``, ``tool``, ``config``, ``clusters_default`` and perhaps ``clusters_at_95`` (the same tool at
    probability .95), each with ``f1``, or null. Picking the best default of all tools favours the peers.
    """
    found = [
        (f"{peer['tool']} {peer['config']}{mark}", peer[default]["f1"])
        for peer in peers
        for default, mark in (("clusters_default", ""), ("clusters_at_95", " .95"))
        if peer["set"] == name and peer.get(default) and peer[default].get("f1") is not None
    ]
    return max(found, key=lambda entry: entry[1], default=None)


def table_head() -> str:
    """The two lines that open the Markdown table."""
    return table_line(HEADINGS) + "\n" + table_line(["---"] * len(HEADINGS))


def table_line(cells: tuple[str, ...] | list[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def row(
    name: str, preset: str, figures: dict[str, Any], cost: tuple[float, float], peer: tuple[str, float] | None
) -> str:
    """The line of one set: figures of ``jobs/evaluate.py``, seconds and GiB, and the best peer; "-" where undefined."""
    shares = ["-" if figures[share] is None else f"{figures[share]:.4f}" for share in SHARES]
    false_links = figures["false_links_per_10000_links"]
    seconds, peak_gib = cost
    return table_line(
        [name, f"{figures['records']:,}", preset, *shares, "-" if false_links is None else f"{false_links:.1f}",
         f"{seconds:.0f}", f"{peak_gib:.1f}", *((peer[0], f"{peer[1]:.4f}") if peer else ("-", "-"))]
    )  # fmt: skip
