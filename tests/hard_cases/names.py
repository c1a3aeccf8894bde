"""Names that change, move, shorten or are common: rows 12 to 16, 18 to 24, 31, 32."""

from collections.abc import Iterator

from hard_cases.kit import Case, Kit, case, claims, ehr, lab


def married() -> Iterator[Case]:
    """Rows 12 and 13: strong identifiers outweigh the surname; without them a person decides."""
    for n, (country, given, maiden, name, born, former) in enumerate([
        ("US", "Anna", "Lee", "Novak", "1990-06-14", True), ("US", "Danielle", "Prescott", "Amador", "1985-01-27", False),
        ("GB", "Siobhan", "Kelleher", "Hartley", "1978-11-09", False), ("DE", "Katrin", "Vogel", "Vogel-Sommer", "1983-03-03", True),
    ]):  # fmt: skip
        k = Kit(12, n, country)
        before = k.person(1, given, maiden, born, "F", national_id=k.national_id())
        after = {**before, "family_name": name, "former_family_name": maiden if former else None}
        yield case(12, f"married, with id and telephone: {given} {maiden} and {name}", "L",
                   [ehr(before, updated_at="2021-05-01 08:00:00"), ehr(after) if former else claims(after)])  # fmt: skip
    for n, (country, given, middle, maiden, name, born) in enumerate([
        ("US", "Anna", None, "Lee", "Novak", "1987-02-25"), ("US", "Marguerite", "Odette", "Shelton", "Quigley", "1968-04-18"),
        ("GB", "Imogen", None, "Bright", "Sandhu", "1994-12-01"),
    ]):  # fmt: skip
        k = Kit(13, n, country)
        before = k.person(1, given, maiden, born, "F", middle_name=middle)
        after = {**before, "family_name": name, **k.home(1), "number": before["number"] + 5}
        yield case(
            13, f"other surname and home, no id: {given} {maiden} and {name}", "R", [ehr(before)], [claims(after)]
        )


def names_change_places() -> Iterator[Case]:
    """Rows 14 and 15: given and family name, or first and middle name, in each other's field."""
    for n, (country, given, family, born, sex) in enumerate([
        ("US", "Jose", "Singleton", "1974-08-31", "M"), ("US", "Thuy", "Pham", "1989-02-05", "F"),
        ("GB", "Leslie", "Grant", "1962-05-20", "M"), ("US", "Wei", "Zhang", "1996-09-14", "F"),
    ]):  # fmt: skip
        k = Kit(14, n, country)
        person = k.person(1, given, family, born, sex)
        yield case(
            14,
            f"names in each other's field: {given} {family}",
            "L",
            [ehr(person), lab({**person, "given_name": family, "family_name": given})],
        )
    for n, (given, middle, written, initial, family, born, sex) in enumerate([
        ("Mary Ann", None, "Ann", "M", "Cole", "1957-10-06", "F"), ("James", "Robert", "Robert", "James", "Fitzhugh", "1970-03-12", "M"),
        ("Anne", "Louise", "Louise", "A", "Cartwright", "1993-07-27", "F"),
    ]):  # fmt: skip
        k = Kit(15, n)
        person = k.person(1, given, family, born, sex, middle_name=middle)
        other = {
            **person,
            "given_name": written,
            "middle_name": initial,
            **(k.home(1) | {"phone": person["phone"]} if n == 1 else {}),
        }
        yield case(
            15, f"first and middle name exchanged: {given} and {written} {family}", "L", [ehr(person), claims(other)]
        )


def nicknames() -> Iterator[Case]:
    """Row 16: with birth date and address."""
    for n, (country, given, short, family, born, sex) in enumerate([
        ("US", "Robert", "Bob", "Easterling", "1951-09-23", "M"), ("US", "Robert", "Bobby", "Tillman", "1983-12-18", "M"),
        ("GB", "Margaret", "Peggy", "Oldroyd", "1944-06-30", "F"), ("US", "Robert", "Rob", "Sandoval", "1977-02-08", "M"),
        ("US", "William", "Bill", "Ostrander", "1939-10-15", "M"), ("GB", "Elizabeth", "Beth", "Crowther", "1986-05-09", "F"),
    ]):  # fmt: skip
        k = Kit(16, n, country)
        person = k.person(1, given, family, born, sex)
        yield case(
            16,
            f"nickname: {short} for {given} {family}",
            "L",
            [ehr(person), lab({**person, "given_name": short, **({"phone": k.phone(3)} if n % 2 else {})})],
        )


