"""One matcher beside others on public sets: time and memory of a command, and the lines of the README's table."""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

SHARES = ("precision", "recall", "f1", "b_cubed_f1", "recall_at_precision_0.999", "calibration_error")
HEADINGS = (
    "set", "records", "preset", "precision", "recall", "F1", "B-cubed F1", "recall at precision .999",
    "calibration error", "false links per 10,000", "seconds", "peak GiB", "best peer at a default", "its F1",
)  # fmt: skip


def resident_bytes(root: int) -> int:
    """Resident memory of a process and all below it, from /proc; a page that n processes share counts n times."""
    parents, sizes = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            sizes[int(folder.name)] = int((folder / "statm").read_text().split()[1])
        except (OSError, IndexError):  # it ended meanwhile
            continue
    family, n_known = {root}, 0
    while n_known != len(family):
        n_known = len(family)
        family |= {process for process, parent in parents.items() if parent in family}
    return sum(sizes.get(process, 0) for process in family) * os.sysconf("SC_PAGE_SIZE")


def measured(arguments: list[str], log: Path) -> tuple[int, float, float]:
    """Exit status, wall seconds and peak GiB of a command, Spark's start included; what it prints goes to ``log``.

    The memory is that of the whole process tree, looked at three times a second: a shorter peak is missed.
    """
    start, peak, ended = time.monotonic(), 0, threading.Event()
    with log.open("w") as file, subprocess.Popen(arguments, stdout=file, stderr=subprocess.STDOUT) as process:

        def watch() -> None:
            nonlocal peak
            while not ended.wait(0.3):
                peak = max(peak, resident_bytes(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            status = process.wait()
        finally:
            ended.set()
            watcher.join()
    return status, time.monotonic() - start, peak / 2**30


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
