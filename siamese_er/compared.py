"""How what comparing found travels between jobs: one byte a level, float16 measures, as two binary columns."""

import numpy as np
import pyarrow as pa

from siamese_er.linkage.byte_rows import byte_rows
from siamese_er.linkage.compare import PAIR_FACTS, Compared
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.cosines import COSINES

WIDTHS = (len(COMPARISONS), len(COMPARISONS), len(COSINES), len(PAIR_FACTS))  # of the parts of ``measures``


def measures_of(compared: Compared) -> pa.Array:
    """The column ``measures`` of pairs."""
    parts = (compared.similarities, compared.rarities, compared.cosines, compared.facts)
    return rows_of_bytes(np.concatenate([part.astype(np.float16) for part in parts], axis=1))


def rows_of_bytes(matrix: np.ndarray) -> pa.Array:
    """One binary value for each row of a matrix."""
    width = matrix.shape[1] * matrix.itemsize
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(matrix), [None, pa.py_buffer(np.ascontiguousarray(matrix).tobytes())]
    )
    return fixed.cast(pa.binary())


def matrix_of(column: pa.Array, width: int, kind: type) -> np.ndarray:
    """The inverse of ``rows_of_bytes``: (n, width). Raises: ValueError where a value has another width."""
    rows = byte_rows(column, width * np.dtype(kind).itemsize)
    if rows is None:
        raise ValueError(f"a value of the column does not hold {width} numbers")
    return rows.view(kind)


def compared_of(batch: pa.RecordBatch | pa.Table) -> Compared:
    """The Compared of a batch of COMPARED_PAIRS."""
    levels = matrix_of(batch.column("levels"), len(COMPARISONS), np.int8)
    measures = matrix_of(batch.column("measures"), sum(WIDTHS), np.float16).astype(np.float32)
    similarities, rarities, cosines, facts = np.split(measures, np.cumsum(WIDTHS)[:-1], axis=1)
    return Compared(levels, similarities, rarities, cosines, facts)
