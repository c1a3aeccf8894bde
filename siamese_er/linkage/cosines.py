"""Learned similarities of record pairs: cosines of the vectors of fields, records and notes, and of notes' terms."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siamese_er.linkage.byte_rows import byte_rows

VECTOR_FIELDS = ("given_name", "family_name", "address_line", "city", "email")  # order of EMBEDDINGS.field_vectors
FIELD_WIDTH = 32
COSINES = (
    *(f"cosine_{name}" for name in VECTOR_FIELDS), "cosine_record", "cosine_note", "cosine_cross", "cosine_note_terms",
)  # fmt: skip
TERM_WIDTH = 128


def is_foreign(notes: pa.ChunkedArray) -> bool:
    """Whether another encoder than the model's made the note vectors: a 65th byte says so; see ``neural/encoder.py``."""
    return bool(pc.max(pc.binary_length(notes)).as_py() == 65)


@dataclass(frozen=True)
class Vectors:
    """``rows`` (n, width) float32 that hold whole numbers, and the sum of the squares of each."""

    rows: np.ndarray
    squares: np.ndarray

    @staticmethod
    def of(rows: np.ndarray) -> "Vectors":
        """In: (n, width) int8. Sums of 128 products of bytes are exact in float32, in whatever order."""
        whole = rows.astype(np.float32)
        return Vectors(whole, np.einsum("ij,ij->i", whole, whole))


def vectors(records: pa.Table, name: str, width: int) -> np.ndarray | None:
    """(n, width) int8 of a binary column, cut at the width; a row of zeros where null. Null where all are."""
    column = records[name]
    if column.null_count == len(column):
        return None
    rows = byte_rows(column, width)
    if rows is not None:
        return rows.view(np.int8)
    empty = bytes(width)
    return np.frombuffer(b"".join((v or empty)[:width] for v in column.to_pylist()), np.int8).reshape(-1, width)


def cosine(a: Vectors | None, b: Vectors | None, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine of rows ``left`` of a and ``right`` of b; nan where a row is zero. Rounded to 1/1024."""
    if a is None or b is None:
        return np.full(len(left), np.nan, np.float32)
    products = np.einsum("ij,ij->i", a.rows[left], b.rows[right])
    norms = np.sqrt(a.squares[left] * b.squares[right])
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(norms > 0, products / norms, np.nan)
    return (np.round(value * 1024) / 1024).astype(np.float32)


def column_vectors(records: pa.Table, name: str, width: int) -> Vectors | None:
    """The Vectors of a column; null where it has none."""
    rows = vectors(records, name, width)
    return None if rows is None else Vectors.of(rows)


def cosines(records: pa.Table, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, len(COSINES)): cosines of the learned vectors; nan where a side has none or there are no embeddings."""
    result = np.full((len(left), len(COSINES)), np.nan, np.float32)
    if "record_vector" not in records.column_names:
        return result
    fields = vectors(records, "field_vectors", FIELD_WIDTH * len(VECTOR_FIELDS))
    for position, own in enumerate([] if fields is None else np.split(fields, len(VECTOR_FIELDS), axis=1)):
        part = Vectors.of(own)
        result[:, position] = cosine(part, part, left, right)
    record, note = column_vectors(records, "record_vector", 64), column_vectors(records, "note_vector", 64)
    place = {name: position for position, name in enumerate(COSINES)}
    result[:, place["cosine_record"]] = cosine(record, record, left, right)
    result[:, place["cosine_note"]] = cosine(note, note, left, right)
    if note is not None and not is_foreign(records["note_vector"]):
        cross = np.stack([cosine(record, note, left, right), cosine(note, record, left, right)])
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
        terms = column_vectors(records, "note_terms", TERM_WIDTH)
        result[both] = cosine(terms, terms, left[both], right[both])
    return result
