"""A simulated hospital, day after day: what is delivered, edited, deleted and decided, from one population and a seed."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

KEY = ["source", "record_id"]
Key = tuple[str, str]
FIRST_DAY = pd.Timestamp("2024-01-01")


@dataclass(frozen=True)
class Pace:
    """How much happens on a day; ``first_share``: share of the records that are there before day 1."""

    first_share: float = 0.6
    edits: int = 5
    deletions: int = 2
    answers: int = 4


@dataclass
class Hospital:
    """The records as the sources hold them now, and what people decided so far."""

    records: pd.DataFrame
    notes: pd.DataFrame
    entity: dict[Key, str]
    arrival: np.ndarray
    pace: Pace
    rng: np.random.Generator
    living: dict[Key, pd.Series] = field(default_factory=dict)
    decisions: dict[tuple[Key, Key], dict[str, str]] = field(default_factory=dict)
    unmerged: set[str] = field(default_factory=set)

    def delivery(self, day: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
        """The rows that the sources deliver on a day, notes of its new records, and how many rows are of what kind."""
        stamp = self.moment(day)
        known = sorted(self.living)
        chosen = self.rng.permutation(len(known))[: (self.pace.edits + self.pace.deletions) * (day > 0)]
        edits = [self._edited(self.living[known[i]]) for i in chosen[: self.pace.edits]]
        gone = [self.living[known[i]].copy() for i in chosen[self.pace.edits :]]
        new = self.records[self.arrival == day]
        rows = pd.DataFrame([*(row for _, row in new.iterrows()), *edits, *gone], columns=self.records.columns)
        rows = rows.assign(updated_at=stamp, deleted=[False] * (len(new) + len(edits)) + [True] * len(gone))
        for key in keys_in(rows[rows["deleted"]]):
            del self.living[key]
        held = rows[~rows["deleted"]]
        self.living |= {key: held.iloc[i][list(self.records.columns)] for i, key in enumerate(keys_in(held))}
        fresh = set(keys_in(new))
        own = [key in fresh for key in keys_in(self.notes)]
        return rows, self.notes[own], {"new": len(new), "edited": len(edits), "deleted": len(gone)}

    def moment(self, day: int) -> str:
        """The time of what happens on a day."""
        return (FIRST_DAY + pd.Timedelta(days=day)).isoformat()

    def _edited(self, row: pd.Series) -> pd.Series:
        """A record that moved house, changed its number, or whose name was written down otherwise."""
        row, kind = row.copy(), self.rng.integers(3)
        digits = "".join(map(str, self.rng.integers(0, 10, 7)))
        if kind == 0:
            row["phone"] = f"+1555{digits}"
        elif kind == 1:
            row["address_line"] = f"{digits[:3]} Elm Street"
        elif row["given_name"]:
            row["given_name"] = str(row["given_name"])[:-1] or row["given_name"]
        return row

    def decide(self, day: int, queue: pd.DataFrame, crosswalk: pd.DataFrame) -> int:
        """Answer the first questions of the queue by the truth, and every other day part one linked pair; how many.

        Of questions about one record, whose notes or earlier versions tell of somebody else, two are answered a day.
        """
        asked = queue[queue["right_record_id"].notna()].sort_values(["priority", "task_id"], ascending=[False, True])
        n_before = len(self.decisions)
        for pair in zip(keys_in(asked, "left_"), keys_in(asked, "right_"), strict=True):
            if len(self.decisions) - n_before >= self.pace.answers:
                break
            people = [self.entity[key] for key in pair]
            if set(pair) <= self.living.keys() and not self.unmerged.intersection(people):
                self._decided(pair, "match" if people[0] == people[1] else "no_match", day)
        alone = queue[queue["kind"] == "record"].sort_values(["priority", "task_id"], ascending=[False, True])
        for key in [key for key in keys_in(alone, "left_") if key in self.living][:2]:
            self._decided((key, key), "match", day)
        if day % 2 == 0:
            self._unmerge(day, crosswalk)
        return len(self.decisions) - n_before

    def _unmerge(self, day: int, crosswalk: pd.DataFrame) -> None:
        linked = crosswalk[crosswalk["link_status"] == "auto"].sort_values(["enterprise_id", *KEY])
        for _, members in linked.groupby("enterprise_id"):
            pair = keys_in(members)
            people = {self.entity[key] for key in pair}
            if len(pair) == 2 and set(pair) <= self.living.keys() and not people & self.unmerged:
                self.unmerged |= people
                self._decided((pair[0], pair[1]), "no_match", day)
                return

    def _decided(self, pair: tuple[Key, ...], decision: str, day: int) -> None:
        left, right = sorted(pair)
        self.decisions[left, right] = {
            "left_source": left[0], "left_record_id": left[1], "right_source": right[0], "right_record_id": right[1],
            "decision": decision, "reviewer": "simulated", "decided_at": self.moment(day), "reason": "simulated",
        }  # fmt: skip


def hospital(n_records: int, days: int, seed: int, pace: Pace) -> Hospital:
    """A hospital before its first day; records arrive in a random order, the rest evenly over the days."""
    made = population(n_records, seed, PROFILES["demo"])
    rng = np.random.default_rng(seed)
    place = rng.permutation(len(made.records)) / len(made.records)
    late = np.ceil((place - pace.first_share) / (1 - pace.first_share) * days)
    entity = dict(zip(keys_in(made.truth), made.truth["entity_id"].astype(str), strict=True))
    return Hospital(made.records, made.notes, entity, np.clip(late, 0, days).astype(int), pace, rng)


def keys_in(frame: pd.DataFrame, side: str = "") -> list[Key]:
    """The key of each row, or of one side of each pair."""
    parts = zip(frame[f"{side}source"], frame[f"{side}record_id"], strict=True)
    return [(str(source), str(record_id)) for source, record_id in parts]


def written(folder: Path, name: str, frame: pd.DataFrame) -> str:
    """The path of a table of the simulation, written."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    texts = {name: "string" for name in frame.columns if frame[name].dtype == object}
    frame.astype(texts).to_parquet(path, index=False)
    return str(path)


def partition(crosswalk: pd.DataFrame) -> dict[Key, frozenset[Key]]:
    """Each record's cluster, as the set of its records."""
    found: dict[Key, frozenset[Key]] = {}
    for _, members in crosswalk.groupby("enterprise_id"):
        cluster = frozenset(keys_in(members))
        found |= dict.fromkeys(cluster, cluster)
    return found
