"""Match records and publish crosswalk and golden records: ``spark-submit jobs/match.py``; docs in the contract."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from siamese_er.commands import imported_beside, one_value_a_flag, start, status_of, tell
from siamese_er.config import MatchConfig, load_config, not_yet_supported
from siamese_er.errors import ContractFault
from siamese_er.foreign_model import note_model_faults
from siamese_er.session import build_session

DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "conf" / "match.toml"
command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def match(config: MatchConfig) -> None:
    """Run the pipeline in a session of its own and print its summary."""
    if faults := not_yet_supported(config) + note_model_faults(config.model):
        raise ContractFault(faults)
    pipeline = imported_beside("siamese_er.pipeline")
    spark = build_session(config, "siamese_er match")
    try:
        print("\n".join(pipeline.result().match(spark, config, tell=lambda line: tell([line])).lines()))
    finally:
        spark.stop()


@command.command()
def main(
    config: Annotated[str | None, typer.Option(help="TOML file; default: conf/match.toml of the checkout")] = None,
    records: Annotated[list[str] | None, typer.Option("--input", help="records; several paths may follow")] = None,
    notes: Annotated[list[str] | None, typer.Option(help="clinical notes; several paths may follow")] = None,
    output: Annotated[str | None, typer.Option(help="folder of all runs")] = None,
    mode: Annotated[str | None, typer.Option(help="full or incremental")] = None,
    previous: Annotated[str | None, typer.Option(help="previous run; default: the current run of the output")] = None,
    decisions: Annotated[str | None, typer.Option(help="people's decisions")] = None,
    labels: Annotated[str | None, typer.Option(help="labelled pairs")] = None,
    truth: Annotated[str | None, typer.Option(help="source, record_id, entity_id: adds figures of quality")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="SECTION.KEY=VALUE, any setting")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="do all but publish; say what would change")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the last unfinished run")] = False,
) -> None:
    """Find the records of one patient in one or several sources and merge them into golden records."""
    flags = {
        "input.records": records, "input.notes": notes, "run.output": output, "run.mode": mode,
        "run.previous": previous, "input.decisions": decisions, "input.labels": labels, "input.truth": truth,
        "run.dry_run": dry_run or None, "run.resume": resume or None,
    }  # fmt: skip
    overrides = {key: value for key, value in flags.items() if value not in (None, [])}
    file = config or (str(DEFAULT_CONFIG) if DEFAULT_CONFIG.exists() else None)
    sys.exit(status_of(lambda: match(load_config(file, overrides, settings or []))))


if __name__ == "__main__":
    start(command, one_value_a_flag(sys.argv[1:], ["--input", "--notes"]))
