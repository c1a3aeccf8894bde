"""The files behind paths, globs and folders, and the first look at each on the driver: no Spark job, no values kept."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from siamese_er.errors import ContractFault

FORMATS = {"parquet": "parquet", "csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}
COMPRESSIONS = ("gz", "bz2", "zst", "lz4", "snappy", "deflate")
HEAD_BYTES = 1 << 20
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class InputFile:
    """One file of the input: where it is, how long, and how to read it (``parquet``, ``csv``, ``json`` or ``fhir``)."""

    path: str
    n_bytes: int
    layout: str


@dataclass(frozen=True)
class Header:
    """The first record of a CSV file and the separator that splits it into the most fields."""

    columns: tuple[str, ...]
    separator: str
    has_rows: bool


@dataclass(frozen=True)
class Footer:
    """What a Parquet file says of itself; ``schema`` is equal for files with the same columns."""

    schema: str
    columns: tuple[str, ...]
    n_rows: int


def input_files(spark: SparkSession, paths: Sequence[str], layout: str = "auto") -> list[InputFile]:
    """All files behind the paths, each once, sorted; names that start with ``_`` or ``.`` inside folders are left out.

    Raises: ContractFault listing every missing path, empty folder and unknown extension.
    """
    faults: list[str] = []
    found: dict[str, InputFile] = {}
    for path in paths:
        try:
            statuses = file_statuses(spark, path)
        except Py4JJavaError as error:
            faults.append(f"{path}: cannot be read ({error.java_exception.getClass().getSimpleName()})")
            continue
        if statuses is None:
            faults.append(f"{path}: no such file or folder")
        elif not statuses:
            faults.append(f"{path}: the folder holds no files")
        for name, n_bytes in statuses or ():
            kind = layout_of(name) if layout in ("auto", "omop") else layout
            if kind is None:
                faults.append(f"{name}: unknown extension; use .parquet, .csv, .json, .jsonl, .ndjson or input.format")
            else:
                found[name] = InputFile(name, n_bytes, kind)
    if faults:
        raise ContractFault(faults)
    return [found[name] for name in sorted(found)]


def file_statuses(spark: SparkSession, path: str) -> list[tuple[str, int]] | None:
    """Name and bytes of every file behind one path, glob or folder; null where nothing is there."""
    location = jvm(spark).org.apache.hadoop.fs.Path(path)
    system = location.getFileSystem(spark._jsc.hadoopConfiguration())
    matches = [system.getFileStatus(location)] if system.exists(location) else system.globStatus(location)
    if not matches:
        return None
    files: list[tuple[str, int]] = []
    for match in matches:
        if match.isFile():
            files.append((match.getPath().toString(), match.getLen()))
            continue
        root = match.getPath().toString()
        listing = system.listFiles(match.getPath(), True)
        while listing.hasNext():
            status = listing.next()
            name = status.getPath().toString()
            if not any(part.startswith(("_", ".")) for part in name.removeprefix(root).split("/")):
                files.append((name, status.getLen()))
    return files


def bytes_on_disk(spark: SparkSession, path: str) -> int:
    """Bytes of all files behind one path; 0 where nothing is there."""
    return sum(n_bytes for _, n_bytes in file_statuses(spark, path) or [])


def stamps(spark: SparkSession, paths: Iterable[str]) -> dict[str, list[int]]:
    """Bytes and time of change (ms since 1970) of every file behind some paths; what is not there has none."""
    found = {}
    for path in paths:
        for name, n_bytes in file_statuses(spark, path) or []:
            location = jvm(spark).org.apache.hadoop.fs.Path(name)
            status = location.getFileSystem(spark._jsc.hadoopConfiguration()).getFileStatus(location)
            found[bare_path(name)] = [n_bytes, status.getModificationTime()]
    return found


def layout_of(path: str) -> str | None:
    """The layout a file's name tells, compression suffixes apart; null where it tells none.

    >>> layout_of("clinic/people.CSV.gz")
    'csv'
    """
    parts = path.rsplit("/", 1)[-1].lower().split(".")
    while len(parts) > 1 and parts[-1] in COMPRESSIONS:
        parts.pop()
    return FORMATS.get(parts[-1]) if len(parts) > 1 else None


def head(spark: SparkSession, path: str, n_bytes: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file, uncompressed."""
    location = jvm(spark).org.apache.hadoop.fs.Path(path)
    settings = spark._jsc.hadoopConfiguration()
    stream = location.getFileSystem(settings).open(location)
    try:
        codec = jvm(spark).org.apache.hadoop.io.compress.CompressionCodecFactory(settings).getCodec(location)
        return bytes((codec.createInputStream(stream) if codec is not None else stream).readNBytes(n_bytes))
    finally:
        stream.close()


