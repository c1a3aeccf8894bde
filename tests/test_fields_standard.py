"""One batch in normal form: shapes of cells, several columns of one record, faults, laws."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er.fields.standard import KEYS, STANDARD_COLUMNS, StandardRules, standard_batch

SHARED_SETS = sorted(Path(__file__).parents[2].glob("shared/data/*/records.parquet"))


def standard(rules=None, **columns):
    """One record in normal form."""
    row = {"record_key": "s\x1fr", "source": "s", "record_id": "r", **columns}
    return standard_batch(pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in row.items()}),
                          rules or StandardRules()).iloc[0]  # fmt: skip


def test_standard_batch_without_columns_is_all_missing():
    result = standard_batch(pd.DataFrame({"record_key": ["k"], "source": ["s"], "record_id": ["r"]}), StandardRules())

    assert tuple(result.columns) == (*KEYS, *STANDARD_COLUMNS)
    assert all(result.iloc[0][name] == [] for name in STANDARD_COLUMNS)


def test_standard_batch_of_no_records():
    assert len(standard_batch(pd.DataFrame({"record_key": [], "source": [], "record_id": []}), StandardRules())) == 0


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(["Ann", None, " ", "ANN", "Bo"], id="list"),
        pytest.param(np.array(["Ann", None, "Bo"], dtype=object), id="array"),
        pytest.param(("Ann", float("nan"), "Bo"), id="tuple"),
    ],
)
def test_standard_batch_of_several_values(cell):
    assert standard(given_name=cell).given_names == ["ann", "bo"]


@pytest.mark.parametrize("cell", [None, "", "  ", float("nan"), pd.NaT, [], [None, ""], np.array([], dtype=object)])
def test_standard_batch_of_blank_cells(cell):
    record = standard(given_name=cell, birth_date=cell, phone=cell, national_id=cell, identifiers=cell, mrn=cell)

    assert all(record[name] == [] for name in STANDARD_COLUMNS)


def test_standard_batch_reads_date_objects():
    assert standard(birth_date=pd.Timestamp("1980-03-04").date()).birth_dates == ["1980-03-04"]
    assert standard(birth_date=pd.Timestamp("1980-03-04")).birth_dates == ["1980-03-04"]


def test_birth_after_death_is_invalid():
    record = standard(birth_date="1980-03-04", death_date="1979-12-31")

    assert (record.birth_dates, record.invalid_birth_dates) == ([], ["19800304"])
    assert record.value_faults == ["birth_date:after_death"]
    assert standard(birth_date="1980-03-04", death_date="1980-03-04").birth_dates == ["1980-03-04"]


def test_identifiers_and_mrns_are_scoped():
    item = {"system": "http://a.org", "type": "MR", "value": "00-12 A"}
    ssn = {"system": "http://hl7.org/fhir/sid/us-ssn", "type": None, "value": "020-64-9552"}

    record = standard(identifiers=[item, ssn, None, {"system": "x", "type": "", "value": "unknown"}], mrn="M-1")

    assert record.scoped_identifiers == ["http://a.org|mr|0012a", "mrn:s||m1"]
    assert record.national_ids == ["020649552"]
    assert record.value_faults == ["identifiers:placeholder"]


def test_birth_orders_come_from_three_places():
    assert standard(multiple_birth="2").birth_orders == ["2"]
    assert standard(multiple_birth="true", birth_order="1").birth_orders == ["1"]
    assert standard(given_name="Twin B").birth_orders == ["2"]


def test_suffixes_come_from_all_name_columns():
    record = standard(given_name="John", family_name="Smith Jr.", name_suffix="JR")

    assert (record.family_names, record.suffixes) == (["smith"], ["jr"])


def test_test_address_marks_a_test_patient():
    assert standard(given_name="Ann", family_name="Lee", address_line="123 Test").name_marks == ["test"]


def test_placeholder_values_of_the_site():
    rules = StandardRules(placeholder_values=(("phone", ("617-555-0123",)), ("city", ("Nowhere",))))

    record = standard(rules, phone="617 555 0123", city=["nowhere", "Boston"])

    assert (record.phones, record.cities) == ([], ["boston"])
    assert record.value_faults == ["phone:placeholder", "city:placeholder"]


def test_two_placeholders_are_never_agreement():
    left = standard(given_name="UNK", family_name="Unknown", birth_date="1900-01-01", phone="999-999-9999",
                    national_id="999-99-9999", address_line="General Delivery", postal_code="00000")  # fmt: skip

    evidence = set(STANDARD_COLUMNS) - {"name_marks", "value_faults"}
    assert all(left[name] == [] for name in evidence)
    assert left.value_faults == [
        "given_name:placeholder", "family_name:placeholder", "birth_date:default_date", "national_id:placeholder",
        "phone:placeholder", "address_line:group_address", "postal_code:placeholder",
    ]  # fmt: skip


ANY_COLUMNS = ("given_name", "family_name", "full_name", "birth_date", "sex", "national_id", "mrn", "phone", "email",
               "address_line", "city", "birth_order")  # fmt: skip
cells = st.one_of(st.none(), st.text(max_size=12), st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=3))


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(ANY_COLUMNS, cells)))
def test_any_text_gives_ascii_without_repetition(columns):
    record = standard(**columns)
    for name in STANDARD_COLUMNS:
        values = record[name]
        assert isinstance(values, list)
        assert len(set(values)) == len(values)
        assert all(value and value.isascii() and value == value.lower().strip() for value in values)


@pytest.mark.skipif(not SHARED_SETS, reason="the public benchmark sets are not beside this checkout")
@pytest.mark.parametrize("path", SHARED_SETS, ids=lambda path: path.parent.name)
def test_standard_batch_of_public_sets(path):
    written = pd.read_parquet(path).head(2000)
    result = standard_batch(written.assign(record_key=written.source + "\x1f" + written.record_id), StandardRules())

    n_named = written.family_name.notna().sum()
    assert (result.family_names.map(len) > 0).sum() >= 0.99 * n_named
    if "birth_date" in written:
        n_dated = written.birth_date.notna().sum()
        n_kept = (result.birth_dates.map(len) + result.invalid_birth_dates.map(len) > 0).sum()
        assert n_kept >= 0.98 * n_dated
