"""Whether facts of a note fit a record: the same rules for the note's own record and for another one."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd
from rapidfuzz.distance import JaroWinkler

from siamese_er.fields.nickname_groups import nickname_group
from siamese_er.fields.note_facts import NoteFacts
from siamese_er.fields.text import CACHED_VALUES

TOLERANCE = 1  # years by which a stated age agrees
FAR = 3  # years; beyond it a stated age contradicts
OWN_COLUMNS = ("birth_dates", "sexes", "given_names", "middle_names", "family_names", "former_family_names")
FAR_NAME, NEAR_NAME = 0.8, 0.92  # Jaro-Winkler similarity


class OwnFacts(NamedTuple):
    """What a record says of itself, as far as notes speak of it; empty = missing."""

    years: tuple[int, ...] = ()
    sexes: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    """Parts of given and middle names."""
    family: tuple[str, ...] = ()
    """Parts of family and former names."""


def written_facts(facts: Iterable[NoteFacts]) -> list[str]:
    """The distinct facts of notes as texts such as "born 1950:1951", "sex m" and "name ann|lee", sorted.

    >>> read_facts(written_facts([NoteFacts(((1950, 1951),), ("m",), ("ann|lee",))]))
    NoteFacts(births=((1950, 1951),), sexes=('m',), names=('ann|lee',))
    """
    found: set[str] = set()
    for one in facts:
        found.update(f"born {first}:{last}" for first, last in one.births)
        found.update(f"sex {sex}" for sex in one.sexes)
        found.update(f"name {name}" for name in one.names)
    return sorted(found)


def read_facts(written: Iterable[str]) -> NoteFacts:
    """The inverse of ``written_facts``, all notes as one."""
    parts = [text.partition(" ")[::2] for text in written]
    births = (value.split(":") for kind, value in parts if kind == "born")
    return NoteFacts(
        tuple((int(first), int(last)) for first, last in births),
        tuple(value for kind, value in parts if kind == "sex"),
        tuple(value for kind, value in parts if kind == "name"),
    )


def listed(values: Any) -> tuple[str, ...]:
    """The values of an array cell (list, numpy array or null)."""
    return () if values is None or isinstance(values, float) else tuple(values)


def parts_of(*columns: Any) -> tuple[str, ...]:
    """The distinct words of array cells, sorted."""
    return tuple(sorted({part for cell in columns for value in listed(cell) for part in value.split()}))


def own_facts(records: pd.DataFrame, rows: Sequence[int]) -> list[OwnFacts]:
    """The OwnFacts of some STANDARDISED rows."""
    chosen = records[list(OWN_COLUMNS)].iloc[list(rows)]
    return [
        OwnFacts(
            tuple(sorted({int(value[:4]) for value in listed(births) if value[:4].isdigit()})),
            listed(sexes), parts_of(given, middle), parts_of(family, former),
        )
        for births, sexes, given, middle, family, former in chosen.itertuples(index=False)
    ]  # fmt: skip


def nearest(part: str, others: Iterable[str]) -> float:
    """The greatest similarity of a name's part to any other; 1 for names of one nickname group, 0 without others."""
    best = 0.0
    for other in others:
        is_initial = (len(part) == 1 or len(other) == 1) and part[0] == other[0]
        if part == other or is_initial or nickname_group(part) & nickname_group(other):
            return 1.0
        best = max(best, JaroWinkler.similarity(part, other))
    return best


@lru_cache(CACHED_VALUES)
def name_relation(name: str, given: tuple[str, ...], family: tuple[str, ...], is_man: bool) -> int:
    """1 if a note's name "given|family" is that of a record, -1 if it is another person's, else 0 (either unknown).

    Another person's: no part of it is near any of the record's names. A lone surname contradicts where a man is
    spoken of on either side, for women change theirs. The same: a family name is near, and the given name where the
    note has one.

    >>> name_relation("|alvarez", ("ana",), ("alvares",), False), name_relation("|kent", ("ana",), ("day",), False)
    (1, 0)
    """
    written_given, _, written_family = name.partition("|")
    if not family:
        return 0
    likeness = [nearest(part, family) for part in written_family.split()]
    likeness_given = [nearest(part, given) for part in written_given.split()]
    is_near_given = not likeness_given or max(likeness_given) >= NEAR_NAME
    if max(likeness) >= NEAR_NAME and (is_near_given or not given):
        return 1
    crossed = [nearest(part, given) for part in written_family.split()]
    crossed += [nearest(part, family) for part in written_given.split()]
    if max([*likeness, *likeness_given, *crossed]) >= FAR_NAME:
        return 0
    return -1 if (likeness_given and given) or is_man else 0


class Relations(NamedTuple):
    """What a note's facts say of a record: 1 fits, -1 is another person's, 0 says nothing or nothing is known."""

    birth: int = 0
    sex: int = 0
    name: int = 0


def relations(facts: NoteFacts, own: OwnFacts) -> Relations:
    """Each fact of a note beside a record, which may be its own or another; of several values the nearest counts.

    >>> relations(NoteFacts(((1950, 1951),), ("m",)), OwnFacts((1990,), ("m",)))
    Relations(birth=-1, sex=1, name=0)
    """
    birth, sex = 0, 0
    if facts.births and own.years:
        gap = min(max(first - year, year - last, 0) for first, last in facts.births for year in own.years)
        birth = (gap <= TOLERANCE) - (gap > FAR)
    if facts.sexes and own.sexes and "o" not in own.sexes:
        sex = 1 if set(facts.sexes) & set(own.sexes) else -1
    is_man = "m" in (*own.sexes, *facts.sexes)
    names = (name_relation(name, own.given, own.family, is_man) for name in facts.names)
    return Relations(birth, sex, max(names, default=0))


def contradicts(facts: NoteFacts, own: OwnFacts) -> bool:
    """Whether a note states a birth year, sex or name that a record cannot have."""
    return -1 in relations(facts, own)


def clears(facts: NoteFacts, own: OwnFacts, other: OwnFacts) -> bool:
    """Whether what a note says against its own record is true of another: then the record errs, not the note.

    >>> clears(NoteFacts(((1950, 1951),)), OwnFacts((1905,)), OwnFacts((1950,)))
    True
    """
    against, of_other = relations(facts, own), relations(facts, other)
    return -1 not in of_other and all(b == 1 for a, b in zip(against, of_other, strict=True) if a == -1)
