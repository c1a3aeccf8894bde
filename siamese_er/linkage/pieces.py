"""Records in many pieces of memory, of which few are picked at a time."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Pieces:
    """Records in the pieces in which they came. Arrow's own ``take`` copies all pieces of a table into one first."""

    schema: pa.Schema
    pieces: list[pa.RecordBatch]
    starts: np.ndarray  # row of the first record of each piece, and how many there are

    @classmethod
    def of(cls, records: pa.Table) -> Self:
        """The pieces of a table."""
        pieces = records.to_batches()
        return cls(records.schema, pieces, np.cumsum([0, *(piece.num_rows for piece in pieces)]))

    def picked(self, rows: np.ndarray) -> pa.Table:
        """The records of some rows, in one piece. In: rows, ascending."""
        ends = np.searchsorted(rows, self.starts)
        parts = [
            piece.take(pa.array(rows[low:high] - start))
            for piece, start, low, high in zip(self.pieces, self.starts[:-1], ends[:-1], ends[1:], strict=True)
            if high > low
        ]
        return pa.Table.from_batches(parts, self.schema).combine_chunks()
