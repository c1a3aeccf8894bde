"""All names of one record together: what only several columns show."""

from dataclasses import dataclass, field

from siamese_er.fields.name_marks import DOUBTFUL_FAMILIES, is_no_one, is_test_pair
from siamese_er.fields.names import NameParts, family_name, given_name, name_suffix, split_full_name
from siamese_er.fields.text import ascii_words

Values = tuple[str, ...]
KINDS = {"given_name": "given", "family_name": "family"}
FIRST_FOUR = {"a": "1", "b": "2", "c": "3", "d": "4"}


@dataclass(frozen=True)
class StandardNames:
    """The name columns of one standardised record."""

    given_names: list[str] = field(default_factory=list)
    middle_names: list[str] = field(default_factory=list)
    family_names: list[str] = field(default_factory=list)
    former_family_names: list[str] = field(default_factory=list)
    maiden_names: list[str] = field(default_factory=list)
    suffixes: list[str] = field(default_factory=list)
    name_marks: list[str] = field(default_factory=list)
    birth_orders: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def add_once(texts: list[str], *added: str) -> None:
    """Append the texts that are not there yet, in place."""
    for text in added:
        if text and text not in texts:
            texts.append(text)


def add_parts(names: StandardNames, column: str, target: list[str], parts: NameParts) -> None:
    """Add one written name to the record's names, in place."""
    add_once(target, parts.name)
    if not parts.suffixes and not parts.marks:  # most names
        return
    add_once(names.suffixes, *parts.suffixes)
    kind = KINDS.get(column)
    for mark in parts.marks:
        if mark == "placeholder":
            add_once(names.faults, f"{column}:placeholder")
            if kind:
                add_once(names.name_marks, f"placeholder:{kind}")
        elif mark == "title":
            add_once(names.faults, f"{column}:title")
        elif mark == "test":
            add_once(names.name_marks, "test")
        elif kind == "given":
            add_once(names.name_marks, mark)
            if mark == "newborn":
                add_once(names.faults, "given_name:newborn")
            elif mark.startswith("newborn:"):
                add_once(names.birth_orders, mark.removeprefix("newborn:"))


def drop_name(names: StandardNames, column: str, target: list[str], name: str) -> None:
    """Make a name that stands for nobody a placeholder, in place."""
    if name in target:
        target.remove(name)
        add_parts(names, column, target, NameParts(marks=("placeholder",)))


def take_order(names: StandardNames) -> None:
    """Make a middle initial from A to D of a newborn without a name the birth order that it is, in place: Baby Boy, B."""
    for letter in [name for name in names.middle_names if name in FIRST_FOUR]:
        names.middle_names.remove(letter)
        add_parts(names, "given_name", names.given_names, NameParts(marks=(f"newborn:{FIRST_FOUR[letter]}",)))


def drop_no_ones(names: StandardNames, given: Values, family: Values) -> None:
    """Remove pairs of given and family name that stand for nobody or for a test patient, in place."""
    families = [*names.family_names, *map(ascii_words, family)]
    givens = [*names.given_names, *map(ascii_words, given)]
    if DOUBTFUL_FAMILIES.isdisjoint(families) and "trauma" not in givens:
        return
    for first in dict.fromkeys(givens):
        for last in dict.fromkeys(families):
            is_test = is_test_pair(first, last)
            if is_test or is_no_one(first, last):
                drop_name(names, "given_name", names.given_names, first)
                drop_name(names, "family_name", names.family_names, last)
                if is_test:
                    add_once(names.name_marks, "test")
    if names.family_names == ["doe"] and not names.given_names:
        drop_name(names, "family_name", names.family_names, "doe")


def standard_names(given: Values, middle: Values, family: Values, former: Values, maiden: Values, suffix: Values,
                   full: Values) -> StandardNames:  # fmt: skip
    """One record's names in normal form; full names are split where given and family name are both absent."""
    if full and not given and not family:
        split = [split_full_name(value) for value in full]
        given = tuple(part[0] for part in split if part[0])
        middle = (*middle, *(part[1] for part in split if part[1]))
        family = tuple(part[2] for part in split if part[2])
        suffix = (*suffix, *(part[3] for part in split if part[3]))
    names = StandardNames()
    for values, column, target, rule in (
        (given, "given_name", names.given_names, given_name),
        (middle, "middle_name", names.middle_names, given_name),
        (family, "family_name", names.family_names, family_name),
        (former, "former_family_name", names.former_family_names, family_name),
        (maiden, "mother_maiden_name", names.maiden_names, family_name),
    ):
        for value in values:
            add_parts(names, column, target, rule(value))
    if "newborn" in names.name_marks:
        take_order(names)
    for value in suffix:
        add_once(names.suffixes, *name_suffix(value))
    drop_no_ones(names, given, family)
    return names
