"""No value of a patient in what a run says, logs, records or names: only in its tables."""

import re
from pathlib import Path

import pytest
from conftest import MARKED_NUMBERS, Submitted

FAILING_JOB = """
import sys
import siamese_er.encode, siamese_er.standardise
from siamese_er import pipeline
from siamese_er.commands import status_of
from siamese_er.config import load_config
from siamese_er.session import build_session

records, notes, output = sys.argv[1:4]
config = load_config(None, {"input.records": [records], "input.notes": [notes], "run.output": output}, [])
spark = build_session(config, "failing")

def quoting_note(encoder_of, batch, notes, table, memory):
    raise ValueError(f"cannot encode {[note.text for row in notes for note in row]}")

def quoting_name(batch, rules):
    raise KeyError(*(batch.column(name).to_pylist() for name in ("family_name", "given_name", "record_id")))

def cast(records, standardised):
    return standardised.selectExpr("record_key", "cast(cast(record_id as int) as string) as standing")

siamese_er.encode.columns_by_source = quoting_note
print("STATUS encode", status_of(lambda: pipeline.match(spark, config)))
siamese_er.standardise.standard_arrow = quoting_name
print("STATUS standardise", status_of(lambda: pipeline.match(spark, config)))
siamese_er.pipeline.standardised_records = lambda records, *settings: records.selectExpr("cast(record_id as int) as x")
print("STATUS cast", status_of(lambda: pipeline.match(spark, config)))
spark.stop()
"""


def leaks(said: str, values) -> list[str]:
    """The values that occur in a text, in any letter case; numbers as whole numbers, with or without punctuation."""
    lower = said.lower()
    numbers = {number for number in MARKED_NUMBERS if re.search(rf"(?<!\d){number}(?!\d)", lower)}
    return sorted({value for value in values if value in lower} | numbers)


def said_by(run: Submitted) -> dict[str, str]:
    """Everything a run left but Parquet tables: streams, event log, other files, and the names of all files."""
    files = [path for folder in (run.output, run.events) for path in folder.rglob("*")]
    said = {"stdout": run.told.stdout, "stderr": run.told.stderr, "names": "\n".join(map(str, files))}
    texts = [path for path in files if path.is_file() and path.suffix not in (".parquet", ".crc")]
    return said | {str(path): path.read_text(errors="replace") for path in texts}


@pytest.fixture(scope="module")
def failed_run(submit, marked_input, tmp_path_factory):
    folder = tmp_path_factory.mktemp("failed")
    (folder / "events").mkdir()
    (folder / "job.py").write_text(FAILING_JOB)
    log = ["spark.eventLog.enabled=true", f"spark.eventLog.dir={folder / 'events'}", "spark.eventLog.compress=false"]
    arguments = (marked_input.records, marked_input.notes, folder / "out")
    return Submitted(submit("job.py", *arguments, cwd=folder, conf=log), folder / "out", folder / "events")


def test_the_marked_values_are_in_the_tables(submitted_run, marked_input):
    goldens = submitted_run.table("golden_records")
    walk = submitted_run.table("crosswalk")

    assert goldens["family_name"].str.contains("ZZCANARY").sum() >= 1
    assert walk["record_id"].str.startswith("ZZCANARY").sum() == 6
    assert leaks(" ".join(goldens["email"].dropna()), marked_input.values)


def test_a_run_that_ends_well_tells_no_value(submitted_run, marked_input):
    said = said_by(submitted_run)

    assert any("eventlog" in name or "local-" in name for name in said), "no event log"
    assert {name: found for name, text in said.items() if (found := leaks(text, marked_input.values))} == {}


def test_a_run_whose_workers_fail_on_values_tells_no_value(failed_run, marked_input):
    said = said_by(failed_run)

    told = [line for line in failed_run.told.stdout.splitlines() if line.startswith("STATUS")]
    assert told == ["STATUS encode 1", "STATUS standardise 1", "STATUS cast 1"], failed_run.told.stderr[-2000:]
    lines = [line for line in failed_run.told.stderr.splitlines() if line.startswith("siamese_er: ")]
    assert len(lines) == 3
    assert "encode: ValueError at" in lines[0]
    assert "standardise: KeyError at" in lines[1]
    assert sum(Path(name).name == "run.json" for name in said) == 3
    assert {name: found for name, text in said.items() if (found := leaks(text, marked_input.values))} == {}


def test_malformed_rows_are_counted_with_place_and_reason_alone(submitted_run, marked_input):
    bad = submitted_run.table("quarantine")

    reasons = sorted(
        zip(bad["source_path"].map(lambda path: Path(path).name), bad["position"], bad["reason"], strict=True)
    )
    n = marked_input.n_records
    assert [row for row in reasons if row[0] == "in.csv"] == [
        ("in.csv", f"row {n + 1}", "wrong_field_count"),
        ("in.csv", f"row {n + 2}", "missing_record_id"),
        ("in.csv", f"row {n + 3}", "bad_encoding"),
    ]
    assert sum(row[0] == "notes.jsonl" for row in reasons) == marked_input.n_bad_notes
