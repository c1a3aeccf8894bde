"""Column mapping, without Spark."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.errors import ContractFault
from siamese_er.sources.mapping import RECORD_COLUMNS, RECORD_SYNONYMS, Placement, bare, column_mapping
from siamese_er.sources.vocabulary import NOTE_VOCABULARY, RECORD_VOCABULARY

SETS = Path(__file__).parents[2] / "shared" / "data"
NAMES = sorted({"record_id", "note", "colour", "height", *RECORD_COLUMNS, *sum(RECORD_SYNONYMS.values(), ())})


def placed(columns, explicit=None):
    mapping = column_mapping(columns, explicit or {})
    return {target: placement.columns for target, placement in mapping.placed.items()}


@pytest.mark.parametrize(
    ("column", "target"),
    [
        pytest.param("First Name", "given_name", id="space and case"),
        pytest.param("LAST-NAME", "family_name", id="hyphen"),
        pytest.param("DateOfBirth", "birth_date", id="no separators"),
        pytest.param("nhs_number", "national_id", id="NHS number"),
        pytest.param("id_mr", "mrn", id="MRN"),
        pytest.param("suburb", "city", id="suburb"),
        pytest.param("zip code", "postal_code", id="zip"),
        pytest.param("note_text", "notes", id="notes on the record"),
        pytest.param("last_updated", "updated_at", id="time of update"),
    ],
)
def test_column_mapping_by_synonym(column, target):
    assert placed(["Patient ID", column]) == {"record_id": ("Patient ID",), target: (column,)}


def test_column_mapping_prefers_the_exact_name_then_the_first_synonym():
    mapping = column_mapping(["id", "mobile", "phone", "tel", "lname", "surname"], {})

    assert mapping.placed["phone"].columns == ("phone",)
    assert mapping.placed["family_name"].columns == ("surname",)
    assert mapping.displaced == ("mobile", "tel", "lname")
    assert mapping.unplaced == mapping.displaced


@pytest.mark.parametrize(
    ("columns", "target", "placement"),
    [
        pytest.param(
            ["id", "day", "month", "year"],
            "birth_date",
            Placement("date_parts", (("year", "year"), ("month", "month"), ("day", "day"))),
            id="day, month, year",
        ),
        pytest.param(["id", "yob"], "birth_date", Placement("date_parts", (("year", "yob"),)), id="birth year alone"),
        pytest.param(["id", "year"], "birth_date", None, id="a year alone is not of birth"),
        pytest.param(
            ["id", "address_1", "street_number", "po_box"],
            "address_line",
            Placement("address_parts", (("number", "street_number"), ("street", "address_1"), ("po_box", "po_box"))),
            id="street in parts",
        ),
        pytest.param(
            ["id", "address", "street_number"],
            "address_line",
            Placement("as_is", (("value", "address"),)),
            id="a whole address has its number",
        ),
        pytest.param(
            ["id", "middle_initial", "middle_name"],
            "middle_name",
            Placement("first_present", (("value", "middle_name"), ("value", "middle_initial"))),
            id="middle name else initial",
        ),
        pytest.param(
            ["id", "lname_c1", "lname_c2"],
            "family_name",
            Placement("joined", (("value", "lname_c1"), ("value", "lname_c2"))),
            id="two family names",
        ),
        pytest.param(["id", "name", "forename", "surname"], "full_name", None, id="parts beat the full name"),
        pytest.param(
            ["id", "name", "forename"],
            "full_name",
            Placement("as_is", (("value", "name"),)),
            id="no surname: full name",
        ),
    ],
)
def test_column_mapping_of_several_columns(columns, target, placement):
    assert column_mapping(columns, {}).placed.get(target) == placement


def test_column_mapping_obeys_the_config():
    explicit = {"Nachname": "family_name", "home": "phone", "work": "phone", "surname": "former_family_name"}

    mapping = column_mapping(["id", "nachname", "surname", "home", "work"], explicit)

    assert mapping.placed["family_name"].columns == ("nachname",)
    assert mapping.placed["former_family_name"].columns == ("surname",)
    assert mapping.placed["phone"] == Placement("several", (("value", "home"), ("value", "work")))


def test_column_mapping_lists_all_faults_of_the_config():
    with pytest.raises(ContractFault) as caught:
        column_mapping(["id"], {"id": "patient", "gone": "sex"})

    assert len(caught.value.faults) == 2


def test_column_mapping_needs_a_record_id():
    with pytest.raises(ContractFault, match=r"no record_id column.*first_name, surname"):
        column_mapping(["first_name", "surname"], {})


def test_an_id_beside_a_record_id_stays_extra():
    assert column_mapping(["record_id", "id"], {}).unplaced == ("id",)


def test_header_is_told_from_a_line_of_data():
    assert RECORD_VOCABULARY.is_header(["id", "first name"])
    assert not RECORD_VOCABULARY.is_header(["7", "Ann", "Lee"])
    assert NOTE_VOCABULARY.is_header(["record_id", "text"])


@given(st.lists(st.sampled_from(NAMES), unique_by=bare))
def test_every_column_is_placed_once_or_unplaced(columns):
    columns = ["record_id", *[column for column in columns if column != "record_id"]]
    mapping = column_mapping(columns, {})

    used = [column for placement in mapping.placed.values() for column in placement.columns]
    assert sorted([*used, *mapping.unplaced]) == sorted(columns)


@given(st.lists(st.sampled_from(NAMES), unique_by=bare), st.randoms())
def test_spelling_and_order_do_not_change_the_mapping(columns, random):
    columns = ["record_id", *[column for column in columns if column != "record_id"]]
    shuffled = random.sample(columns, len(columns))
    shouted = [column.upper().replace("_", " ") for column in shuffled]

    expected = {target: [bare(c) for c in found] for target, found in placed(columns).items()}
    assert {target: [bare(c) for c in found] for target, found in placed(shouted).items()} == expected


ORIGINALS = sorted(SETS.glob("*/original.parquet"))


@pytest.mark.skipif(not ORIGINALS, reason="the benchmark sets are not here")
@pytest.mark.parametrize("path", ORIGINALS, ids=lambda path: path.parent.name)
def test_originals_map_without_config(path):
    mapping = column_mapping(pq.read_schema(path).names, {})
    own = {"given_name", "middle_name", "family_name", "birth_date", "sex", "national_id", "mrn", "phone", "email"}
    expected = own | {"address_line", "city", "postal_code", "state", "country"}

    contract = expected & set(pq.read_schema(path.with_name("records.parquet")).names)
    if path.parent.name == "splink_historical_50k":
        contract -= {"city"}  # a birth place, not where the person lives: reported as unplaced
        assert "birth_place" in mapping.unplaced
    if path.parent.name == "synthea":
        contract -= {"middle_name"}  # inside `given`, split when standardised
    assert contract <= set(mapping.placed)
