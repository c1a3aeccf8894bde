"""Rows in parts by a hash of a key: of each batch one Arrow message a part, so that a shuffle costs bytes and not rows."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from siamese_er.errors import without_values
from siamese_er.linkage.held import text_hashes
from siamese_er.messages import message, table_of
from siamese_er.schemas import PARTED
from siamese_er.whole_files import rows_of

BATCH_ROWS = 50_000
"""Rows that are cut at once: messages of fewer rows cost more to write than they hold."""
ARROW = to_arrow_schema(PARTED)


def parted(
    frame: DataFrame, step: str, kind: int, n_parts: int, key: str, form: Callable[[pa.Table], pa.Table],
    columns: tuple[str, ...],
) -> DataFrame:  # fmt: skip
    """PARTED of the rows of a frame, or of the Parquet files that it names (`whole_files.rows_of`).

    ``form`` makes of some ``columns`` the rows that travel, by the values of whose column ``key`` they are cut.
    """

    @without_values(step)
    def cut(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in together_by(rows_of(batches, columns), BATCH_ROWS):
            yield in_parts(form(rows), key, n_parts, kind)

    return frame.mapInArrow(cut, PARTED)


def together_by(batches: Iterable[pa.RecordBatch], n_rows: int) -> Iterator[pa.Table]:
    """The rows of batches in tables of at least so many, but for the last."""
    held: list[pa.RecordBatch] = []
    n_held = 0
    for batch in batches:
        held.append(batch)
        n_held += batch.num_rows
        if n_held >= n_rows:
            yield pa.Table.from_batches(held)
            held, n_held = [], 0
    if n_held:
        yield pa.Table.from_batches(held)


def in_parts(rows: pa.Table, key: str, n_parts: int, kind: int = 0) -> pa.RecordBatch:
    """PARTED of some rows: those of one key are in one part, the same in every process."""
    part = (text_hashes(rows[key].to_pylist()) % np.uint64(n_parts)).astype(np.int32)
    order = np.argsort(part, kind="stable")
    there, starts = np.unique(part[order], return_index=True)
    ordered = rows.take(pa.array(order)).combine_chunks()
    ends = np.append(starts, len(part))[1:]
    contents = [message(ordered.slice(start, end - start)) for start, end in zip(starts, ends, strict=True)]
    arrays = [pa.array(there), pa.array([kind] * len(there), pa.int32()), pa.array(contents, pa.binary())]
    return pa.RecordBatch.from_arrays(arrays, schema=ARROW)


def rows_by_kind(batches: Iterator[pa.RecordBatch]) -> dict[int, pa.Table]:
    """The rows of one part, those of each kind as one table. In: PARTED."""
    found: dict[int, list[pa.Table]] = {}
    for batch in batches:
        for kind, content in zip(batch.column("kind").to_pylist(), batch.column("content"), strict=True):
            found.setdefault(kind, []).append(table_of(content.as_buffer()))
    return {kind: pa.concat_tables(tables) for kind, tables in found.items()}
