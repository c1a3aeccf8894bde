"""Which files are FHIR resources in NDJSON, and which resources they hold, from the first bytes of each."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import SparkSession

from siamese_er.sources.inputs import HEAD_BYTES, InputFile, head

RESOURCE_TYPE = re.compile(r'"resourceType"\s*:\s*"([A-Z][A-Za-z]{1,60})"')
TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{1,60}")
OF_PATIENTS = frozenset({"Patient", "Bundle"})
OF_NOTES = frozenset({"DocumentReference", "Binary", "Bundle"})
READ = OF_PATIENTS | OF_NOTES
MANIFEST_KEYS = ("transactionTime", "output")


@dataclass(frozen=True)
class FhirFile:
    """A file of FHIR resources; ``types`` are those of its first megabyte, empty where no line of it is readable."""

    path: str
    n_bytes: int
    types: frozenset[str]

    def may_hold(self, wanted: frozenset[str]) -> bool:
        """True where the file may hold one of these types.

        Bulk Data files hold one type each: a file whose first megabyte is all of other types is not read on.
        """
        return not self.types or bool(self.types & wanted)


def parted_files(spark: SparkSession, files: Sequence[InputFile]) -> tuple[list[InputFile], list[FhirFile]]:
    """The tables and the FHIR files among these; manifests of an export are neither.

    A file is FHIR if its layout says so (``input.format``), or if it is JSON lines and a line of its first megabyte has a
    ``resourceType``. Runs no job.
    """
    tables: list[InputFile] = []
    resources: list[FhirFile] = []
    for file in files:
        if file.layout not in ("json", "fhir") or not file.n_bytes:
            tables += [file] if file.layout != "fhir" else []
            continue
        start = head(spark, file.path)
        types = first_types(start)
        if types or (file.layout == "fhir" and not is_manifest(start)):
            resources.append(FhirFile(file.path, file.n_bytes, types))
        elif not is_manifest(start):
            tables.append(replace(file, layout="json"))
    return tables, resources


def first_types(start: bytes) -> frozenset[str]:
    """The resource types of the lines in the first bytes of a file.

    A line that is cut off has the type that its text names outermost: the last one it names at the least depth.

    >>> sorted(first_types(b'{"resourceType": "Patient"}\\n\\nnot JSON\\n{"resourceType": "Bundle"}'))
    ['Bundle', 'Patient']
    """
    lines = start.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    found: set[str] = set()
    for number, line in enumerate(lines):
        is_cut = len(start) >= HEAD_BYTES and number == len(lines) - 1
        if is_cut and found:
            break
        own = cut_type(line) if is_cut else whole_type(line)
        found |= {own} if own else set()
    return frozenset(found)


def whole_type(line: bytes) -> str | None:
    """The resourceType of one line of JSON; null where it is none."""
    if b"resourceType" not in line:
        return None
    try:
        resource = json.loads(line)
    except (ValueError, RecursionError):
        return None
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    return name if isinstance(name, str) and TYPE_NAME.fullmatch(name) else None


def cut_type(line: bytes) -> str | None:
    """The resourceType at the outermost level of a line whose end is missing; null where it has not come yet."""
    text = line.decode("utf-8", errors="replace")
    depth, place, is_text = 0, 0, False
    while place < len(text):
        mark = text[place]
        if depth == 1 and not is_text and (named := RESOURCE_TYPE.match(text, place)):
            return named[1]
        if is_text and mark == "\\":
            place += 1
        elif mark == '"':
            is_text = not is_text
        elif not is_text:
            depth += (mark in "{[") - (mark in "}]")
        place += 1
    return None


def is_manifest(start: bytes) -> bool:
    """True where a file is the manifest of a Bulk Data export, which lists the files and is no data itself."""
    try:
        manifest = json.loads(start)
    except (ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and all(key in manifest for key in MANIFEST_KEYS)
