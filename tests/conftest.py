"""One Spark session for the whole suite, and the runs by spark-submit that several files look at."""

import csv
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC")

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings
from pyspark.sql import SparkSession

from siamese_er.session import page_bytes
from siamese_er.synthetic.population import Population, population
from siamese_er.synthetic.profile import PROFILES

CHECKOUT = Path(__file__).parents[1]
SIAMESE_ER = str(Path(sys.executable).parent / "siamese-er")
LONGEST_RUN_SECONDS = 840

SLOWEST_FIRST = ("test_hard_cases", "test_match_determinism", "test_days", "test_ablation", "test_pipeline", "test_canary",
                 "test_undo", "test_killed", "test_notebooks", "test_fhir_export", "test_incremental", "test_adaptation",
                 "test_labels", "test_match_robustness", "test_evaluate_job", "test_launcher")  # fmt: skip
"""Files that the two workers take first, so that neither ends long before the other."""

settings.register_profile("steady", deadline=None, derandomize=True)  # noisy machines; the same examples each time
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first; the order within a file stays."""
    ranks = {name: rank for rank, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A local session: one core for each worker of pytest-xdist, two shuffle partitions, no UI.

    Spark interprets its plans here, as it does wherever there are few rows (`siamese_er.interpreted`). One of the runs that
    test_match_determinism holds against each other compiles them. Pages are those of a local run: with Spark's own a table
    that is broadcast takes 64 MB, and the queries of one test the whole heap.
    """
    session = (
        SparkSession.builder.master("local[1]")
        .appName("siamese_er tests")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.python.daemon.module", "siamese_er.worker_daemon")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.buffer.pageSize", f"{page_bytes(2 << 30)}b")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


Submit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def submit() -> Submit:
    """``submit(script, *arguments, master=, cwd=, conf=, variables=, properties=)``: the real spark-submit, by the launcher."""

    def submitted(script, *arguments, master="local[2]", cwd=CHECKOUT, conf=(), variables=None, properties=None):
        settings = ["spark.ui.enabled=false", *conf]
        command = [SIAMESE_ER, "submit", "--master", master]
        command += ["--properties-file", str(properties)] if properties else []
        command += [part for setting in settings for part in ("--conf", setting)]
        return subprocess.run(
            [*command, str(script), *map(str, arguments)],
            cwd=cwd, capture_output=True, text=True, errors="replace", timeout=LONGEST_RUN_SECONDS, check=False,
            env=os.environ | (variables or {}),
        )  # fmt: skip

    return submitted


@pytest.fixture(scope="session")
def made() -> Population:
    """A small population of three sources with notes."""
    return population(130, 7, PROFILES["demo"])


@dataclass(frozen=True)
class MarkedInput:
    """Files with marked values in every field and malformed rows, and how many rows each holds.

    ``values`` are lower-case texts that must turn up nowhere but in tables.
    """

    records: Path
    shuffled: Path
    notes: Path
    truth: Path
    decisions: Path
    n_records: int
    n_bad_records: int
    n_bad_notes: int
    values: frozenset[str]

    def flags(self, output: Path, records: Path | None = None) -> list[str]:
        """The flags of jobs/match.py for this input."""
        return [
            *("--input", str(records or self.records), "--notes", str(self.notes), "--truth", str(self.truth)),
            *("--decisions", str(self.decisions), "--output", str(output)),
        ]


MARKED = {
    "given_name": "Zzcanaryana", "middle_name": "Zzcanarymid", "family_name": "ZZCANARYSMITH", "name_suffix": "zzcanaryjr",
    "former_family_name": "Zzcanarý-Old", "mother_maiden_name": "Zzcanarymother", "birth_date": "ZZCANARY-13-45",
    "death_date": "31/31/ZZCANARY", "sex": "zzcanary", "national_id": "523-71-9846", "mrn": "ZZCANARY-MRN",
    "phone": "+1 (957) 555-0137", "email": "zzcanary.mail@zzcanary.example", "address_line": "12 Zzcanary Street\nApt 3",
    "city": "Zzcanaryville", "state": "Zzcanaria", "postal_code": "ZZCANARY1", "country": "Zzcanaryland",
    "multiple_birth": "zzcanary", "birth_order": "zzcanary", "updated_at": "ZZCANARY 25:61", "race": "zzcanary",
}  # fmt: skip
MARKED_NUMBERS = {"523719846", "9575550137"}
N_MALFORMED = 3


