"""The DAG without Airflow: the flags that its tasks give are flags of the jobs, and its parameters are those they read."""

import ast
import re
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from siamese_er.commands import one_value_a_flag
from siamese_er.config import RunSettings, load_config
from siamese_er.job_flags import flags_of

JOBS = Path(__file__).parents[1] / "jobs"
DAG = (JOBS / "airflow" / "match_patients.py").read_text()
NOTHING = {
    "config": None, "input": [], "notes": [], "truth": None, "decisions": None, "labels": None, "mode": None,
    "output": "out", "settings": [],
}  # fmt: skip
ALL = {
    "config": "my.toml", "input": ["a", "b"], "notes": ["n"], "truth": "t", "decisions": "d", "labels": "l",
    "mode": "incremental", "output": "out", "settings": ["run.mode=full", "score.floor=0.02"],
}  # fmt: skip


@pytest.fixture(scope="module")
def flags():
    sys.path.insert(0, str(JOBS / "airflow"))
    try:
        import match_flags
    finally:
        sys.path.pop(0)
    return match_flags


def params_of_dag():
    """The keys of PARAMS in the DAG's file, which only Airflow can import."""
    (params,) = [node.value for node in ast.parse(DAG).body
                 if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PARAMS"]  # fmt: skip
    return {key.value for key in params.keys}


@pytest.mark.parametrize("params", [NOTHING, ALL], ids=["nothing given", "everything given"])
def test_jobs_have_the_flags_that_their_tasks_give(flags, params):
    given = {
        "check_input.py": flags.input_flags(params), "match.py": flags.match_flags(params, "run 1"),
        "publish.py": [*flags.ended_flags(params, "run 1"), "--check"], "report.py": flags.ended_flags(params, "run 1"),
    }  # fmt: skip

    for job, arguments in given.items():
        assert {word for word in arguments if word.startswith("--")} - flags_of(JOBS / job).keys() == set()
        assert one_value_a_flag(arguments, ["--input", "--notes"]) == arguments


def test_match_is_a_dry_run_that_holds_and_is_found_by_its_tag(flags):
    given = flags.match_flags(NOTHING, "manual__2026-01-01T00:00:00+00:00")

    assert {"--dry-run", "--resume", "gates.hold=true"} <= set(given)
    assert f"run.tag={flags.ended_flags(NOTHING, 'manual__2026-01-01T00:00:00+00:00')[-1]}" in given


@pytest.mark.parametrize(("params", "mode"), [(NOTHING, "full"), (NOTHING | {"mode": "incremental"}, "incremental")])
def test_the_look_at_the_input_knows_the_mode(flags, params, mode):
    given = flags.input_flags(params)

    settings = [value for flag, value in pairwise(given) if flag == "--set"]

    assert load_config(None, {}, settings).run.mode == mode


def test_parameters_of_the_dag_are_those_that_the_flags_read():
    assert params_of_dag() == NOTHING.keys() == ALL.keys()


def test_a_retry_waits_until_the_lock_of_a_killed_task_has_expired():
    (minutes,) = re.findall(r"retry_delay=timedelta\(minutes=(\d+)\)", DAG)

    assert timedelta(minutes=int(minutes)).total_seconds() > RunSettings().lock_seconds
