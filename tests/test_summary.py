"""What a run says to the person who started it."""

from run_record import record_of

from siamese_er.summary import Summary


def test_warnings_of_a_run_are_said():
    record = record_of(warnings=["links: all are held back", "drift: score"])
    lines = Summary(record | {"resumed": False, "mappings": {}}, "output/runs/r").lines()

    assert [line for line in lines if line.startswith("warning")] == [
        "warning: links: all are held back", "warning: drift: score"
    ]  # fmt: skip


def test_a_run_without_warnings_says_none():
    lines = Summary(record_of(warnings=[]) | {"resumed": False, "mappings": {}}, "output/runs/r").lines()

    assert lines[0].startswith("run ")
    assert "warning" not in "".join(lines)
