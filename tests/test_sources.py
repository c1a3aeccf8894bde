"""The readers, on small files of every kind."""

import datetime as dt
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import functions as F

from siamese_er.config import InputSettings
from siamese_er.errors import ContractFault
from siamese_er.schemas import KEY_SEPARATOR
from siamese_er.sources.decisions import read_decisions
from siamese_er.sources.inputs import stamps
from siamese_er.sources.notes import n_cut_notes, read_notes
from siamese_er.sources.records import check_quarantine, read_records
from siamese_er.sources.truth import read_truth

SETS = Path(__file__).parents[2] / "shared" / "data"
CSV = (
    b'\xef\xbb\xbfid;First Name;sex;shoe size\n1;"Pe\xc3\xb1a; ""Pepe""\nII";m;9\n2;only two\n\n3;\xff;f;8\n'
    b" ;Ann;f;\n4;;f;7\n"
)


def read(spark, *paths, **settings):
    return read_records(spark, InputSettings(records=tuple(map(str, paths)), **settings))


def bad(quarantine):
    rows = quarantine.collect()
    return {(Path(row["source_path"]).name, row["position"]): row["reason"] for row in rows}


def keyed(records):
    return {row["record_key"].replace(KEY_SEPARATOR, ":"): row for row in records.collect()}


def test_read_records_csv(spark, tmp_path):
    (tmp_path / "clinic.csv").write_bytes(CSV)
    (tmp_path / "lab.csv").write_text("rec_id,forename,facility\n1,Li,lab\n")

    reading = read(spark, tmp_path, source_from_path=True)

    records = keyed(reading.records)
    assert set(records) == {"clinic:1", "clinic:4", "lab:1"}
    assert records["clinic:1"]["given_name"] == ['Peña; "Pepe"\nII']
    assert records["clinic:1"]["extra"] == {"shoe size": "9"}
    assert records["clinic:4"]["given_name"] == []
    assert records["lab:1"]["given_name"] == ["Li"]
    assert bad(reading.quarantine) == {
        ("clinic.csv", "row 2"): "wrong_field_count",
        ("clinic.csv", "row 3"): "bad_encoding",
        ("clinic.csv", "row 4"): "missing_record_id",
    }
    assert sorted(reading.fingerprint.values()) == sorted(path.stat().st_size for path in tmp_path.iterdir())
    assert len(reading.mappings) == 2


def test_read_records_json_lines(spark, tmp_path):
    lines = [
        b'{"id": 7, "first_name": ["Ann", "Anna", " "], "year_of_birth": 1980, "pets": {"cat": 2}}',
        b"",
        b'{"id": "8"}{"id": "9"}',
        b'{"id": "10", "first_name": "\xff"}',
        b'{"id": "11"',
        b'{"ID": "none", "identifiers": [{"system": "s", "value": "v"}, {"system": "t", "value": " "}]}',
        b'{"id": "12", "identifiers": [{"system": "s", "value": "v"}, {"system": "t"}]}',
    ]
    (tmp_path / "people.jsonl").write_bytes(b"\n".join(lines))

    reading = read(spark, tmp_path / "*.jsonl")

    records = keyed(reading.records)
    assert set(records) == {"default:7", "default:12"}
    assert records["default:7"]["given_name"] == ["Ann", "Anna"]
    assert records["default:7"]["birth_date"] == ["1980"]
    assert records["default:7"]["extra"] == {"pets": '{"cat":2}'}
    assert [tuple(identifier) for identifier in records["default:12"]["identifiers"]] == [("s", None, "v")]
    assert bad(reading.quarantine) == {
        ("people.jsonl", "line 3"): "unparsable_line",
        ("people.jsonl", "line 4"): "bad_encoding",
        ("people.jsonl", "line 5"): "unparsable_line",
        ("people.jsonl", "line 6"): "missing_record_id",
    }


def test_read_records_json_files_with_rival_names_are_mapped_apart(spark, tmp_path):
    (tmp_path / "a.json").write_text('{"id": "1", "first_name": "Ann"}\n')
    (tmp_path / "b.json").write_text('{"id": "2", "forename": "Bob"}\n')

    records = keyed(read(spark, tmp_path).records)

    assert {key: row["given_name"] for key, row in records.items()} == {"default:1": ["Ann"], "default:2": ["Bob"]}


