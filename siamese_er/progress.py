"""How far a run is, for the person who waits: step, rows, rate and time left, in lines that a terminal and a log show.

A line when a step ends, and one every PROGRESS_SECONDS while it goes on. Counts and names of steps alone.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from pyspark.sql import SparkSession

PROGRESS_SECONDS = 10.0
IN_ONE_STAGE = ("standardise", "encode", "compare")
"""Steps in which one stage of Spark takes nearly all the time, so that its finished tasks tell how far they are."""

STEP_COSTS = {
    "read": (6.0, 0.1, 0.0), "standardise": (4.0, 0.15, 0.0), "encode": (2.0, 0.3, 0.0), "block": (1.0, 0.05, 0.0),
    "compare": (3.0, 0.0, 3.0), "score": (1.0, 0.03, 0.0), "rescore": (3.0, 0.1, 0.0), "decide": (2.0, 0.03, 0.0),
    "cluster": (4.0, 0.02, 0.0), "identify": (2.0, 0.02, 0.0), "survive": (6.0, 0.2, 0.0), "review": (4.0, 0.03, 0.0),
    "evaluate": (4.0, 0.02, 0.0), "report": (5.0, 0.02, 0.0), "publish": (0.5, 0.0, 0.0),
}  # fmt: skip
"""Steps in their order, and a first guess of their seconds: at all events; of one core, for a thousand records and for a
million meetings of records in blocks. What the first steps took corrects the guess for the others."""


class Foreseen(Protocol):
    """An estimate of how often records meet in blocks."""

    @property
    def total(self) -> int:
        """How often, in all blocks."""

    def line(self) -> str:
        """The same for people, by pass."""

    def described(self) -> dict[str, Any]:
        """The same for run.json."""


@dataclass(frozen=True)
class Stage:
    """A running stage of Spark: its number, and how many of its tasks are done."""

    number: int
    n_done: int
    n_tasks: int


@dataclass(frozen=True)
class Work:
    """What a run has before it: cores, records, and meetings of records in blocks once they were estimated.

    ``before``: seconds by step of an earlier run of this kind, which are a better guess than STEP_COSTS. Without it
    there is no guess of a batch, whose steps go over parts of the table.
    """

    n_cores: int = 1
    n_records: int = 0
    n_meetings: int = 0
    is_batch: bool = False
    before: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether there is a guess of how long the run takes."""
        return bool(self.before) or (self.n_records > 0 and not self.is_batch)

    def seconds(self, step: str) -> float:
        """A first guess for a step."""
        if self.before or self.is_batch:
            return self.before.get(step, 0.0)
        least, of_records, of_meetings = STEP_COSTS.get(step, (0.0, 0.0, 0.0))
        return least + (of_records * self.n_records / 1e3 + of_meetings * self.n_meetings / 1e6) / self.n_cores


def seconds_before(record: Mapping[str, Any] | None, mode: str, n_records: int) -> dict[str, float]:
    """Seconds by step of the run before, from its run.json, if it was of this mode; for so many records in full mode."""
    if record is None or record.get("config", {}).get("run", {}).get("mode") != mode or record.get("resumed"):
        return {}
    n_before = record.get("counts", {}).get("records", 0)
    times = n_records / n_before if mode == "full" and n_before else 1.0
    return {step: seconds * times for step, seconds in record.get("seconds", {}).items()}


