"""Sex, clusters, death, notes, thin and restricted records: rows 47, 48, 52 to 61."""

from collections.abc import Iterator

from hard_cases.kit import Case, Kit, Record, case, claims, ehr, lab

NORMAL_EXAM = (
    "General: well appearing, in no acute distress. Head: normocephalic, atraumatic. Neck: supple. Chest: clear to auscultation"
    " bilaterally. Heart: regular rate and rhythm, no murmurs. Abdomen: soft, not tender. Extremities: no oedema. Neurological:"
    " alert and oriented, no focal deficit. Skin: warm and dry. Plan: return as needed, all questions answered."
)


def noted(record: Record, *notes: tuple[str, str, str]) -> Record:
    """The record with notes of (date, type, text)."""
    return {**record, "notes": list(notes)}


def sex_differs() -> Iterator[Case]:
    """Row 47: an error, a transition, or twins of two sexes."""
    for n, (country, given, family, born, ids) in enumerate([
        ("US", "Jordan", "Ellsworth", "1991-06-24", True), ("GB", "Robin", "Tamsworth", "1977-03-11", False), ("US", "Avery", "Quintero", "2005-09-18", False),
    ]):  # fmt: skip
        k = Kit(47, n, country)
        person = k.person(1, given, family, born, "F", national_id=k.national_id() if ids else None)
        yield case(47, f"sex differs: {given} {family}", "R", [ehr(person)], [lab({**person, "sex": "M"})])


def bridge_records() -> Iterator[Case]:
    """Row 48: a record that fits two persons joins neither."""
    for n, (given, family, older, younger) in enumerate([
        ("George", "Blankenship", "1948-04-12", "1976-09-01"), ("Victor", "Santangelo", "1952-11-30", "1981-02-14"), ("Samuel", "Oyelowo", "1957-01-25", "1985-07-19"),
    ]):  # fmt: skip
        k = Kit(48, n)
        first = k.person(1, given, family, older, "M", national_id=k.national_id(1))
        second = k.person(2, given, family, younger, "M", national_id=k.national_id(2))
        between = k.person(3, given, family, None, "M")
        yield case(
            48,
            f"a record between father and son: {given} {family}",
            "R",
            [lab(between)],
            [ehr(first), claims(first)],
            [ehr(second), claims(second)],
        )


def deceased_or_elsewhere() -> Iterator[Case]:
    """Rows 52 and 53: a visit after the death; one patient in two hospitals on one day."""
    for n, (given, family, born, sex, died, seen) in enumerate([
        ("Ruben", "Aldridge", "1943-02-27", "M", "2019-03-01", "2021-08-15"), ("Opal", "Jennings", "1937-12-09", "F", "2020-11-20", "2022-05-04"),
        ("Curtis", "Maddox", "1966-10-03", "M", "2017-06-30", "2018-01-09"),
    ]):  # fmt: skip
        k = Kit(52, n)
        person = k.person(1, given, family, born, sex)
        text = f"Clinic visit. {seen}. Patient seen in person for blood pressure, doing well on lisinopril. Follow-up in three months."
        first = ehr(person, death_date=died, updated_at=f"{died} 10:00:00")
        second = noted(
            lab({**person, **k.home(1), "phone": person["phone"]}, updated_at=f"{seen} 11:00:00"),
            (seen, "progress note", text),
        )
        yield case(52, f"seen after the death: {given} {family}", "R", [first], [second])
    for n, (given, family, born, sex) in enumerate(
        [
            ("Infant", "Delacroix", "2023-01-15", "F"),
            ("Nathan", "Speer", "1980-08-26", "M"),
            ("Opal", "Vandermeer", "1955-05-31", "F"),
        ]
    ):
        k = Kit(53, n)
        person = k.person(1, given, family, born, sex)
        days = ("2023-02-10", "2023-02-11")
        first = noted(
            ehr(person),
            *(
                (
                    day,
                    "inpatient note",
                    f"Hospital day. {day}. Remains on the ward, stable overnight, antibiotics continued.",
                )
                for day in days
            ),
        )
        second = noted(
            claims(person),
            *(
                (day, "inpatient note", f"{day}: admitted under orthopaedics, day case cancelled, remains in traction.")
                for day in days
            ),
        )
        yield case(53, f"in two hospitals on one day: {given} {family}", "R", [first], [second])


