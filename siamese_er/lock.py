"""One run at a time into an output folder: a lock file with a heartbeat."""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from siamese_er.errors import OutputInUse
from siamese_er.files import HadoopFiles, LocalFiles, files_of

LOCK_FILE = "_lock.json"
BEATS_PER_EXPIRY = 4
SETTLE_SECONDS = 2.0
"""Pause between writing a lock on an object store and reading it back: the last of two writers wins."""


class OutputLock:
    """The lock of one run on one output folder; ``confirm`` says whether it is still ours."""

    def __init__(self, files: LocalFiles | HadoopFiles, output: str, seconds: float) -> None:
        self.path = f"{output.rstrip('/')}/{LOCK_FILE}"
        self.owner = uuid.uuid4().hex
        self._files = files
        self._output = output
        self._seconds = seconds
        self._released = threading.Event()
        self._beats = threading.Thread(target=self._keep_alive, name="siamese_er lock heartbeat", daemon=True)

    def confirm(self) -> None:
        """Raise OutputInUse if another run has taken the lock over, as after a pause longer than its expiry."""
        if self._present_owner() != self.owner:
            raise OutputInUse(f"output {self._output}: this run lost its lock to another run; nothing was published")

    def acquire(self) -> None:
        """Take the lock and start the heartbeat, or raise OutputInUse."""
        is_ours = (
            self._create() or self._take_over() or self._create()
        )  # it may have been released between the first two
        if not is_ours:
            raise OutputInUse(
                f"output {self._output}: another run holds {self.path}; wait for it to end "
                f"(a killed run's lock expires after {self._seconds:g} s)"
            )
        if self._files.is_object_store:
            time.sleep(SETTLE_SECONDS)
            self.confirm()
        self._beats.start()

    def release(self) -> None:
        """Stop the heartbeat and remove the lock if it is still ours."""
        self._released.set()
        self._beats.join(timeout=self._seconds)
        if self._present_owner() == self.owner:
            self._files.delete(self.path)

    def _create(self) -> bool:
        return self._files.create_text(self.path, self._text())

    def _take_over(self) -> bool:
        """True if the lock had expired and is ours now.

        Of several runs that find the same expired lock one may replace it: the one that creates the claim file named
        after the expired owner, and then still finds that owner.
        """
        expired = self._present_owner()
        if not self._is_expired(self.path):
            return False
        claim = f"{self.path}.{expired or 'unreadable'}"
        if not self._files.create_text(claim, self.owner):
            if self._is_expired(claim):  # its claimant was killed as well: the next attempt may claim
                self._files.delete(claim)
            return False
        try:
            if self._present_owner() != expired or not self._is_expired(self.path):
                return False
            self._files.replace_text(self.path, self._text())
            return self._present_owner() == self.owner
        finally:
            self._files.delete(claim)

    def _is_expired(self, path: str) -> bool:
        """True if the file has not been written for the expiry time, by the clock of its own file system."""
        probe = f"{self.path}.{self.owner}.now"
        self._files.create_text(probe, "")
        try:
            now, written = self._files.modified(probe), self._files.modified(path)
        finally:
            self._files.delete(probe)
        return now is not None and written is not None and now - written > self._seconds

    def _keep_alive(self) -> None:
        while not self._released.wait(self._seconds / BEATS_PER_EXPIRY):
            try:
                if self._present_owner() != self.owner:
                    return
                self._files.replace_text(self.path, self._text())
            except Exception:  # the file system or the JVM is away: confirm() and the next beat tell
                continue

    def _present_owner(self) -> str | None:
        try:
            return str(json.loads(self._files.read_text(self.path) or "")["owner"])
        except (ValueError, KeyError, TypeError):  # created a moment ago, not written yet
            return None

    def _text(self) -> str:
        return json.dumps({"owner": self.owner, "host": socket.gethostname(), "pid": os.getpid()})


@contextmanager
def output_lock(spark: SparkSession, output: str, seconds: float) -> Iterator[OutputLock]:
    """The lock on ``output`` for the body of the ``with``.

    A daemon thread rewrites the lock file four times within ``seconds``; a run that was killed stops doing so, and its
    lock expires ``seconds`` after the last beat. Ages are taken by the file system's own clock, so that machines with
    different clocks agree.

    Raises: OutputInUse if another run holds it.
    """
    lock = OutputLock(files_of(spark, output), output, seconds)
    lock.acquire()
    try:
        yield lock
    finally:
        lock.release()
