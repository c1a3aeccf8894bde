"""Binary columns whose values have all one width, as matrices: what Arrow holds already, without a Python object a row."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def byte_rows(column: pa.Array | pa.ChunkedArray, width: int) -> np.ndarray | None:
    """(n, width) uint8 of a binary column; null where a value is null or has another width."""
    if column.null_count or pc.any(pc.not_equal(pc.binary_length(column), width)).as_py():
        return None
    parts = [chunk for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column]) if len(chunk)]
    rows = [_rows_of(part.cast(pa.binary()), width) for part in parts]
    return rows[0] if len(rows) == 1 else np.concatenate([np.zeros((0, width), np.uint8), *rows])


def _rows_of(column: pa.Array, width: int) -> np.ndarray:
    _, offsets, content = column.buffers()
    start = np.frombuffer(offsets, np.int32, 1, 4 * column.offset)[0]
    return np.frombuffer(content, np.uint8, width * len(column), start).reshape(-1, width)
