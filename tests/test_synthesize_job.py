import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import STRANGERS_PROFILE
from siamese_er.synthetic.writing import DEMO_RECORDS, write_demo, write_population

JOB = Path(__file__).resolve().parents[1] / "jobs" / "synthesize.py"
DEMO = Path(__file__).resolve().parents[1] / "siamese_er" / "demo"


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(JOB), *arguments], capture_output=True, text=True, timeout=60)


def test_synthesize_writes_three_tables(tmp_path):
    done = run("--records", "60", "--output", str(tmp_path / "made"), "--seed", "3", "--profile", "households")

    assert done.returncode == 0, done.stderr
    records = pd.read_parquet(tmp_path / "made" / "records.parquet")
    truth = pd.read_parquet(tmp_path / "made" / "truth.parquet")
    notes = pd.read_parquet(tmp_path / "made" / "notes.parquet")
    assert len(records) == 60
    assert records[["source", "record_id"]].equals(truth[["source", "record_id"]])
    assert str(records["updated_at"].dtype) == "datetime64[us, UTC]"
    assert len(notes) > 0


def test_synthesize_without_notes(tmp_path):
    assert run("--records", "30", "--output", str(tmp_path), "--no-notes").returncode == 0
    assert pd.read_parquet(tmp_path / "notes.parquet").empty


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param(["--records", "0"], "--records", id="no record"),
        pytest.param(["--records", "many"], "--records", id="not a number"),
        pytest.param([], "--records", id="number of records missing"),
        pytest.param(["--records", "5", "--profile", "martians"], "--profile", id="unknown profile"),
        pytest.param(["--records", "5", "--wat"], "--wat", id="unknown flag"),
    ],
)
def test_synthesize_refuses_in_one_line(tmp_path, arguments, word):
    done = run("--output", str(tmp_path / "made"), *arguments)

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert word in done.stderr
    assert not (tmp_path / "made").exists()


def test_demo_is_what_the_command_makes(tmp_path):
    write_demo(tmp_path)

    for name in ("ehr", "lab", "claims", "notes", "truth"):
        made, shipped = (pd.read_parquet(folder / f"{name}.parquet") for folder in (tmp_path, DEMO))
        pd.testing.assert_frame_equal(made, shipped)


def test_demo_files_have_one_schema():
    schemas = [pq.read_schema(DEMO / f"{name}.parquet") for name in ("ehr", "lab", "claims")]

    assert schemas[0] == schemas[1] == schemas[2]
    assert {str(field.type) for field in schemas[0]} == {"string", "timestamp[us, tz=UTC]"}


def test_empty_notes_keep_their_types(tmp_path):
    write_population(population(20, 1, STRANGERS_PROFILE), tmp_path)

    assert {str(field.type) for field in pq.read_schema(tmp_path / "notes.parquet")} == {"string"}


def test_demo_is_small_and_whole():
    records = pd.concat(pd.read_parquet(DEMO / f"{name}.parquet") for name in ("ehr", "lab", "claims"))
    truth = pd.read_parquet(DEMO / "truth.parquet")

    assert len(records) == len(truth) == DEMO_RECORDS
    assert len(records.merge(truth, on=["source", "record_id"])) == DEMO_RECORDS
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 1_500_000
