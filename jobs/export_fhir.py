"""Golden records as FHIR R4 NDJSON: ``spark-submit jobs/export_fhir.py --run OUTPUT --output DIR``; see docs/fhir.md."""

import sys
from typing import Annotated

import typer

from siamese_er.commands import one_value_a_flag, start, status_of
from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.exchange.fhir_export import export_fhir
from siamese_er.session import build_session

command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def named_servers(written: list[str]) -> dict[str, str]:
    """Source = address of its server, of NAME=URL texts."""
    if faulty := [text for text in written if "=" not in text or text.startswith("=")]:
        raise ContractFault([f"--server {text}: not SOURCE=URL" for text in faulty])
    return {name: url for name, _, url in (text.partition("=") for text in written)}


def exported(run: str, output: str, servers: dict[str, str]) -> None:
    """Write the resources in a session of their own and print their numbers."""
    spark = build_session(MatchConfig(), "siamese_er export FHIR")
    try:
        counts = export_fhir(spark, run, output, servers)
    finally:
        spark.stop()
    print("\n".join(f"{kind:>12}  {number:>10,}" for kind, number in counts.items()))


@command.command()
def main(
    run: Annotated[str, typer.Option(help="output folder of jobs/match.py, or the folder of one run")],
    output: Annotated[str, typer.Option(help="new folder for the NDJSON files")],
    server: Annotated[
        list[str] | None, typer.Option(help="SOURCE=URL: FHIR server of a source's records; SOURCE= : the same server")
    ] = None,
) -> None:
    """Write golden Patients with links to their records, Linkages, and Provenance of merges."""
    sys.exit(status_of(lambda: exported(run, output, named_servers(server or []))))


if __name__ == "__main__":
    start(command, one_value_a_flag(sys.argv[1:], ["--server"]))
