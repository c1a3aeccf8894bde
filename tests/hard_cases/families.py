"""Twins, newborns, parents, spouses: rows 1 to 11, 17, 28, 38, 39."""

from collections.abc import Iterator

from hard_cases.kit import Case, Kit, case, claims, ehr, lab


def same_sex_twins() -> Iterator[Case]:
    """Row 1: only the given name differs."""
    for n, (country, family, a, b, born, sex, mother) in enumerate([
        ("US", "Ruiz", "Ava", "Ella", "2015-05-06", "F", "Santos"),
        ("GB", "Okafor", "Daniel", "Joseph", "2011-11-23", "M", None),
        ("ES", "García Moreno", "Lucía", "Carmen", "2018-02-14", "F", "Moreno"),
        ("US", "Whitcombe", "Owen", "Liam", "1994-08-30", "M", "Tate"),
    ]):  # fmt: skip
        k = Kit(1, n, country)
        shared = {"mother_maiden_name": mother, "multiple_birth": "true"}
        first = k.person(
            1, a, family, born, sex, **shared, birth_order="1", national_id=k.national_id(1) if n % 2 else None
        )
        second = k.person(
            2, b, family, born, sex, **shared, birth_order="2", national_id=k.national_id(2) if n % 2 else None
        )
        yield case(1, f"same-sex twins: {family}", "N", [ehr(first), lab(first)], [ehr(second), claims(second)])
    k = Kit(1, 7)
    parent = {"national_id": k.national_id(5), "email": "the.abernathys@example.org", "mother_maiden_name": "Cho"}
    first, second = (
        k.person(i, name, "Abernathy", "2019-10-02", "F", **parent) for i, name in ((1, "Nora"), (2, "Ivy"))
    )
    yield case(
        1,
        "same-sex twins under a parent's id: Abernathy",
        "N",
        [claims(first), ehr(first)],
        [claims(second), lab(second)],
    )


def twins_with_near_names() -> Iterator[Case]:
    """Row 2: a fuzzy given name loses its credit where birth date and home agree."""
    for n, (country, family, a, b, born, sex) in enumerate([
        ("US", "Delgado", "Aiden", "Jaiden", "2014-03-19", "M"),
        ("US", "Kowalczyk", "Maria", "Marie", "2009-12-05", "F"),
        ("GB", "Ashworth", "Alison", "Allyson", "1988-07-21", "F"),
        ("US", "Nguyen", "Tran", "Trang", "2016-01-28", "F"),
    ]):  # fmt: skip
        k = Kit(2, n, country)
        first, second = k.person(1, a, family, born, sex), k.person(2, b, family, born, sex)
        yield case(2, f"twins of near names: {a} and {b} {family}", "R", [ehr(first)], [claims(second)])


def nameless_twins() -> Iterator[Case]:
    """Row 3: temporary names carry no weight; A and B, 1 and 2 and the birth order conflict."""
    for n, (family, a, b, orders, sex) in enumerate([
        ("Ruiz", "Baby Boy A", "Baby Boy B", (None, None), "M"),
        ("Hightower", "Babygirl 1", "Babygirl 2", (None, None), "F"),
        ("Patel", "BG Twin A", "BG Twin B", (None, None), "F"),
        ("McAllister", "Babyboy", "Babyboy", ("1", "2"), "M"),
    ]):  # fmt: skip
        k = Kit(3, n)
        shared = {"mother_maiden_name": "Brooks", "multiple_birth": "true"}
        first = k.person(1, a, family, "2023-06-17", sex, birth_order=orders[0], **shared)
        second = k.person(2, b, family, "2023-06-17", sex, birth_order=orders[1], **shared)
        others = ([], []) if orders[0] else ([claims(first)], [lab(second)])
        yield case(3, f"nameless twins: {a} and {b} {family}", "N", [ehr(first), *others[0]], [ehr(second), *others[1]])


