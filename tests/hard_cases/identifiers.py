"""Identifiers that are placeholders, shared, mistyped or of another assigner: rows 33 to 37, 43 to 45."""

from collections.abc import Iterator

from hard_cases.kit import Case, Kit, case, claims, ehr, lab


def placeholder_ids() -> Iterator[Case]:
    """Row 33: such a number is missing: neither agreement nor conflict."""
    for n, (given, family, number, dates, sex) in enumerate([
        ("Maria", "Hernandez", "123-45-6789", ("1979-04-04", "1988-10-17"), "F"), ("David", "Miller", "999-99-9999", ("1955-12-12", "1961-03-08"), "M"),
        ("Linh", "Tran", "078-05-1120", ("1990-07-07", "1993-01-15"), "F"), ("Carlos", "Reyes", "000-12-3456", ("1982-02-28", "1971-06-13"), "M"),
    ]):  # fmt: skip
        k = Kit(33, n)
        first = k.person(1, given, family, dates[0], sex, national_id=number)
        second = k.person(2, given, family, dates[1], sex, national_id=number, **k.home(1))
        yield case(
            33, f"one placeholder number on two: {number}", "N", [ehr(first), claims(first)], [ehr(second), lab(second)]
        )
        if n < 3:
            k = Kit(33, n + 5)
            person = k.person(1, given, f"{family}-Whitby", dates[0], sex, national_id=k.national_id())
            yield case(
                33,
                f"a placeholder beside a true number: {number}",
                "L",
                [ehr(person), claims({**person, "national_id": number})],
            )


def guarantor_ids() -> Iterator[Case]:
    """Row 34: a child under a parent's number."""
    for n, (family, child, parent, born, parent_born, sexes) in enumerate([
        ("Ruiz", "Mateo", "Javier", "2015-05-06", "1985-02-19", "MM"), ("Oduya", "Grace", "Esther", "2012-09-27", "1980-12-01", "FF"),
        ("Stanhope", "Edward", "Edward", "2010-03-15", "1978-08-08", "MM"), ("Lachance", "Simone", "Sylvie", "2018-11-30", "1990-06-05", "FF"),
    ]):  # fmt: skip
        k = Kit(34, n)
        shared = {"national_id": k.national_id()}
        first = k.person(1, child, family, born, sexes[0], **shared)
        second = k.person(
            2, parent, family, parent_born, sexes[1], **shared, email=f"{parent}.{family}@example.org".lower()
        )
        yield case(
            34,
            f"a child under the parent's number: {child} and {parent} {family}",
            "N",
            [ehr(first), claims(first)],
            [ehr(second), claims(second)],
        )


def one_id_on_many() -> Iterator[Case]:
    """Row 35: a number on many people identifies none."""
    names = (
        "Robin Ashdown",
        "Dale Petrakis",
        "Sam Novotny",
        "Ines Faria",
        "Greta Holm",
        "Omar Siddiq",
        "Lucy Ballard",
        "Ned Frost",
        "Ana Costa",
    )
    for n, family in enumerate([None, "Peterson", "Chavez"]):
        k = Kit(35, n)
        people = []
        for i, name in enumerate(names):
            given, own = name.split()
            born = f"{1948 + 5 * i}-0{i % 9 + 1}-1{(i * 7 + n) % 10}"
            people.append(
                [lab(k.person(i, given, family or own, born, None, national_id=k.national_id(), **k.home(i)))]
            )
        yield case(35, f"one number on nine people: {family or 'strangers'}", "N", *people)


