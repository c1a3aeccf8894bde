"""What happens to a run after it ended: its gates looked at again, a dry run published, its report written anew."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from siamese_er.errors import ContractFault, GateFailed
from siamese_er.files import files_of
from siamese_er.kpis import keep_kpis
from siamese_er.report.files import write_report
from siamese_er.storage import RunFolder, current_run, make_current, output_lock, previous_run
from siamese_er.summary import NOTHING_NEW

UNCHANGED = "unchanged"
ENDED = ("dry_run", "gate_failed", "published", UNCHANGED)


@dataclass(frozen=True)
class EndedRun:
    """A run that came to its end, with its run.json."""

    run: RunFolder
    record: dict[str, Any]

    @property
    def is_unchanged(self) -> bool:
        """Whether its batch held nothing new: then it has no tables, gates or report, and nothing to publish."""
        return bool(self.record["status"] == UNCHANGED)

    def gate_lines(self) -> list[str]:
        """Each gate with its status, a line each; counts and shares alone."""
        if self.is_unchanged:
            return ["no gate to look at"]
        return [
            f"gate {gate['name']}: {gate['status']}" + (f", {gate['told']}" if gate["told"] else "")
            for gate in self.record["gates"]
        ]


def ended_run(spark: SparkSession, output: str, tag: str | None, run_id: str | None = None) -> EndedRun:
    """The run of an output folder with this id, else the newest that ended with this ``[run] tag``.

    Raises: ContractFault if there is none, or it did not come to its end.
    """
    names = files_of(spark, output).names(f"{output.rstrip('/')}/runs")
    for name in [run_id] if run_id is not None else reversed(names):
        if name not in names:
            continue
        found = ended(spark, RunFolder(output, name, f"{output.rstrip('/')}/runs/{name}"))
        is_it = run_id is not None or found.record.get("config", {}).get("run", {}).get("tag") == tag
        if is_it and found.record.get("status") in ENDED:
            return found
    sought = f"run {run_id}" if run_id is not None else f"run with the tag {tag}"
    raise ContractFault(f"{output}: no {sought} has come to its end there")


def ended(spark: SparkSession, run: RunFolder) -> EndedRun:
    """A run with its run.json, whatever that says."""
    return EndedRun(run, run.read_record(spark))


def check_gates(found: EndedRun) -> None:
    """Nothing, where no gate failed. Raises: GateFailed with a line for each that did."""
    if found.record.get("failed_gates"):
        raise GateFailed(found.record["failed_gates"])


def publish_ended(spark: SparkSession, found: EndedRun, lock_seconds: float = 120) -> str:
    """Make a finished dry run the current one, and say so; a retry is safe, and of a batch without news nothing is done.

    run.json, key figures and report say ``published`` first; current.json is replaced last of all.

    Raises: GateFailed if a gate of the run failed; ContractFault if another run was published since it began, as its
    enterprise ids continue an older one; OutputInUse if a run holds the output.
    """
    check_gates(found)
    run, record = found.run, found.record
    if found.is_unchanged:
        return f"run {run.run_id}: {NOTHING_NEW}"
    told = f"run {run.run_id}: published, {run.path}"
    with output_lock(spark, run.output, lock_seconds) as lock:
        current = current_run(spark, run.output)
        if current is not None and current.run_id == run.run_id:
            return told
        if current is not None and current.run_id != record["previous_run_id"]:
            raise ContractFault(
                f"run {run.run_id} continues {record['previous_run_id'] or 'no run'}, but {current.run_id} was "
                "published meanwhile; match again"
            )
        record["status"] = "published"
        run.write_record(spark, record)
        keep_kpis(spark, run.output, record)
        write_report(spark, run.path, record)
        lock.confirm()
        make_current(spark, run)
    return told


def report_of_ended(spark: SparkSession, found: EndedRun) -> str:
    """The path of the report of a run, written anew; of a batch without news that there is none."""
    if found.is_unchanged:
        return f"run {found.run.run_id}: {NOTHING_NEW}, and so does its report"
    return report_again(spark, found.run.path)


def report_again(spark: SparkSession, folder: str) -> str:
    """The path of the report of a run (or of the current run of an output folder), written anew from its run.json.

    Raises: ContractFault if the folder holds no run, or its run.json has no key figures.
    """
    found = previous_run(spark, folder, folder)
    assert found is not None  # given a folder, it is a run or a fault
    record = found.read_record(spark)
    if "kpis" not in record:
        raise ContractFault(
            f"run {found.run_id} has no key figures: it did not come that far, or is of an older version"
        )
    return write_report(spark, found.path, record)
