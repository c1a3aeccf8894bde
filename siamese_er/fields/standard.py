"""One batch of records in normal form: every field's rule applied, column by column."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from siamese_er.fields import dates, identifiers, regions
from siamese_er.fields.addresses import is_test_address, standard_address
from siamese_er.fields.contacts import standard_email, standard_phone
from siamese_er.fields.people import StandardNames, standard_names
from siamese_er.fields.sex import standard_sex
from siamese_er.fields.text import Standard, ascii_words

Values = tuple[str, ...]
# The order of schemas.STANDARD_COLUMNS, which cannot be imported here: schemas knows Spark. A test compares the two.
STANDARD_COLUMNS = (
    "given_names", "middle_names", "family_names", "former_family_names", "maiden_names", "suffixes", "birth_dates",
    "invalid_birth_dates", "death_dates", "sexes", "national_ids", "invalid_national_ids", "scoped_identifiers",
    "phones", "emails", "addresses", "cities", "states", "postal_codes", "countries", "birth_orders", "name_marks",
    "value_faults",
)  # fmt: skip
KEYS = ("record_key", "source", "record_id")
NAME_COLUMNS = (
    "given_name", "middle_name", "family_name", "former_family_name", "mother_maiden_name", "name_suffix", "full_name",
)  # fmt: skip
NAME_RESULTS = (
    "given_names", "middle_names", "family_names", "former_family_names", "maiden_names", "suffixes", "name_marks",
)  # fmt: skip


@dataclass(frozen=True)
class StandardRules:
    """What a site knows about its own values; hashable."""

    date_formats: tuple[str, ...] = ()
    """strptime formats tried before the built-in ones."""
    day_first: bool | None = None
    """05/04/1980: true day first, false month first, null unknown: month first, but day first between dots."""
    default_region: str = "US"
    """ISO country of phones, national ids and postal codes that do not say theirs."""
    placeholder_values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(contract column, further values that mean missing); compared as ASCII words."""


def value_texts(value: Any) -> Values:
    """The non-blank texts of one cell: a text, a list or array of texts, or a scalar; nulls vanish."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value and not value.isspace() else ()
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(text for item in value for text in value_texts(item))
    return () if pd.isna(value) else (str(value),)


def column_texts(records: pd.DataFrame, column: str) -> list[Values]:
    """The texts of a column, one tuple for each record; an absent column is missing everywhere."""
    if column not in records.columns:
        return [()] * len(records)
    return [value_texts(value) for value in records[column].tolist()]


def without_placeholders(
    cells: list[Values], placeholders: frozenset[str], column: str, faults: list[list[str]]
) -> None:
    """Drop a site's own placeholders from the cells, in place, with a fault for each record that had one."""
    for position, values in enumerate(cells):
        kept = tuple(value for value in values if ascii_words(value) not in placeholders)
        if len(kept) < len(values):
            cells[position] = kept
            faults[position].append(f"{column}:placeholder")


def distinct(values: Iterable[str]) -> list[str]:
    """The values without blanks and repetitions, in order."""
    return list(dict.fromkeys(value for value in values if value))


def standard_cells(
    column: str, cells: list[Values], standard: Callable[[str], Standard], faults: list[list[str]]
) -> tuple[list[list[str]], list[list[str]]]:
    """Normal forms and invalid forms of a column's cells; ``standard`` runs once for each distinct value."""
    known: dict[str, Standard] = {}
    valid: list[list[str]] = []
    invalid: list[list[str]] = []
    for position, values in enumerate(cells):
        kept, broken = [], []
        for value in values:
            found = known.get(value)
            if found is None:
                found = known[value] = standard(value)
            if found.value:
                kept.append(found.value)
            else:
                if found.invalid:
                    broken.append(found.invalid)
                if found.fault:
                    faults[position].append(f"{column}:{found.fault}")
        valid.append(kept if len(kept) < 2 else distinct(kept))
        invalid.append(broken if len(broken) < 2 else distinct(broken))
    return valid, invalid


def add_births_after_death(births: list[str], invalid: list[str], deaths: list[str], faults: list[str]) -> None:
    """Move birth dates after every death date of the record to its invalid ones, in place."""
    late = [birth for birth in births if all(dates.is_after(birth, death) for death in deaths)]
    for birth in late:
        births.remove(birth)
        invalid.append(birth.replace("-", ""))
        faults.append("birth_date:after_death")


def identifier_text(item: Any, name: str) -> str:
    """One text of a structured identifier, a dict or a Spark row; missing = empty."""
    text = item.get(name) if isinstance(item, dict) else getattr(item, name, None)
    return "" if text is None else str(text)


def add_identifiers(cell: Any, result: dict[str, list[str]], faults: list[str]) -> None:
    """Add one record's structured identifiers to its scoped ones, or to its national ids where their system says so."""
    for item in cell if isinstance(cell, (list, tuple, np.ndarray)) else ():
        system, kind, value = (identifier_text(item, name) for name in ("system", "type", "value"))
        if not value.strip():
            continue
        region = identifiers.national_region(system, kind)
        if region:
            standard = identifiers.national_id(value, region)
            result["national_ids"].append(standard.value)
            result["invalid_national_ids"].append(standard.invalid)
        else:
            standard = identifiers.scoped_identifier(system, kind, value)
            result["scoped_identifiers"].append(standard.value)
        if standard.fault:
            faults.append(f"identifiers:{standard.fault}")


