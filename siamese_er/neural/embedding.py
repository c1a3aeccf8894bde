"""The EMBEDDINGS of a batch of standardised records and their notes, as columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siamese_er.fields.note_own import own_facts
from siamese_er.fields.note_tables import Note, NoteTable, note_evidence
from siamese_er.neural.encoder import Bytes, Encoder, mean_vectors


def cells(vectors: Bytes) -> list[bytes | None]:
    """One cell a row; null for a row of zeros, which stands for nothing to encode."""
    return [row.tobytes() if row.any() else None for row in vectors]


def embedding_columns(
    encoder: Encoder, records: pd.DataFrame, notes: Sequence[Sequence[Note]], table: NoteTable
) -> dict[str, list[Any]]:
    """Columns of EMBEDDINGS, without record_key, of STANDARDISED rows.

    ``notes`` holds the notes of each row; the vectors of what is left of them are averaged. Distinct values and notes
    are encoded once. A row without notes has nulls in the columns of notes.
    """
    fields, record_vectors = encoder.embeddings(records)
    rows = [row for row, own in enumerate(notes) if len(own)]
    found = {
        row: note_evidence(notes[row], own, table) for row, own in zip(rows, own_facts(records, rows), strict=True)
    }
    texts = [(row, text) for row, evidence in found.items() for text in evidence.texts]
    note_vectors = np.zeros_like(record_vectors)
    if texts:
        vectors = encoder.note_vectors([text for _, text in texts])
        note_vectors = mean_vectors(vectors, [row for row, _ in texts], len(notes))
    each = [found.get(row) for row in range(len(notes))]
    return {
        "field_vectors": cells(fields), "record_vector": cells(record_vectors), "note_vector": cells(note_vectors),
        "note_terms": [evidence and evidence.terms for evidence in each],
        "note_births": [evidence and evidence.births for evidence in each],
        "note_sexes": [evidence and evidence.sexes for evidence in each],
        "note_names": [evidence and evidence.names for evidence in each],
        "wrong_chart": [evidence.is_wrong_chart if evidence else None for evidence in each],
    }  # fmt: skip
