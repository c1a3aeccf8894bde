"""What is installed, what the README says, and rules of the house that no linter knows."""

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import siamese_er
from siamese_er.session import QUIET_LOGGERS

CHECKOUT = Path(__file__).parent.parent
PACKAGE = CHECKOUT / "siamese_er"
SHIPPED = [
    path.relative_to(CHECKOUT)
    for folder in ("models", "demo")
    for path in sorted((PACKAGE / folder).rglob("*"))
    if path.is_file() and not path.name.startswith(".")
]


def command(name: str) -> subprocess.CompletedProcess:
    script = [sys.executable, ".ci/readme_command.py", name]
    return subprocess.run(script, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_there_is_a_model_to_ship():
    assert any(path.suffix == ".safetensors" for path in SHIPPED)


def test_wheel_holds_every_module_the_models_and_the_demo(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source / "siamese_er", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(CHECKOUT / name, source)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(tmp_path)!r})"

    subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, check=True)

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(CHECKOUT)) for path in PACKAGE.rglob("*.py")}
    assert modules | {str(path) for path in SHIPPED} <= names
    assert not [name for name in names if name.startswith(("tests/", "jobs/"))]


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_installed_package_has_the_shipped_files(path):
    installed = Path(siamese_er.__file__).parent.parent / path

    assert installed.stat().st_size == (CHECKOUT / path).stat().st_size


@pytest.mark.parametrize("name", ["one", "two"])
def test_readme_command_is_the_block_of_the_readme_and_bash_can_read_it(name):
    block = command(name)

    assert block.returncode == 0, block.stderr
    assert f"<!-- command {name} -->\n```bash\n{block.stdout}```" in (CHECKOUT / "README.md").read_text()
    assert subprocess.run(["bash", "-n", "-c", block.stdout], check=False).returncode == 0


def test_readme_command_that_is_not_there_is_refused():
    assert command("seventeen").returncode == 1


def test_ci_script_is_executable_bash():
    script = CHECKOUT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def attribute_users(name: str) -> set[str]:
    """The modules of the package whose code has an attribute of this name."""
    return {
        path.name
        for path in PACKAGE.rglob("*.py")
        if any(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(ast.parse(path.read_text())))
    }


@pytest.mark.parametrize("name", ["builder", "getOrCreate"])
def test_sessions_are_built_in_one_module(name):
    assert attribute_users(name) == {"session.py"}


def test_frames_are_written_in_one_module():
    writers = {
        path.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "write"
    }

    assert writers == {"storage.py", "fhir_export.py"}


def test_executors_log_settings_silence_the_same_loggers_as_the_session():
    lines = (CHECKOUT / "conf" / "spark" / "log4j2.properties").read_text().splitlines()
    silenced = [line.split(" = ")[1] for line in lines if line.startswith("logger.") and ".name = " in line]
    levels = [line for line in lines if line.startswith("logger.") and line.endswith(".level = off")]

    assert silenced == list(QUIET_LOGGERS)
    assert len(levels) == len(silenced)
