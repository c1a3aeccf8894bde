"""What happens after a run ended: it is found by its tag, its gates are looked at, and it is published, once."""

import pytest
from run_record import record_of

from siamese_er.config import GateSettings
from siamese_er.errors import ContractFault, GateFailed
from siamese_er.release import check_gates, ended_run, publish_ended, report_of_ended
from siamese_er.storage import current_run, make_current, new_run


def left(spark, output, tag, **changes):
    """The id of a run that is left in an output folder with this run.json."""
    run = new_run(spark, str(output))
    record = record_of(**({"status": "dry_run"} | changes)) | {"run_id": run.run_id, "config": {"run": {"tag": tag}}}
    run.write_record(spark, record)
    return run


def left_unchanged(spark, output, tag):
    """A batch without news: its run.json has neither gates nor key figures."""
    run = new_run(spark, str(output))
    run.write_record(spark, {"run_id": run.run_id, "status": "unchanged", "config": {"run": {"tag": tag}}})
    return run


def test_the_newest_ended_run_of_a_tag_is_found_whatever_others_do(spark, tmp_path):
    left(spark, tmp_path, "monday")
    newest = left(spark, tmp_path, "monday")
    left(spark, tmp_path, "monday", status="failed")
    other = left(spark, tmp_path, "tuesday")

    assert ended_run(spark, str(tmp_path), "monday").run.run_id == newest.run_id
    assert ended_run(spark, str(tmp_path), None, other.run_id).run.run_id == other.run_id
    with pytest.raises(ContractFault, match="no run with the tag sunday"):
        ended_run(spark, str(tmp_path), "sunday")


def test_a_dry_run_is_published_and_a_second_time_does_no_harm(spark, tmp_path):
    run = left(spark, tmp_path, "monday")

    told = [publish_ended(spark, ended_run(spark, str(tmp_path), "monday")) for _ in range(2)]

    assert told == [f"run {run.run_id}: published, {run.path}"] * 2
    assert current_run(spark, str(tmp_path)).run_id == run.run_id
    assert run.read_record(spark)["status"] == "published"
    assert (tmp_path / "runs" / run.run_id / "report.html").exists()


def test_a_run_with_a_failed_gate_is_not_published(spark, tmp_path):
    left(spark, tmp_path, "monday", settings=GateSettings(max_cluster_size=3), status="gate_failed")
    found = ended_run(spark, str(tmp_path), "monday")

    with pytest.raises(GateFailed, match="max_cluster_size"):
        publish_ended(spark, found)

    assert any(line.startswith("gate max_cluster_size: failed") for line in found.gate_lines())
    assert current_run(spark, str(tmp_path)) is None


def test_a_run_that_continues_another_than_the_current_one_is_not_published(spark, tmp_path):
    make_current(spark, left(spark, tmp_path, "sunday"))
    left(spark, tmp_path, "monday", previous_run_id="an older one")

    with pytest.raises(ContractFault, match="published meanwhile; match again"):
        publish_ended(spark, ended_run(spark, str(tmp_path), "monday"))


def test_a_batch_without_news_has_nothing_to_publish_and_that_is_no_fault(spark, tmp_path):
    make_current(spark, left(spark, tmp_path, "sunday"))
    before = (tmp_path / "current.json").read_text()
    run = left_unchanged(spark, tmp_path, "monday")
    found = ended_run(spark, str(tmp_path), "monday")

    check_gates(found)
    told = [*found.gate_lines(), publish_ended(spark, found), report_of_ended(spark, found)]

    assert found.run.run_id == run.run_id
    assert "nothing new in the batch" in told[1]
    assert "nothing new in the batch" in told[2]
    assert (tmp_path / "current.json").read_text() == before
