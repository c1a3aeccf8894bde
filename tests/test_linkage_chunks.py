"""A chunk of records holds all that blocking and comparing read of them."""

import numpy as np
import pyarrow as pa
import pytest

from siamese_er.config import BlockingSettings, ModelSettings
from siamese_er.fields.note_tables import Note, NoteTable
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.chunks import chunk, counted, opened
from siamese_er.linkage.compare import NOTE_FACTS, PAIR_FACTS, compare
from siamese_er.linkage.tables import arrow_table, with_frequencies
from siamese_er.model import model_folder
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.embedding import embedding_columns
from siamese_er.simulation import EMBEDDED_TYPES

N_PARTS = 3
PASSES = BlockingSettings().passes


@pytest.fixture(scope="module")
def noted(made):
    """Records with the vectors of both towers; every third has a note of another patient, so that some contradict it."""
    records = made.records.head(80).copy()
    records["record_key"] = records["source"] + "\x1f" + records["record_id"]
    standardised = standard_batch(records, StandardRules())
    own = made.notes.assign(record_key=made.notes["source"] + "\x1f" + made.notes["record_id"]).groupby("record_key")[
        "text"
    ]
    texts = {key: list(found) for key, found in own}
    some = [found for found in texts.values() if "year" in found[0]][:40]
    notes = [
        [Note(None, text) for text in (some[row % len(some)] if row % 3 == 0 else texts.get(key, []))]
        for row, key in enumerate(standardised["record_key"])
    ]
    table = arrow_table(standardised)
    encoder = load_encoder(model_folder(ModelSettings()))
    for name, values in embedding_columns(encoder, standardised, notes, NoteTable()).items():
        table = table.append_column(name, pa.array(values, EMBEDDED_TYPES[name]))
    return table


def test_comparing_finds_in_a_chunk_what_it_finds_in_the_table(noted):
    made = chunk(noted, PASSES, N_PARTS)
    left, right = np.triu_indices(noted.num_rows, 1)

    of_chunk = opened(made.content, [counted(codes.codes)[2].tobytes() for codes in made.codes])
    found, expected = (compare(table, left, right, 80) for table in (of_chunk, with_frequencies(noted)))

    for name in ("levels", "similarities", "rarities", "cosines", "facts"):
        assert np.array_equal(getattr(found, name), getattr(expected, name), equal_nan=True), name
    assert expected.facts[:, [PAIR_FACTS.index("wrong_chart_sides")]].any()
    assert expected.facts[:, [PAIR_FACTS.index(name) for name in NOTE_FACTS]].any()
