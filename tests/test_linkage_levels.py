"""What whole columns of values tell, read at once: the same as each value tells, read alone by plain Python."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.linkage.dates import date_fields
from siamese_er.linkage.levels import address_parts

WORDS = st.sampled_from(["12", "oak", "unit", "4b", "٣", "st.", "", "  ", "unit 7", "\u00a0", "élan", "½", "\n", "0"])
ADDRESSES = st.lists(WORDS, max_size=7).map(" ".join) | st.text(max_size=12)
DATES = (
    st.dates().map(str)
    | st.sampled_from(["19500230", "1950", "1950-07", "--07-04", "--07", "", "1950-7-4", "1950-07-04x", "x", "²950-07-04"])
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True)
    | st.text(alphabet="0159-٣\n", max_size=12)
)  # fmt: skip


def parts_of_one(address):
    """(numbers, words) of one address line."""
    line = address.partition(" unit ")[0]
    return " ".join(re.findall(r"\d+", line)), " ".join(re.sub(r"\d+", " ", line).split())


@given(st.lists(ADDRESSES, max_size=6))
def test_parts_of_addresses_are_those_of_each(addresses):
    numbers, words = address_parts(addresses)

    assert list(zip(numbers, words, strict=True)) == [parts_of_one(address) for address in addresses]


@given(st.lists(DATES, max_size=6))
def test_fields_of_dates_are_those_of_each(values):
    assert date_fields(values).tolist() == [date_fields([value])[0].tolist() for value in values]


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        pytest.param("1950-07-04", [1950, 7, 4], id="full"),
        pytest.param("1950-13-99", [1950, 13, 99], id="full and impossible"),
        pytest.param("19500230", [1950, 2, 30], id="eight digits"),
        pytest.param("1950-07", [1950, 7, 0], id="no day"),
        pytest.param("1950", [1950, 0, 0], id="year alone"),
        pytest.param("--07-04", [0, 7, 4], id="no year"),
        pytest.param("", [0, 0, 0], id="nothing"),
        pytest.param("1950-07-04\n", [1950, 7, 0], id="not a date"),
    ],
)
def test_fields_of_a_date_in_any_company(value, fields):
    assert date_fields([value, "2001-02-03"]).tolist() == [fields, [2001, 2, 3]]
    assert date_fields([value]).dtype == np.int32
