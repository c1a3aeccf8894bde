"""Learned similarities of record pairs: cosines of the vectors of fields, records and notes, and of notes' terms."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

VECTOR_FIELDS = ("given_name", "family_name", "address_line", "city", "email")  # order of EMBEDDINGS.field_vectors
FIELD_WIDTH = 32
COSINES = (
    *(f"cosine_{name}" for name in VECTOR_FIELDS), "cosine_record", "cosine_note", "cosine_cross", "cosine_note_terms",
)  # fmt: skip
TERM_WIDTH = 128


def is_foreign(notes: pa.ChunkedArray) -> bool:
    """Whether another encoder than the model's made the note vectors: a 65th byte says so; see ``neural/encoder.py``."""
    return bool(pc.max(pc.binary_length(notes)).as_py() == 65)


def vectors(records: pa.Table, name: str, width: int) -> np.ndarray:
    """(n, width) float32 of a binary int8 column; a row of zeros where null."""
    empty = bytes(width)
    return (
        np.frombuffer(b"".join((v or empty)[:width] for v in records[name].to_pylist()), np.int8)
        .reshape(-1, width)
        .astype(np.float32)
    )


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row-wise cosine; nan where a row is zero. Rounded to 1/1024, so that the order of summation cannot show."""
    norms = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(norms > 0, (a * b).sum(1) / norms, np.nan)
    return (np.round(value * 1024) / 1024).astype(np.float32)


def cosines(records: pa.Table, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, len(COSINES)): cosines of the learned vectors; nan where a side has none or there are no embeddings."""
    result = np.full((len(left), len(COSINES)), np.nan, np.float32)
    if "record_vector" not in records.column_names:
        return result
    fields = vectors(records, "field_vectors", FIELD_WIDTH * len(VECTOR_FIELDS))
    for position in range(len(VECTOR_FIELDS)):
        part = fields[:, position * FIELD_WIDTH : (position + 1) * FIELD_WIDTH]
        result[:, position] = cosine(part[left], part[right])
    record, note = vectors(records, "record_vector", 64), vectors(records, "note_vector", 64)
    place = {name: position for position, name in enumerate(COSINES)}
    result[:, place["cosine_record"]] = cosine(record[left], record[right])
    result[:, place["cosine_note"]] = cosine(note[left], note[right])
    if not is_foreign(records["note_vector"]):
        cross = np.stack([cosine(record[left], note[right]), cosine(note[left], record[right])])
        known = ~np.isnan(cross)
        mean = np.where(known, cross, 0).sum(0) / np.maximum(known.sum(0), 1)
        result[:, place["cosine_cross"]] = np.where(known.any(0), mean, np.nan)
    if "note_terms" in records.column_names:
        result[:, place["cosine_note_terms"]] = term_cosines(records, left, right)
    return result


def term_cosines(records: pa.Table, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n,) cosines of clinical terms; nan where a side has none."""
    result = np.full(len(left), np.nan, np.float32)
    is_known = records["note_terms"].is_valid().to_numpy()
    both = np.flatnonzero(is_known[left] & is_known[right])
    if len(both):
        terms = vectors(records, "note_terms", TERM_WIDTH)
        result[both] = cosine(terms[left[both]], terms[right[both]])
    return result
