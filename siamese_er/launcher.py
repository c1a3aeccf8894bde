"""``siamese-er``: starts spark-submit, or any command, with a Java and the Python that Spark needs."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NoReturn
from zipfile import ZIP_DEFLATED, ZipFile

import typer
from typer.core import TyperCommand

from siamese_er.commands import status_of
from siamese_er.config_text import config_text
from siamese_er.errors import ContractFault
from siamese_er.java import class_archive, java_home, java_options
from siamese_er.job_flags import flags_of
from siamese_er.reference_text import reference_text
from siamese_er.versions import versions

HELP = """Patient-record matching on Apache Spark: starts spark-submit with a Java and the Python that it needs.

First run: `siamese-er match` matches the demo population into the folder `output`. Flags of a job: `siamese-er match --help`.
Every setting with its meaning: `siamese-er config`. Tab completion, flags of jobs too: `siamese-er --install-completion`."""
PASS_THROUGH = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}
DRIVER_MEMORY = "2g"
"""Heap of the driver where nothing else names one; spark-submit's own default of 1g is enough for the demo."""

LARGE_INPUT = 30 * 2**20
"""Bytes of input, some half a million records in Parquet, from which both of Java's compilers pay (docs/scale.md)."""

QUIET_ARCHIVE = "-Xlog:cds=off -Xlog:cds+dynamic=off"
"""An archive that does not fit any more is passed over without a word on stdout."""


@dataclass(frozen=True)
class Completion:
    """What the shell is offered; typer reads these three."""

    value: str
    help: str | None = None
    type: str = "plain"


class JobCommand(TyperCommand):
    """A command whose flags are those of the job that it submits."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The flags of the job that begin so: of the one named first, else of the command's own."""
        words = [str(word) for word in ctx.params.get("arguments") or [] if str(word).endswith(".py")]
        try:
            script = Path(words[0] if ctx.info_name == "submit" else job(str(ctx.info_name)))
            flags = flags_of(script)
        except (ContractFault, OSError, SyntaxError, IndexError):
            return []
        return [Completion(flag, told or None) for flag, told in flags.items() if flag.startswith(incomplete)]


def job_scripts(incomplete: str) -> list[str]:
    """The jobs of the present folder whose path begins so."""
    return [str(path) for path in sorted(Path("jobs").glob("*.py")) if str(path).startswith(incomplete)]


app = typer.Typer(add_completion=True, pretty_exceptions_enable=False, no_args_is_help=True)
Arguments = Annotated[list[str] | None, typer.Argument(autocompletion=job_scripts)]


def tell_versions(is_asked: bool) -> None:
    """Print what a report of a fault names, a line each, and end."""
    if is_asked:
        print("\n".join(f"{name} {version}" for name, version in versions().items()))
        raise typer.Exit


@app.callback(help=HELP)
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=tell_versions, is_eager=True, help="Show versions and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command(context_settings=PASS_THROUGH, cls=JobCommand)
def submit(arguments: Arguments = None) -> None:
    """spark-submit with these arguments, unchanged; its exit status."""
    given = arguments or []
    start([spark_submit(), *given], has_large_input(given))


@app.command(context_settings=PASS_THROUGH)
def run(arguments: Arguments = None) -> None:
    """Any command in the environment that spark-submit gets, such as `siamese-er run pytest`."""
    if not arguments:
        raise typer.BadParameter("name a command")
    start(arguments)


@app.command(context_settings=PASS_THROUGH, cls=JobCommand)
def match(arguments: Arguments = None) -> None:
    """`submit jobs/match.py` of the checkout, with these arguments."""
    submit([job("match"), *(arguments or [])])


@app.command(context_settings=PASS_THROUGH, cls=JobCommand)
def evaluate(arguments: Arguments = None) -> None:
    """`submit jobs/evaluate.py` of the checkout, with these arguments."""
    submit([job("evaluate"), *(arguments or [])])


@app.command()
def env() -> None:
    """Print the environment as export lines: eval "$(siamese-er env)"."""
    for name, value in environment().items():
        print(f"export {name}={shlex.quote(value)}")


@app.command()
def config() -> None:
    """Print a config file of jobs/match.py with every setting, its default and its meaning."""
    print(config_text(), end="")


@app.command()
def reference() -> None:
    """Print docs/reference.md: every setting and every column of the tables."""
    print(reference_text(), end="")


