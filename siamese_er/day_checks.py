"""What must hold from one day to the next, whatever was delivered: a line for each fault, with counts and no values."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from siamese_er.heirs import ENDS, heir_of
from siamese_er.hospital import KEY, Key, keys_in, partition
from siamese_er.schemas import KEY_SEPARATOR

BIRTHS = ("created", "split_from")


@dataclass(frozen=True)
class Day:
    """The tables of a day's published run."""

    run_id: str
    crosswalk: pd.DataFrame
    history: pd.DataFrame
    queue: pd.DataFrame
    cuts: pd.DataFrame | None = None
    """CUTS: links that the guard refused; null: none."""

    @property
    def ids(self) -> dict[Key, str]:
        """The enterprise id of each record."""
        return dict(zip(keys_in(self.crosswalk), self.crosswalk["enterprise_id"].astype(str), strict=True))


def record_faults(day: Day, living: set[Key]) -> Iterator[str]:
    """Every living record is in the crosswalk, once, and nobody else is."""
    keys = keys_in(day.crosswalk)
    if lost := len(living - set(keys)):
        yield f"{lost} living records are not in the crosswalk"
    if dead := len(set(keys) - living):
        yield f"{dead} records of the crosswalk are not living"
    if twice := len(keys) - len(set(keys)):
        yield f"{twice} records are in two clusters"


def id_faults(before: Day, now: Day) -> Iterator[str]:
    """Ids are born and end only where the history says so, never return, and lead to living heirs."""
    then, today = set(before.ids.values()), set(now.ids.values())
    events = now.history[now.history["run_id"] == now.run_id]
    born = set(events.loc[events["event"].isin(BIRTHS), "enterprise_id"])
    ended = set(events.loc[events["event"].isin(ENDS), "enterprise_id"])
    if unsaid := len((today - then) ^ born):
        yield f"{unsaid} ids were born otherwise than the history says"
    if unsaid := len((then - today) ^ ended):
        yield f"{unsaid} ids ended otherwise than the history says"
    ever = set(now.history.loc[now.history["event"].isin(ENDS), "enterprise_id"])
    if back := len(ever & today):
        yield f"{back} ids live again"
    heirs = [heir_of(now.history, ended_id) for ended_id in ever]
    if astray := sum(heir is not None and heir not in today for heir in heirs):
        yield f"{astray} ended ids lead to no living one"


def moved(before: Day, now: Day) -> set[Key]:
    """Records of both days whose id is another."""
    then, today = before.ids, now.ids
    return {key for key in then.keys() & today.keys() if then[key] != today[key]}


def cut_from(day: Day, touched: set[Key]) -> set[Key]:
    """The records that were linked to one of ``touched`` until the guard cut that link."""
    if day.cuts is None:
        return set()
    sides = [[tuple(key.split(KEY_SEPARATOR, 1)) for key in day.cuts[name]] for name in ("left_key", "right_key")]
    return {
        two for left, right in zip(*sides, strict=True) for one, two in ((left, right), (right, left)) if one in touched
    }


def churn_faults(before: Day, now: Day, touched: set[Key]) -> Iterator[str]:
    """A record has another id only if it, or a record that was or is in its cluster, was delivered or decided on.

    So has one whose cluster a delivered record was linked to: the guard may part it even where none of the parts keeps
    the newcomer; ``cuts`` says why.
    """
    touched = touched | cut_from(now, touched)
    then, today = partition(before.crosswalk), partition(now.crosswalk)
    unmoved = [key for key in moved(before, now) if not touched & (then[key] | today[key])]
    if unmoved:
        yield f"{len(unmoved)} records have another id though nothing of their clusters was delivered or decided"


def decision_faults(day: Day, decisions: dict[tuple[Key, Key], dict[str, str]]) -> Iterator[str]:
    """What people decided holds, and nobody is asked again with the same evidence."""
    ids = day.ids
    both = {pair: row["decision"] for pair, row in decisions.items() if set(pair) <= ids.keys()}
    if broken := sum((ids[left] == ids[right]) != (said == "match") for (left, right), said in both.items()):
        yield f"{broken} decisions do not hold"
    same = day.queue[~day.queue["reason"].str.contains("new evidence", regex=False)]
    pairs, alone = same[same["kind"] == "pair"], same[same["kind"] == "record"]
    asked = {*zip(keys_in(pairs, "left_"), keys_in(pairs, "right_"), strict=True)}
    asked |= {(key, key) for key in keys_in(alone, "left_")}
    if again := len(asked & both.keys()):
        yield f"{again} answered questions are asked again"


def difference(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, float]:
    """How far two crosswalks of the same records are apart, ids aside.

    ``records``: how many have another cluster (as a set of records). ``pair_f1``: F1 of the pairs that are together in
    the one, held against those together in the other; 1 where both have none.
    """
    left, right = partition(one), partition(other)
    n_other = sum(left[key] != right.get(key) for key in left) + len(right.keys() - left.keys())
    merged = one.merge(other, on=KEY, suffixes=("_one", "_other"))

    def n_pairs(sizes: pd.Series) -> int:
        return int((sizes * (sizes - 1) // 2).sum())

    together = n_pairs(merged.groupby(["enterprise_id_one", "enterprise_id_other"]).size())
    total = n_pairs(one.groupby("enterprise_id").size()) + n_pairs(other.groupby("enterprise_id").size())
    return {"records": n_other, "pair_f1": 2 * together / total if total else 1.0}
