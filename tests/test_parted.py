import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er.messages import message, table_of
from siamese_er.parted import in_parts, parted, rows_by_kind, together_by
from siamese_er.schemas import STRING, STRINGS, table

PARTS_OF_KEYS = {0: ["b\x1f1"], 1: ["a\x1f2"], 3: ["a\x1f1"], 6: ["\u00e9"]}


@given(st.lists(st.tuples(st.text(max_size=4), st.integers(0, 9)), max_size=30), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_no_row_is_lost_and_rows_of_a_key_are_in_one_part(rows, n_parts):
    given_rows = pa.table({"key": pa.array([key for key, _ in rows], pa.string()), "n": [n for _, n in rows]})

    found = in_parts(given_rows, "key", n_parts, kind=3)

    assert set(found["kind"].to_pylist()) <= {3}
    by_part = {
        part: table_of(content).to_pylist()
        for part, content in zip(found["part"].to_pylist(), found["content"].to_pylist(), strict=True)
    }
    assert sorted((row["key"], row["n"]) for own in by_part.values() for row in own) == sorted(rows)
    parts_of = {(row["key"], part) for part, own in by_part.items() for row in own}
    assert len(parts_of) == len({key for key, _ in rows})
    assert all(0 <= part < n_parts for part in by_part)


def test_the_part_of_a_key_is_the_same_in_every_process_and_release():
    keys = ["a\x1f1", "a\x1f2", "b\x1f1", "\u00e9"]
    found = in_parts(pa.table({"key": keys}), "key", 7)
    held = zip(found["part"].to_pylist(), found["content"].to_pylist(), strict=True)

    assert {part: table_of(content)["key"].to_pylist() for part, content in held} == PARTS_OF_KEYS


def test_batches_are_put_together_without_loss():
    batches = [pa.RecordBatch.from_pydict({"n": list(range(start, start + 3))}) for start in range(0, 12, 3)]

    assert [rows["n"].to_pylist() for rows in together_by(batches, 5)] == [list(range(6)), list(range(6, 12))]
    assert [rows.num_rows for rows in together_by(batches[:3], 5)] == [6, 3]
    assert list(together_by([], 5)) == []


@pytest.mark.parametrize("n_parts", [1, 4])
def test_rows_of_several_frames_meet_by_part(spark, n_parts):
    kinds = [
        spark.createDataFrame([(f"k{i}", [text] * i) for i in range(6)], table(key=STRING, texts=STRINGS))
        for text in ("x", "y")
    ]
    cut = [
        parted(frame, "test", kind, n_parts, "key", lambda rows: rows, ("key", "texts"))
        for kind, frame in enumerate(kinds)
    ]

    rows = cut[0].unionAll(cut[1]).collect()

    of_key = {}
    for row in rows:
        for own in table_of(bytes(row["content"])).to_pylist():
            of_key.setdefault(own["key"], set()).add((row["part"], row["kind"], tuple(own["texts"])))
    for i in range(6):
        found = of_key[f"k{i}"]
        assert {kind: texts for _, kind, texts in found} == {0: ("x",) * i, 1: ("y",) * i}
        assert len({part for part, _, _ in found}) == 1
    batch = pa.RecordBatch.from_pylist([row.asDict() for row in rows])
    assert {kind: own.num_rows for kind, own in rows_by_kind(iter([batch])).items()} == {0: 6, 1: 6}


def test_a_message_keeps_rows_types_and_metadata():
    rows = pa.table({"a": [["x"], None, []], "b": pa.array([1, None, 3], pa.int8())}).replace_schema_metadata(
        {"k": "v"}
    )

    assert table_of(message(rows.slice(1))).equals(rows.slice(1), check_metadata=True)
