"""What a day costs by the size of its delivery: ``python jobs/measure_batches.py --output DIR``; a process for each batch."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from siamese_er.commands import one_value_a_flag, status_of
from siamese_er.errors import ContractFault
from siamese_er.hospital import written
from siamese_er.quality.batches import SCORING, BatchTiming, batch_table, fixed_and_marginal
from siamese_er.quality.comparison import measured, submitted
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

MATCH = Path(__file__).resolve().parent / "match.py"
command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def timed(folder: Path, name: str, n_records: int, *flags: str) -> BatchTiming:
    """jobs/match.py on a delivery of the folder. Raises: ContractFault where it does not end with 0."""
    log, output = folder / f"{name}.log", folder / name
    arguments = ["--input", str(folder / f"{name}.parquet"), "--output", str(output), *flags]
    cost = measured(submitted(MATCH, *arguments), log)
    if cost.status:
        raise ContractFault(f"jobs/match.py ended with status {cost.status}, see {log}")
    run = output / json.loads((output / "current.json").read_text())["path"]
    record = json.loads((run / "run.json").read_text())
    scoring = sum(record["seconds"].get(step, 0.0) for step in SCORING)
    return BatchTiming(n_records, cost, scoring, record["candidate_pairs"])


@command.command()
def main(
    output: Annotated[Path, typer.Option(help="folder for deliveries, runs and logs; not there yet, or empty")],
    known: Annotated[int, typer.Option(help="records that are known before any batch")] = 10_000,
    sizes: Annotated[list[int] | None, typer.Option(help="records of each batch; default: 10 100 1000")] = None,
    seed: Annotated[int, typer.Option(help="of the population")] = 1,
) -> None:
    """Match a population, then batches of new records, each on its own against that same run; print what they cost."""

    def measure() -> None:
        batches = sizes or [10, 100, 1000]
        if output.exists() and any(output.iterdir()):
            raise ContractFault(f"--output {output}: is not empty")
        records = population(known + sum(batches), seed, PROFILES["households"]).records
        records = records.sample(frac=1, random_state=seed).reset_index(drop=True)
        written(output, "known", records[:known])
        timings = [timed(output, "known", known)]
        print("\n".join(batch_table(timings)), flush=True)
        start = known
        for size in batches:
            written(output, f"batch_{size}", records[start : start + size])
            start += size
            flags = ["--mode", "incremental", "--previous", str(output / "known"), "--set", "run.relearn_share=1"]
            timings.append(timed(output, f"batch_{size}", size, *flags))
            print(batch_table(timings)[-1], flush=True)
        if len(batches) > 1:
            fixed, marginal = fixed_and_marginal(timings[1:])
            print(f"\na day: {fixed:.0f} CPU seconds, and {marginal:.1f} for each thousand records delivered")

    sys.exit(status_of(measure))


if __name__ == "__main__":
    command(one_value_a_flag(sys.argv[1:], ["--sizes"]))