def double_surnames() -> Iterator[Case]:
    """Rows 18 and 19: either surname, any order, with or without a hyphen."""
    for n, (country, given, whole, part, born, sex) in enumerate([
        ("ES", "María", "García López", "García", "1987-01-30", "F"), ("ES", "María", "García López", "López", "1972-11-11", "F"),
        ("US", "Luis Alberto", "Hernández Cruz", "Hernandez", "1990-04-22", "M"), ("US", "Yesenia", "de la Torre Mejía", "De La Torre", "2001-07-19", "F"),
    ]):  # fmt: skip
        k = Kit(18, n, country)
        person = k.person(1, given, whole, born, sex)
        other = {**person, "family_name": part, **(k.home(1) | {"phone": person["phone"]})}
        yield case(18, f"one of two surnames: {whole} and {part}", "L", [ehr(person), claims(other)])
    for n, (country, given, a, b, born, sex) in enumerate([
        ("ES", "Pablo", "López García", "García-López", "1995-08-08", "M"), ("GB", "Harriet", "Smith-Jones", "Jones", "1981-03-25", "F"),
        ("US", "Renee", "Baptiste Moreau", "Moreau-Baptiste", "1969-12-04", "F"),
    ]):  # fmt: skip
        k = Kit(19, n, country)
        person = k.person(1, given, a, born, sex)
        yield case(
            19, f"order and hyphen of surnames: {a} and {b}", "L", [ehr(person), lab({**person, "family_name": b})]
        )


def common_names() -> Iterator[Case]:
    """Row 20: a common name and one birth date, nothing else; the table shows more bearers of the name."""
    for n, (country, given, family, born, others, sex) in enumerate([
        ("US", "Maria", "Garcia", "1982-05-14", ("1959-02-08", "1971-10-01", "1990-12-21", "2003-06-06", "1966-03-17", "1985-08-29"), "F"),
        ("GB", "Mohammed", "Khan", "1991-09-03", ("1975-01-24", "1988-11-12", "2000-07-15", "1962-04-30", "1994-02-26"), "M"),
        ("US", "James", "Johnson", "1964-11-28", ("1950-05-05", "1978-09-19", "1987-01-13", "1943-12-02", "1999-08-07"), "M"),
    ]):  # fmt: skip
        k = Kit(20, n, country)
        first = k.person(1, given, family, born, sex)
        second = k.person(2, given, family, born, sex, **k.home(1))
        namesakes = [[ehr(k.person(3 + i, given, family, day, sex, **k.home(2 + i)))] for i, day in enumerate(others)]
        yield case(
            20, f"a common name and birth date: {given} {family}", "R", [ehr(first)], [claims(second)], *namesakes
        )


def transliterations() -> Iterator[Case]:
    """Rows 21 and 22: one name in two spellings or scripts; two names of another script."""
    for n, (country, a, b, family, other, born, sex) in enumerate([
        ("US", "Mohammed", "Muhammad", "Alrashid", "Al-Rashid", "1986-10-17", "M"),
        ("UA", "Сергій", "Serhii", "Бондаренко", "Bondarenko", "1979-06-02", "M"),
        ("US", "Yevgeny", "Evgeni", "Sokolov", "Sokoloff", "1967-12-13", "M"),
        ("UA", "Оксана", "Oksana", "Ткаченко", "Tkachenko", "1992-03-21", "F"),
    ]):  # fmt: skip
        k = Kit(21, n, country)
        person = k.person(1, a, family, born, sex, national_id=k.national_id())
        yield case(
            21,
            f"two spellings: {a} and {b}",
            "L",
            [ehr(person), lab({**person, "given_name": b, "family_name": other})],
        )
    for n, (country, a, b, family, dates, sexes) in enumerate([
        ("UA", "Сергій", "Діана", "Мельник", ("2007-04-09", "2017-08-23"), ("M", "F")),
        ("US", "王", "李", "陈", ("1970-05-12", "1970-05-12"), ("M", "M")),
        ("US", "محمد", "فاطمة", "الحسن", ("1990-09-01", "1992-02-15"), ("M", "F")),
    ]):  # fmt: skip
        k = Kit(22, n, country)
        first, second = (k.person(1 + i, (a, b)[i], family, dates[i], sexes[i]) for i in range(2))
        yield case(
            22,
            f"two names of another script: {a} and {b} {family}",
            "N",
            [ehr(first), claims(first)],
            [ehr(second), lab(second)],
        )