def notes_of_one_or_none() -> Iterator[Case]:
    """Row 54: a missing note is neutral."""
    text = (
        "Seen for type 2 diabetes. HbA1c 7.4 %. Metformin continued, foot examination normal. Eye screening arranged."
    )
    for n, (country, given, family, born, sex, with_notes) in enumerate([
        ("US", "Bridget", "Mulcahy", "1972-02-02", "F", (True, False)), ("GB", "Desmond", "Achara", "1959-06-17", "M", (False, True)), ("US", "Elena", "Markovic", "1986-09-29", "F", (False, False)),
    ]):  # fmt: skip
        k = Kit(54, n, country)
        person = k.person(1, given, family, born, sex)
        records = [ehr(person), lab(person)]
        records = [
            noted(record, ("2023-05-05", "progress note", text)) if has else record
            for record, has in zip(records, with_notes, strict=True)
        ]
        yield case(54, f"notes on {sum(with_notes)} of two records: {given} {family}", "L", records)


def notes_alike() -> Iterator[Case]:
    """Rows 55, 58 and 59: templates, relatives and rare diseases tell of no person."""
    for n, (family, a, b, sexes) in enumerate([
        ("Hollis", ("Janet", "1961-04-18"), ("Janice", "1963-10-10"), "FF"), ("Ferreira", ("Bruno", "1999-08-08"), ("Bruna", "2001-12-03"), "MF"),
        ("Ito", ("Ken", "1985-02-22"), ("Kei", "1988-05-16"), "MM"),
    ]):  # fmt: skip
        k = Kit(55, n)
        first, second = (
            k.person(i, name, family, day, sex) for i, (name, day), sex in zip((1, 2), (a, b), sexes, strict=True)
        )
        note = ("2023-07-07", "physical examination", NORMAL_EXAM)
        yield case(
            55,
            f"one template in two charts: {a[0]} and {b[0]} {family}",
            "N",
            [noted(ehr(first), note)],
            [noted(lab(second), note)],
        )
    history = ("Family history: mother has breast cancer at 46 and carries BRCA2, maternal aunt ovarian cancer, grandfather colon cancer at 51."
               " Genetic counselling offered. Mammography and MRI yearly from the age of 30.")  # fmt: skip
    for n, (family, a, b, born) in enumerate([
        ("Sorensen", "Kirsten", "Karin", ("1984-03-09", "1987-07-31")), ("Blackwood", "Tessa", "Jessa", ("1990-11-05", "1992-11-05")), ("Amari", "Leila", "Lena", ("1979-01-16", "1981-06-28")),
    ]):  # fmt: skip
        k = Kit(58, n)
        first, second = (k.person(1 + i, name, family, born[i], "F") for i, name in enumerate((a, b)))
        yield case(58, f"sisters with one family history: {a} and {b} {family}", "N", [noted(ehr(first), ("2023-03-03", "consult", history))],
                   [noted(lab(second), ("2023-04-04", "consult", history.replace("at 46", "aged 46")))])  # fmt: skip
    for n, (a, b, dates, sex, disease) in enumerate([
        (("Laura", "Fischer"), ("Laura", "Fisher"), ("1988-02-12", "1993-12-08"), "F", "Gaucher disease type 1 on imiglucerase"),
        (("Thomas", "Reed"), ("Thomas", "Reed"), ("1970-05-05", "1982-09-21"), "M", "Erdheim-Chester disease, BRAF V600E, on vemurafenib"),
        (("Emily", "Chen"), ("Emma", "Chen"), ("2010-04-14", "2011-10-02"), "F", "Niemann-Pick disease type C on miglustat"),
    ]):  # fmt: skip
        k = Kit(59, n)
        first = k.person(1, *a, dates[0], sex)
        second = k.person(2, *b, dates[1], sex, **k.home(1))
        yield case(59, f"one rare disease: {disease.split()[0]}", "N",
                   [noted(ehr(first), ("2023-02-01", "clinic letter", f"Thank you for seeing this patient with {disease}. Spleen 18 cm, platelets 90. Stable, bone pain better."))],
                   [noted(lab(second), ("2023-10-01", "clinic letter", f"Known {disease}. Spleen 17 cm, platelets 95. Stable, bone pain improved."))])  # fmt: skip


