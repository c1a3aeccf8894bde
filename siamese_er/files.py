"""Small text files on any file system Hadoop knows: read, create once, replace whole, delete.

Local paths go through Python and need no JVM, so that a heartbeat never waits for one; all others go through Hadoop's
FileSystem on the driver.
"""

import os
import re
import shutil
import uuid
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

ROOT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//[^/]*)?")
"""Scheme and authority of a path that names them."""

OBJECT_STORES = ("s3", "s3a", "s3n", "gs", "oss", "cosn", "wasb", "wasbs")
"""Schemes where a file appears whole when its writer closes it, and where a rename is a copy."""


def files_of(spark: SparkSession, path: str) -> "LocalFiles | HadoopFiles":
    """The file operations of the file system that ``path`` lies on; a bare path is on Spark's default one.

    What the file system is, the JVM is asked once for each root: a batch asks some 200 times.
    """
    root = ROOT.match(path)
    scheme = scheme_of(spark, root[0] if root else "")
    return LocalFiles() if scheme == "file" else HadoopFiles(spark._jvm, spark._jsc.hadoopConfiguration(), scheme)


@lru_cache(maxsize=16)
def scheme_of(spark: SparkSession, root: str) -> str:
    """The scheme of the file system that paths of a root (``s3a://bucket``; empty: bare paths) lie on."""
    jvm: Any = spark._jvm
    location = jvm.org.apache.hadoop.fs.Path(f"{root}/")
    return str(location.getFileSystem(spark._jsc.hadoopConfiguration()).getUri().getScheme())


class LocalFiles:
    """Files of this machine, or of a network mount; ``file:`` paths and bare ones."""

    is_object_store = False

    def read_text(self, path: str) -> str | None:
        """The file's text; null where there is no such file."""
        try:
            return local(path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def create_text(self, path: str, text: str) -> bool:
        """True after creating the file; false, and nothing changed, where it exists already. Race-safe."""
        local(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with local(path).open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            return False
        return True

    def replace_text(self, path: str, text: str) -> None:
        """Replace the file in one step: a reader or a crash sees the old text or the new one, nothing between."""
        target = local(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex}.new")
        try:
            with fresh.open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)

    def modified(self, path: str) -> float | None:
        """Seconds since 1970 of the last change by the file system's clock; null where there is no such file."""
        try:
            return local(path).stat().st_mtime
        except FileNotFoundError:
            return None

    def names(self, path: str) -> list[str]:
        """Names of what a folder holds, sorted; empty where there is no such folder."""
        return sorted(entry.name for entry in local(path).iterdir()) if local(path).is_dir() else []

    def make_folder(self, path: str) -> None:
        """Create the folder and those above it."""
        local(path).mkdir(parents=True, exist_ok=True)

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it; nothing happens where there is none."""
        if local(path).is_dir():
            shutil.rmtree(local(path), ignore_errors=True)
        else:
            local(path).unlink(missing_ok=True)


class HadoopFiles:
    """Files of HDFS, an object store or any other Hadoop file system."""

    def __init__(self, jvm: Any, hadoop_settings: Any, scheme: str) -> None:
        self._jvm = jvm
        self._settings = hadoop_settings
        self.is_object_store = scheme in OBJECT_STORES

    def read_text(self, path: str) -> str | None:
        """The file's text; null where there is no such file."""
        location, system = self._at(path)
        if not system.exists(location):
            return None
        stream = system.open(location)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def create_text(self, path: str, text: str) -> bool:
        """True after creating the file; false where it exists already.

        Race-safe on HDFS; on an object store two creators may both be told true, and the caller has to read back.
        """
        location, system = self._at(path)
        try:
            self._write(system.create(location, False), text)
        except Py4JJavaError:
            if system.exists(location):
                return False
            raise
        return True

    def replace_text(self, path: str, text: str) -> None:
        """Replace the file: in one step on HDFS (rename that overwrites) and on object stores (one put)."""
        location, system = self._at(path)
        if self.is_object_store:
            self._write(system.create(location, True), text)
            return
        fresh = self._path(f"{path}.{uuid.uuid4().hex}.new")
        self._write(system.create(fresh, True), text)
        try:
            rename = self._jvm.org.apache.hadoop.fs.Options.Rename
            overwrite = self._jvm.java.lang.reflect.Array.newInstance(rename.OVERWRITE.getClass(), 1)
            self._jvm.java.lang.reflect.Array.set(overwrite, 0, rename.OVERWRITE)
            context = self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(location.toUri(), self._settings)
            context.rename(fresh, location, overwrite)
        finally:
            system.delete(fresh, False)

    def modified(self, path: str) -> float | None:
        """Seconds since 1970 of the last change by the file system's clock; null where there is no such file."""
        location, system = self._at(path)
        if not system.exists(location):
            return None
        return float(system.getFileStatus(location).getModificationTime()) / 1000

    def names(self, path: str) -> list[str]:
        """Names of what a folder holds, sorted; empty where there is no such folder."""
        location, system = self._at(path)
        return sorted(s.getPath().getName() for s in system.listStatus(location)) if system.exists(location) else []

    def make_folder(self, path: str) -> None:
        """Create the folder and those above it."""
        location, system = self._at(path)
        system.mkdirs(location)

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all in it; nothing happens where there is none."""
        location, system = self._at(path)
        system.delete(location, True)

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(path)

    def _at(self, path: str) -> tuple[Any, Any]:
        location = self._path(path)
        return location, location.getFileSystem(self._settings)

    def _write(self, stream: Any, text: str) -> None:
        try:
            stream.write(bytearray(text.encode("utf-8")))
        finally:
            stream.close()


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files of a table in a local folder, by name; not what is hidden, as no reader takes it for a part."""
    return sorted(folder.glob("[!._]*.parquet"))


def n_bytes(files: Iterable[Path]) -> int:
    """Bytes of local files together."""
    return sum(file.stat().st_size for file in files)


def local(path: str) -> Path:
    """The local path that ``path`` names, with or without ``file:``."""
    if path.startswith("file:"):
        return Path("/" + path.removeprefix("file:").lstrip("/"))
    return Path(path)
