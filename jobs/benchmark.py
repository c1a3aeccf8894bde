"""What matching costs here, beside other tools on the same tables in the same run; needs no Spark session of its own.

``python jobs/benchmark.py --records 10000 100000 --output bench [--seed 1] [--skewed] [--peer splink_duckdb
--peer splink_spark --peer-python .venv-peers/bin/python] [--data TABLE.parquet ...]``. Without ``--data``, populations
are generated (`jobs/synthesize.py --profile households`). With ``--skewed`` each table is matched once more after 1 % of
its records were given one address, 3 % one birth date and 5 % one surname. OUTPUT gets the tables, a log and the clusters
of every tool, figures.json, benchmark.md and benchmark.svg. Keep the machine otherwise idle; compare ratios, not seconds.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import pyarrow.parquet as pq
import typer

from siamese_er.commands import one_value_a_flag, status_of
from siamese_er.errors import ContractFault
from siamese_er.quality.benchmark import (
    KEYS,
    OWN,
    SKEWED,
    Timing,
    figures_of,
    marginal_costs,
    plot,
    skew_lines,
    steps_table,
    table,
)
from siamese_er.quality.comparison import measured, submitted
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.synthetic.skew import skewed

JOBS = Path(__file__).resolve().parent
PEERS = {f"splink_{engine}": ("splink_match.py", engine) for engine in ("duckdb", "spark")}
ROW_GROUP = 131_072
"""Rows in a row group of the files that are timed. Spark reads a group in one task; pandas writes a million rows in one."""
command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def tables(sizes: list[int], data: list[Path], seed: int, output: Path) -> Iterator[tuple[Path, pd.DataFrame | None]]:
    """Each table's records as Parquet without truth, and the truth: made, or taken (its column entity_id)."""
    for size in sizes:
        folder = output / f"population_{size}"
        if not (folder / "truth.parquet").exists():
            made = population(size, seed, PROFILES["households"])
            folder.mkdir(parents=True, exist_ok=True)
            made.records.to_parquet(folder / "records.parquet", row_group_size=ROW_GROUP)
            made.truth.to_parquet(folder / "truth.parquet")
        yield folder / "records.parquet", pd.read_parquet(folder / "truth.parquet")
    for path in data:
        given = pd.read_parquet(path)
        truth = given[[*KEYS, "entity_id"]] if "entity_id" in given else None
        (output / path.stem).mkdir(parents=True, exist_ok=True)
        bare, file = given.drop(columns="entity_id", errors="ignore"), output / path.stem / "records.parquet"
        bare.to_parquet(file, row_group_size=ROW_GROUP)
        yield file, truth


def own_timing(records: Path, truth: pd.DataFrame | None, settings: list[str], tool: str = OWN) -> Timing:
    """jobs/match.py on a table. Raises: ContractFault where it does not end with 0."""
    output, log = records.parent / tool, records.parent / f"{tool}.log"
    cost = measured(submitted(JOBS / "match.py", "--input", str(records), "--output", str(output), *settings), log)
    if cost.status:
        raise ContractFault(f"jobs/match.py ended with status {cost.status}, see {log}")
    run = output / json.loads((output / "current.json").read_text())["path"]
    walk = pd.read_parquet(run / "crosswalk", columns=[*KEYS, "enterprise_id"])
    steps = json.loads((run / "run.json").read_text())["seconds"]
    steps |= {"start and end": cost.seconds - sum(steps.values())}
    return Timing(tool, len(walk), cost, steps, figures_of(walk.rename(columns={"enterprise_id": "cluster"}), truth))


def skewed_timing(records: Path, truth: pd.DataFrame | None, settings: list[str], seed: int) -> Timing:
    """jobs/match.py on the same table with much of it shared. Raises: ContractFault where it does not end with 0."""
    path = records.with_name("records_skewed.parquet")
    skewed(pd.read_parquet(records), seed).to_parquet(path, row_group_size=ROW_GROUP)
    return own_timing(path, truth, settings, SKEWED)


def peer_timing(peer: str, python: str, records: Path, truth: pd.DataFrame | None) -> Timing:
    """A peer on a table. Raises: ContractFault where it does not end with 0."""
    script, engine = PEERS[peer]
    found, log = records.parent / f"{peer}.parquet", records.parent / f"{peer}.log"
    arguments = ["--engine", engine, "--input", str(records), "--output", str(found)]
    cost = measured([python, str(JOBS / "peers" / script), *arguments], log)
    if cost.status:
        raise ContractFault(f"{peer} ended with status {cost.status}, see {log}")
    steps = json.loads(log.read_text().splitlines()[-1])
    return Timing(peer, pq.read_metadata(records).num_rows, cost, steps, figures_of(pd.read_parquet(found), truth))


@command.command()
def main(
    output: Annotated[Path, typer.Option(help="folder for tables, logs, figures and the plot")],
    records: Annotated[list[int] | None, typer.Option(help="sizes of populations to make; several may follow")] = None,
    data: Annotated[list[Path] | None, typer.Option(help="Parquet tables with entity_id; several may follow")] = None,
    peers: Annotated[list[str] | None, typer.Option("--peer", help=f"any of {', '.join(PEERS)}")] = None,
    peer_python: Annotated[str, typer.Option(help="a Python that has splink installed")] = sys.executable,
    seed: Annotated[int, typer.Option(help="of the populations")] = 1,
    settings: Annotated[list[str] | None, typer.Option("--set", help="SECTION.KEY=VALUE for jobs/match.py")] = None,
    skew: Annotated[bool, typer.Option("--skewed", help="each table once more, with shared values")] = False,
) -> None:
    """Time jobs/match.py and others from Parquet to clusters, whole processes, one after the other."""

    def compare() -> None:
        if unknown := [peer for peer in peers or [] if peer not in PEERS]:
            raise ContractFault(f"--peer {' '.join(unknown)}: choose of {', '.join(PEERS)}")
        if not (records or data):
            raise ContractFault("--records N ... or --data TABLE.parquet ...: name at least one table")
        own = [word for setting in settings or [] for word in ("--set", setting)]
        timings = []
        for path, truth in tables(records or [], data or [], seed, output):
            timings.append(own_timing(path, truth, own))
            print("\n".join(table(timings)[-1:]), flush=True)
            if skew:
                timings.append(skewed_timing(path, truth, own, seed))
                print("\n".join(table(timings)[-1:]), flush=True)
            for peer in peers or []:
                timings.append(peer_timing(peer, peer_python, path, truth))
                print("\n".join(table(timings)[-1:]), flush=True)
        costs = [f"{less:,} to {more:,} records: {cost:.2f} seconds for each further thousand"
                 for (less, more), cost in marginal_costs(timings).items()]  # fmt: skip
        text = "\n".join([*table(timings), "", *steps_table(timings), "", *costs, *skew_lines(timings)])
        (output / "benchmark.md").write_text(text + "\n", encoding="utf-8")
        (output / "figures.json").write_text(json.dumps([asdict(timing) for timing in timings], indent=1) + "\n")
        plot(timings, output / "benchmark.svg")
        print(f"\n{text}")

    sys.exit(status_of(compare))


if __name__ == "__main__":
    command(one_value_a_flag(sys.argv[1:], ["--records", "--data"]))
