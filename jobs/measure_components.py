"""What connected components cost: ``siamese-er submit jobs/measure_components.py --output DIR [--links 10000000]``.

Long chains and big stars with known components, found on the driver, by one task over numbers and in rounds of shuffles;
seconds, CPU seconds and memory of all processes, rounds, and whether every record has the right component.
"""

import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import DataFrame, SparkSession

from siamese_er.commands import start, status_of
from siamese_er.components import component_keys
from siamese_er.config import ClusterSettings, MatchConfig
from siamese_er.errors import InvariantBroken
from siamese_er.link_graphs import links_of, n_wrong, shapes_of
from siamese_er.quality.comparison import Watch
from siamese_er.session import build_session
from siamese_er.storage import written
from siamese_er.worker_files import ArrowRows

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


PLACES = ("driver", "task", "rounds")


def measured_line(spark: SparkSession, links: DataFrame, output: Path, place: str) -> str:
    """A row of the table. Raises: InvariantBroken where a component is wrong."""
    names: list[str] = []

    def checkpoint(frame: DataFrame | ArrowRows, name: str) -> DataFrame:
        names.append(name)
        return written(frame, str(output / name))

    watch, ended = Watch(os.getppid()), threading.Event()
    watcher = threading.Thread(target=lambda: [watch.look() for _ in iter(lambda: ended.wait(0.5), True)])
    watch.look()
    before, begun = sum(watch.cpu.values()), time.monotonic()
    watcher.start()
    most = 0 if place == "rounds" else ClusterSettings().max_task_records
    keys = links.select("left_key", "right_key")
    found = checkpoint(component_keys(keys, place == "driver", checkpoint, most), "components")
    seconds = time.monotonic() - begun
    ended.set()
    watcher.join()
    watch.look()
    if wrong := n_wrong(links, found):
        raise InvariantBroken(f"{wrong} records are in a wrong component")
    rounds, cpu = sum(name.startswith("star_round") for name in names), sum(watch.cpu.values()) - before
    return (
        f"| {place} | {links.count():,} | {max(rounds - 1, 0)} | {seconds:.0f} | {cpu:.0f} | {watch.peak / 2**30:.1f} |"
    )


def measure(n_links: int, output: Path, places: list[str]) -> None:
    """Print the table."""
    spark = build_session(MatchConfig(), "siamese_er components")
    try:
        links = written(links_of(spark, shapes_of(n_links)), str(output / "links"))
        print("| where | links | rounds | seconds | CPU seconds | peak GiB |\n|---|---|---|---|---|---|")
        for place in places:
            print(measured_line(spark, links, output, place), flush=True)
    finally:
        spark.stop()
        shutil.rmtree(output, ignore_errors=True)


@command.command()
def main(
    output: Annotated[Path, typer.Option(help="folder for checkpoints; removed in the end")],
    links: Annotated[int, typer.Option(min=100, help="links in all")] = 10_000_000,
    where: Annotated[list[str] | None, typer.Option(help="driver, task or rounds; several may be given")] = None,
) -> None:
    """Measure connected components."""
    sys.exit(status_of(lambda: measure(links, output / "components", where or list(PLACES))))


if __name__ == "__main__":
    start(command, sys.argv[1:])