@app.command()
def archive(file: Annotated[Path, typer.Argument(help="zip file to write")]) -> None:
    """Write this package, models included, into a zip for executors that do not have it: `spark-submit --archives`."""
    package = Path(__file__).resolve().parent
    with ZipFile(file, "w", ZIP_DEFLATED) as content:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content.write(path, path.relative_to(package.parent))


@app.command()
def prepare() -> None:
    """Run the demo once and keep an archive of the Java classes it loads, for later runs to start faster."""
    given = os.environ | environment()
    archive = class_archive(Path(given["JAVA_HOME"]), spark_jars())
    archive.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(dir=archive.parent) as folder:
        fresh = Path(folder) / archive.name
        given["SPARK_SUBMIT_OPTS"] = f"{java_options()} -XX:ArchiveClassesAtExit={fresh} {QUIET_ARCHIVE}"
        command = [spark_submit(), "--master", "local[2]", job("match"), "--output", str(Path(folder) / "demo")]
        ended = subprocess.run(command, env=given, stdout=subprocess.DEVNULL, check=False)
        if ended.returncode or not fresh.is_file():
            raise ContractFault(f"no archive was made: the demo ended with status {ended.returncode}, Java wants 13+")
        fresh.replace(archive)
    print(f"{archive}: {archive.stat().st_size / 2**20:.0f} MiB")


def has_large_input(arguments: list[str]) -> bool:
    """Whether the local files and folders that ``--input`` names among the arguments hold LARGE_INPUT bytes or more."""
    paths, is_input = [], False
    for argument in arguments:
        flag, _, value = argument.partition("=")
        is_input = flag == "--input" if argument.startswith("--") else is_input
        paths += [Path(value or argument)] if is_input and (value or flag != "--input") else []
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return sum(file.stat().st_size for file in files) >= LARGE_INPUT


def environment(is_large: bool = False) -> dict[str, str]:
    """The variables that Spark needs and that are not as they should be yet; what the user set is kept.

    Options of the JVM that a launcher around this one set, for an input of another size, are not the user's.

    JAVA_HOME is one with Java 17 or later, PATH starts with this Python's scripts and that Java, Python workers
    run this interpreter, and the driver's JVM gets `java_options` for the input's size, with the archive of `prepare`
    where there is one.
    """
    scripts, java = str(Path(sys.executable).parent), java_home()
    path = [scripts, str(java / "bin"), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    archive = class_archive(java, spark_jars()) if find_spec("pyspark") else None
    shared = f" -XX:SharedArchiveFile={archive} {QUIET_ARCHIVE}" if archive is not None and archive.is_file() else ""
    ours = {large: java_options(large) + shared for large in (False, True)}
    defaults = {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_DRIVER_MEMORY": DRIVER_MEMORY,
    }
    options = os.environ.get("SPARK_SUBMIT_OPTS")
    fixed = {
        "JAVA_HOME": str(java),
        "PATH": os.pathsep.join(dict.fromkeys(path)),
        "SPARK_SUBMIT_OPTS": ours[is_large] if options is None or options in ours.values() else options,
    }
    return fixed | {name: os.environ.get(name, value) for name, value in defaults.items()}


def spark_submit() -> str:
    """The path of the spark-submit that was installed with this package.

    Raises: ContractFault if pyspark is not installed.
    """
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ContractFault("pyspark is not installed beside siamese_er")
    return str(Path(spec.origin).parent / "bin" / "spark-submit")


def spark_jars() -> Path:
    """The folder of the jars of the Spark that was installed with this package."""
    return Path(spark_submit()).parent.parent / "jars"


def job(name: str) -> str:
    """The path of a job of the checkout: under the present folder, else beside the (editable) package.

    Raises: ContractFault if there is none.
    """
    for checkout in (Path.cwd(), Path(__file__).resolve().parent.parent):
        if (script := checkout / "jobs" / f"{name}.py").is_file():
            return str(script)
    raise ContractFault(
        f"jobs/{name}.py is not here; run this in a checkout or name the script: siamese-er submit FILE"
    )


def start(command: list[str], is_large: bool = False) -> NoReturn:
    """Become this command, in the environment that Spark needs for an input of this size."""
    given = os.environ | environment(is_large)
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, given)
    except OSError as error:
        raise ContractFault(f"{command[0]}: {error.strerror}") from None


def main() -> None:
    """The console script; a fault is one line on stderr and exit status 2."""
    sys.exit(status_of(app))