def mistyped_ids() -> Iterator[Case]:
    """Rows 36 and 37: one digit wrong or two exchanged, or only the last four."""
    for n, (country, given, family, born, sex, typo) in enumerate([
        ("US", "Deborah", "Kessler", "1966-01-09", "F", lambda s: s[:-1] + str((int(s[-1]) + 3) % 10)),
        ("US", "Vikram", "Chaudhary", "1981-10-22", "M", lambda s: s[:8] + s[9] + s[8] + s[10]),
        ("US", "Latoya", "Broussard", "1993-04-16", "F", lambda s: s[:1] + str((int(s[1]) + 1) % 10) + s[2:]),
    ]):  # fmt: skip
        k = Kit(36, n, country)
        number = k.national_id()
        person = k.person(1, given, family, born, sex, national_id=number)
        yield case(
            36,
            f"mistyped number: {given} {family}",
            "L",
            [ehr(person), claims({**person, "national_id": typo(number)})],
        )
    for n, (given, family, born, sex, form) in enumerate([
        ("Constance", "Iverson", "1959-08-25", "F", "{}"), ("Darnell", "Okonkwo", "1987-12-11", "M", "xxx-xx-{}"), ("Yolanda", "Figueroa", "1974-05-03", "F", "***-**-{}"),
    ]):  # fmt: skip
        k = Kit(37, n)
        number = k.national_id()
        person = k.person(1, given, family, born, sex, national_id=number)
        other = {**person, "national_id": form.format(number[-4:]), **(k.home(1) if n == 1 else {})}
        yield case(37, f"last four of the number: {given} {family}", "L", [ehr(person), claims(other)])


def record_numbers() -> Iterator[Case]:
    """Rows 43 to 45: a record number says something inside its assigner alone."""
    for n, (a, b, dates, sexes) in enumerate([
        (("Marta", "Lopez"), ("Maria", "Lopez"), ("1976-02-20", "1984-09-09"), "FF"), (("Brian", "Keller"), ("Bryan", "Keller"), ("1968-07-14", "1995-07-14"), "MM"),
        (("Hung", "Le"), ("Huong", "Le"), ("1990-12-24", "1990-03-02"), "MF"),
    ]):  # fmt: skip
        k = Kit(43, n)
        number = f"{123_450 + n}"
        first = ehr(k.person(1, *a, dates[0], sexes[0]), mrn=number)
        second = lab(k.person(2, *b, dates[1], sexes[1], **k.home(1)), mrn=number)
        yield case(43, f"one record number at two sites: {number}", "N", [first], [second])
    for n, (country, given, family, born, sex) in enumerate([
        ("US", "Vernon", "Hatfield", "1953-11-20", "M"), ("GB", "Gwendolyn", "Pryce", "1979-01-13", "F"), ("US", "Alejandra", "Buenrostro", "1998-08-04", "F"),
    ]):  # fmt: skip
        k = Kit(44, n, country)
        person = k.person(1, given, family, born, sex)
        old = [{"system": "urn:example:old-register", "type": "MR", "value": f"A{k.serial}0071"}]
        new = [{"system": "urn:example:new-register", "type": "MR", "value": f"{k.serial}99120"}]
        before = ehr(person, mrn=None, identifiers=old, updated_at="2018-03-03 12:00:00")
        yield case(
            44,
            f"new record numbers after a migration: {given} {family}",
            "L",
            [before, ehr(person, mrn=None, identifiers=new)],
        )
    for n, (given, family, born, sex) in enumerate(
        [
            ("Audrey", "Pennington", "1962-06-06", "F"),
            ("Stefan", "Kolar", "1990-02-03", "M"),
            ("Bernice", "Adeyemi", "1984-10-31", "F"),
        ]
    ):
        k = Kit(45, n)
        person = k.person(1, given, family, born, sex, national_id=k.national_id() if n else None)
        one, two = ({**ehr(person, mrn=f"{880_000 + 10 * k.serial + i}"), "source": "registry"} for i in range(2))
        yield case(45, f"two record numbers of a source without duplicates: {given} {family}", "R", [one], [two])


IDENTIFIER_CASES = [
    found
    for row in (placeholder_ids, guarantor_ids, one_id_on_many, mistyped_ids, record_numbers)
    for found in row()
]  # fmt: skip