def running_stage(spark: SparkSession) -> Stage | None:
    """The stage with most tasks of those that run now; null where none does."""
    tracker = spark.sparkContext.statusTracker()
    found = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
    stages = [Stage(info.stageId, info.numCompletedTasks, info.numTasks) for info in found if info is not None]
    return max(stages, key=lambda stage: (stage.n_tasks, stage.number), default=None)


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> [duration(n) for n in (0.4, 42, 200, 1234, 8000)]
    ['1 s', '42 s', '3 min 20 s', '20 min', '2 h 13 min']
    """
    whole = max(1, round(seconds))
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass
class Progress:
    """Seconds of each step, in order, and lines of how far the run is; none where nobody is told.

    ``tell`` takes a line. ``stage`` says which stage runs. ``steps`` are those that the run will do.
    """

    tell: Callable[[str], None] | None = None
    stage: Callable[[], Stage | None] = lambda: None
    steps: Sequence[str] = tuple(STEP_COSTS)
    work: Work = Work()
    clock: Callable[[], float] = time.monotonic
    every: float = PROGRESS_SECONDS
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of the body under a name, and tell how it goes on."""
        begun = self.clock()
        ended = threading.Event()
        teller = threading.Thread(
            target=self._tell_on, args=(name, begun, ended), name="siamese_er progress", daemon=True
        )
        if self.tell is not None:
            teller.start()
        try:
            yield
        finally:
            ended.set()
            if self.tell is not None:
                teller.join()
        took = self.clock() - begun
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 2)
        n_rows, rows = self.rows(name)
        rate = f"{n_rows:,} {rows}, {n_rows / max(took, 0.01):,.0f}/s, " if n_rows else ""
        self.say(name, f"{rate}done in {duration(took)}; {self.left_words()}")

    def say(self, topic: str, text: str) -> None:
        """Tell a line on a step or another topic, with the time (UTC)."""
        if self.tell is not None:
            self.tell(f"{datetime.now(UTC):%H:%M:%SZ} {topic}: {text}")

    def rows(self, step: str) -> tuple[int, str]:
        """How many rows a step goes over, and of what."""
        if step == "compare" and self.work.n_meetings:
            return self.work.n_meetings, "pairs"
        return self.work.n_records, "records"

    def pace(self) -> float:
        """How many times longer than guessed the steps took that are done; 1 before any is."""
        guessed = sum(self.work.seconds(step) for step in self.seconds)
        return sum(self.seconds.values()) / guessed if guessed else 1.0

    def foresee(self, meetings: Foreseen) -> dict[str, Any]:
        """Take an estimate into account and tell it; what run.json says of it, and of the time that it leaves."""
        self.work = replace(self.work, n_meetings=meetings.total)
        self.say("estimate", f"{meetings.line()}; {self.left_words()}")
        left = round(self.left()) if self.work.is_known else None
        return {**meetings.described(), "seconds_so_far": round(sum(self.seconds.values()), 1), "seconds_left": left}

    def left(self) -> float:
        """Seconds that the steps may take which are not done."""
        return self.pace() * sum(self.work.seconds(step) for step in self.steps if step not in self.seconds)

    def left_words(self, seconds: float | None = None) -> str:
        """The same, or other seconds, for people."""
        left = self.left() if seconds is None else seconds
        return f"about {duration(left)} left" if self.work.is_known else "time left unknown"

    def _tell_on(self, name: str, begun: float, ended: threading.Event) -> None:
        seen: dict[int, float] = {}
        while not ended.wait(self.every):
            try:
                stage = self.stage()
            except Exception:  # the session is ending; the step's own error is what counts
                return
            now = self.clock()
            if stage is not None:
                seen.setdefault(stage.number, begun if not seen else now)
            self.say(name, self.going_on(name, now - begun, stage, now - seen[stage.number] if stage else 0.0))

    def going_on(self, name: str, elapsed: float, stage: Stage | None, stage_elapsed: float) -> str:
        """How far a step is that has gone on for some seconds, its running stage for ``stage_elapsed`` of them."""
        guessed = self.pace() * self.work.seconds(name)
        own_left, parts = max(guessed - elapsed, 0.0), [f"{duration(elapsed)} so far"]
        if stage is not None:
            parts.append(f"{stage.n_done} of {stage.n_tasks} tasks")
        if stage is not None and stage.n_done and stage_elapsed > 0 and name in IN_ONE_STAGE:
            share = stage.n_done / stage.n_tasks
            own_left = stage_elapsed * (1 - share) / share
            n_rows, rows = self.rows(name)
            parts += [f"{round(n_rows * share):,} of {n_rows:,} {rows}", f"{n_rows * share / stage_elapsed:,.0f}/s"]
        others = self.left() - (guessed if name in self.steps and name not in self.seconds else 0.0)
        return f"{', '.join(parts)}; {self.left_words(own_left + others)}"
