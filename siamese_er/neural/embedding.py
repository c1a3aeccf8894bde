"""The EMBEDDINGS of a batch of standardised records and their notes, as columns of bytes."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from siamese_er.neural.encoder import Bytes, Encoder, mean_vectors

FOREIGN = b"\0"
"""Behind the note vector of a ``note_model``: comparable with its like, not with record vectors."""
Columns = dict[str, list[bytes | None]]


def cells(vectors: Bytes, mark: bytes = b"") -> list[bytes | None]:
    """One cell a row, with a mark behind it; null for a row of zeros, which stands for nothing to encode."""
    return [row.tobytes() + mark if row.any() else None for row in vectors]


def embedding_columns(encoder: Encoder, records: pd.DataFrame, notes: list[list[str]]) -> Columns:
    """Columns field_vectors, record_vector and note_vector of STANDARDISED rows.

    ``notes`` holds the texts of each row; their vectors are averaged. Distinct values and notes are encoded once.
    """
    fields, record_vectors = encoder.embeddings(records)
    owners = np.repeat(np.arange(len(notes)), [len(texts) for texts in notes])
    texts = [text for row in notes for text in row]
    if texts:
        note_vectors = mean_vectors(encoder.note_vectors(texts), owners.tolist(), len(notes))
    else:
        note_vectors = np.zeros_like(record_vectors)
    return {
        "field_vectors": cells(fields),
        "record_vector": cells(record_vectors),
        "note_vector": cells(note_vectors, b"" if encoder.note_model is None else FOREIGN),
    }


def columns_by_source(encoder_of: Callable[[str], Encoder], records: pd.DataFrame, notes: list[list[str]]) -> Columns:
    """`embedding_columns` where each source may have an encoder of its own; sources of one encoder go together."""
    encoders = {source: encoder_of(source) for source in records["source"].unique()}
    distinct = {id(encoder): encoder for encoder in encoders.values()}
    if len(distinct) == 1:
        return embedding_columns(next(iter(distinct.values())), records, notes)
    of_row = records["source"].map({source: id(encoder) for source, encoder in encoders.items()}).to_numpy()
    found: Columns = {}
    for number, encoder in distinct.items():
        places = np.flatnonzero(of_row == number).tolist()
        part = embedding_columns(encoder, records.iloc[places], [notes[place] for place in places])
        for name, column in part.items():
            whole = found.setdefault(name, [None] * len(records))
            for place, cell in zip(places, column, strict=True):
                whole[place] = cell
    return found