def multiple_birth_flag_differs() -> Iterator[Case]:
    """Row 4: all else is equal."""
    for n, (country, given, family, born, sex, flags) in enumerate([
        ("US", "Noah", "Castellano", "2020-09-09", "M", ("birth_order", "1", "2")),
        ("GB", "Freya", "Pemberton", "2017-04-25", "F", ("birth_order", "1", "2")),
        ("US", "Leila", "Haddad", "2021-12-30", "F", ("birth_order", "2", "3")),
    ]):  # fmt: skip
        k = Kit(4, n, country)
        name, one, two = flags
        person = k.person(1, given, family, born, sex, mother_maiden_name="Doyle")
        yield case(
            4,
            f"birth order 1 and 2: {given} {family}",
            "R",
            [ehr({**person, name: one})],
            [claims({**person, name: two})],
        )


def senior_and_junior() -> Iterator[Case]:
    """Row 5: one home, suffixes and birth dates tell them apart."""
    for n, (country, given, family, older, younger, words) in enumerate([
        ("US", "John", "Smith", "1955-02-03", "1980-09-08", ("Sr", "Jr")),
        ("US", "Walter", "Kimbrough", "1941-06-12", "1968-06-21", ("Sr.", "Jr.")),
        ("US", "Charles", "Van Houten", "1960-10-30", "1988-10-03", ("II", "III")),
    ]):  # fmt: skip
        k = Kit(5, n, country)
        first = k.person(
            1,
            given,
            family,
            older,
            "M",
            name_suffix=words[0],
            email=f"{given}.{family}@example.com".lower().replace(" ", ""),
        )
        second = k.person(2, given, family, younger, "M", name_suffix=words[1])
        yield case(
            5, f"senior and junior: {given} {family}", "N", [ehr(first), claims(first)], [ehr(second), lab(second)]
        )


def senior_and_junior_without_suffix() -> Iterator[Case]:
    """Row 6: the gap decides; a suffix that is not written is no agreement."""
    for n, (country, given, family, older, younger, suffix) in enumerate([
        ("US", "John", "Smith", "1953-07-19", "1978-04-26", "Jr"),
        ("US", "Hector", "Villarreal", "1949-11-17", "1975-01-12", None),
        ("ES", "Manuel", "Ortega Ruiz", "1958-05-05", "1983-12-01", None),
        ("GB", "Graham", "Thistlewood", "1936-03-28", "1963-03-28", None),
    ]):  # fmt: skip
        k = Kit(6, n, country)
        first = k.person(1, given, family, older, "M")
        second = k.person(2, given, family, younger, "M", name_suffix=suffix)
        yield case(
            6,
            f"father and son of one name: {given} {family}",
            "N",
            [ehr(first), claims(first)],
            [ehr(second), lab(second)],
        )


def senior_and_junior_without_birth_date() -> Iterator[Case]:
    """Row 7: not enough evidence."""
    for n, (given, family, suffix, born) in enumerate([
        ("John", "Smith", "Sr", "1950-10-12"), ("Frank", "DiNapoli", "Jr", "1979-08-14"), ("Luther", "Beauchamp", "Sr", "1947-12-19"),
    ]):  # fmt: skip
        k = Kit(7, n)
        first = k.person(1, given, family, born, "M", name_suffix=suffix)
        second = k.person(2, given, family, None, "M")
        yield case(7, f"senior or junior, one birth date missing: {given} {family}", "R", [ehr(first)], [lab(second)])


def suffix_missing_only() -> Iterator[Case]:
    """Row 8: missing is no conflict."""
    for n, (given, middle, family, born, suffix) in enumerate([
        ("John", None, "Smith", "1984-01-31", "Jr"), ("Reginald", "Paul", "Fontaine", "1966-02-27", "III"),
        ("Anthony", "J", "Marchetti", "1991-05-15", "Jr."),
    ]):  # fmt: skip
        k = Kit(8, n)
        person = k.person(1, given, family, born, "M", middle_name=middle, national_id=k.national_id())
        yield case(
            8,
            f"suffix missing on one: {given} {family}",
            "L",
            [ehr(person, name_suffix=suffix), claims(person, **k.home(1) if n == 1 else {})],
        )