def test_read_records_parquet_types_and_versions(spark, tmp_path):
    moment = dt.datetime(2020, 1, 1)
    rows = [
        (1.0, dt.date(1980, 1, 2), ["Ann", None, ""], 98101, moment, "new", None, ["note one", "note two"]),
        (1.0, dt.date(1980, 1, 2), ["An"], 98101, moment - dt.timedelta(days=1), "old", None, ["gone"]),
        (2.0, None, None, None, None, "a", None, None),
        (2.0, None, None, None, None, "b", None, None),
        (3.0, None, None, None, moment, "x", True, ["dead"]),
        (3.0, None, None, None, moment - dt.timedelta(days=1), "x", False, None),
        (None, None, None, None, None, "lost", None, None),
    ]
    schema = "id double, dob date, given array<string>, zip int, updated_at timestamp, "
    schema += "sex string, deleted boolean, notes array<string>"
    spark.createDataFrame(rows, schema).coalesce(1).write.parquet(str(tmp_path / "people"))

    reading = read(spark, tmp_path / "people")

    records = keyed(reading.records)
    assert {key: row["sex"] for key, row in records.items()} == {"default:1": ["new"], "default:2": ["b"]}
    first = records["default:1"]
    assert (first["birth_date"], first["given_name"], first["postal_code"]) == (["1980-01-02"], ["Ann"], ["98101"])
    assert first["updated_at"] == moment
    assert sorted(row["sex"] for row in reading.history.collect()) == [
        [],
        ["a"],
        ["old"],
    ]  # of the dead one no value is kept
    assert list(keyed(reading.deleted)) == ["default:3"]
    assert bad(reading.quarantine).popitem()[1] == "missing_record_id"
    assert sorted(row["text"] for row in reading.inline_notes.collect()) == ["note one", "note two"]


def test_read_records_never_copies_values_into_quarantine(spark, tmp_path):
    (tmp_path / "a.csv").write_text("id,first_name\nZZCANARY1,ZZCANARY2,ZZCANARY3\n,ZZCANARY4\n")

    found = read(spark, tmp_path, max_quarantined_share=1).quarantine.collect()

    assert len(found) == 2
    assert "CANARY" not in str(found)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("a.csv", b"id,first_name\n", "no rows", id="only a header"),
        pytest.param("a.csv", b"", "no rows", id="empty file"),
        pytest.param("a.jsonl", b"\n\n", "no rows", id="blank lines"),
        pytest.param("a.csv", b"7,ZZCANARY,Lee\n8,Bob,Lee\n", "not a header", id="no header"),
        pytest.param("a.csv", b"id,name,name\n1,a,b\n", "twice", id="duplicate column names"),
        pytest.param("a.csv", b"first_name,dob\na,1980\n", "no record_id column", id="no ids"),
        pytest.param("a.csv", "id,dob\n1,2\n".encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(
            "a.parquet", b"PAR1 cut short PAR1", r"a\.parquet: not a readable Parquet", id="corrupted Parquet"
        ),
        pytest.param("a.xlsx", b"PK", "unknown extension", id="unknown extension"),
        pytest.param("_hidden", b"", "holds no files", id="empty folder"),
    ],
)
def test_read_records_faults(spark, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ContractFault, match=message) as caught:
        read(spark, tmp_path)

    assert "CANARY" not in str(caught.value)


def test_read_records_lists_all_faults(spark, tmp_path):
    (tmp_path / "a.foo").write_text("")

    with pytest.raises(ContractFault) as caught:
        read(spark, tmp_path / "a.foo", tmp_path / "gone.csv", tmp_path / "*.nothing")

    assert len(caught.value.faults) == 3


def test_read_records_allows_empty_where_told(spark, tmp_path):
    (tmp_path / "a.csv").write_text("id,dob\n")

    reading = read_records(spark, InputSettings(records=(str(tmp_path),)), allow_empty=True)

    assert reading.records.isEmpty()


def test_read_records_wide_csv(spark, tmp_path):
    names = ["id", *[f"lab.value `{i}`" for i in range(999)]]
    (tmp_path / "wide.csv").write_text(",".join(names) + "\n" + ",".join(str(i) for i in range(1000)) + "\n")

    record = read(spark, tmp_path).records.select("record_id", F.size("extra").alias("n")).first()

    assert (record["record_id"], record["n"]) == ("0", 999)


def test_read_records_order_of_rows_does_not_matter(spark, tmp_path):
    lines = [f"{i % 3},name{i}\n" for i in range(12)]
    for name, own in (("a", lines), ("b", lines[::-1])):
        (tmp_path / f"{name}.csv").write_text("id,surname\n" + "".join(own))

    first, second = (keyed(read(spark, tmp_path / f"{name}.csv").records) for name in "ab")

    assert first == second
    assert len(first) == 3


def test_check_quarantine():
    check_quarantine(100, {"bad_encoding": 5}, 0.05)
    with pytest.raises(ContractFault, match=r"6 of 100.*bad_encoding 5, missing_record_id 1"):
        check_quarantine(100, {"missing_record_id": 1, "bad_encoding": 5}, 0.05)