def marks_and_particles() -> Iterator[Case]:
    """Row 23: diacritics, apostrophes and particles fold."""
    for n, (country, given, a, other, b, born, sex) in enumerate([
        ("US", "Ramón", "Peña", "Ramon", "Pena", "1965-07-16", "M"), ("GB", "Niamh", "O'Brien", "Niamh", "OBrien", "1998-01-02", "F"),
        ("US", "Teresa", "de la Cruz", "Teresa", "Delacruz", "1976-10-29", "F"), ("PL", "Łukasz", "Wójcik", "Lukasz", "Wojcik", "1989-05-24", "M"),
        ("DE", "Jürgen", "Weiß", "Juergen", "Weiss", "1954-11-06", "M"),
    ]):  # fmt: skip
        k = Kit(23, n, country)
        person = k.person(1, given, a, born, sex)
        yield case(
            23,
            f"marks and particles: {given} {a}",
            "L",
            [
                ehr(person),
                lab(
                    {
                        **person,
                        "given_name": other,
                        "family_name": b,
                        **(k.home(1) | {"phone": person["phone"]} if n == 2 else {}),
                    }
                ),
            ],
        )


def mononyms() -> Iterator[Case]:
    """Row 24: FNU, LNU and NFN say that there is no such name."""
    for n, (country, family, given, born, sex) in enumerate([
        ("US", "Sukarno", "FNU", "1961-08-17", "M"), ("US", "Thiri", "LNU", "1995-02-12", "F"), ("US", "Gulalai", "NFN", "1988-12-25", "F"),
    ]):  # fmt: skip
        k = Kit(24, n, country)
        whole = k.person(1, None, family, born, sex, national_id=k.national_id())
        parts = (
            {"given_name": family, "family_name": given}
            if given == "LNU"
            else {"given_name": given, "family_name": family}
        )
        yield case(24, f"one name only: {family} and {given}", "L", [ehr(whole), claims({**whole, **parts})])


def placeholder_names() -> Iterator[Case]:
    """Rows 31 and 32: two placeholders are no agreement; test patients are matched with nobody."""
    for n, (a, b, sexes, dates) in enumerate([
        (("UNKNOWN", "UNKNOWN"), ("UNK", "UNK"), ("M", "M"), (None, None)), (("John", "Doe"), ("John", "Doe"), ("M", "M"), (None, None)),
        (("Trauma", "Alpha"), ("Trauma", "Alpha"), ("F", "M"), ("1900-01-01", "1900-01-01")),
        (("Anonymous", None), ("Anonymous", None), ("F", "F"), ("1980-01-01", "1980-01-01")),
    ]):  # fmt: skip
        k = Kit(31, n)
        bare = {
            "address_line": "500 Hospital Plaza",
            "city": "Fairmont",
            "postal_code": "44310",
            "phone": None,
            "multiple_birth": None,
        }
        first, second = (k.person(1 + i, *name, dates[i], sexes[i], **bare) for i, name in enumerate((a, b)))
        yield case(31, f"placeholder names: {' '.join(filter(None, a))}", "N", [ehr(first)], [ehr(second)])
    for n, (given, family, line) in enumerate(
        [("Mickey", "Mouse", None), ("Test", "ZZTEST", None), ("Alice", "Wonderly", "123 Test")]
    ):
        k = Kit(32, n)
        person = k.person(1, given, family, "1980-01-02", "M", **({"address_line": line} if line else {}))
        yield case(
            32, f"test patient: {given} {family}", "N", [ehr(person)], [lab({**person, "number": person["number"] + 1})]
        )


NAME_CASES = [
    found
    for row in (
        married, names_change_places, nicknames, double_surnames, common_names, transliterations, marks_and_particles,
        mononyms, placeholder_names,
    )
    for found in row()
]  # fmt: skip