def field_rules(rules: StandardRules) -> dict[str, tuple[str, str, Callable[[str], Standard]]]:
    """For each simple column: where valid and invalid forms go, and the rule of one value."""
    date = partial(dates.standard_date, formats=rules.date_formats, day_first=rules.day_first)
    region = rules.default_region.upper()
    return {
        "birth_date": ("birth_dates", "invalid_birth_dates", date),
        "death_date": ("death_dates", "", date),
        "sex": ("sexes", "", standard_sex),
        "national_id": ("national_ids", "invalid_national_ids", partial(identifiers.national_id, region=region)),
        "phone": ("phones", "", partial(standard_phone, region=region)),
        "email": ("emails", "", standard_email),
        "address_line": ("addresses", "", standard_address),
        "city": ("cities", "", regions.standard_city),
        "state": ("states", "", regions.standard_state),
        "postal_code": ("postal_codes", "", partial(regions.standard_postal_code, region=region)),
        "country": ("countries", "", regions.standard_country),
    }


def named_columns(cells: dict[str, list[Values]], faults: list[list[str]]) -> dict[str, list[list[str]]]:
    """The name columns of the batch; records that are named alike are standardised once."""
    known: dict[tuple[Values, ...], StandardNames] = {}
    columns: dict[str, list[list[str]]] = {name: [] for name in (*NAME_RESULTS, "birth_orders")}
    for position, written in enumerate(zip(*(cells[name] for name in NAME_COLUMNS), strict=True)):
        names = known.get(written)
        if names is None:
            names = known[written] = standard_names(*written)
        for name in columns:
            columns[name].append(list(getattr(names, name)))
        faults[position].extend(names.faults)
    return columns


def scoped_columns(records: pd.DataFrame, sources: list[str], result: dict[str, list[list[str]]],
                   mrns: list[Values], faults: list[list[str]]) -> None:  # fmt: skip
    """Fill scoped_identifiers from identifiers and mrn, in place."""
    cells = records["identifiers"].tolist() if "identifiers" in records.columns else [None] * len(records)
    result["scoped_identifiers"] = [[] for _ in cells]
    for position, cell in enumerate(cells):
        if cell is not None:
            names = ("national_ids", "invalid_national_ids", "scoped_identifiers")
            record = {name: result[name][position] for name in names}
            add_identifiers(cell, record, faults[position])
            for name in names:
                result[name][position] = distinct(record[name])
        for value in mrns[position]:
            standard = identifiers.scoped_identifier(f"mrn:{sources[position]}", "", value)
            if standard.value:
                result["scoped_identifiers"][position] = distinct(
                    [*result["scoped_identifiers"][position], standard.value]
                )
            else:
                faults[position].append(f"mrn:{standard.fault}")


def standard_batch(records: pd.DataFrame, rules: StandardRules) -> pd.DataFrame:
    """The records in normal form: keys and `schemas.STANDARD_COLUMNS`, each a list of texts, empty = missing.

    In:  columns of RECORDS, any of them absent; a cell is null, a text, or a list or array of texts.
    Out: one row for each row, in order; no list holds nulls, blanks or repetitions. ``value_faults`` says
    "column:reason" for each value that lost its evidence, never the value.
    """
    faults: list[list[str]] = [[] for _ in range(len(records))]
    simple = field_rules(rules)
    cells = {
        name: column_texts(records, name) for name in (*NAME_COLUMNS, *simple, "mrn", "birth_order", "multiple_birth")
    }
    for column, values in rules.placeholder_values:
        if column in cells:
            without_placeholders(cells[column], frozenset(map(ascii_words, values)), column, faults)
    result: dict[str, list[list[str]]] = named_columns(cells, faults)
    for column, (valid, invalid, standard) in simple.items():
        result[valid], broken = standard_cells(column, cells[column], standard, faults)
        if invalid:
            result[invalid] = broken
    sources = records["source"].astype(str).tolist() if "source" in records.columns else ["default"] * len(records)
    scoped_columns(records, sources, result, cells["mrn"], faults)
    for position in range(len(records)):
        complete_record(position, cells, result, faults[position])
    result["value_faults"] = [list(dict.fromkeys(found)) for found in faults]
    keys = {name: records[name].tolist() for name in KEYS if name in records.columns}
    columns = keys | {name: result[name] for name in STANDARD_COLUMNS}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def complete_record(position: int, cells: dict[str, list[Values]], result: dict[str, list[list[str]]],
                    faults: list[str]) -> None:  # fmt: skip
    """What needs several columns of one record: birth after death, birth orders, test addresses; in place."""
    if result["death_dates"][position] and result["birth_dates"][position]:
        add_births_after_death(
            result["birth_dates"][position],
            result["invalid_birth_dates"][position],
            result["death_dates"][position],
            faults,
        )
    orders = (*cells["birth_order"][position], *cells["multiple_birth"][position])
    if orders or result["birth_orders"][position]:
        written = [identifiers.birth_order(value).value for value in orders]
        result["birth_orders"][position] = distinct([*written, *result["birth_orders"][position]])
    marks = result["name_marks"][position]
    if "test" not in marks and any(is_test_address(value) for value in cells["address_line"][position]):
        marks.append("test")
