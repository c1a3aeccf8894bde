"""The days of a simulated hospital, each matched as a batch by the real pipeline, checked, and measured."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from siamese_er import pipeline
from siamese_er.config import load_config
from siamese_er.day_checks import (
    Day,
    churn_faults,
    decision_faults,
    difference,
    id_faults,
    moved,
    record_faults,
)
from siamese_er.hospital import Hospital, Key, Pace, hospital, keys_in, written
from siamese_er.summary import Summary

COLUMNS = (
    "day", "delivered", "new", "edited", "deleted", "decided", "mode", "seconds", "scoring_seconds", "pairs", "records",
    "clusters", "moved", "born", "ended", "asked", "differ", "pair_f1", "faults",
)  # fmt: skip
SCORING = ("encode", "block", "compare", "score", "rescore")
MOST_DIFFERENT = 0.98
"""The stated rule: against a whole run of all that was delivered, pairs of records together agree by this F1 or more."""


@dataclass
class Simulation:
    """A simulation under way: the hospital, what it delivered so far, and the output of its daily runs."""

    spark: SparkSession
    hospital: Hospital
    folder: Path
    records: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """The output folder of the daily runs."""
        return str(self.folder / "output")

    def run(self, **settings: Any) -> Summary:
        """One run of the pipeline with the simulation's settings and these."""
        flags = self.settings | {name.replace("__", "."): value for name, value in settings.items()}
        if self.hospital.decisions:
            rows = list(self.hospital.decisions.values())
            flags["input.decisions"] = written(self.folder, "decisions", pd.DataFrame(rows))
        return pipeline.match(self.spark, load_config(None, flags, []))

    def whole_run(self) -> Summary:
        """A full run, without a past, of everything that was delivered so far."""
        output = self.folder / "whole"
        shutil.rmtree(output, ignore_errors=True)
        return self.run(input__records=self.records, input__notes=self.notes, run__output=str(output))


def simulated_days(
    spark: SparkSession, folder: Path, n_records: int, days: int, seed: int, pace: Pace, whole_every: int,
    other_model_on: int | None, told: Callable[[dict[str, Any]], None],
) -> list[dict[str, Any]]:  # fmt: skip
    """A row of COLUMNS for each day, day 0 being the first, whole delivery; ``told`` gets each row as it is known.

    On day ``other_model_on`` the model is replaced by another. Every ``whole_every`` days, and on the last, the day's
    clusters are held against a full run of everything delivered so far. ``faults`` says what did not hold.
    """
    shutil.rmtree(folder, ignore_errors=True)
    simulation = Simulation(spark, hospital(n_records, days, seed, pace), folder)
    rows, before = [], None
    for day in range(days + 1):
        if day == other_model_on:
            simulation.settings["model.path"] = other_model(folder / "model")
        is_checked = day == days or (whole_every > 0 and day > 0 and day % whole_every == 0)
        row, before = one_day(simulation, day, before, is_checked)
        rows.append(row)
        told(row)
    return rows


def one_day(simulation: Simulation, day: int, before: Day | None, is_checked: bool) -> tuple[dict[str, Any], Day]:
    """The row of one day, and what its run published."""
    own = simulation.hospital
    n_decided = own.decide(day, before.queue, before.crosswalk) if before else 0
    touched = {key for pair, row in own.decisions.items() if row["decided_at"] == own.moment(day) for key in pair}
    delivery, notes, counts = own.delivery(day)
    touched |= set(keys_in(delivery))
    simulation.records.append(written(simulation.folder / "delivered", f"records_{day:03d}", delivery))
    own_notes = [written(simulation.folder / "delivered", f"notes_{day:03d}", notes)] if len(notes) else []
    simulation.notes += own_notes
    start = time.monotonic()
    done = simulation.run(
        input__records=simulation.records[-1:], input__notes=own_notes, run__output=simulation.output,
        run__mode="incremental" if before else "full",
    )  # fmt: skip
    seconds = time.monotonic() - start
    now = day_of(done)
    faults = list(day_faults(before, now, own, touched, bool(done.record.get("matched_anew"))))
    row = dict.fromkeys(COLUMNS) | counts | {
        "day": day, "delivered": len(delivery), "decided": n_decided, "seconds": round(seconds, 1),
        "scoring_seconds": round(sum(done.record["seconds"].get(step, 0.0) for step in SCORING), 1),
        "pairs": done.record["candidate_pairs"], "records": len(now.crosswalk),
        "mode": "whole" if done.record.get("matched_anew", True) else "batch",
        "clusters": now.crosswalk["enterprise_id"].nunique(), "moved": len(moved(before, now)) if before else 0,
        "born": count_events(now, "created", "split_from"), "ended": count_events(now, "merged_into", "retired"),
        "asked": len(now.queue),
    }  # fmt: skip
    if is_checked:
        apart = difference(now.crosswalk, day_of(simulation.whole_run()).crosswalk)
        row |= {"differ": apart["records"], "pair_f1": round(apart["pair_f1"], 4)}
        if apart["pair_f1"] < MOST_DIFFERENT:
            faults.append(f"pairs agree with a whole run by F1 {apart['pair_f1']:.4f} only")
    row["faults"] = "; ".join(faults) or "none"
    return row, now


def day_faults(before: Day | None, now: Day, own: Hospital, touched: set[Key], was_anew: bool) -> Iterator[str]:
    """Everything that does not hold after a day. On a day on which all records were matched anew any id may move."""
    yield from record_faults(now, set(own.living))
    yield from decision_faults(now, own.decisions)
    if before is not None:
        yield from id_faults(before, now)
        if not was_anew:
            yield from churn_faults(before, now, touched)


def day_of(done: Summary) -> Day:
    """The tables of a finished run on a disk that this process sees."""
    names = ("crosswalk", "enterprise_id_history", "review_queue", "cuts")
    return Day(done.record["run_id"], *(pd.read_parquet(f"{done.path}/{name}") for name in names))


def count_events(day: Day, *events: str) -> int:
    """How many events of these kinds the day's run wrote into the history."""
    of_run = day.history[day.history["run_id"] == day.run_id]
    return int(of_run["event"].isin(events).sum())


def other_model(folder: Path) -> str:
    """The shipped model with a more cautious calibration: its own digest, other probabilities."""
    shutil.copytree(str(files("siamese_er") / "models" / "default"), folder)
    path = folder / "head.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    knots = description["second"]["calibration"]
    knots["calibrated"] = [value * 0.97 for value in knots["calibrated"]]
    path.write_text(json.dumps(description, indent=1), encoding="utf-8")
    return str(folder)
