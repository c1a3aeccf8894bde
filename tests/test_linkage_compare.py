import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linkage_records import table_of

from siamese_er.linkage.compare import PAIR_FACTS, compare, whole_names
from siamese_er.linkage.comparisons import COMPARISONS, INDEX
from siamese_er.linkage.values import ValueColumn, value_column


def labels(first, second):
    """What comparing two records found: field -> label, missing fields left out."""
    table = table_of(first, second)
    found = compare(table, np.array([0]), np.array([1]), 2).levels[0]
    return {c.name: c.labels[level] for c, level in zip(COMPARISONS, found, strict=True) if level}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param({"given_name": "Bob"}, {"given_name": "Robert"}, {"given_name": "nickname"}, id="nickname"),
        pytest.param({"given_name": "Mary Ann"}, {"given_name": "Ann"}, {"given_name": "part"}, id="one of two names"),
        pytest.param({"given_name": "Robert"}, {"given_name": "Roberta"}, {"given_name": "near"},
                     id="a man's and a woman's name"),
        pytest.param({"given_name": "Mario"}, {"given_name": "Maria"}, {"given_name": "near"}, id="two endings"),
        pytest.param({"given_name": "Robert"}, {"given_name": "Robertt"}, {"given_name": "close"}, id="a letter twice"),
        pytest.param({"birth_date": "1999-12-31"}, {"birth_date": "2000-01-01"}, {"birth_date": "one_error"},
                     id="next day, other month"),
        pytest.param({"given_name": "M"}, {"given_name": "Mary"}, {"given_name": "initial"}, id="initial"),
        pytest.param({"given_name": "M"}, {"given_name": "M"}, {"given_name": "initial"}, id="equal initials"),
        pytest.param({"family_name": "Smith"}, {"family_name": "Smiht"}, {"family_name": "close"}, id="exchanged letters"),
        pytest.param(
            {"family_name": "García López"}, {"family_name": "Garcia"}, {"family_name": "part"}, id="two surnames"
        ),
        pytest.param(
            {"given_name": "Jose", "family_name": "Singleton"}, {"given_name": "Singleton", "family_name": "Jose"},
            {"given_name": "swapped", "family_name": "swapped"}, id="names exchanged",
        ),
        pytest.param(
            {"given_name": "Ness Timothy"}, {"given_name": "Timothy", "family_name": "Ness"},
            {"given_name": "swapped", "family_name": "swapped"}, id="both names in one field",
        ),
        pytest.param({"birth_date": "1980-03-04"}, {"birth_date": "1980-04-03"}, {"birth_date": "day_month_swapped"},
                     id="day and month exchanged"),
        pytest.param({"birth_date": "1962-10-10"}, {"birth_date": "1952-10-10"}, {"birth_date": "one_error"}, id="one digit"),
        pytest.param({"birth_date": "1980"}, {"birth_date": "1980-05-05"}, {"birth_date": "agrees_as_far_as_known"},
                     id="year alone"),
        pytest.param({"birth_date": "1980-01-01"}, {"birth_date": "1980-01-01"}, {"birth_date": "equal_on_1_january"},
                     id="1 January"),
        pytest.param({"birth_date": "2000-13-01"}, {"birth_date": "2000-12-01"}, {"birth_date": "one_error"},
                     id="an impossible date one digit away"),
        pytest.param({"birth_date": "1900-01-01"}, {"birth_date": "1900-01-01"}, {}, id="two default dates"),
        pytest.param({"national_id": "219-45-0049"}, {"national_id": "xxx-xx-0049"}, {"national_id": "last_four"},
                     id="last four"),
        pytest.param({"national_id": "219-45-0049"}, {"national_id": "219-45-0094"}, {"national_id": "one_error"},
                     id="exchanged digits of an id"),
        pytest.param({"national_id": "999-99-9999"}, {"national_id": "999-99-9999"}, {}, id="two placeholder ids"),
        pytest.param({"mrn": "A123", "source": "a"}, {"mrn": "A123", "source": "b"}, {}, id="record numbers of two sources"),
        pytest.param({"mrn": "A123"}, {"mrn": "a-123"}, {"identifier": "equal"}, id="record numbers of one source"),
        pytest.param({"address_line": "12 Oak St"}, {"address_line": "12 Oak Street Apt 4"},
                     {"address_line": "same_but_unit"}, id="unit left out"),
        pytest.param({"address_line": "12 Oak St"}, {"address_line": "98 Oak Street"}, {"address_line": "same_street"},
                     id="neighbours"),
        pytest.param({"phone": ["617-555-0123", "617-555-0199"]}, {"phone": "(617) 555-0199"}, {"phone": "equal"},
                     id="the best of two phones"),
        pytest.param({"given_name": "UNKNOWN"}, {"given_name": "Unknown"}, {}, id="two placeholder names"),
    ],
)  # fmt: skip
def test_compare(first, second, expected):
    assert labels(first, second) == expected


