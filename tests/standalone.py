"""A Spark standalone cluster of two workers on this machine, whose Python has every library but not this package."""

import os
import re
import site
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siamese_er.launcher import environment, spark_submit

SECONDS_TO_START = 60
OWN = re.compile(r"(__editable__.*)?siamese_er.*")


def bare_python(folder: Path) -> Path:
    """A Python with all that this one has installed, by links, but for this package."""
    venv.create(folder / "python", symlinks=True, with_pip=False)
    libraries = folder / "libraries"
    libraries.mkdir()
    for entry in (entry for place in site.getsitepackages() for entry in Path(place).iterdir()):
        if not OWN.fullmatch(entry.name) and not (libraries / entry.name).exists():
            (libraries / entry.name).symlink_to(entry)
    own = next((folder / "python" / "lib").glob("python3*/site-packages"))
    (own / "libraries.pth").write_text(f"{libraries}\n")
    python = folder / "python" / "bin" / "python"
    missing = subprocess.run(
        [python, "-c", "import torch, pyspark, siamese_er"], capture_output=True, text=True, cwd=folder, env={}
    )
    assert "No module named 'siamese_er'" in missing.stderr, missing.stderr
    return python


@contextmanager
def standalone_cluster(folder: Path) -> Iterator[str]:
    """The address of a master with two workers of one core and 1 GiB; all three end with the block."""
    spark_class = str(Path(spark_submit()).parent / "spark-class")
    variables = os.environ | environment() | {"SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_IP": "127.0.0.1"}
    del variables["SPARK_DRIVER_MEMORY"]
    variables.pop("PYTHONPATH", None)  # where a developer's checkout may be
    daemons: list[subprocess.Popen] = []

    def started(name: str, *arguments: str) -> Path:
        log = folder / f"{name}.log"
        kind = name.rstrip("0123456789")
        command = [
            spark_class,
            f"org.apache.spark.deploy.{kind}.{kind.capitalize()}",
            "--host",
            "127.0.0.1",
            *arguments,
        ]
        with log.open("w") as file:
            daemons.append(subprocess.Popen(command, env=variables, stdout=file, stderr=subprocess.STDOUT, cwd=folder))
        return log

    def said(log: Path, pattern: str) -> str:
        until = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < until:
            if found := re.search(pattern, log.read_text()):
                return found.group(0)
            time.sleep(0.2)
        raise AssertionError(f"{log.name}: {log.read_text()[-2000:]}")

    try:
        address = said(started("master", "--port", "0", "--webui-port", "0"), r"spark://127\.0\.0\.1:\d+")
        sizes = ("--cores", "1", "--memory", "1g", "--webui-port", "0")
        logs = [started(f"worker{n}", *sizes, "--work-dir", str(folder / f"work{n}"), address) for n in range(2)]
        for log in logs:
            said(log, "Successfully registered with master")
        yield address
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(30)


if __name__ == "__main__":
    with standalone_cluster(Path(sys.argv[1])) as found:
        print(found)
        time.sleep(float(sys.argv[2]))
