"""The flags of the jobs, read from their source without running it: for completion in a shell, and for the pages' tests."""

import ast
from pathlib import Path


def flags_of(job: Path) -> dict[str, str]:
    """Flag -> its help, of the typer options of a job's ``main``; empty where the file has none."""
    tree = ast.parse(job.read_text(encoding="utf-8"))
    mains = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    flags: dict[str, str] = {}
    for argument in mains[0].args.args if mains else []:
        calls = [node for node in ast.walk(argument) if isinstance(node, ast.Call)]
        named = [str(item.value) for call in calls for item in call.args if isinstance(item, ast.Constant)]
        texts = [word.value for call in calls for word in call.keywords if word.arg == "help"]
        told = next((str(text.value) for text in texts if isinstance(text, ast.Constant)), "")
        for flag in [part for name in named for part in name.split("/")] or ["--" + argument.arg.replace("_", "-")]:
            flags[flag] = told
    return flags
