"""What the world sends: damaged, empty, endless and foreign files. A clear fault or quarantine each, no row lost."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from siamese_er import pipeline
from siamese_er.commands import BROKE_CONTRACT, exit_status, fault_lines
from siamese_er.config import MatchConfig, load_config
from siamese_er.errors import ContractFault
from siamese_er.sources import tables
from siamese_er.sources.notes import n_cut_notes, read_notes

N_ROWS = 3000


def config_of(tmp_path: Path, *records: Path, **settings) -> MatchConfig:
    """The config of a run over these files into ``out``; settings with ``__`` for the dot."""
    flags = {"input.records": [str(path) for path in records], "run.output": str(tmp_path / "out")}
    return load_config(None, flags | {name.replace("__", "."): value for name, value in settings.items()}, [])


def parquet(folder: Path) -> Path:
    path = folder / "records.parquet"
    names = [f"{'abcdefghij'[n % 10]}{n:06}" for n in range(N_ROWS)]
    pq.write_table(pa.table({"record_id": names, "family_name": names}), path, compression="none", use_dictionary=False)
    return path


def damaged_footer(folder: Path) -> Path:
    path = parquet(folder)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def damaged_page(folder: Path) -> Path:
    path = parquet(folder)
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    return path


def without_rows(folder: Path) -> Path:
    path = folder / "records.parquet"
    pd.DataFrame({"record_id": pd.Series([], dtype=str), "family_name": pd.Series([], dtype=str)}).to_parquet(path)
    return path


def file_of(name: str, content: bytes):
    def written(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return written


def cut_gzip(folder: Path) -> Path:
    rows = "record_id,family_name\n" + "".join(f"r{n},name{n * n}\n" for n in range(200_000))
    path = folder / "records.csv.gz"
    path.write_bytes(gzip.compress(rows.encode())[:-5000])
    return path


FAULTY = [
    pytest.param(damaged_footer, "not a readable Parquet file", id="parquet with a damaged footer"),
    pytest.param(damaged_page, "cannot be read (corrupted", id="parquet with a damaged page"),
    pytest.param(cut_gzip, "cannot be read (corrupted", id="gzip cut short"),
    pytest.param(file_of("r.parquet", b""), "not a readable Parquet file", id="parquet of no bytes"),
    pytest.param(file_of("r.csv", b""), "no rows in the input", id="csv of no bytes"),
    pytest.param(file_of("r.csv", b"record_id,family_name\n"), "no rows in the input", id="header alone"),
    pytest.param(file_of("r.jsonl", b"\n\n"), "no rows in the input", id="blank lines"),
    pytest.param(without_rows, "no rows in the input", id="parquet of no rows"),
    pytest.param(file_of("r.csv", b"given_name,city\nAda,London\n"), "no record_id column", id="no ids"),
    pytest.param(file_of("r.csv", "record_id,city\n1,x\n".encode("utf-16")), "UTF-16", id="utf-16"),
    pytest.param(file_of("r.csv", b"record_id,city\n" + b",x\n" * 9), "9 of 9 input rows", id="no id in any row"),
    pytest.param(file_of("r.jsonl", b'{"record_id": 1, "deleted": true}\n'), "no rows with a record", id="all deleted"),
    pytest.param(file_of("r.txt", b"record_id\n1\n"), "unknown extension", id="unknown extension"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), FAULTY)
def test_a_broken_input_is_one_clear_line_and_nothing_is_published(spark, tmp_path, make, message):
    path = make(tmp_path)

    with pytest.raises(ContractFault) as fault:
        pipeline.match(spark, config_of(tmp_path, path))

    lines = fault_lines(fault.value)
    assert len(lines) == 1
    assert message in lines[0]
    assert exit_status(fault.value) == BROKE_CONTRACT
    assert fault.value.__context__ is None or fault.value.__suppress_context__, "the error may quote values"
    assert not (tmp_path / "out" / "current.json").exists()
    for record in (tmp_path / "out").glob("runs/*/run.json"):
        assert json.loads(record.read_text())["status"] == "refused"


def wide_rows(made) -> tuple[list[bytes], int]:
    """CSV lines of a thousand columns, some of them malformed or in another encoding, and how many are bad."""
    records = made.records.head(40)
    extra = 1000 - len(records.columns)
    lines = [",".join([*records.columns, *(f"measure {n}" for n in range(extra))]).encode() + b"\n"]
    for number, row in enumerate(records.fillna("").itertuples(index=False)):
        values = [str(value).replace(",", " ").replace('"', " ") for value in row] + [
            f"v{number}.{n}" for n in range(extra)
        ]
        lines.append(",".join(values).encode() + b"\n")
    lines += [
        lines[1].replace(b"v0.1,", "café,".encode("latin-1")),
        b"too,few\n",
        lines[2],
        lines[3].replace(b"v2.", b"w"),
    ]
    return lines, 2


def test_a_thousand_columns_mixed_encodings_and_an_endless_note_lose_no_row(spark, tmp_path, made):
    lines, n_bad = wide_rows(made)
    (tmp_path / "wide.csv").write_bytes(b"".join(lines))
    first = made.records.iloc[0]
    notes = [{"source": first["source"], "record_id": first["record_id"], "text": "endless note " * 200},
             {"source": first["source"], "record_id": first["record_id"], "text": "Short, français."}]  # fmt: skip
    (tmp_path / "notes.jsonl").write_bytes(
        "\n".join(json.dumps(note, ensure_ascii=False) for note in notes).encode() + b'\n{"record_id": "\xe9"}\n'
    )
    settings = {"input__notes": [str(tmp_path / "notes.jsonl")], "input__max_note_characters": 500,
                "input__max_quarantined_share": 0.1}  # fmt: skip

    summary = pipeline.match(spark, config_of(tmp_path, tmp_path / "wide.csv", **settings))

    counts = summary.record["counts"]
    rows = counts["records"] + counts["earlier_versions"] + counts["deleted"] + counts["quarantined_records"]
    assert rows == len(lines) - 1
    assert (counts["records"], counts["earlier_versions"]) == (40, 2)
    assert (counts["quarantined_records"], counts["quarantined_notes"]) == (n_bad, 1)
    assert counts["quarantined_by_reason"] == {"bad_encoding": 2, "wrong_field_count": 1}
    assert (counts["notes"], counts["notes_cut"]) == (2, 1)
    goldens = pd.read_parquet(f"{summary.path}/golden_records")
    assert goldens["n_records"].sum() == 40
    assert all(len(extra) == 1000 - len(made.records.columns) for extra in goldens["extra"])


@pytest.mark.parametrize(
    ("layout", "n_notes", "n_cut", "reasons"),
    [
        pytest.param("csv", 2, 1, [], id="csv: cut"),
        pytest.param("parquet", 2, 1, [], id="parquet: cut"),
        pytest.param("jsonl", 1, 0, [("line 1", "line_too_long")], id="json: a line too long to be parsed"),
    ],
)
def test_an_endless_note_is_cut_or_set_apart(spark, tmp_path, monkeypatch, layout, n_notes, n_cut, reasons):
    monkeypatch.setattr(tables, "MAX_LINE_BYTES", 10_000)
    notes = pd.DataFrame({"record_id": ["1", "2"], "note_id": ["a", "b"], "text": ["endless note " * 1000, "short"]})
    path = tmp_path / f"notes.{layout}"
    writers = {"csv": lambda: notes.to_csv(path, index=False), "parquet": lambda: notes.to_parquet(path),
               "jsonl": lambda: notes.to_json(path, orient="records", lines=True)}  # fmt: skip
    writers[layout]()
    config = config_of(tmp_path, path, input__notes=[str(path)], input__max_note_characters=500)

    found, bad = read_notes(spark, config.input)

    assert found.count() == n_notes
    assert n_cut_notes(found, config.input) == n_cut
    assert [(row.position, row.reason) for row in bad.collect()] == reasons
