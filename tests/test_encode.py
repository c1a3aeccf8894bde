"""The encode step in Spark: one row for each record, null for nothing, notes averaged in any order."""

from dataclasses import replace

import numpy as np
import pytest
from chispa import assert_df_equality
from linkage_records import table_of

from siamese_er.config import ModelSettings, NoteSettings
from siamese_er.encode import (
    MOST_NOTES,
    counted_notes,
    embeddings,
    encoding,
    gpu_profile,
    kinds_of_device,
    latest_notes,
    worker_device,
)
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.tables import arrow_table
from siamese_er.model import model_folder
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.encoder import mean_vectors
from siamese_er.schemas import EMBEDDINGS, NOTES, STANDARDISED
from siamese_er.simulation import embedded, noted
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

SETTINGS = ModelSettings(device="cpu")
ON_NOTES = NoteSettings()
FOLDER = model_folder(SETTINGS)
FIRST, SECOND = "Patient of 63 with asthma, uses a walker.", "Knee replaced last spring; allergic to penicillin."


@pytest.fixture(scope="module")
def records(spark):
    table = table_of(
        {"given_name": "Ada", "family_name": "Lovelace", "birth_date": "1815-12-10", "city": "London"},
        {"given_name": "Ada", "family_name": "Byron"},
        {"given_name": None, "family_name": None},
    )
    return spark.createDataFrame(
        [tuple(row.values()) for row in table.select(STANDARDISED.names).to_pylist()], STANDARDISED
    )


def notes_of(spark, *notes):
    """Each note is (record number, id, date, text)."""
    return spark.createDataFrame([(f"s\x1fr{n}", note, date, None, text) for n, note, date, text in notes], NOTES)


@pytest.fixture(scope="module")
def notes(spark):
    return notes_of(
        spark,
        (0, "1", "2020-01-01", FIRST),
        (0, "2", "2021-01-01", SECOND),
        (2, "3", None, FIRST),
        (1, "4", None, None),
    )


@pytest.fixture(scope="module")
def encoded(records, notes):
    return embeddings(encoding(records, notes, FOLDER, SETTINGS, ON_NOTES)).persist()


def test_each_record_has_one_row_and_null_vectors_where_nothing_is_to_encode(encoded):
    rows = {row.record_key[-2:]: row for row in encoded.collect()}

    assert sorted(rows) == ["r0", "r1", "r2"]
    assert encoded.columns == EMBEDDINGS.names
    is_null = {name: [column for column in EMBEDDINGS.names[1:] if row[column] is None] for name, row in rows.items()}
    of_notes = ["note_vector", "note_terms", "note_births", "note_sexes", "note_names", "chart_facts", "wrong_chart",
                "note_digests", "note_own_vectors"]  # fmt: skip
    nothing_stated = ["note_births", "note_sexes", "note_names", "chart_facts"]
    assert is_null == {
        "r0": nothing_stated, "r1": of_notes, "r2": ["field_vectors", "record_vector", *nothing_stated]
    }  # fmt: skip
    assert [len(rows["r0"][column]) for column in EMBEDDINGS.names[1:5]] == [160, 64, 64, 128]


def test_the_notes_of_a_record_are_averaged(encoded):
    rows = {row.record_key[-2:]: row for row in encoded.collect()}
    single = load_encoder(FOLDER, "cpu").note_vectors([FIRST, SECOND])

    assert np.array_equal(np.frombuffer(rows["r2"].note_vector, np.int8), single[0])
    assert np.array_equal(np.frombuffer(rows["r0"].note_vector, np.int8), mean_vectors(single, [0, 0], 1)[0])
    assert not np.array_equal(single[0], single[1])


def test_neither_order_nor_partitions_change_a_vector(records, notes, encoded):
    backwards = embeddings(
        encoding(
            records.orderBy("record_key", ascending=False).repartition(3),
            notes.repartition(4).orderBy("text"),
            FOLDER,
            SETTINGS,
            ON_NOTES,
        )
    )

    assert_df_equality(encoded, backwards, ignore_row_order=True)


def test_without_notes_the_other_vectors_are_the_same(records, notes, encoded):
    unread = embeddings(encoding(records, notes, FOLDER, SETTINGS.model_copy(update={"use_notes": False}), ON_NOTES))

    of_notes = [name for name in EMBEDDINGS.names if name.startswith("note_") or name == "wrong_chart"]
    assert unread.dropna("all", subset=of_notes).isEmpty()
    assert_df_equality(unread.drop(*of_notes), encoded.drop(*of_notes), ignore_row_order=True)


def test_latest_notes_keeps_the_latest_and_repeats_none(spark):
    many = [(0, f"{n:03}", f"2020-01-{n % 28 + 1:02}", f"note {n}") for n in range(MOST_NOTES + 9)]
    notes = notes_of(spark, *many, *many, (1, "x", None, None))

    kept = latest_notes(notes).collect()

    expected = [text for _, _, text in sorted(((date, note, text) for _, note, date, text in many), reverse=True)]
    assert [row.record_key for row in kept] == ["s\x1fr0"]
    assert kept[0].notes == expected[:MOST_NOTES]


def test_spark_and_memory_agree_on_every_column(spark):
    made = population(120, 5, replace(PROFILES["demo"], notes_share=0.8, visits=2.0, wrong_chart=0.05))
    raw = made.records.assign(record_key=made.records["source"] + "\x1f" + made.records["record_id"])
    table = arrow_table(standard_batch(raw, StandardRules()))
    standardised = spark.createDataFrame(
        [tuple(row.values()) for row in table.select(STANDARDISED.names).to_pylist()], STANDARDISED
    )
    rows = made.notes.assign(record_key=made.notes["source"] + "\x1f" + made.notes["record_id"])[NOTES.names]
    notes = spark.createDataFrame(list(rows.itertuples(index=False, name=None)), NOTES).repartition(3)
    few = NoteSettings(boilerplate_records=4)

    distributed = {
        row.record_key: row.asDict()
        for row in embeddings(encoding(standardised, notes, FOLDER, SETTINGS, few)).collect()
    }

    in_memory = embedded(table, noted(made.notes), FOLDER, few).select(EMBEDDINGS.names).to_pylist()
    assert distributed == {row["record_key"]: row for row in in_memory}
    counts = {name: sum(row[name] is not None for row in in_memory) for name in EMBEDDINGS.names}
    assert all(counts.values())
    assert {row["wrong_chart"] for row in in_memory} == {True, False, None}


def test_a_sentence_of_many_records_is_boilerplate_for_spark_too(spark, records):
    notes = notes_of(spark, *((n, str(n), None, f"{FIRST} Record {'abc'[n]}.") for n in range(3)))
    joined = records.join(latest_notes(notes), "record_key", "left")

    counted = counted_notes(joined, NoteSettings(boilerplate_records=2))

    assert counted.n_records == 3
    assert counted.kept(f"{FIRST} Gout.") == ["Gout."]
    assert counted_notes(joined, NoteSettings(boilerplate_records=3)).kept(FIRST) == [FIRST]


def test_worker_device_is_the_cpu_where_told_so():
    assert worker_device("cpu") == "cpu"


def test_local_workers_have_no_assigned_gpu_and_encode_on_what_the_driver_sees(spark):
    assert gpu_profile(spark, "auto") is None
    assert kinds_of_device(spark, "cpu") == ["cpu"]
    assert kinds_of_device(spark, "auto") == [worker_device("auto").partition(":")[0]]
