"""What the cases are written with: homes, numbers, and the habits of three sources."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from stdnum.gb import nhs

Record = dict[str, Any]
Answer = Literal["L", "R", "N"]
SOURCES = ("ehr", "lab", "claims")
LAB_LACKS = ("mother_maiden_name", "former_family_name", "email", "multiple_birth", "birth_order")
DIGITS = ("mrn", "national_id", "phone", "birth_date", "updated_at", "sex", "source", "record_id", "notes", "identifiers",
          "email", "sensitivity", "number")  # fmt: skip
PLACES = {
    "US": [("{n} Birchwood Dr", "Fairmont", "OH", "4431"), ("{n} W Sycamore Ave", "Brookhaven", "TX", "7702"),
           ("{n} Larkspur Ct Apt 7", "Elk Grove", "CA", "9575"), ("{n} Old Mill Rd", "Waverly", "GA", "3030")],
    "GB": [("{n} Chapel Lane", "Harrogate", "", "HG1 {n}QT"), ("Flat 3, {n} Station Road", "Leeds", "", "LS{n} 4DY"),
           ("{n} Abbey Close", "Norwich", "", "NR{n} 2BL")],
    "ES": [("Calle de Alcalá {n}", "Madrid", "Madrid", "2800{n}"), ("Avenida Diagonal {n}", "Barcelona", "Barcelona", "0800{n}"),
           ("Calle Sierpes {n}", "Sevilla", "Sevilla", "4100{n}")],
    "DE": [("Lindenstraße {n}", "Münster", "", "4814{n}"), ("Goethestr. {n}", "Jena", "", "0774{n}")],
    "PL": [("ul. Lipowa {n}", "Kraków", "", "30-00{n}"), ("ul. Polna {n}", "Gdańsk", "", "80-20{n}")],
    "UA": [("вул. Шевченка {n}", "Львів", "", "7900{n}"), ("вул. Франка {n}", "Київ", "", "0100{n}")],
}  # fmt: skip
DIAL = {"US": "", "GB": "+44 1423 5", "ES": "+34 91", "DE": "+49 251 8", "PL": "+48 12 4", "UA": "+380 44 "}
AREA_CODES = ("330", "713", "916", "404", "617", "503", "312", "206")


@dataclass(frozen=True)
class Case:
    """One variant of one row.

    ``people``: the records of each person. L: those of the first are one person, and nobody else is in it. R: whether the
    first two are one person is for a person to decide. N: all are different persons. Records of a person whom the row
    does not ask about are there as the competitor.
    """

    row: int
    name: str
    answer: Answer
    people: tuple[tuple[Record, ...], ...]

    @property
    def id(self) -> str:
        """Row and name in plain words."""
        return f"row {self.row} {self.name}"


def case(row: int, name: str, answer: Answer, *people: Iterable[Record]) -> Case:
    """A case whose records have their ids: opaque ones, so that no id tells the answer."""
    named, number = [], 0
    for records in people:
        own = []
        for record in records:
            number += 1
            serial = (sum(map(ord, f"{row} {name}")) * 7919 + row * 104_729 + number * 15_485_863) % 10**8
            own.append({"record_id": f"{serial:08d}-{row}-{number}", **record})
        named.append(tuple(own))
    return Case(row, name, answer, tuple(named))


class Kit:
    """Homes and numbers of one variant, which no other variant has."""

    def __init__(self, row: int, variant: int, country: str = "US") -> None:
        self.serial, self.country = row * 10 + variant, country

    def home(self, which: int = 0) -> Record:
        """An address with its telephone."""
        places, serial = PLACES[self.country], self.serial * 10 + which
        line, city, state, postal = places[(self.serial + which) % len(places)]
        postal = postal.replace("{n}", str(serial % 9 + 1)) + (str(self.serial % 10) if self.country == "US" else "")
        return {"address_line": line.replace("{n}", str(serial * 389 % 1999 + 1)), "city": city, "state": state or None,
                "postal_code": postal, "country": self.country, "phone": self.phone(which)}  # fmt: skip

    def phone(self, which: int = 0) -> str:
        """A telephone number as people of the country write it."""
        n = (self.serial * 7 + which * 1301) * 48_271
        if self.country == "US":
            return f"({AREA_CODES[self.serial % 8]}) {n % 700 + 210}-{n // 13 % 8999 + 1000}"
        return f"{DIAL[self.country]}{n % 900_000 + 100_000}"

    def national_id(self, which: int = 0) -> str:
        """A valid number of the country's kind."""
        n = (self.serial * 10 + which) * 48_611
        if self.country == "US":
            return f"{n % 500 + 120:03d}-{n // 7 % 90 + 10:02d}-{n // 11 % 8999 + 1000:04d}"
        if self.country == "GB":
            stems = (f"{943_000_000 + n % 999_983 + k}" for k in range(9))
            number = next(stem + digit for stem in stems for digit in "0123456789" if nhs.is_valid(stem + digit))
            return f"{number[:3]} {number[3:6]} {number[6:]}"
        if self.country == "ES":
            return f"{n % 90_000_000 + 10_000_000}{'TRWAGMYFPDXBNJZSQVHLCKE'[(n % 90_000_000 + 10_000_000) % 23]}"
        return f"{n * 13 % 89_999_999_999 + 10_000_000_000}"

    def person(self, which: int, given: str | None, family: str | None, born: str | None, sex: str | None = None,
               **more: Any) -> Record:  # fmt: skip
        """What the sources know of a person at the first home; more or other fields as named, None for none."""
        facts = {"given_name": given, "family_name": family, "birth_date": born, "sex": sex, **self.home(),
                 "multiple_birth": "false", "number": self.serial * 10 + which, **more}  # fmt: skip
        return facts


def mrn(source: str, number: int) -> str:
    """The record number that a source gives to a person."""
    return f"{(number * 48_271 + (17 if source == 'ehr' else 90_001)) % 8_999_993 + 1_000_000}"


def ehr(person: Record, **changes: Any) -> Record:
    """The person as the hospital's register writes them: with all that it knows."""
    record = {"updated_at": "2023-04-11 09:30:00", "mrn": mrn("ehr", person["number"]), **person, **changes}
    return {
        "source": "ehr",
        **{name: value for name, value in record.items() if value is not None and name != "number"},
    }


def lab(person: Record, **changes: Any) -> Record:
    """The person as the laboratory writes them: in capitals, without e-mail, mother and birth order."""
    kept = {name: value for name, value in person.items() if name not in LAB_LACKS}
    record = {"updated_at": "2023-09-02 15:05:00", "mrn": mrn("lab", person["number"]), **kept, **changes}
    return {"source": "lab", **upper(record)}


def claims(person: Record, **changes: Any) -> Record:
    """The person as the insurer writes them: in capitals, 1 and 2 for the sex, no record number."""
    record = {"updated_at": "2024-01-19 00:00:00", **person, **changes}
    record.pop("mrn", None)
    if record.get("sex") in ("M", "F"):
        record["sex"] = {"M": "1", "F": "2"}[record["sex"]]
    return {"source": "claims", **upper(record)}


def upper(record: Record) -> Record:
    """The record with names and places in capitals."""
    return {name: value.upper() if isinstance(value, str) and name not in DIGITS else value
            for name, value in record.items() if value is not None and name != "number"}  # fmt: skip
