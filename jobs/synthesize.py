"""A synthetic population with truth, as Parquet; needs no Spark session.

``spark-submit jobs/synthesize.py --records N --output DIR [--seed S] [--profile demo|random|strangers|households]
[--notes/--no-notes]`` writes records.parquet, notes.parquet and truth.parquet. ``--demo`` writes the demo population of
the package instead, one file for each source.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from siamese_er.commands import status_of
from siamese_er.errors import ContractFault
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES, random_profile
from siamese_er.synthetic.writing import write_demo, write_population

UsageFault: type[Exception] = typer.BadParameter.__mro__[1]  # click's UsageError, from wherever this typer has it
command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@command.command()
def main(
    output: Annotated[Path, typer.Option(help="folder to write to")],
    records: Annotated[int | None, typer.Option(min=1, help="number of records")] = None,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same tables")] = 1,
    profile: Annotated[str, typer.Option(help="demo, random, strangers or households")] = "demo",
    notes: Annotated[
        bool, typer.Option("--notes/--no-notes", help="write clinical notes if the profile has them")
    ] = True,
    demo: Annotated[bool, typer.Option("--demo", help="write the demo population of the package")] = False,
) -> None:
    """Write a synthetic population."""
    if demo:
        return write_demo(output)
    if records is None:
        raise ContractFault("--records N is missing: the number of records to write")
    if profile not in (*PROFILES, "random"):
        raise ContractFault(f"--profile {profile}: choose one of {', '.join(PROFILES)}, random")
    chosen = PROFILES[profile] if profile in PROFILES else random_profile(np.random.default_rng(seed))
    made = population(records, seed, chosen if notes else replace(chosen, notes_share=0.0))
    write_population(made, output)
    print(
        f"{len(made.records)} records of {made.truth['entity_id'].nunique()} people, {len(made.notes)} notes: {output}"
    )


def run() -> None:
    """The command; arguments that cannot be understood are a fault like any other."""
    try:
        command(standalone_mode=False)
    except UsageFault as fault:
        raise ContractFault(fault.format_message()) from None  # type: ignore[attr-defined]
    except OSError as fault:
        raise ContractFault(f"--output: {fault.strerror or 'cannot be written'}") from None


if __name__ == "__main__":
    sys.exit(status_of(run))
