"""The tutorial's page and script say the same, and the script stops at the first fault. CI runs the script."""

import os
import re
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
SCRIPT = CHECKOUT / "docs" / "tutorial.sh"


def commands(text):
    """The lines that submit a job, with names of folders, tasks and people left out."""
    whole = text.replace("\\\n", " ")
    found = re.findall(r"^\s*(siamese-er submit [^|\n]*)", whole, re.MULTILINE)
    named = [re.sub(r'"?\$(work|task)"?|TASK|tutorial(?=/)|"|\$\{USER:-reviewer\}|mara', "", line) for line in found]
    return [" ".join(line.split()) for line in named]


def test_page_and_script_have_the_same_commands():
    page = (CHECKOUT / "docs" / "tutorial.md").read_text()

    assert commands(page) == commands(SCRIPT.read_text())


def test_script_is_executable_bash_and_ci_runs_it():
    assert os.access(SCRIPT, os.X_OK)
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0
    assert "docs/tutorial.sh" in (CHECKOUT / ".ci" / "run").read_text()
