"""The README's table: every public set matched with one config and no labels, beside other tools' figures.

``python jobs/compare_public.py --data DIR [--sets febrl4 ...] [--peers peers.json] [--output docs/figures.md]``.
DIR holds one folder for each set, with records.parquet, truth.parquet and perhaps notes.parquet. With ``--withhold``
columns (by the contract's names) are left out of each set, as if it never had them; sets without any are passed over.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import typer

from siamese_er.ablation import withheld_columns
from siamese_er.commands import one_value_a_flag, status_of
from siamese_er.errors import ContractFault
from siamese_er.quality.comparison import best_peer, measured, row, submitted, table_head

JOBS = Path(__file__).resolve().parent
RECORDS = "records.parquet"
BALANCED = ("rldata", "splink_fake_1000", "splink_historical_50k")
"""Sets, by the start of their names, that hold no patients: they are judged by the best F1, all others by safety."""
command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def line_of(folder: Path, work: Path, peers: list[dict[str, Any]], withheld: tuple[str, ...] = ()) -> str:
    """The table's line for one set, matched from scratch. Raises: ContractFault when a job does not end with 0."""
    output, log = work / folder.name, work / f"{folder.name}.log"
    preset = "balanced" if folder.name.startswith(BALANCED) else "safe"
    records = folder / RECORDS
    if withheld:
        whole, records = pq.read_table(records), work / f"{folder.name}.parquet"
        pq.write_table(whole.drop_columns([name for name in withheld if name in whole.column_names]), records)
    match = ["--input", str(records), "--output", str(output), "--set", f"decide.preset={preset}"]
    if (folder / "notes.parquet").exists():
        match += ["--notes", f"{folder}/notes.parquet"]
    cost = measured(submitted(JOBS / "match.py", *match), log)
    if cost.status:
        raise ContractFault(f"{folder.name}: jobs/match.py ended with status {cost.status}, see {log}")
    evaluate = submitted(JOBS / "evaluate.py", "--run", str(output), "--truth", f"{folder}/truth.parquet", "--json")
    told = subprocess.run(evaluate, stdout=subprocess.PIPE, text=True)
    if told.returncode:
        raise ContractFault(f"{folder.name}: jobs/evaluate.py ended with status {told.returncode}")
    figures = json.loads(told.stdout.splitlines()[-1])
    return row(folder.name, preset, figures, (cost.seconds, cost.peak_gib), best_peer(peers, folder.name))


@command.command()
def main(
    data: Annotated[Path, typer.Option(help="folder of the sets")],
    sets: Annotated[list[str] | None, typer.Option(help="names of sets; several may follow; default: all")] = None,
    peers: Annotated[Path | None, typer.Option(help="JSON with other tools' figures under accuracy")] = None,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write, such as docs/figures.md")] = None,
    work: Annotated[Path | None, typer.Option(help="folder for runs and logs; default: a new temporary one")] = None,
    withhold: Annotated[
        list[str] | None, typer.Option(help="leave out: identifiers, addresses, birth_date ...")
    ] = None,
) -> None:
    """Match each set, evaluate it and print its line; sets that failed are named at the end, with status 2."""

    def compare() -> None:
        names = sets or sorted(path.parent.name for path in data.glob("*/truth.parquet"))
        withheld = withheld_columns(withhold or [])
        if unknown := [name for name in names if not (data / name / "truth.parquet").exists()]:
            raise ContractFault(f"--sets {' '.join(unknown)}: no truth.parquet under {data}")
        if withheld:
            if unknown := [name for name in names if not (data / name / RECORDS).exists()]:
                raise ContractFault(f"--sets {' '.join(unknown)}: no {RECORDS} under {data}")
            names = [name for name in names if set(withheld) & set(pq.read_schema(data / name / RECORDS).names)]
        others = json.loads(peers.read_text(encoding="utf-8"))["accuracy"] if peers else []
        folder = work or Path(tempfile.mkdtemp(prefix="compare_public_"))
        folder.mkdir(parents=True, exist_ok=True)
        lines, faults = [table_head()], []
        print(lines[0], flush=True)
        for name in names:
            try:
                lines.append(line_of(data / name, folder, others, withheld))
                print(lines[-1], flush=True)
            except ContractFault as fault:
                faults += fault.faults
        if output:
            output.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if faults:
            raise ContractFault(faults)

    sys.exit(status_of(compare))


if __name__ == "__main__":
    command(one_value_a_flag(sys.argv[1:], ["--sets", "--withhold"]))
