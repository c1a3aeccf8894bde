"""The whole run in one process: runs after a first one, decisions of people, gates, faults of the input's tables."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from siamese_er import pipeline, read_run
from siamese_er.config import MatchConfig, load_config
from siamese_er.errors import ContractFault, GateFailed
from siamese_er.schemas import PUBLISHED

KEY = ["source", "record_id"]


@pytest.fixture
def output(submitted_run, tmp_path) -> Path:
    """A copy of the output of the first run."""
    shutil.copytree(submitted_run.output, tmp_path / "out", ignore=shutil.ignore_patterns("*.crc"))
    return tmp_path / "out"


def config_of(marked_input, output: Path, **settings) -> MatchConfig:
    """The config of the first run with other settings; ``__`` stands for the dot."""
    flags = {"input.records": [str(marked_input.records)], "input.notes": [str(marked_input.notes)],
             "input.decisions": str(marked_input.decisions), "run.output": str(output)}  # fmt: skip
    return load_config(None, flags | {name.replace("__", "."): value for name, value in settings.items()}, [])


def current(output: Path) -> dict:
    return json.loads((output / "current.json").read_text())


def ids_of(walk: pd.DataFrame) -> dict[tuple[str, str], str]:
    return walk.set_index(KEY)["enterprise_id"].to_dict()


def test_a_second_run_keeps_every_id_and_reports_no_change(spark, marked_input, submitted_run, output):
    held = spark.sparkContext._jsc.getPersistentRDDs().size()

    summary = pipeline.match(spark, config_of(marked_input, output))

    assert spark.sparkContext._jsc.getPersistentRDDs().size() == held  # a session of many runs does not fill up
    walk = read_run(spark, str(output), "crosswalk").toPandas()
    before = submitted_run.table("crosswalk")
    assert current(output)["run_id"] == summary.record["run_id"]
    assert summary.record["previous_run_id"] == submitted_run.run.name
    assert ids_of(walk) == ids_of(before)
    changes = summary.record["counts"]["changes"]
    assert changes == {"new": 0, "gone": 0, "moved": 0, "same": len(before), "ids_new": 0, "ids_gone": 0}
    since = [table.set_index(KEY)["valid_from"].to_dict() for table in (walk, before)]
    assert since[0] == since[1]
    history = read_run(spark, str(output), "enterprise_id_history").toPandas()
    assert history["run_id"].isin([submitted_run.run.name, summary.record["run_id"]]).all()
    assert not (history["run_id"] == summary.record["run_id"]).any()


def decided(walk: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """A linked pair that a person parts, and two single records that a person joins."""
    sizes = walk.groupby("enterprise_id")["record_id"].transform("size")
    pairs = walk[(sizes == 2) & (walk["link_status"] == "auto")].sort_values(["enterprise_id", *KEY])
    singles = walk[walk["link_status"] == "singleton"].sort_values(KEY)
    return {
        "no_match": [tuple(row) for row in pairs[KEY].head(2).itertuples(index=False)],
        "match": [tuple(row) for row in singles[KEY].head(2).itertuples(index=False)],
    }


def test_decisions_part_and_join_and_a_dry_run_publishes_nothing(spark, marked_input, submitted_run, output, tmp_path):
    before = submitted_run.table("crosswalk")
    pairs = decided(before)
    rows = [dict(zip(["left_source", "left_record_id", "right_source", "right_record_id"], left + right, strict=True))
            | {"decision": decision} for decision, (left, right) in pairs.items()]  # fmt: skip
    pd.DataFrame(rows).to_json(tmp_path / "decisions.jsonl", orient="records", lines=True)
    published = current(output)

    summary = pipeline.match(
        spark,
        config_of(marked_input, output, input__decisions=str(tmp_path / "decisions.jsonl"), run__dry_run=True),
    )

    assert current(output) == published
    assert summary.record["status"] == "dry_run"
    assert any(line.startswith("dry run, nothing published; it would change: ") for line in summary.lines())
    walk = pd.read_parquet(f"{summary.path}/crosswalk")
    ids, status = ids_of(walk), walk.set_index(KEY)["link_status"].to_dict()
    joined, parted = pairs["match"], pairs["no_match"]
    assert ids[joined[0]] == ids[joined[1]]
    assert {status[key] for key in joined} == {"verified"}
    assert ids[parted[0]] != ids[parted[1]]
    moved = {key for key, old in ids_of(before).items() if ids[key] != old}
    assert summary.record["counts"]["changes"]["moved"] == len(moved) >= 2
    assert {table.name for table in Path(summary.path).iterdir()} >= PUBLISHED.keys() | {"run.json"}


def test_failed_gates_keep_the_results_and_publish_nothing(spark, marked_input, output, tmp_path):
    lines = marked_input.records.read_bytes().split(b"\n")
    (tmp_path / "half.csv").write_bytes(b"\n".join(lines[:60]) + b"\n")
    published = current(output)
    settings = {"input__records": [str(tmp_path / "half.csv")], "input__decisions": None, "input__notes": []}

    with pytest.raises(GateFailed) as failed:
        pipeline.match(spark, config_of(marked_input, output, gates__max_cluster_size=2, **settings))

    names = ["max_missing_records_share", "max_missing_source_share", "max_cluster_size"]
    assert [gate.split(":")[0] for gate in failed.value.gates] == names
    assert current(output) == published
    (run,) = [path for path in (output / "runs").iterdir() if path.name != published["run_id"]]
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "gate_failed"
    assert record["failed_gates"] == failed.value.gates
    assert len(pd.read_parquet(run / "crosswalk")) == record["counts"]["records"] == 59


def test_contradictory_decisions_are_a_fault(spark, marked_input, tmp_path, output):
    (tmp_path / "both.csv").write_text(
        "left_source,left_record_id,right_source,right_record_id,decision,decided_at\n"
        "ehr,1,lab,2,match,2024-01-01\nlab,2,ehr,1,no_match,2024-01-01\n"
    )
    published = current(output)

    with pytest.raises(ContractFault) as fault:
        pipeline.match(spark, config_of(marked_input, output, input__decisions=str(tmp_path / "both.csv")))

    assert fault.value.faults == [
        f"{tmp_path / 'both.csv'}: 1 pairs are decided match and no_match at the same decided_at"
    ]
    assert current(output) == published


def test_the_demo_stands_in_where_no_records_are_named():
    config = pipeline.with_demo(MatchConfig())

    assert [Path(path).name for path in config.input.records] == ["ehr.parquet", "lab.parquet", "claims.parquet"]
    assert config.input.truth is not None
    named = load_config(None, {"input.records": ["x.csv"]}, [])
    assert pipeline.with_demo(named) is named
