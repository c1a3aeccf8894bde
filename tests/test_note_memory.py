"""Vectors of notes are taken over from the run before, where they are what would be made, and go away with their record."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er import pipeline
from siamese_er.config import ModelSettings, load_config
from siamese_er.encode import ENCODED_COLUMNS
from siamese_er.encoder_tables import profile_with_notes
from siamese_er.fields.note_tables import Note, NoteTable
from siamese_er.linkage.chunks import OF_NOTES, columns_of
from siamese_er.model import model_folder
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.embedding import embedding_columns
from siamese_er.neural.kept_notes import DIGEST_BYTES, KeptNotes, NoteMemory, note_digest
from siamese_er.note_memory import note_memory
from siamese_er.storage import RunFolder, written
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.task_rows import chunk_contents

TABLES = ("crosswalk", "scored_pairs", "clusters", "review_queue")
KEY = b"key"


def vectors_of(texts):
    """A stand-in for an encoder: four bytes that depend on the text alone."""
    return np.array([list(note_digest(text, b"vector")[:4]) for text in texts], np.uint8).view(np.int8).reshape(-1, 4)


def kept(texts, most=100, key=KEY):
    return KeptNotes.of(((note_digest(text, key), vectors_of([text]).tobytes()) for text in texts), most)


@given(st.lists(st.text("ab\n\ud800é", max_size=3)), st.lists(st.text("ab\n\ud800é", max_size=3)), st.integers(0, 9))
def test_what_is_recalled_is_what_would_be_encoded(before, now, most):
    memory = kept(before, most)
    encoded = []

    def encode(texts):
        encoded.extend(texts)
        return vectors_of(texts)

    digests, vectors = NoteMemory(KEY, lambda: memory).recalled(now, encode)

    assert digests == [note_digest(text, KEY) for text in now]
    assert np.array_equal(vectors, vectors_of(now))
    assert not set(encoded) & set(before[:most])
    assert set(now) - set(encoded) <= set(before[:most])
    assert len(memory.digests) <= most


def test_under_another_key_nothing_is_found():
    memory = kept(["fever", "cough"], key=b"other")

    assert memory.places([note_digest(text, KEY) for text in ("fever", "cough")]).tolist() == [-1, -1]


@pytest.fixture(scope="module")
def noted_rows():
    made = population(60, 4, profile_with_notes(PROFILES["demo"]))
    return made.records, made.notes


def records_without_values():
    return pd.DataFrame({name: ["a"] * 3 if name == "source" else [None] * 3 for name in ENCODED_COLUMNS})


def test_vectors_of_records_are_the_same_with_notes_recalled():
    encoder = load_encoder(model_folder(ModelSettings()))
    records = records_without_values()
    notes = [[Note(None, "fever and cough"), Note(None, "knee pain")], [], [Note(None, "knee pain")]]

    first = embedding_columns(encoder, records, notes, NoteTable(), NoteMemory(KEY))
    memory = KeptNotes.of(
        ((d, v) for d, v in zip(first["note_digests"], first["note_own_vectors"], strict=True) if d), 100
    )
    second = embedding_columns(encoder, records, notes, NoteTable(), NoteMemory(KEY, lambda: memory))
    spoilt = KeptNotes(memory.digests, -memory.vectors)
    third = embedding_columns(encoder, records, notes, NoteTable(), NoteMemory(KEY, lambda: spoilt))

    assert first == second
    assert [len(cell or b"") // DIGEST_BYTES for cell in first["note_digests"]] == [2, 0, 1]
    assert third["note_vector"][2] == (-np.frombuffer(first["note_vector"][2], np.int8)).tobytes()


@dataclass
class Hospital:
    """A table with notes that is matched again and again into one output."""

    spark: object
    folder: Path

    def run(self, records, notes, mode="full", **settings):
        paths = [str(self.folder / name) for name in ("records.csv", "notes.csv")]
        for path, table in zip(paths, (records, notes), strict=True):
            table.to_csv(path, index=False)
        flags = {"input.records": paths[:1], "input.notes": paths[1:], "run.mode": mode, "run.relearn_share": 1.0,
                 "run.output": str(self.folder / "out"), **settings}  # fmt: skip
        return Path(pipeline.match(self.spark, load_config(None, flags, [])).path)


def of_records(run):
    """record_key -> {digest: vector} of the notes in the chunks of a run."""
    found = {}
    for content in chunk_contents(run / "chunks").values():
        for row in columns_of(content(), ("record_key", *OF_NOTES)).drop_null().to_pylist():
            digests, vectors = (np.frombuffer(row[name], np.uint8) for name in OF_NOTES)
            named = zip(digests.reshape(-1, DIGEST_BYTES), vectors.reshape(-1, 64), strict=True)
            found[row["record_key"]] = {digest.tobytes(): vector.tobytes() for digest, vector in named}
    return found


def held(run):
    """Digest -> vector of all notes in the chunks of a run."""
    return {digest: vector for own in of_records(run).values() for digest, vector in own.items()}


def spoil(spark, run):
    """Put other vectors into the chunks of a run, so that whoever takes them over can be told."""
    chunks = run / "chunks"
    rows = spark.read.parquet(str(chunks)).collect()
    made = []
    for row in rows:
        content = row["content"]
        if content is not None:
            table = pa.ipc.open_stream(content).read_all()
            place = table.schema.get_field_index(OF_NOTES[1])
            other = [None if cell is None else bytes(len(cell)) for cell in table[OF_NOTES[1]].to_pylist()]
            table = table.set_column(place, OF_NOTES[1], pa.array(other, pa.binary()))
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            content = sink.getvalue().to_pybytes()
        made.append((row["chunk"], row["group"], row["part"], content, row["codes"]))
    written(spark.createDataFrame(made, spark.read.parquet(str(chunks)).schema), str(chunks))


def test_a_table_matched_again_takes_its_notes_over_and_a_deleted_record_takes_them_along(spark, tmp_path, noted_rows):
    records, notes = noted_rows
    hospital = Hospital(spark, tmp_path)
    first = hospital.run(records, notes)
    second = hospital.run(records, notes)

    assert len(held(first)) > 20
    assert held(second) == held(first)
    for name in TABLES:
        frames = [
            pd.read_parquet(run / name).drop(columns=["run_id", "valid_from"], errors="ignore")
            for run in (first, second)
        ]
        pd.testing.assert_frame_equal(*frames)

    model, versions = (json.loads((second / "run.json").read_text())[name] for name in ("model", "versions"))
    config = load_config(None, {}, [])
    before = RunFolder(str(tmp_path / "out"), second.name, str(second))
    unlike = [
        (config, None, model, versions),
        (load_config(None, {"run.kept_notes": 0}, []), before, model, versions),
        (config, before, model | {"encoder_digest": "another"}, versions),
        (config, before, model, versions | {"torch": "another"}),
    ]
    assert note_memory(spark, config, before, model, versions, ["cpu"]).kept().digests.size
    for others in unlike:
        assert not note_memory(spark, *others, ["cpu"]).kept().digests.size

    spoil(spark, second)
    third = hospital.run(records, notes)
    assert set(held(third).values()) == {bytes(64)}, "vectors of the run before were not taken over"

    gone, *others = of_records(third)
    source, record_id = gone.split("\x1f")
    is_gone = (records["source"] == source) & (records["record_id"] == record_id)
    tombstone = records[is_gone].head(1).assign(deleted="true", updated_at="2040-01-01")
    after = hospital.run(tombstone, notes.head(0), "incremental")
    assert of_records(after) == {key: own for key, own in of_records(third).items() if key in others}
