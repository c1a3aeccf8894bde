"""Birth dates that are mistyped, default or impossible: rows 25 to 27, 29, 30."""

from collections.abc import Iterator

from hard_cases.kit import Case, Kit, case, claims, ehr, lab


def day_and_month_exchanged() -> Iterator[Case]:
    """Row 25: with one more strong field one person, else for a person to decide."""
    for n, (country, given, family, a, b, sex) in enumerate([
        ("US", "Rosalind", "Achterberg", "1980-03-04", "1980-04-03", "F"), ("GB", "Callum", "Everett", "1992-11-08", "1992-08-11", "M"),
        ("US", "Keisha", "Montgomery", "1971-12-05", "1971-05-12", "F"),
    ]):  # fmt: skip
        k = Kit(25, n, country)
        person = k.person(1, given, family, a, sex, national_id=k.national_id())
        yield case(
            25,
            f"day and month exchanged, with id: {given} {family}",
            "L",
            [ehr(person), lab({**person, "birth_date": b})],
        )
        k, family = Kit(25, n + 4, country), f"{family}-Frost"
        person = k.person(1, given, family, a, sex)
        other = {**person, "birth_date": b, **k.home(1), "number": person["number"] + 2}
        yield case(25, f"day and month exchanged, other home: {given} {family}", "R", [ehr(person)], [lab(other)])


def one_digit_off() -> Iterator[Case]:
    """Row 26: with id and address one person, else for a person to decide."""
    for n, (country, given, family, a, b, sex) in enumerate([
        ("US", "Dolores", "Winslow", "1962-10-10", "1952-10-10", "F"), ("GB", "Nigel", "Braithwaite", "1947-06-21", "1947-06-24", "M"),
        ("US", "Terrence", "Boudreaux", "1985-02-17", "1985-07-17", "M"),
    ]):  # fmt: skip
        k = Kit(26, n, country)
        person = k.person(1, given, family, a, sex, national_id=k.national_id())
        yield case(
            26,
            f"one digit off, with id and address: {given} {family}",
            "L",
            [ehr(person), claims({**person, "birth_date": us(b)})],
        )
        k, given, family = Kit(26, n + 4, country), ("Rosamund", "Clive", "Marcus")[n], f"{family}-Dale"
        person = k.person(1, given, family, a, sex)
        other = {
            **person,
            "birth_date": b,
            "phone": k.phone(4) if n else person["phone"],
            "number": person["number"] + 2,
        }
        yield case(26, f"one digit off, no id: {given} {family}", "R", [ehr(person)], [lab(other)])


def us(day: str) -> str:
    """The date as the insurer writes it, month/day/year."""
    year, month, number = day.split("-")
    return f"{month}/{number}/{year}"


def one_day_off() -> Iterator[Case]:
    """Row 27: next-day twins and rounding look alike."""
    for n, (country, given, family, a, b, sex) in enumerate([
        ("US", "Harold", "Lindgren", "1980-01-11", "1980-01-12", "M"), ("GB", "Priya", "Raman", "1999-12-31", "2000-01-01", "F"),
        ("US", "Marcus", "Whitlock", "2008-06-30", "2008-07-01", "M"), ("ES", "Nuria", "Campos Gil", "1973-09-14", "1973-09-15", "F"),
    ]):  # fmt: skip
        k = Kit(27, n, country)
        person = k.person(1, given, family, a, sex)
        other = {**person, "birth_date": b, "number": person["number"] + 2, **({} if n % 2 else {"phone": k.phone(3)})}
        yield case(27, f"one day off: {given} {family}", "R", [ehr(person)], [lab(other)])


def default_dates() -> Iterator[Case]:
    """Row 29: a default date is no agreement; 1 January is little."""
    for n, (country, given, family, day, sex) in enumerate([
        ("US", "Jose", "Lopez", "1900-01-01", "M"), ("US", "Linda", "Williams", "1111-11-11", "F"), ("GB", "Ahmed", "Ali", "01/01/1901", "M"),
    ]):  # fmt: skip
        k = Kit(29, n, country)
        first = k.person(1, given, family, day, sex)
        second = k.person(2, given, family, day, sex, **k.home(1))
        yield case(29, f"two default dates: {given} {family}, {day}", "N", [ehr(first)], [lab(second)])
    for n, (given, family, day, sex) in enumerate(
        [("Mohamed", "Hassan", "1985-01-01", "M"), ("Fatima", "Omar", "1990-01-01", "F")]
    ):
        k = Kit(29, n + 4)
        first = k.person(1, given, family, day, sex)
        second = k.person(2, given, family, day, sex, **k.home(1))
        others = [
            [ehr(k.person(3 + i, given, family, f"{1970 + 7 * i}-01-01", sex, **k.home(2 + i)))] for i in range(4)
        ]
        yield case(29, f"two birth dates on 1 January: {given} {family}", "N", [ehr(first)], [lab(second)], *others)


def impossible_dates() -> Iterator[Case]:
    """Row 30: an impossible, future or posthumous birth date counts as missing."""
    for n, (country, given, family, good, bad, sex, more) in enumerate([
        ("US", "Clarence", "Hargrove", "2000-12-01", "2000-13-01", "M", {}),
        ("US", "Ingrid", "Solberg", "1962-04-30", "1962-04-31", "F", {}),
        ("GB", "Beatrice", "Loxley", "1958-07-19", "2058-07-19", "F", {}),
        ("US", "Emmett", "Culpepper", "1939-03-03", "2019-03-03", "M", {"death_date": "2018-12-12"}),
    ]):  # fmt: skip
        k = Kit(30, n, country)
        person = k.person(1, given, family, good, sex)
        other = {**person, "birth_date": bad, "number": person["number"] + 2, **more, "phone": k.phone(5)}
        yield case(30, f"impossible birth date: {given} {family}, {bad}", "R", [ehr(person)], [lab(other)])


DATE_CASES = [
    found
    for row in (day_and_month_exchanged, one_digit_off, one_day_off, default_dates, impossible_dates)
    for found in row()
]  # fmt: skip
