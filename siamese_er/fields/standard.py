"""One batch of records in normal form: every field's rule applied, column by column, to each distinct text once."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from siamese_er.fields import dates, identifiers, regions
from siamese_er.fields.addresses import is_test_address, standard_address
from siamese_er.fields.cells import STRINGS, Cells, Values, cells_of, distinct, no_cells, standard_cells, written_cells
from siamese_er.fields.contacts import standard_email, standard_phone
from siamese_er.fields.people import standard_names
from siamese_er.fields.sex import standard_sex
from siamese_er.fields.text import Standard, ascii_words

Faults = dict[int, list[str]]
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
IDENTIFIERS = pa.list_(pa.struct({name: pa.string() for name in ("system", "type", "value")}))
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
    for item in cell:
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


def without_placeholders(cells: Cells, placeholders: frozenset[str], column: str, faults: Faults) -> Cells:
    """The cells without a site's own placeholders, with a fault for each record that had one."""
    is_placeholder = cells.of(lambda value: ascii_words(value) in placeholders)
    for row in np.unique(cells.rows[is_placeholder]).tolist():
        faults[row].append(f"{column}:placeholder")
    return cells.where(~is_placeholder)


def named_columns(cells: Mapping[str, Cells], faults: Faults) -> dict[str, pa.Array]:
    """The name columns of the batch; records that are named alike are standardised once."""
    known: dict[tuple[Values, ...], int] = {}
    codes = [
        known.setdefault(written, len(known))
        for written in zip(*(cells[name].lists() for name in NAME_COLUMNS), strict=True)
    ]
    names = [standard_names(*written) for written in known]
    faulty = {code: found.faults for code, found in enumerate(names) if found.faults}
    if faulty:
        for row, code in enumerate(codes):
            if code in faulty:
                faults[row].extend(faulty[code])
    of_row = pa.array(codes, pa.int64())
    return {
        name: pa.array([getattr(found, name) for found in names], STRINGS).take(of_row)
        for name in (*NAME_RESULTS, "birth_orders")
    }


@dataclass
class Rewritten:
    """Columns of which some rows are written anew."""

    columns: dict[str, pa.Array]

    def __post_init__(self) -> None:
        self.lists: dict[str, list[list[str]]] = {}

    def row(self, name: str, row: int) -> list[str]:
        """The list of a row, to be changed in place."""
        if name not in self.lists:
            self.lists[name] = self.columns[name].to_pylist()
        return self.lists[name][row]

    def set(self, name: str, row: int, texts: list[str]) -> None:
        """Another list for a row."""
        self.row(name, row)[:] = texts

    def finished(self) -> dict[str, pa.Array]:
        """All columns as they are now."""
        return self.columns | {name: pa.array(lists, STRINGS) for name, lists in self.lists.items()}


def add_scoped(result: Rewritten, structured: list[Any], sources: list[str], mrns: Cells, faults: Faults) -> None:
    """Add structured identifiers and medical record numbers to the scoped ones, in place."""
    names = ("national_ids", "invalid_national_ids", "scoped_identifiers")
    numbers: dict[int, list[str]] = defaultdict(list)
    for row, code in zip(mrns.rows.tolist(), mrns.codes.tolist(), strict=True):
        numbers[row].append(mrns.values[code])
    with_identifiers = {row for row, cell in enumerate(structured) if cell is not None and len(cell)}
    for row in sorted(with_identifiers | numbers.keys()):
        if row in with_identifiers:
            record = {name: result.row(name, row) for name in names}
            add_identifiers(structured[row], record, faults[row])
            for name in names:
                result.set(name, row, distinct(record[name]))
        for value in numbers[row]:
            standard = identifiers.scoped_identifier(f"mrn:{sources[row]}", "", value)
            if standard.value:
                result.set(
                    "scoped_identifiers", row, distinct([*result.row("scoped_identifiers", row), standard.value])
                )
            else:
                faults[row].append(f"mrn:{standard.fault}")


