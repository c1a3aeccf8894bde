import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linkage_records import table_of

from siamese_er.config import BlockingSettings
from siamese_er.linkage.keys import LEAST_BITS, PASS_NAMES, bits_of_table, blocking_keys

PASSES = BlockingSettings().passes
STRINGS = pa.list_(pa.string())


def shared(first, second):
    """The passes of which two records of a table without notes share a key."""
    return shared_of(table_of(first, second), BlockingSettings().of_table(has_notes=False).passes)


def shared_of(table, passes=PASSES):
    """The passes of which the two records of a table share a key."""
    rows, keys, kinds = blocking_keys(table, passes)
    of = [{(key, kind) for row, key, kind in zip(rows, keys, kinds, strict=True) if row == side} for side in (0, 1)]
    return {PASS_NAMES[kind] for _, kind in of[0] & of[1]}


@pytest.mark.parametrize(
    ("first", "second", "passes"),
    [
        pytest.param({"national_id": "219-45-0049"}, {"national_id": "219450049"}, {"national_id"}, id="one id"),
        pytest.param({"national_id": "xxx-xx-0049"}, {"national_id": "xxx-xx-0049"}, set(), id="last four are no key"),
        pytest.param({"phone": "617-555-0123"}, {"phone": "(617) 555 0123"}, {"phone"}, id="one phone"),
        pytest.param({"birth_date": "1980-03-04"}, {"birth_date": "1980-03-04"}, {"birth_date"}, id="one birth date"),
        pytest.param({"birth_date": "1980"}, {"birth_date": "1980"}, set(), id="a year is no key"),
        pytest.param(
            {"given_name": "Jose", "family_name": "Singleton"}, {"given_name": "Singleton", "family_name": "Jose"},
            {"names", "names_spelled"}, id="names exchanged",
        ),
        pytest.param(
            {"given_name": "Ness Timothy"}, {"given_name": "Timothy", "family_name": "Ness"},
            {"names", "names_spelled"}, id="both names in one field",
        ),
        pytest.param(
            {"given_name": "Philip", "family_name": "Lee", "birth_date": "1980-03-04"},
            {"given_name": "Phillip", "family_name": "Leigh", "birth_date": "1980-09-09"},
            {"names"}, id="names that sound alike, another day of the year",
        ),
        pytest.param(
            {"given_name": "Sue", "family_name": "Pierson"}, {"given_name": "Susan", "family_name": "Pierson"},
            {"names"}, id="a nickname and what it stands for",
        ),
        pytest.param(
            {"given_name": "Bob", "family_name": "Lee"}, {"given_name": "Robbie", "family_name": "Lee"},
            {"names"}, id="two nicknames of one name",
        ),
        pytest.param(
            {"given_name": "Jim", "family_name": "Gildea", "birth_date": "1980-03-04"},
            {"given_name": "James", "family_name": "Gildae", "birth_date": "1980-09-09"},
            {"names", "names_birth_year"}, id="a nickname, a year and a mistyped surname",
        ),
        pytest.param({"given_name": "Sue"}, {"given_name": "Susan"}, set(), id="a nickname alone is no key"),
        pytest.param(
            {"family_name": "Cole", "birth_date": "1980-03-04"}, {"family_name": "Cole", "birth_date": "1981-04-03"},
            {"birth_day_name"}, id="day and month exchanged, another year",
        ),
        pytest.param(
            {"address_line": "12 Oak St", "city": "Troy"}, {"address_line": "12 Oak Street Apt 4", "city": "Troy"},
            {"address"}, id="one home",
        ),
        pytest.param({"address_line": "Oak St"}, {"address_line": "Oak St"}, set(), id="a street is no home"),
        pytest.param(
            {"address_line": "Calle Mayor 12", "city": "Toledo"}, {"address_line": "C/ Mayor, nº 12", "city": "Toledo"},
            {"address"}, id="one home in Spain",
        ),
        pytest.param(
            {"address_line": "12 rue des Lilas", "city": "Lyon"}, {"address_line": "12 rue Voltaire", "city": "Lyon"},
            set(), id="a type of street is no street",
        ),
        pytest.param({}, {}, set(), id="nothing in common but absence"),
        pytest.param({"given_name": "UNKNOWN"}, {"given_name": "UNKNOWN"}, set(), id="two placeholders"),
    ],
)  # fmt: skip
def test_blocking_keys(first, second, passes):
    assert shared(first, second) == passes


