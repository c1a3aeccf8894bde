"""What try.sh looks at after a run of the DAG: states of its tasks, the run it left, and that no value was told."""

import json
import sqlite3
import sys
from pathlib import Path

import pandas as pd

EXPECTED = {
    "published": ["success"] * 5,
    "gate_failed": ["success", "success", "failed", "upstream_failed", "upstream_failed"],
}
TASKS = ("check_input", "match", "gates", "publish", "report")
COLUMNS = ("national_id", "email", "phone", "address_line")


def states(work: Path) -> dict[str, str]:
    """State of each task of the newest run of the DAG, from Airflow's database."""
    database = sqlite3.connect(work / "airflow" / "airflow.db")
    newest = database.execute("select run_id from dag_run order by id desc limit 1").fetchone()[0]
    return dict(database.execute("select task_id, state from task_instance where run_id = ?", (newest,)).fetchall())


def check_run(work: Path, output: Path, status: str) -> None:
    """The newest run of the output ended so, with its report, and every task as it should."""
    found = states(work)
    print(", ".join(f"{task} {found[task]}" for task in TASKS))
    assert [found[task] for task in TASKS] == EXPECTED[status], found
    run = sorted((output / "runs").iterdir())[-1]
    record = json.loads((run / "run.json").read_text())
    current = json.loads((output / "current.json").read_text())
    print(f"run {run.name}: {record['status']}; current: {current['run_id']}; gates failed: {record['failed_gates']}")
    assert record["status"] == status
    assert (current["run_id"] == run.name) == (status == "published")
    assert (run / "report.html").stat().st_size > 10_000


def check_quiet(work: Path, source: Path) -> None:
    """No long value of the input is in what Airflow logged or keeps."""
    records = pd.read_parquet(source / "records.parquet")
    values = {str(v).lower() for name in COLUMNS if name in records for v in records[name].dropna().explode()}
    values = {value for value in values if len(value) > 8}
    files = [*work.glob("*.log"), *(path for path in (work / "airflow").rglob("*") if path.is_file())]
    said = {path: path.read_bytes().decode(errors="replace").lower() for path in files}
    leaks = {str(path): sum(value in text for value in values) for path, text in said.items()}
    assert values
    assert any("spark-submit" in text for text in said.values()), "no log of a task was found"
    assert not any(leaks.values()), leaks
    pushed = sqlite3.connect(work / "airflow" / "airflow.db").execute("select count(*) from xcom").fetchone()[0]
    print(f"{len(files)} files, {len(values)} values, none of them told; {pushed} XComs")
    assert pushed == 0


if __name__ == "__main__":
    folder, runs, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    check_quiet(folder, Path(sys.argv[4])) if what == "quiet" else check_run(folder, runs, what)
