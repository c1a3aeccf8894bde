"""The comparisons of two records: which columns, which levels, and what each level is called.

Level 0 is always "missing", 1 "different"; greater levels are closer. To add a comparison, add an entry here and its m in
the model (``jobs/train.py`` learns it); nothing else lists them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from siamese_er.linkage import dates, levels
from siamese_er.linkage.values import PairComparer

MISSING = "missing"


@dataclass(frozen=True)
class Comparison:
    """One comparison: ``labels[k]`` is level k; ``equal_level`` is the level of two equal values, by value."""

    name: str
    column: str
    labels: tuple[str, ...]
    compare: PairComparer
    group: str
    equal_level: Callable[[str], int] | None = None
    near_column: str | None = None  # further values: invalid ones, worth a near miss, or former names
    frequency: bool = False  # whether the rarity of an agreeing value in the table counts

    @property
    def top(self) -> int:
        """The greatest level."""
        return len(self.labels) - 1


def equal_date(value: str) -> int:
    """Level of two equal dates: an impossible one is no better than a near miss, 1 January is often a default."""
    if value.isdigit() and len(value) == 8:
        return dates.ONE_EDIT
    if len(value) < 10:
        return dates.PARTIAL
    return dates.FIRST_OF_YEAR if value.endswith("-01-01") else dates.EQUAL


def equal_code(value: str) -> int:
    """Level of two equal identifiers: last four alone, or invalid ones, are less than agreement."""
    if value.startswith("last4:"):
        return 2
    return 3 if value.startswith("invalid:") else 4


def equal_address(value: str) -> int:
    """Level of two equal address lines: without any number they name a street or a place, not a home."""
    return 5 if any(character.isdigit() for character in value) else 3


def equal_given(value: str) -> int:
    """Level of two equal given names: an initial is only an initial."""
    return 2 if len(value) == 1 else 7


DATE_LABELS = (
    MISSING, "different", "same_year", "same_month_and_day", "agrees_as_far_as_known", "one_error", "day_month_swapped",
    "equal_on_1_january", "equal",
)  # fmt: skip
CODE_LABELS = (MISSING, "different", "last_four", "one_error", "equal")
SWAPPED_GIVEN, SWAPPED_FAMILY = 8, 6

COMPARISONS = (
    Comparison("given_name", "given_names",
               (MISSING, "different", "initial", "near", "close", "nickname", "part", "equal", "swapped"),
               levels.given_levels, "person", equal_given, frequency=True),
    Comparison("family_name", "family_names", (MISSING, "different", "near", "close", "part", "equal", "swapped"),
               levels.family_levels, "person", lambda _: 5, "former_family_names", frequency=True),
    Comparison("middle_name", "middle_names", (MISSING, "different", "initial", "close", "equal"),
               levels.middle_levels, "person", lambda value: 2 if len(value) == 1 else 4),
    Comparison("name_suffix", "suffixes", (MISSING, "different", "equal"), levels.exact_levels, "person"),
    Comparison("birth_date", "birth_dates", DATE_LABELS, dates.date_levels, "person", equal_date,
               "invalid_birth_dates", frequency=True),
    Comparison("sex", "sexes", (MISSING, "different", "equal"), levels.exact_levels, "person"),
    Comparison("national_id", "national_ids", CODE_LABELS, levels.code_levels, "identifier", equal_code,
               "invalid_national_ids", frequency=True),
    Comparison("identifier", "scoped_identifiers", CODE_LABELS, levels.code_levels, "identifier", frequency=True),
    Comparison("phone", "phones", (MISSING, "different", "near", "equal"), levels.phone_levels, "contact",
               frequency=True),
    Comparison("email", "emails", (MISSING, "different", "local_part", "near", "equal"), levels.email_levels,
               "contact", frequency=True),
    Comparison("address_line", "addresses",
               (MISSING, "different", "same_street", "near", "same_but_unit", "equal"),
               levels.address_levels, "contact", equal_address, frequency=True),
    Comparison("city", "cities", (MISSING, "different", "near", "equal"), levels.word_levels, "contact",
               frequency=True),
    Comparison("state", "states", (MISSING, "different", "equal"), levels.exact_levels, "contact"),
    Comparison("postal_code", "postal_codes", (MISSING, "different", "near", "equal"), levels.postal_levels,
               "contact", frequency=True),
    Comparison("mother_maiden_name", "maiden_names", (MISSING, "different", "near", "close", "part", "equal"),
               levels.family_levels, "person", lambda _: 5),
)  # fmt: skip
INDEX = {comparison.name: position for position, comparison in enumerate(COMPARISONS)}
FREQUENCY_COLUMNS = tuple(comparison.column for comparison in COMPARISONS if comparison.frequency)
