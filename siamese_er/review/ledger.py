"""Files that people's answers are appended to: decisions (or labels) on pairs, and the audit of unmasking.

JSON lines on this machine or a mounted share. A reader never sees half a row: all rows of one answer are written by one
call under a lock, to a file opened for appending, and reach the disk before the call returns.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from siamese_er.errors import ContractFault

Answer = Literal["match", "no_match"]
REASONS = (
    "same person by identifiers", "same person by names and birth date", "same person by address or phone",
    "same person by notes", "different people: family", "different people: namesakes", "different people: twins",
    "mixed record", "known to the reviewer", "other",
)  # fmt: skip
"""What a reviewer may choose as reason: fixed words, so that no patient's value enters the file as free text."""
PURPOSES = ("masked view does not suffice", "complaint or request of the patient", "audit")
SECONDS_FOR_LOCK = 30


@dataclass(frozen=True)
class Decision:
    """One row of a decisions file (contract, section 4), with the question that it answers."""

    left_source: str
    left_record_id: str
    right_source: str
    right_record_id: str
    decision: Answer
    reviewer: str
    decided_at: str
    reason: str
    task_id: str


def now() -> str:
    """This moment in UTC, ISO 8601 with microseconds, so that the later of two answers is always known."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def append_decisions(path: str, decisions: Sequence[Decision]) -> None:
    """Append the rows of one answer, all or none. Raises: ContractFault for a file that is not ``*.jsonl``."""
    append_rows(path, [asdict(decision) for decision in decisions])


def log_unmasking(path: str, reviewer: str, task_id: str, run_id: str, purpose: str) -> None:
    """Append who saw the values of which question, when and what for; no value. Raises: ContractFault."""
    if purpose not in PURPOSES:
        raise ContractFault("choose a purpose of unmasking from the list")
    append_rows(
        path,
        [{"at": now(), "who": reviewer, "action": "unmask", "task_id": task_id, "run_id": run_id, "purpose": purpose}],
    )


def check_name(path: str) -> None:
    """Nothing, where answers can be appended to a file of that name. Raises: ContractFault otherwise."""
    if Path(path).suffix != ".jsonl":
        raise ContractFault(f"{path}: answers are appended to JSON lines; name a file that ends in .jsonl")


def append_rows(path: str, rows: Sequence[dict[str, Any]]) -> None:
    """Append rows as JSON lines, all or none; a file or folder that lacks is made, for the owner's eyes alone.

    Raises: ContractFault for another file name than ``*.jsonl``; OSError where the disk is full, after taking back what
    was written of the rows, or where somebody else holds the lock too long (TimeoutError).
    """
    check_name(path)
    file = Path(path)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", timeout=SECONDS_FOR_LOCK):
        _append(file, text)


def _append(file: Path, text: bytes) -> None:
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(handle).st_size
        is_open_line = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        whole = b"\n" + text if is_open_line else text
        if os.write(handle, whole) != len(whole):
            os.ftruncate(handle, size)
            raise OSError(f"{file}: the disk took a part of the answer only; nothing was kept")
        os.fsync(handle)
    finally:
        os.close(handle)


def answered_tasks(path: str, since: str) -> set[str]:
    """The ids of the questions answered from ``since`` (ISO 8601, UTC) on; empty where there is no file yet.

    An answer from before the run that asks is none: it was heeded, and yet there is a question.

    Raises: ContractFault with the number of lines that are no JSON objects.
    """
    file = Path(path)
    if not file.exists():
        return set()
    found, n_bad = set(), 0
    for line in file.read_text(encoding="utf-8").split("\n"):  # splitlines would also end one at U+0085 or U+2028
        row = _object(line)
        if row is None:
            n_bad += 1
        elif row.get("task_id") and _moment(row.get("decided_at")) >= _moment(since):
            found.add(row["task_id"])
    if n_bad:
        raise ContractFault(f"{path}: {n_bad} lines are no JSON objects")
    return found


def _object(line: str) -> dict[str, Any] | None:
    """The JSON object of a line, empty for a blank one; null where it is none."""
    try:
        found = json.loads(line.strip() or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _moment(text: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text or "")
    except (ValueError, TypeError):
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