def csv_header(spark: SparkSession, file: InputFile) -> Header | None:
    """The header of a CSV file; null for a file without a single line.

    Raises: ContractFault for UTF-16, for two columns of one name, for a column without a name.
    """
    start = head(spark, file.path)
    if start.startswith(UTF_16):
        raise ContractFault(f"{file.path}: encoded as UTF-16; save it as UTF-8")
    text = start.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace").lstrip("\r\n")
    if not text.strip():
        return None
    separator = max(SEPARATORS, key=lambda s: (len(first_record(text, s)[0]), -SEPARATORS.index(s)))
    columns, rest = first_record(text, separator)
    names = tuple(column.strip() for column in columns)
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise ContractFault(f"{file.path}: {len(repeated)} column names occur twice in the header")
    if "" in names and names[1:].count(""):
        raise ContractFault(f"{file.path}: columns without a name in the header")
    named = tuple(name or f"column {position + 1}" for position, name in enumerate(names))
    return Header(named, separator, has_rows=bool(rest.strip()) or len(start) == HEAD_BYTES)


def first_record(text: str, separator: str) -> tuple[list[str], str]:
    """Fields of the first CSV record, quoted line breaks allowed, and the text after it."""
    lines = io.StringIO(text, newline="")
    csv.field_size_limit(max(csv.field_size_limit(), HEAD_BYTES))
    fields = next(csv.reader(iter(lines.readline, ""), delimiter=separator), [])
    return fields, lines.read()


def parquet_footer(spark: SparkSession, file: InputFile) -> Footer:
    """Schema and row count of a Parquet file.

    Raises: ContractFault naming the file where the footer cannot be read or two columns differ only by case.
    """
    parquet = jvm(spark).org.apache.parquet.hadoop
    settings = spark._jsc.hadoopConfiguration()
    try:
        location = jvm(spark).org.apache.hadoop.fs.Path(file.path)
        reader = parquet.ParquetFileReader.open(parquet.util.HadoopInputFile.fromPath(location, settings))
        try:
            schema = reader.getFooter().getFileMetaData().getSchema()
            text, n_rows = schema.toString(), reader.getRecordCount()
            columns = tuple(schema.getFieldName(place) for place in range(schema.getFieldCount()))
        finally:
            reader.close()
    except Py4JJavaError:
        raise ContractFault(f"{file.path}: not a readable Parquet file (corrupted or cut short)") from None
    lower = [column.lower() for column in columns]
    if len(set(lower)) < len(lower):
        raise ContractFault(f"{file.path}: duplicate column names")
    return Footer(text, columns, n_rows)


def escaped(path: str) -> str:
    """The path with its glob characters made literal, for Spark's readers, which expand globs again."""
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", path)


def bare_path(path: str) -> str:
    """The path without scheme and leading slashes: Spark and Hadoop spell ``file:`` paths in two ways."""
    return path.split(":", 1)[-1].lstrip("/")


def read_fault(error: BaseException) -> ContractFault | None:
    """The fault behind a Spark error of an unreadable file, such as Parquet pages damaged behind a sound footer.

    Null where the error is another. The message names the file; the error itself may quote values and is dropped.
    """
    text = str(error)
    if "FAILED_READ_FILE" not in text and "CANNOT_READ_FILE" not in text:
        return None
    named = re.search(r"[Ee]rror while reading file:? (\S+?)\.?(?=\s|$)", text)
    return ContractFault(f"{named.group(1) if named else 'an input file'}: cannot be read (corrupted or removed)")


@contextmanager
def readable_input(output: str) -> Iterator[None]:
    """A body in which a file that cannot be read is a fault of the input, unless it lies under ``output``.

    Raises: ContractFault naming the file.
    """
    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        fault = read_fault(error)
        if fault is None or output.rstrip("/") in str(fault):
            raise
        raise fault from None


def jvm(spark: SparkSession) -> Any:
    """The driver's JVM, for Hadoop's file systems, which Spark itself reads through."""
    return spark._jvm
