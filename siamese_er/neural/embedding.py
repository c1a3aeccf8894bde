"""The EMBEDDINGS of a batch of standardised records and their notes, as columns of bytes."""

import numpy as np
import pandas as pd

from siamese_er.neural.encoder import Bytes, Encoder, mean_vectors


def cells(vectors: Bytes) -> list[bytes | None]:
    """One cell a row; null for a row of zeros, which stands for nothing to encode."""
    return [row.tobytes() if row.any() else None for row in vectors]


def embedding_columns(encoder: Encoder, records: pd.DataFrame, notes: list[list[str]]) -> dict[str, list[bytes | None]]:
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
    return {"field_vectors": cells(fields), "record_vector": cells(record_vectors), "note_vector": cells(note_vectors)}