NAMES = st.sampled_from(["Ann", "Anna", "Mary Ann", "Bob", "Robert", "M", "Ness Timothy", "Timothy", "José", None])
DATES = st.sampled_from(["1980-03-04", "1980-04-03", "1980", "2000-13-01", "1981-03-04", None])
PEOPLE = st.fixed_dictionaries(
    {
        "given_name": NAMES, "middle_name": NAMES, "family_name": NAMES, "birth_date": DATES,
        "national_id": st.sampled_from(["219-45-0049", "219-45-0094", "0049", "000-12-3456", None]),
        "address_line": st.sampled_from(["12 Oak St", "12 Oak Street Apt 4", "98 Oak St", "PO Box 12", None]),
    }
)  # fmt: skip


@given(PEOPLE, PEOPLE)
def test_compare_is_symmetric(first, second):
    table = table_of(first, second)

    there = compare(table, np.array([0]), np.array([1]), 2)
    back = compare(table, np.array([1]), np.array([0]), 2)

    for part in ("levels", "similarities", "rarities", "facts"):
        assert np.array_equal(getattr(there, part), getattr(back, part)), part


@given(PEOPLE, PEOPLE, PEOPLE)
def test_compare_does_not_depend_on_other_records(first, second, other):
    alone = compare(table_of(first, second), np.array([0]), np.array([1]), 3)
    among = compare(table_of(first, second, other), np.array([0]), np.array([1]), 3)

    assert np.array_equal(alone.levels, among.levels)
    assert np.array_equal(alone.similarities, among.similarities)


def test_rarity_is_the_surprise_of_the_agreeing_value():
    common, rare = {"family_name": "Smith"}, {"family_name": "Gacupin"}
    table = table_of(common, common, common, common, common, common, rare, rare)

    rarities = compare(table, np.array([0, 6, 0]), np.array([1, 7, 6]), 8).rarities[:, INDEX["family_name"]]

    assert rarities == pytest.approx([np.log2(8 / 6), np.log2(8 / 2), 0])


@pytest.mark.parametrize(
    ("column", "near"), [("given_name", ("Karen", "Karin")), ("family_name", ("Hansen", "Hanson"))]
)
def test_rarity_of_near_names_is_that_of_the_rarer_and_negative(column, near):
    common, rarer = ({column: name} for name in near)
    table = table_of(*[common] * 6, rarer, rarer, {column: "Olympia"})

    rarities = compare(table, np.array([0, 0, 6]), np.array([6, 8, 7]), 9).rarities[:, INDEX[column]]

    assert rarities == pytest.approx([-np.log2(9 / 2), 0, np.log2(9 / 2)])


def test_forms_of_one_name_count_as_borne_by_two():
    robert, roberta = {"given_name": "Robert"}, {"given_name": "Roberta"}
    table = table_of(*[robert] * 5, *[roberta] * 4)

    rarities = compare(table, np.array([0]), np.array([5]), 9).rarities[:, INDEX["given_name"]]

    assert rarities == pytest.approx([-np.log2(9 / 2)])


def test_facts_know_the_gap_of_generations():
    table = table_of({"birth_date": "1955-02-03"}, {"birth_date": "1980"}, {"given_name": "Baby Boy"})

    facts = compare(table, np.array([0, 0]), np.array([1, 2]), 3).facts

    assert facts[:, PAIR_FACTS.index("year_gap")].tolist() == [25, -1]
    assert facts[:, PAIR_FACTS.index("newborn_sides")].tolist() == [0, 1]


def test_whole_names_are_the_parts_of_the_first_names_in_order_and_empty_where_there_are_none():
    given = value_column(pa.array([["timothy", "tim"], None, [], ["mary ann"]], pa.list_(pa.string())))
    family = value_column(pa.array([["ness"], ["de la cruz"], None, ["li", "wong"]], pa.list_(pa.string())))

    assert whole_names(given, family, np.array([0, 1, 2, 3, 0])) == [
        "ness timothy", "cruz de la", "", "ann li mary", "ness timothy",
    ]  # fmt: skip


def test_values_are_counted_once_a_batch_and_not_once_a_record(monkeypatch):
    n_counted = []
    counts = ValueColumn.counts.fget
    monkeypatch.setattr(ValueColumn, "counts", property(lambda column: n_counted.append(1) or counts(column)))
    column = value_column(pa.array([["ann"]] * 200, pa.list_(pa.string())))

    whole_names(column, column, np.arange(200))

    assert len(n_counted) < 10