RECORD = st.fixed_dictionaries(
    {
        "given_name": st.sampled_from(["Ann", "Bob", "Mary Ann", None]),
        "family_name": st.sampled_from(["Lee", "García López", None]),
        "birth_date": st.sampled_from(["1980-03-04", "1980", None]),
        "phone": st.sampled_from(["617-555-0123", None]),
    }
)


@given(RECORD, RECORD)
def test_a_missing_field_never_adds_a_shared_pass(first, second):
    fewer = {**first, "birth_date": None}

    assert shared(fewer, second) <= shared(first, second)


@given(RECORD, RECORD)
def test_more_passes_propose_no_fewer_pairs(first, second):
    table = table_of(first, second)

    some, all_keys = (set(blocking_keys(table, passes)[1].tolist()) for passes in (PASSES[:3], PASSES))

    assert some <= all_keys


@pytest.mark.parametrize(
    ("first", "second", "passes"),
    [
        pytest.param(["1950:1951"], ["1951:1952"], {"name_noted_year"}, id="ages of two notes"),
        pytest.param(["1950:1951"], ["1952:1953"], set(), id="two years apart"),
        pytest.param(["1950:1951"], None, set(), id="notes of one side"),
    ],
)
def test_years_of_notes_make_keys(first, second, passes):
    table = table_of({"family_name": "Cole", "given_name": "Al"}, {"family_name": "Colewell"})

    assert shared_of(table.append_column("note_births", pa.array([first, second], STRINGS))) == passes


def test_a_birth_date_meets_a_year_of_notes_under_any_name():
    record = {"given_name": "Luis", "family_name": "Bitter", "birth_date": "1949-03-08"}
    noted = table_of(record, {"given_name": "Luis"}).append_column(
        "note_births", pa.array([None, ["1948:1949"]], STRINGS)
    )

    assert shared_of(noted) == {"name_noted_year"}
    assert "name_noted_year" not in BlockingSettings().of_table(has_notes=False).passes
    assert BlockingSettings(passes=("name_noted_year",)).of_table(has_notes=False).passes == ("name_noted_year",)


def test_a_year_of_notes_stands_for_a_missing_birth_date():
    table = table_of({"given_name": "Albert", "family_name": "Cole", "birth_date": "1950-05-06"},
                     {"given_name": "Albin", "family_name": "Coles"})  # fmt: skip

    assert "names_birth_year" in shared_of(table.append_column("note_births", pa.array([None, ["1950:1951"]], STRINGS)))
    assert "names_birth_year" not in shared_of(table)


def learned_meetings(vectors, n_bits):
    """How many pairs share a key of the learned pass, once for each key."""
    table = pa.table({"record_vector": pa.array([row.tobytes() for row in vectors], pa.binary())})
    _, keys, _ = blocking_keys(table, ("learned",), n_bits)
    sizes = np.unique(keys, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def test_a_record_meets_as_many_by_the_learned_pass_in_a_table_of_any_size():
    vectors = np.random.default_rng(3).integers(-90, 90, (40_000, 64)).astype(np.int8)
    per_record = {n: learned_meetings(vectors[:n], bits_of_table(n)) / n for n in (20_000, 40_000)}

    sizes = (1, 16_384, 16_385, 131_072, 1_000_000, 5_000_000)
    assert [bits_of_table(n) for n in sizes] == [LEAST_BITS, 14, 15, 17, 22, 27]
    assert 0.8 < per_record[20_000] / per_record[40_000] < 1.6
    assert learned_meetings(vectors, LEAST_BITS) > 2 * learned_meetings(vectors, bits_of_table(40_000))
    assert learned_meetings(np.repeat(vectors[:1], 2, 0), 20) == 6