def newborn_then_named() -> Iterator[Case]:
    """Row 9: a temporary name is replaced; birth number or newborn's identifier make it certain."""
    for n, (family, temporary, given, sex, born) in enumerate([
        ("Ruiz", "Babygirl", "Sofia", "F", "2023-03-08"), ("Lindqvist", "Baby Boy", "Emil", "M", "2022-10-21"),
        ("Achebe", "BB", "Chidi", "M", "2023-07-02"),
    ]):  # fmt: skip
        k = Kit(9, n)
        child = k.person(1, given, family, born, sex, mother_maiden_name="Keane")
        before = {**child, "given_name": temporary, "number": child["number"] + 3}
        yield case(9, f"newborn, later named: {temporary} and {given} {family}", "R", [ehr(before)], [claims(child)])
        k, family = Kit(9, n + 4), f"{family}-Stone"
        child = k.person(1, given, family, born, sex, mother_maiden_name="Keane")
        if n == 1:
            bracelet = [{"system": "urn:example:newborn-bracelet", "type": "BR", "value": f"BR-77{k.serial}31"}]
            records = [ehr({**child, "given_name": temporary, "number": child["number"] + 3}, identifiers=bracelet),
                       ehr(child, identifiers=bracelet, updated_at="2023-11-01 10:00:00")]  # fmt: skip
        else:
            records = [ehr({**child, "given_name": temporary}), ehr(child, updated_at="2023-11-01 10:00:00")]
        yield case(9, f"newborn, later named, one birth number: {temporary} and {given} {family}", "L", records)


def mother_derived_names() -> Iterator[Case]:
    """Row 10: two temporary names of perhaps one child."""
    for n, (family, a, b, sex) in enumerate([
        ("Ruiz", "Wendysgirl", "Babygirl", "F"), ("Obrien", "Kathleensboy", "Baby Boy", "M"),
        ("Vang", "Boy of Mai", "BB", "M"),
    ]):  # fmt: skip
        k = Kit(10, n)
        first, second = (k.person(i, name, family, "2023-02-11", sex) for i, name in ((1, a), (2, b)))
        yield case(10, f"mother-derived name: {a} and {b} {family}", "R", [ehr(first)], [lab(second)])


def newborn_and_mother() -> Iterator[Case]:
    """Row 11: the newborn is registered under the mother's number or telephone."""
    for n, (family, newborn, mother, born, mother_born, sex) in enumerate([
        ("Ruiz", "Babygirl", "Wendy", "2023-05-18", "1993-01-20", "F"),
        ("Thornbury", "Baby Boy", "Charlotte", "2022-12-24", "1988-09-13", "M"),
        ("Kaya", "Elifsgirl", "Elif", "2023-08-03", "1999-04-04", "F"),
        ("Marsh", "Josephine", "Josephine", "2023-01-31", "1990-01-31", "F"),
    ]):  # fmt: skip
        k = Kit(11, n)
        child = k.person(1, newborn, family, born, sex)
        woman = k.person(2, mother, family, mother_born, "F", email=f"{mother}.{family}@example.net".lower())
        number = {} if n == 1 else {"mrn": f"{5_550_000 + k.serial}"}
        yield case(11, f"newborn and mother: {newborn} and {mother} {family}", "N", [ehr(child, **number), claims(child)],
                   [ehr(woman, **number), lab(woman)])  # fmt: skip


