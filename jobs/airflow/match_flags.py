"""Parameters of the DAG -> flags of the jobs that its tasks submit."""

from typing import Any


def input_flags(params: dict[str, Any]) -> list[str]:
    """The flags that say what the input is."""
    flags = ["--config", params["config"]] if params["config"] else []
    for name in ("input", "notes"):
        flags += [part for path in params[name] for part in (f"--{name}", path)]
    flags += ["--set", f"run.mode={params['mode']}"] if params["mode"] else []
    return flags + [part for setting in params["settings"] for part in ("--set", setting)]


def match_flags(params: dict[str, Any], run_id: str) -> list[str]:
    """The flags of jobs/match.py: a dry run that holds at failed gates, found again by its tag, gone on with on retry."""
    flags = [*input_flags(params), "--output", params["output"], "--dry-run", "--resume"]
    for name in ("truth", "decisions", "labels"):
        flags += [f"--{name}", params[name]] if params[name] else []
    return [*flags, "--set", "gates.hold=true", "--set", f"run.tag={run_id}"]


def ended_flags(params: dict[str, Any], run_id: str) -> list[str]:
    """The flags by which a job finds the run that the match task left."""
    return ["--output", params["output"], "--tag", run_id]
