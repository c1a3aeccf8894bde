"""Notebooks find a run's output and people's files from their own folder and from the one above."""

import pytest

from siamese_er.review.places import place


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "output").mkdir()
    monkeypatch.delenv("SIAMESE_ER_OUTPUT", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "name", "found"),
    [
        pytest.param(".", "output", "output", id="beside"),
        pytest.param("notebooks", "output", "../output", id="above the notebooks"),
        pytest.param("elsewhere", "output", "../output", id="above"),
        pytest.param("notebooks", "decisions.jsonl", "../decisions.jsonl", id="new files beside the notebooks' folder"),
        pytest.param("elsewhere", "decisions.jsonl", "decisions.jsonl", id="new files here"),
    ],
)
def test_place_is_where_the_thing_is(checkout, monkeypatch, folder, name, found):
    monkeypatch.chdir(checkout / folder)

    assert place("SIAMESE_ER_OUTPUT", name) == found


def test_place_is_what_the_variable_says_and_what_is_here_comes_first(checkout, monkeypatch):
    (checkout / "notebooks" / "output").mkdir()
    monkeypatch.chdir(checkout / "notebooks")
    assert place("SIAMESE_ER_OUTPUT", "output") == "output"

    monkeypatch.setenv("SIAMESE_ER_OUTPUT", "s3a://bucket/out")

    assert place("SIAMESE_ER_OUTPUT", "output") == "s3a://bucket/out"
