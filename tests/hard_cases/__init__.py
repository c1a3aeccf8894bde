"""The rows of the hard cases as records: situations in which patient matching goes wrong, and the answer to each."""

from hard_cases.contact import CONTACT_CASES
from hard_cases.dates import DATE_CASES
from hard_cases.families import FAMILY_CASES
from hard_cases.identifiers import IDENTIFIER_CASES
from hard_cases.kit import Case
from hard_cases.names import NAME_CASES
from hard_cases.records import RECORD_CASES

CASES: list[Case] = [
    *FAMILY_CASES, *NAME_CASES, *DATE_CASES, *IDENTIFIER_CASES, *CONTACT_CASES, *RECORD_CASES,
]  # fmt: skip
"""Every variant of every row; ids are unique."""
