"""The EMBEDDINGS of a batch of standardised records and their notes, as columns."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from siamese_er.fields.note_own import own_facts
from siamese_er.fields.note_tables import Note, NoteTable, note_evidence
from siamese_er.neural.encoder import Bytes, Encoder, mean_vectors
from siamese_er.neural.kept_notes import NoteMemory

FOREIGN = b"\0"
"""Behind the note vector of a ``note_model``: comparable with its like, not with record vectors."""
NO_MEMORY = NoteMemory()
Columns = dict[str, list[Any]]


def cells(vectors: Bytes, mark: bytes = b"") -> list[bytes | None]:
    """One cell a row, with a mark behind it; null for a row of zeros, which stands for nothing to encode."""
    content, width = vectors.tobytes(), vectors.shape[1]
    starts = range(0, len(content), width)
    known: list[bool] = np.any(vectors, axis=1).tolist()
    return [content[start : start + width] + mark if has else None for start, has in zip(starts, known, strict=True)]


def embedding_columns(
    encoder: Encoder, records: pd.DataFrame, notes: Sequence[Sequence[Note]], table: NoteTable,
    memory: NoteMemory = NO_MEMORY,
) -> Columns:  # fmt: skip
    """Columns of EMBEDDINGS, without record_key, of STANDARDISED rows.

    ``notes`` holds the notes of each row; the vectors of what is left of them are averaged. Distinct values and notes
    are encoded once, those in ``memory`` not again. A row without notes has nulls in the columns of notes.
    """
    fields, record_vectors = encoder.embeddings(records)
    rows = [row for row, own in enumerate(notes) if len(own)]
    found = {
        row: note_evidence(notes[row], own, table) for row, own in zip(rows, own_facts(records, rows), strict=True)
    }
    texts = [(row, text) for row, evidence in found.items() for text in evidence.texts]
    note_vectors = np.zeros_like(record_vectors)
    kept: list[list[tuple[bytes, bytes]]] = [[] for _ in notes]
    if texts:
        named, vectors = memory.recalled([text for _, text in texts], encoder.note_vectors)
        note_vectors = mean_vectors(vectors, [row for row, _ in texts], len(notes))
        for (row, _), digest, vector in zip(texts, named, vectors, strict=True):
            kept[row].append((digest, vector.tobytes()))
    kept = [sorted(own) for own in kept]
    each = [found.get(row) for row in range(len(notes))]
    return {
        "field_vectors": cells(fields), "record_vector": cells(record_vectors), 
        "note_vector": cells(note_vectors, b"" if encoder.note_model is None else FOREIGN),
        "note_terms": [evidence and evidence.terms for evidence in each],
        "note_births": [evidence and evidence.births for evidence in each],
        "note_sexes": [evidence and evidence.sexes for evidence in each],
        "note_names": [evidence and evidence.names for evidence in each],
        "chart_facts": [evidence and evidence.chart_facts for evidence in each],
        "wrong_chart": [evidence.is_wrong_chart if evidence else None for evidence in each],
        "note_digests": [b"".join(digest for digest, _ in own) or None for own in kept],
        "note_own_vectors": [b"".join(vector for _, vector in own) or None for own in kept],
    }  # fmt: skip


def columns_by_source(
    encoder_of: Callable[[str], Encoder], records: pd.DataFrame, notes: Sequence[Sequence[Note]], table: NoteTable,
    memory: NoteMemory = NO_MEMORY,
) -> Columns:  # fmt: skip
    """`embedding_columns` where each source may have an encoder of its own; sources of one encoder go together."""
    encoders = {source: encoder_of(source) for source in records["source"].unique()}
    distinct = {id(encoder): encoder for encoder in encoders.values()}
    if len(distinct) == 1:
        return embedding_columns(next(iter(distinct.values())), records, notes, table, memory)
    of_row = records["source"].map({source: id(encoder) for source, encoder in encoders.items()}).to_numpy()
    found: Columns = {}
    for number, encoder in distinct.items():
        places = np.flatnonzero(of_row == number).tolist()
        part = embedding_columns(encoder, records.iloc[places], [notes[place] for place in places], table, memory)
        for name, column in part.items():
            whole = found.setdefault(name, [None] * len(records))
            for place, cell in zip(places, column, strict=True):
                whole[place] = cell
    return found
