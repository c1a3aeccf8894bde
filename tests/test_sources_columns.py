"""Raw columns as texts: what is plain is told without a regular expression, and nothing else changes by it."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from siamese_er.config import InputSettings
from siamese_er.sources import columns as raw
from siamese_er.sources.records import read_records
from siamese_er.sources.tables import RawTable

ODD = [None, "", " ", "\t\n", "\u00a0", "\u2003\u3000", "\u200b", "\x00", "\x1f", "\x7f", "!", "~", "~x", "Ann", " Ann", "Ann ",
       "\tAnn \n", "Åsa", "\u3000Åsa\u00a0", "a\u2009", "李", " 李", "x李 ", "Anne Marie", "é", "\x7fx", "x\x7f",
       "\ufeffAnn"]  # fmt: skip


def both_ways(spark, values):
    """What `texts` and `first_text` make of a column, and what regular expressions alone make of it."""
    rows = spark.createDataFrame([(value,) for value in values], "c0 string")
    table = RawTable(("f",), "parquet", ("name",), rows)
    listed = raw.present(F.array("c0"))
    found = rows.select(
        raw.texts(table, "name"), raw.first_text(table, "name"), listed,
        F.regexp_replace(F.get(listed, F.lit(0)), raw.EDGES, ""),
    )  # fmt: skip
    return [(tuple(row)[:2], tuple(row)[2:]) for row in found.collect()]


def test_plain_texts_are_what_regular_expressions_make_of_them(spark):
    for value, (found, expected) in zip(ODD, both_ways(spark, ODD), strict=True):
        assert found == expected, repr(value)


@settings(max_examples=5, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=4), st.text("aé \u00a0\t~\x7f", max_size=4)), min_size=50, max_size=200
    )
)
def test_any_text_is_what_regular_expressions_make_of_it(spark, values):
    sound = [value for value in values if value is None or value.encode("utf-8", "ignore").decode() == value]

    assert all(found == expected for found, expected in both_ways(spark, sound))


@pytest.mark.parametrize("kind", ["texts", "lists"])
def test_a_broken_character_is_not_completed_by_the_next_column(spark, tmp_path, kind):
    given, family = (
        pa.array(values, pa.binary()).view(pa.string()) for values in ([b"Jos\xc3", b"Ana"], [b"\xa9", b"Paz"])
    )
    if kind == "lists":
        given, family = (
            pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), column) for column in (given, family)
        )
    table = pa.table({"record_id": ["1", "2"], "given_name": given, "family_name": family})
    pq.write_table(table, tmp_path / "records.parquet")

    reading = read_records(spark, InputSettings(records=(str(tmp_path / "records.parquet"),)))

    assert [(row["position"], row["reason"]) for row in reading.quarantine.collect()] == [
        ("row index 0", "bad_encoding")
    ]
    assert [row["record_id"] for row in reading.records.collect()] == ["2"]