def wrong_charts() -> Iterator[Case]:
    """Rows 56 and 57: a note that tells of another person holds the link back."""
    for n, (country, given, family, born, sex, text) in enumerate([
        ("US", "Melissa", "Trujillo", "1990-03-21", "F", "Patient: Harold Jenkins. DOB: 07/02/1948. Sex: M. Mr. Jenkins is a 75-year-old man admitted with heart failure."),
        ("GB", "Peter", "Ollerton", "1955-08-13", "M", "Name: Amelia Stokes. Date of birth: 19/01/1997. Ms Stokes is a 26 year old woman seen in antenatal clinic at 30 weeks."),
        ("US", "Hannah", "Bellweather", "2012-12-12", "F", "Patient name: George Tanaka. Date of birth: 1960-05-05. Mr Tanaka, a 63-year-old male smoker, was seen for COPD."),
    ]):  # fmt: skip
        k = Kit(56, n, country)
        person = k.person(1, given, family, born, sex)
        yield case(56, f"a note of another person in the chart: {given} {family}", "R", [ehr(person)],
                   [noted(lab(person), ("2023-06-06", "discharge summary", text))])  # fmt: skip
    for n, (country, given, family, born, sex, text) in enumerate([
        ("US", "Kimberly", "Vasquez", "1993-05-19", "F", "This is a 67-y-old man s/p below-knee amputation, here for wound check. He denies fever. His wife is present."),
        ("GB", "Oliver", "Swain", "2001-02-02", "M", "84-year-old woman with osteoporosis, fell at home. She lives in sheltered housing. Left hip fracture, for theatre."),
        ("US", "Gladys", "Thorne", "1940-09-09", "F", "9-month-old boy with bronchiolitis, brought by his mother. He is feeding poorly. Immunisations up to date."),
    ]):  # fmt: skip
        k = Kit(57, n, country)
        person = k.person(1, given, family, born, sex)
        yield case(57, f"a note contradicts the register: {given} {family}", "R", [ehr(person)],
                   [noted(lab(person), ("2023-06-06", "progress note", text))])  # fmt: skip


def thin_and_restricted() -> Iterator[Case]:
    """Rows 60 and 61: name and birth date alone; records of which only people decide."""
    bare = dict.fromkeys(("address_line", "city", "state", "postal_code", "country", "phone", "multiple_birth"))
    for n, (given, family, born) in enumerate(
        [("Susan", "Miller", "1967-06-15"), ("Kevin", "Young", "1990-10-04"), ("Olympia", "Drakopoulos", "1981-03-27")]
    ):
        k = Kit(60, n)
        person = k.person(1, given, family, born, None, **bare)
        yield case(
            60, f"name and birth date alone: {given} {family}", "R", [ehr(person, mrn=None)], [lab(person, mrn=None)]
        )
    for n, (given, family, born, sex) in enumerate(
        [
            ("Renata", "Colombo", "1974-08-08", "F"),
            ("Julian", "Ashcroft", "1958-01-29", "M"),
            ("Tamika", "Freeland", "1995-11-11", "F"),
        ]
    ):
        k = Kit(61, n)
        person = k.person(1, given, family, born, sex, national_id=k.national_id())
        yield case(
            61, f"a restricted record: {given} {family}", "N", [ehr(person)], [claims(person, sensitivity="restricted")]
        )


RECORD_CASES = [
    found
    for row in (
        sex_differs, bridge_records, deceased_or_elsewhere, notes_of_one_or_none, notes_alike, wrong_charts,
        thin_and_restricted,
    )
    for found in row()
]  # fmt: skip
