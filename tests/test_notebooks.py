"""Each notebook is executed end to end, in a kernel and a Spark session of its own, on one run that jobs/match.py made."""

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

CHECKOUT = Path(__file__).parents[1]
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
QUICK = {
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
    "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 "
    "--driver-memory 1g pyspark-shell",
}
SMALL = {
    "SIAMESE_ER_TABLES": "8", "SIAMESE_ER_LARGEST_TABLE": "160", "SIAMESE_ER_EPOCHS": "1",
    "SIAMESE_ER_COMPARED_ON": "1", "SIAMESE_ER_REVIEWER": "mara",
}  # fmt: skip
TOLD = {
    "01_look_at_a_run": ("candidate pairs", "Pairs by blocking pass", "against", "column"),
    "02_review_matches": ("reason", "ReviewDesk"),
    "03_choose_thresholds": ("labels", "false_merges", "--set decide.auto_threshold="),
    "04_label_train_compare": ("informs", "shipped", "mine", "published"),
}
"""What a notebook must have shown."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_clean(path):
    notebook = nbformat.read(path, as_version=4)

    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert any("parameters" in cell.metadata.get("tags", []) for cell in code)
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_holds_no_logic(path):
    source = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")

    assert "def " not in source
    assert "class " not in source


@pytest.fixture(scope="module")
def notebook_environment(submitted_run, marked_input, tmp_path_factory):
    """The variables that the parameters of the notebooks are taken from."""
    folder = tmp_path_factory.mktemp("notebooks")
    files = {name: str(folder / name.lower()) for name in ("MODEL", "WORK")}
    files |= {name: str(folder / f"{name.lower()}.jsonl") for name in ("DECISIONS", "LABELS", "AUDIT")}
    files |= {
        "OUTPUT": str(submitted_run.output),
        "BEFORE": str(submitted_run.output),
        "TRUTH": str(marked_input.truth),
    }
    named = {f"SIAMESE_ER_{name}": value for name, value in files.items()}
    here = {"PYTHONPATH": str(CHECKOUT), "PYSPARK_PYTHON": sys.executable, "IPYTHONDIR": str(folder / "ipython")}
    return os.environ | QUICK | SMALL | named | here


@pytest.mark.timeout(900)
def test_a_notebook_finds_the_output_beside_its_folder_without_any_variable(
    notebook_environment, submitted_run, tmp_path
):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "output").symlink_to(submitted_run.output)
    path = tmp_path / "notebooks" / "01_look_at_a_run.ipynb"
    shutil.copy(CHECKOUT / "notebooks" / path.name, path)
    notebook = nbformat.read(path, as_version=4)
    environment = {name: value for name, value in notebook_environment.items() if not name.startswith("SIAMESE_ER_")}

    NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(path.parent)}}).execute(env=environment)

    assert submitted_run.run.name in str([cell.get("outputs") for cell in notebook.cells])


@pytest.mark.timeout(900)  # the first one also waits for the run that all look at
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_from_end_to_end(path, notebook_environment, marked_input, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(tmp_path)}})

    client.execute(env=notebook_environment)

    shown = "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))
    state = str(notebook.metadata.get("widgets", ""))
    assert [words for words in TOLD[path.stem] if words not in shown + state] == []
    lowered = (shown + state).lower()
    assert [value for value in marked_input.values if value in lowered] == []