def gender_pair_names() -> Iterator[Case]:
    """Row 17: opposite-sex twins look like one misspelt person."""
    for n, (country, family, a, b, born) in enumerate([
        ("US", "Lombardi", "Robert", "Roberta", "2012-06-15"), ("GB", "Fairbrother", "Michael", "Michelle", "1997-10-10"),
        ("US", "Esposito", "Daniel", "Daniela", "2010-02-02"),
    ]):  # fmt: skip
        k = Kit(17, n, country)
        first, second = k.person(1, a, family, born), k.person(2, b, family, born)
        yield case(
            17,
            f"names of a gender pair, sex unknown: {a} and {b} {family}",
            "R",
            [ehr(first, sex="M" if n else None)],
            [lab(second)],
        )
        k, family = Kit(17, n + 4, country), f"{family}-Wells"
        first, second = k.person(1, a, family, born, "M"), k.person(2, b, family, born, "F")
        yield case(
            17,
            f"names of a gender pair, sex differs: {a} and {b} {family}",
            "N",
            [ehr(first), claims(first)],
            [ehr(second), lab(second)],
        )


def siblings_or_mistyped_year() -> Iterator[Case]:
    """Row 28: a sibling and a mistyped year look alike."""
    for n, (country, family, a, b, born, other, sex) in enumerate([
        ("US", "Ruiz", ("Ana", None), ("Ana", "M"), "2017-05-01", "2018-05-01", "F"),
        ("US", "Whitaker", ("Emma", "Rose"), ("Emma", None), "2015-08-22", "2016-08-22", "F"),
        ("GB", "Hussain", ("Ali", None), ("Ali", "R"), "2013-01-17", "2014-01-17", "M"),
    ]):  # fmt: skip
        k = Kit(28, n, country)
        first = k.person(1, a[0], family, born, sex, middle_name=a[1])
        second = k.person(2, b[0], family, other, sex, middle_name=b[1])
        yield case(28, f"sibling or mistyped year: {a[0]} {family}", "R", [ehr(first)], [claims(second)])


def spouses() -> Iterator[Case]:
    """Rows 38 and 39: what they share tells of a household."""
    for n, (country, family, a, b, email) in enumerate([
        ("US", "Holloway", ("Patricia", "F", "1971-03-29"), ("Gregory", "M", "1969-11-02"), "holloways@example.com"),
        ("GB", "Mbeki-Jones", ("Chris", "M", "1980-05-17"), ("Christine", "F", "1982-09-30"), None),
        ("ES", "Romero", ("Francisco", "M", "1958-12-12"), ("Francisca", "F", "1960-04-01"), None),
    ]):  # fmt: skip
        k = Kit(38, n, country)
        first, second = (k.person(i, who[0], family, who[2], who[1], email=email) for i, who in ((1, a), (2, b)))
        yield case(
            38, f"spouses: {a[0]} and {b[0]} {family}", "N", [ehr(first), lab(first)], [ehr(second), claims(second)]
        )
    for n, (country, family, a, b, born) in enumerate([
        ("US", "Kim", ("Pat", "F"), ("Chris", "M"), "1976-07-07"), ("DE", "Brandt", ("Sabine", "F"), ("Uwe", "M"), "1963-02-19"),
        ("US", "Oyelaran", ("Tunde", "M"), ("Tina", "F"), "1985-10-25"), ("US", "Garrison", ("Lynn", None), ("Lee", None), "1950-01-08"),
    ]):  # fmt: skip
        k = Kit(39, n, country)
        first, second = (k.person(i, who[0], family, born, who[1]) for i, who in ((1, a), (2, b)))
        yield case(
            39,
            f"spouses of one birth date: {a[0]} and {b[0]} {family}",
            "N",
            [ehr(first), claims(first)],
            [ehr(second), claims(second)],
        )


FAMILY_CASES = [
    found
    for row in (
        same_sex_twins, twins_with_near_names, nameless_twins, multiple_birth_flag_differs, senior_and_junior,
        senior_and_junior_without_suffix, senior_and_junior_without_birth_date, suffix_missing_only, newborn_then_named,
        mother_derived_names, newborn_and_mother, gender_pair_names, siblings_or_mistyped_year, spouses,
    )
    for found in row()
]  # fmt: skip