def complete_records(result: Rewritten, cells: Mapping[str, Cells], n_deaths: np.ndarray, faults: Faults) -> None:
    """What needs several columns of one record: birth after death, birth orders, test addresses; in place."""
    n_births = lengths(result.columns["birth_dates"])
    for row in np.flatnonzero((n_deaths > 0) & (n_births > 0)).tolist():
        births, invalid, deaths = (
            result.row(name, row) for name in ("birth_dates", "invalid_birth_dates", "death_dates")
        )
        add_births_after_death(births, invalid, deaths, faults[row])
    orders = [cells[name].lists() for name in ("birth_order", "multiple_birth")]
    of_names = lengths(result.columns["birth_orders"]) > 0
    has = np.isin(
        np.arange(len(of_names)), np.concatenate([cells[name].rows for name in ("birth_order", "multiple_birth")])
    )
    for row in np.flatnonzero(of_names | has).tolist():
        written = [identifiers.birth_order(value).value for column in orders for value in column[row]]
        result.set("birth_orders", row, distinct([*written, *result.row("birth_orders", row)]))
    addresses = cells["address_line"]
    for row in np.unique(addresses.rows[addresses.of(is_test_address)]).tolist():
        if "test" not in (marks := result.row("name_marks", row)):
            marks.append("test")


def lengths(lists: pa.Array) -> np.ndarray:
    """How many texts each row has."""
    return np.diff(lists.offsets.to_numpy())


def standard_columns(written: Mapping[str, pa.Array], n_rows: int, rules: StandardRules) -> dict[str, pa.Array]:
    """`schemas.STANDARD_COLUMNS` of a batch of RECORDS, as lists of texts; see `standard_batch`."""
    faults: Faults = defaultdict(list)
    simple = field_rules(rules)
    wanted = (*NAME_COLUMNS, *simple, "mrn", "birth_order", "multiple_birth")
    cells = {name: cells_of(written[name]) if name in written else no_cells(n_rows) for name in wanted}
    for column, values in rules.placeholder_values:
        if column in cells:
            cells[column] = without_placeholders(cells[column], frozenset(map(ascii_words, values)), column, faults)
    columns = named_columns(cells, faults)
    for column, (valid, invalid, standard) in simple.items():
        found, broken, column_faults = standard_cells(cells[column], standard)
        columns[valid] = found.listed()
        if invalid:
            columns[invalid] = broken.listed()
        for row, fault in column_faults:
            faults[row].append(f"{column}:{fault}")
    columns["scoped_identifiers"] = no_cells(n_rows).listed()
    sources = written["source"].to_pylist() if "source" in written else ["default"] * n_rows
    structured = written["identifiers"].to_pylist() if "identifiers" in written else []
    result = Rewritten(columns)
    add_scoped(result, structured, [str(source) for source in sources], cells["mrn"], faults)
    complete_records(result, cells, lengths(columns["death_dates"]), faults)
    listed = [list(dict.fromkeys(faults[row])) if row in faults else [] for row in range(n_rows)]
    return result.finished() | {"value_faults": pa.array(listed, STRINGS)}


def standard_arrow(records: pa.RecordBatch, rules: StandardRules) -> pa.RecordBatch:
    """STANDARDISED of a batch of RECORDS; see `standard_batch`."""
    written = dict(zip(records.schema.names, records.columns, strict=True))
    columns = standard_columns(written, records.num_rows, rules)
    names = [name for name in (*KEYS, *STANDARD_COLUMNS) if name in columns or name in written]
    return pa.RecordBatch.from_arrays([columns[name] if name in columns else written[name] for name in names], names)


def standard_batch(records: pd.DataFrame, rules: StandardRules) -> pd.DataFrame:
    """The records in normal form: keys and `schemas.STANDARD_COLUMNS`, each a list of texts, empty = missing.

    In:  columns of RECORDS, any of them absent; a cell is null, a text, or a list or array of texts.
    Out: one row for each row, in order; no list holds nulls, blanks or repetitions. ``value_faults`` says
    "column:reason" for each value that lost its evidence, never the value.
    """
    texts = (*NAME_COLUMNS, *field_rules(rules), "mrn", "birth_order", "multiple_birth")
    written = {name: written_cells(records[name].tolist()) for name in texts if name in records.columns}
    if "source" in records.columns:
        written["source"] = pa.array(records["source"].astype(str).tolist(), pa.string())
    if "identifiers" in records.columns:
        written["identifiers"] = pa.array([dicts_of(cell) for cell in records["identifiers"].tolist()], IDENTIFIERS)
    columns = {name: column.to_pylist() for name, column in standard_columns(written, len(records), rules).items()}
    keys = {name: records[name].tolist() for name in KEYS if name in records.columns}
    found = keys | {name: columns[name] for name in STANDARD_COLUMNS}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in found.items()})


def dicts_of(cell: Any) -> list[dict[str, str]] | None:
    """A cell of structured identifiers (dicts or Spark rows) as dicts; null where it is no list."""
    if not isinstance(cell, (list, tuple, np.ndarray)):
        return None
    return [{name: identifier_text(item, name) for name in ("system", "type", "value")} for item in cell]
