"""Files that answers are appended to: whole rows, in order, by many at once, read back by the run."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest

from siamese_er.errors import ContractFault
from siamese_er.review.ledger import PURPOSES, Decision, answered_tasks, append_decisions, log_unmasking
from siamese_er.sources.decisions import read_decisions
from siamese_er.sources.labels import read_labels


def decision(record="1", answer="match", at="2026-01-02T03:04:05.000006+00:00", task="t1"):
    return Decision("ehr", record, "lab", "9", answer, "mara", at, "other", task)


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_many_reviewers_append_at_once_without_loss_or_torn_rows(tmp_path):
    path = tmp_path / "deep" / "decisions.jsonl"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append_decisions(str(path), [decision(f"{n}-{part}") for part in range(3)]), range(40)))

    ids = [row["left_record_id"] for row in rows_of(path)]
    assert sorted(ids) == sorted(f"{n}-{part}" for n in range(40) for part in range(3))
    assert all(ids[place].split("-")[0] == ids[place + 2].split("-")[0] for place in range(0, 120, 3))


def test_the_file_is_for_its_owner_alone(tmp_path):
    append_decisions(str(tmp_path / "d.jsonl"), [decision()])

    assert stat.S_IMODE((tmp_path / "d.jsonl").stat().st_mode) == 0o600


def test_a_last_line_without_its_end_is_not_glued_to_the_next_row(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(asdict(decision("hand-written"))))

    append_decisions(str(path), [decision("2")])

    assert [row["left_record_id"] for row in rows_of(path)] == ["hand-written", "2"]


def test_a_disk_that_takes_a_part_only_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "d.jsonl"
    append_decisions(str(path), [decision()])
    before, write = path.read_bytes(), os.write

    def half(handle, content):
        return write(handle, content[: len(content) // 2])

    monkeypatch.setattr("siamese_er.review.ledger.os.write", half)
    with pytest.raises(OSError, match="part of the answer"):
        append_decisions(str(path), [decision("2")])

    assert path.read_bytes() == before


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(ContractFault, match=r"\.jsonl"):
        append_decisions(str(tmp_path / "decisions.csv"), [decision()])


def test_answers_from_before_the_run_answer_nothing_new(tmp_path):
    path = str(tmp_path / "d.jsonl")
    append_decisions(path, [decision(task="old", at="2026-01-01T00:00:00+00:00"), decision(task="new")])

    assert answered_tasks(path, "2026-01-02T00:00:00+00:00") == {"new"}
    assert answered_tasks(str(tmp_path / "none.jsonl"), "2026-01-02") == set()


def test_an_id_with_a_line_end_of_unicode_is_read_back_whole(tmp_path):
    path = str(tmp_path / "d.jsonl")
    append_decisions(path, [decision("a\u0085b\u2028c\u2029d", task="new")])

    assert answered_tasks(path, "2026") == {"new"}


def test_lines_that_are_no_json_objects_are_counted_not_quoted(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text("zzcanary\n[]\n7\n\n")

    with pytest.raises(ContractFault, match="3 lines are no JSON objects") as told:
        answered_tasks(str(path), "2026")

    assert "zzcanary" not in str(told.value)


def test_unmasking_needs_a_purpose_of_the_list_and_logs_no_value(tmp_path):
    path = tmp_path / "audit.jsonl"

    log_unmasking(str(path), "mara", "t1", "run1", PURPOSES[0])
    with pytest.raises(ContractFault, match="purpose"):
        log_unmasking(str(path), "mara", "t1", "run1", "because")

    (row,) = rows_of(path)
    assert {"at", "who", "action", "task_id", "run_id", "purpose"} == row.keys()
    assert (row["who"], row["action"], row["task_id"]) == ("mara", "unmask", "t1")


def test_a_run_reads_the_file_as_decisions_and_as_labels_the_latest_counting(spark, tmp_path):
    path = str(tmp_path / "d.jsonl")
    append_decisions(path, [decision()])
    append_decisions(path, [decision(answer="no_match", at="2026-01-02T03:04:05.000007+00:00")])

    (decided,) = read_decisions(spark, path).collect()
    (label,) = read_labels(spark, path).collect()

    assert (decided["left_key"], decided["right_key"]) == ("ehr\x1f1", "lab\x1f9")
    assert (decided["decision"], decided["reviewer"], label["is_match"]) == ("no_match", "mara", False)