def csv_line(values: list[object]) -> bytes:
    """One CSV record, quoted where needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(["" if value is None else value for value in values])
    return text.getvalue().encode()


def malformed_lines(n_columns: int) -> list[bytes]:
    """CSV lines that cannot become records: too few fields, no id, bytes that are not UTF-8."""
    rest = b"," * (n_columns - 3) + b"\n"
    return [b"ehr,zzcanary-short,Zzcanary\n", b'ehr,,"Zzcanary without an id"' + rest,
            b"ehr,zzcanary-latin,Zzcanary\xe9\xe8" + rest]  # fmt: skip


def marked_records(made: Population) -> pd.DataFrame:
    """The population with three marked people of two records each behind it."""
    rows = [
        {**dict.fromkeys(made.records.columns), **MARKED, "source": source, "record_id": f"ZZCANARY-{person}-{source}",
         "given_name": f"{MARKED['given_name']}{'xyz'[person]}"}
        for person in range(3) for source in ("ehr", "lab")
    ]  # fmt: skip
    return pd.concat([made.records, pd.DataFrame(rows, columns=made.records.columns, dtype=object)], ignore_index=True)


@pytest.fixture(scope="session")
def marked_input(made: Population, tmp_path_factory: pytest.TempPathFactory) -> MarkedInput:
    """CSV records (once in order, once shuffled into three files), JSON-lines notes, CSV truth and decisions."""
    folder = tmp_path_factory.mktemp("marked")
    records = marked_records(made)
    header = csv_line(list(records.columns))
    lines = [csv_line(list(row)) for row in records.itertuples(index=False)] + malformed_lines(len(records.columns))
    (folder / "in.csv").write_bytes(header + b"".join(lines))
    random.Random(3).shuffle(lines)
    (folder / "shuffled").mkdir()
    for part in range(3):
        (folder / "shuffled" / f"{part}.csv").write_bytes(header + b"".join(lines[part::3]))
    notes = [json.dumps(row, default=str) for row in made.notes.to_dict("records")]
    notes += [
        json.dumps({"source": "ehr", "record_id": f"ZZCANARY-{n}-ehr", "note_id": f"zzcanary{n}", "note_date": "zzcanary",
                    "note_type": "zzcanary", "text": f"ZZCANARYNOTE seen\nwith Zzcanary {n}"}) for n in range(3)
    ]  # fmt: skip
    (folder / "notes.jsonl").write_text("\n".join([*notes, '{"record_id": "ZZCANARY', "ZZCANARY is no JSON"]))
    made.truth.to_csv(folder / "truth.csv", index=False)
    decided = ["ehr", "ZZCANARY-0-ehr", "lab", "ZZCANARY-0-lab", "match", "zzcanary", "2024-01-01", "zzcanary"]
    names = ["left_source", "left_record_id", "right_source", "right_record_id", "decision", "reviewer", "decided_at"]
    (folder / "decisions.csv").write_bytes(csv_line([*names, "reason"]) + csv_line(decided))
    distinct = {
        text.lower() for column in ("email", "national_id", "phone", "address_line") for text in made.records[column].dropna()
        if len(text) > 8 and len(set(text)) > 4
    }  # fmt: skip
    return MarkedInput(
        folder / "in.csv", folder / "shuffled", folder / "notes.jsonl", folder / "truth.csv", folder / "decisions.csv",
        len(records), N_MALFORMED, 2, frozenset(distinct | {"zzcanary"}),
    )  # fmt: skip


@dataclass(frozen=True)
class Submitted:
    """A finished run by spark-submit: what it said, and where it wrote."""

    told: subprocess.CompletedProcess[str]
    output: Path
    events: Path

    @property
    def run(self) -> Path:
        """The folder of the published run."""
        return self.output / json.loads((self.output / "current.json").read_text())["path"]

    def table(self, name: str) -> pd.DataFrame:
        """A table of the published run."""
        return pd.read_parquet(self.run / name)


@pytest.fixture(scope="session")
def submitted_run(submit: Submit, marked_input: MarkedInput, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    """jobs/match.py over the marked input, rows in order, on local[2], with Spark's event log; one for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "submitted"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            run_with_events(submit, marked_input, folder)
    told = subprocess.CompletedProcess([], **json.loads((folder / "told.json").read_text()))
    assert told.returncode == 0, told.stderr[-3000:]
    return Submitted(told, folder / "out", folder / "events")


def run_with_events(submit: Submit, marked_input: MarkedInput, folder: Path) -> None:
    """The run of ``submitted_run``: its tables, its event log, and what it said."""
    (folder / "events").mkdir(parents=True)
    log = ["spark.eventLog.enabled=true", f"spark.eventLog.dir={folder / 'events'}", "spark.eventLog.compress=false"]
    told = submit(CHECKOUT / "jobs" / "match.py", *marked_input.flags(folder / "out"), cwd=folder, conf=log)
    said = {name: getattr(told, name) for name in ("returncode", "stdout", "stderr")}
    (folder / "told.json").write_text(json.dumps(said))
