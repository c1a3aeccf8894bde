"""Addresses and telephones that move, change hands or belong to many: rows 40 to 42."""

from collections.abc import Iterator
from itertools import cycle

from hard_cases.kit import Case, Kit, case, claims, ehr, lab


def moved() -> Iterator[Case]:
    """Row 40: another address says next to nothing."""
    for n, (country, given, family, born, sex) in enumerate([
        ("US", "Felicia", "Norwood", "1975-05-27", "F"), ("GB", "Alistair", "Drummond", "1949-10-08", "M"), ("ES", "Álvaro", "Iglesias Soto", "1991-03-30", "M"),
        ("US", "Jerome", "Castleberry", "1988-12-16", "M"),
    ]):  # fmt: skip
        k = Kit(40, n, country)
        person = k.person(1, given, family, born, sex)
        yield case(
            40,
            f"moved to another city: {given} {family}",
            "L",
            [ehr(person), claims({**person, **k.home(1), "phone": person["phone"]})],
        )


def recycled() -> Iterator[Case]:
    """Row 41: a new tenant, a telephone number given away."""
    for n, (country, a, b) in enumerate([
        ("US", ("Harvey", "Lundberg", "1946-02-14", "M"), ("Shanice", "Dupree", "1996-07-07", "F")),
        ("GB", ("Edith", "Cobb", "1938-09-30", "F"), ("Edward", "Cobham", "1983-09-03", "M")),
        ("US", ("Raul", "Medrano", "1970-06-19", "M"), ("Paul", "Merano", "1991-11-26", "M")),
    ]):  # fmt: skip
        k = Kit(41, n, country)
        first = k.person(1, *a)
        second = k.person(2, *b, **({} if n != 1 else k.home(1) | {"phone": first["phone"]}))
        old = {"updated_at": "2014-06-01 09:00:00"}
        yield case(
            41,
            f"a new tenant or a telephone given away: {a[1]} and {b[1]}",
            "N",
            [ehr(first, **old), claims(first, **old)],
            [ehr(second), claims(second)],
        )


RESIDENTS = (
    "Alma Reyes",
    "Cecil Barnes",
    "Dot Flanagan",
    "Ernest Hui",
    "Fay Morrow",
    "Gus Paulsen",
    "Hattie Lowe",
    "Ira Stein",
)


def group_addresses() -> Iterator[Case]:
    """Row 42: where strangers live together, one address is no evidence."""
    for n, (line, given, family, dates, sex) in enumerate([
        ("GENERAL DELIVERY", "Robert", "Johnson", ("1958-03-02", None), "M"),
        ("c/o St Mary's Shelter", "James", "Brown", ("1971-08-19", "1974-02-05"), "M"),
        ("PO Box 12", "Mary", "Davis", ("1960-11-11", None), "F"),
        ("400 Sunrise Nursing Home", "Dorothy", "Wilson", ("1934-05-23", "1938-01-30"), "F"),
        ("Homeless", "Michael", "Jones", ("1969-09-09", None), "M"),
    ]):  # fmt: skip
        k = Kit(42, n)
        place = {**k.home(), "address_line": line, "phone": k.phone(9) if n == 3 else None}
        first = k.person(1, given, family, dates[0], sex, **place)
        second = k.person(2, given, family, dates[1], sex, **place)
        residents = [
            [ehr(k.person(3 + i, *name.split(), f"{1930 + 3 * i + n}-0{i + 1}-{10 + 3 * n + i}", None, **place))]
            for i, name in enumerate(RESIDENTS)
        ]
        yield case(42, f"one group address: {line}", "N", [ehr(first), claims(first)], [lab(second)], *residents)


GIVEN_NAMES = [
    "Alma", "Bert", "Cecil", "Dot", "Ernest", "Fay", "Gus", "Hattie", "Ira", "June", "Karl", "Lena", "Milo", "Nora", "Otis", "Pearl", "Quentin", "Rosa",
    "Silas", "Thea", "Ulric", "Vera", "Wilma", "Xenia", "Yusuf", "Zelda", "Abel", "Beryl", "Clyde", "Dora", "Edgar", "Flora", "Grover", "Hilda", "Irwin",
]  # fmt: skip


def places_of_many_people() -> Iterator[Case]:
    """Row 42: an address and a telephone number of so many people that they are no home's, though no word says so."""
    for n, (told, given, families, guests) in enumerate([
        ("address and telephone", "Sarah", ("Anderson", "Chavez"), ("Lowe", "Hui", "Reyes", "Stein")),
        ("address", "Thomas", ("Baker", "Whitlock"), ("Moss", "Okafor", "Pratt", "Vance")),
    ]):  # fmt: skip
        k = Kit(42, 5 + n)
        place = {**k.home(), "phone": k.phone(9) if "telephone" in told else None}
        first = k.person(1, given, families[0], f"194{9 - n}-03-03", None, **place)
        second = k.person(2, given, families[1], f"194{9 - n}-07-09", None, **place)
        names = zip(range(900_000 + 1_000 * n, 901_000 + 1_000 * n), GIVEN_NAMES, cycle(guests), strict=False)
        residents = [
            [ehr(k.person(3, *name, f"{1921 + i % 50}-0{1 + i % 9}-{10 + i % 18}", None, **place, number=i))]
            for i, *name in names
        ]
        yield case(42, f"{told} of many people", "N", [ehr(first), claims(first)], [lab(second)], *residents)


CONTACT_CASES = [found for row in (moved, recycled, group_addresses, places_of_many_people) for found in row()]
