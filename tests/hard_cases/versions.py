"""Records sent more than once, and a pair that a person parted: rows 46, 50 and 62."""

from dataclasses import dataclass

from hard_cases.kit import Case, Kit, Record, case, ehr, lab


@dataclass(frozen=True)
class Resent:
    """Two versions of one record, the older first."""

    row: int
    name: str
    older: Record
    newer: Record


def overlaid() -> list[Resent]:
    """Row 46: one record number under which two persons were written."""
    found = []
    for n, (before, after) in enumerate([
        (("Hope", "Larkin", "1949-05-05", "F"), ("Trevor", "Larkin", "1987-12-20", "M")),
        (("Ernesto", "Galindo", "1971-02-28", "M"), ("Paige", "Whitford", "2003-10-10", "F")),
        (("Min-jun", "Baek", "1992-07-16", "M"), ("Soo", "Baek", "1965-01-04", "F")),
    ]):  # fmt: skip
        k = Kit(46, n)
        key = {"record_id": f"overlay-{n}", "mrn": f"{660_000 + n}"}
        older = ehr(k.person(1, *before), updated_at="2020-02-02 08:00:00", **key)
        found.append(
            Resent(
                46,
                f"another person under one number: {before[0]} and {after[0]}",
                older,
                ehr(k.person(2, *after), **key),
            )
        )
    return found


def resent() -> list[Resent]:
    """Row 62: the same record again, under another version."""
    found = []
    for n, who in enumerate(
        [
            ("Astrid", "Nyberg", "1983-08-08", "F"),
            ("Clive", "Pemberley", "1956-03-19", "M"),
            ("Aaliyah", "Strong", "2009-11-27", "F"),
        ]
    ):
        person = Kit(62, n).person(1, *who)
        key = {"record_id": f"resent-{n}"}
        older = ehr(person, updated_at="2022-01-01 08:00:00", **key)
        found.append(
            Resent(62, f"sent again: {who[0]} {who[1]}", older, ehr(person, updated_at="2023-01-01 08:00:00", **key))
        )
    return found


def parted() -> list[Case]:
    """Row 50: a person parted the first two; the third fits both."""
    found = []
    for n, who in enumerate(
        [
            ("Gordon", "Haverford", "1970-04-15", "M"),
            ("Luz", "Arroyo", "1986-09-22", "F"),
            ("Pradeep", "Nair", "1959-12-30", "M"),
        ]
    ):
        k = Kit(50, n)
        person = k.person(1, *who, national_id=k.national_id())
        found.append(
            case(
                50,
                f"parted by a person: {who[0]} {who[1]}",
                "N",
                [ehr(person)],
                [lab(person)],
                [ehr(person, mrn=f"{770_000 + n}")],
            )
        )
    return found


RESENT = [*overlaid(), *resent()]
PARTED = parted()
"""The first two persons of each are parted by a decision; the third record fits both."""
