"""``spark-submit jobs/match.py`` as its users call it."""

import importlib.util
import json

import pyarrow.parquet as pq
import pytest
from conftest import CHECKOUT

from siamese_er.commands import one_value_a_flag, start
from siamese_er.schemas import PUBLISHED

MATCH = CHECKOUT / "jobs" / "match.py"
PAIR = ["left_source", "left_record_id", "right_source", "right_record_id"]


def command():
    """The command line of the job, as a module."""
    specification = importlib.util.spec_from_file_location("job_match", MATCH)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.command


def test_every_table_of_the_contract_is_there_with_its_columns(submitted_run):
    for name, schema in PUBLISHED.items():
        columns = pq.read_table(submitted_run.run / name).column_names
        assert set(schema.names) <= set(columns), name


def test_current_json_names_the_one_run(submitted_run):
    pointer = json.loads((submitted_run.output / "current.json").read_text())

    assert pointer == {"run_id": submitted_run.run.name, "path": f"runs/{submitted_run.run.name}"}
    assert [path.name for path in (submitted_run.output / "runs").iterdir()] == [pointer["run_id"]]
    assert not (submitted_run.run / "work").exists()


def test_run_json_holds_what_the_contract_says(submitted_run, marked_input):
    record = json.loads((submitted_run.run / "run.json").read_text())

    assert record["status"] == "published"
    assert record["config"]["run"]["output"] == str(submitted_run.output)
    assert list(record["input"].values()) == [marked_input.records.stat().st_size]
    assert len(record["model"]["head_digest"]) == 64
    assert {"python", "pyspark", "torch", "siamese_er"} <= record["versions"].keys()
    assert record["failed_gates"] == []
    assert set(record["seconds"]) >= {"read", "standardise", "encode", "block", "score", "decide", "cluster"}
    assert sum(record["pairs_by_first_pass"].values()) == record["candidate_pairs"]
    assert 0.8 < record["blocking"]["pair_completeness"] <= 1
    assert record["metrics"]["precision"] > 0.97


def test_counts_agree_with_the_tables(submitted_run, marked_input):
    counts = json.loads((submitted_run.run / "run.json").read_text())["counts"]
    walk, goldens = submitted_run.table("crosswalk"), submitted_run.table("golden_records")
    clusters, pairs = submitted_run.table("clusters"), submitted_run.table("scored_pairs")

    assert (counts["records"], counts["quarantined_records"]) == (marked_input.n_records, marked_input.n_bad_records)
    assert counts["quarantined_notes"] == marked_input.n_bad_notes
    assert len(walk) == walk[["source", "record_id"]].drop_duplicates().shape[0] == counts["records"]
    assert counts["clusters"] == len(clusters) == walk["enterprise_id"].nunique()
    assert counts["golden_records"] == len(goldens) == goldens["enterprise_id"].nunique()
    sizes = walk.groupby("enterprise_id").size()
    assert clusters.set_index("enterprise_id")["n_records"].to_dict() == sizes.to_dict()
    assert goldens.set_index("enterprise_id")["n_records"].to_dict() == sizes[goldens["enterprise_id"]].to_dict()
    assert counts["quarantined"] == len(submitted_run.table("quarantine"))
    assert counts["review_queue"] == len(submitted_run.table("review_queue"))
    assert not pairs.duplicated(PAIR).any()
    assert pairs["match_probability"].between(0.01, 1).all()
    left, right = (pairs[PAIR[i]] + "\x1f" + pairs[PAIR[i + 1]] for i in (0, 2))
    assert (left < right).all()
    assert set(walk["link_status"]) <= {"auto", "verified", "singleton", "unmatchable", "excluded"}


def test_a_decision_of_a_person_joins_what_it_names(submitted_run):
    walk = submitted_run.table("crosswalk").set_index("record_id")

    joined = walk.loc[["ZZCANARY-0-ehr", "ZZCANARY-0-lab"]]
    assert joined["enterprise_id"].nunique() == 1
    assert set(joined["link_status"]) == {"verified"}


def test_the_summary_can_be_read_by_a_person(submitted_run, marked_input):
    told = submitted_run.told.stdout

    rows = {line.strip().rpartition("  ")[0].strip(): line.split()[-1] for line in told.splitlines() if "  " in line}
    assert f"run {submitted_run.run.name}: published, {submitted_run.run}" in told
    assert rows["records in"] == str(marked_input.n_records + marked_input.n_bad_records)
    assert {"quarantined", "candidate pairs", "links", "clusters", "golden records", "review queue"} <= rows.keys()
    assert float(rows["precision"]) > 0.97
    assert 0.5 < float(rows["recall"]) <= 1
    assert "time per step  read " in told
    assert "Traceback" not in told + submitted_run.told.stderr


@pytest.mark.parametrize(
    ("flags", "lines"),
    [
        pytest.param(
            ["--set", "input.format=fhir"], ["input.format = fhir: FHIR input is not yet supported"], id="fhir"
        ),
        pytest.param(["--no-such-flag"], ["No such option"], id="unknown flag"),
        pytest.param(["stray"], ["unexpected extra argument"], id="stray word"),
        pytest.param(["--config", "no-such.toml"], ["config no-such.toml: No such file"], id="no config file"),
        pytest.param(["--mode", "sideways"], ["config run.mode: "], id="a mode that is none"),
        pytest.param(
            [
                "--set",
                "score.floor=2",
                "--set",
                "nonsense",
                "--set",
                "no.such=1",
                "--set",
                "run.shuffle_partitions=many",
            ],
            ["--set nonsense: write", "config score.floor: ", "config run.shuffle_partitions: ", "config no: "],
            id="several faults at once",
        ),
    ],
)
def test_faults_of_the_command_line_are_told_before_any_session(monkeypatch, capfd, flags, lines):
    monkeypatch.setattr("siamese_er.session.build_session", lambda *_: pytest.fail("a session was built"))
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)

    with pytest.raises(SystemExit) as ended:
        start(command(), flags)

    told = capfd.readouterr()
    assert ended.value.code == 2
    faults = told.err.splitlines()
    assert len(faults) == len(lines), told.err
    assert all(any(fault.startswith("siamese_er: ") and line in fault for fault in faults) for line in lines), told.err
    assert told.out == ""


def test_spark_submit_ends_with_status_2_and_a_line_for_each_fault(submit, tmp_path):
    settings = ["--set", "decide.preset=wild", "--set", "score.floor=high", "--output", tmp_path / "out"]

    told = submit(MATCH, *settings, cwd=tmp_path)

    faults = [line for line in told.stderr.splitlines() if line.startswith("siamese_er: ")]
    assert told.returncode == 2
    assert [fault.split(":")[1].strip() for fault in faults] == ["config score.floor", "config decide.preset"]
    assert "Traceback" not in told.stdout + told.stderr
    assert not (tmp_path / "out").exists()


def test_input_takes_several_paths_after_one_flag(monkeypatch):
    seen = []
    job = command()
    main = job.registered_commands[0].callback
    monkeypatch.setitem(main.__globals__, "match", seen.append)

    with pytest.raises(SystemExit) as ended:
        start(
            job, one_value_a_flag(["--input", "a.csv", "b.csv", "--notes=n.csv", "--dry-run"], ["--input", "--notes"])
        )

    assert ended.value.code == 0
    assert seen[0].input.records == ("a.csv", "b.csv")
    assert seen[0].input.notes == ("n.csv",)
    assert seen[0].run.dry_run