def test_read_notes(spark, tmp_path):
    large = "word " * 5_000_000
    lines = [
        {"id": "n1", "patient_id": "1", "date": "2020-02-03", "body": large},
        {"patient_id": "2", "body": ["first", "second"]},
        {"patient_id": "3", "body": " "},
        {"body": "of nobody"},
    ]
    (tmp_path / "notes.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    settings = InputSettings(notes=(str(tmp_path),), max_note_characters=100)

    notes, quarantine = read_notes(spark, settings)

    rows = notes.orderBy("text").collect()
    assert [(row["record_key"], row["note_date"]) for row in rows] == [
        (f"default{KEY_SEPARATOR}2", None),
        (f"default{KEY_SEPARATOR}2", None),
        (f"default{KEY_SEPARATOR}1", "2020-02-03"),
    ]
    assert rows[2]["text"] == large[:100]
    assert len({row["note_id"] for row in rows}) == 3
    assert bad(quarantine) == {("notes.jsonl", "line 4"): "missing_record_id"}
    assert n_cut_notes(notes, settings) == 1


DECIDED = "left_source,left_record_id,right_source,right_record_id,decision,decided_at\n"


def test_read_decisions(spark, tmp_path):
    (tmp_path / "d.csv").write_text(
        DECIDED + "b,1,a,2,match,2020-01-01\na,2,b,1,No match,2020-03-01\na,1,a,3,match,\na,1,a,3,match,2020-01-01\n"
        "a,4,a,4,match,2020-01-01\n"
    )

    rows = read_decisions(spark, str(tmp_path / "d.csv")).orderBy("left_key").collect()

    assert [(row["left_key"], row["right_key"], row["decision"], row["decided_at"]) for row in rows] == [
        (f"a{KEY_SEPARATOR}1", f"a{KEY_SEPARATOR}3", "match", "2020-01-01"),
        (f"a{KEY_SEPARATOR}2", f"b{KEY_SEPARATOR}1", "no_match", "2020-03-01"),
        (f"a{KEY_SEPARATOR}4", f"a{KEY_SEPARATOR}4", "match", "2020-01-01"),
    ]


@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        pytest.param("a,1,,,match,\na,1,a,2,maybe,\n", ["1 rows without", "neither"], id="bad rows"),
        pytest.param("a,1,a,2,match,2020\na,2,a,1,no_match,2020\n", ["1 pairs"], id="both ways at one moment"),
    ],
)
def test_read_decisions_faults(spark, tmp_path, lines, messages):
    (tmp_path / "d.csv").write_text(DECIDED + lines)

    with pytest.raises(ContractFault) as caught:
        read_decisions(spark, str(tmp_path / "d.csv"))

    assert len(caught.value.faults) == len(messages)
    assert all(message in fault for message, fault in zip(messages, caught.value.faults, strict=True))


def test_read_truth(spark, tmp_path):
    pd.DataFrame({"record_id": [1, 2], "cluster": ["x", None]}).to_parquet(tmp_path / "t.parquet")

    assert [tuple(row) for row in read_truth(spark, str(tmp_path / "t.parquet")).collect()] == [("default", "1", "x")]


COMPARED = ("given_name", "middle_name", "family_name", "birth_date", "national_id", "mrn", "address_line", "city",
            "postal_code", "sex", "phone", "email")  # fmt: skip


def digits(value):
    return "".join(sorted(filter(str.isdigit, value or "")))


@pytest.mark.skipif(not SETS.exists(), reason="the benchmark sets are not here")
@pytest.mark.parametrize("name", ["rldata500", "febrl1", "epbrn_f", "cdc_recordlinker_clusters", "linked_notes"])
def test_originals_agree_with_their_records(spark, name):
    expected = pd.read_parquet(SETS / name / "records.parquet").set_index("record_id").sort_index()
    columns = [column for column in COMPARED if column in expected]

    read_rows = read(spark, SETS / name / "original.parquet").records
    firsts = read_rows.select("record_id", *[F.get(column, F.lit(0)).alias(column) for column in columns])
    actual = firsts.toPandas().set_index("record_id").sort_index()

    assert list(actual.index) == list(expected.index)
    for column in columns:
        seen, wanted = actual[column].fillna(""), expected[column].fillna("")
        if column == "birth_date":
            seen, wanted = seen.map(digits), wanted.map(digits)
        assert (seen == wanted).all(), column


def test_a_file_that_was_edited_has_another_stamp_even_at_the_same_length(spark, tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text("a,b,match   ")
    os.utime(path, (1, 1))
    before = stamps(spark, [str(path), str(tmp_path / "not there")])

    path.write_text("a,b,no_match")
    after = stamps(spark, [str(path)])

    assert list(before.values()) == [[12, 1000]]
    assert before.keys() == after.keys()
    assert before != after
