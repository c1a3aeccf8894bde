"""Parquet files that Python workers read whole, so that no row passes through the JVM."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PATH, CONTENT = "path", "content"
OF_VERSIONS = ("rank", "is_deleted")
"""What tells which versions are `living`."""
ROWS_AT_ONCE = 10_000


def rows_of(batches: Iterator[pa.RecordBatch], columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of the files that batches name in their only column, ``path`` or ``content`` (`RunFolder.table_files`).

    Batches of other columns are rows already. ``columns``: those wanted that are there; null: all.
    """
    for batch in batches:
        if batch.schema.names not in ([PATH], [CONTENT]):
            yield batch if columns is None else batch.select([name for name in columns if name in batch.schema.names])
            continue
        for file in batch.column(0):
            source = file.as_py() if batch.schema.names == [PATH] else pa.BufferReader(file.as_buffer())
            with pq.ParquetFile(source, coerce_int96_timestamp_unit="us") as opened:
                names = set(opened.schema_arrow.names)
                wanted = None if columns is None else [name for name in columns if name in names]
                yield from opened.iter_batches(ROWS_AT_ONCE, columns=wanted)


def living(rows: pa.RecordBatch | pa.Table) -> pa.RecordBatch | pa.Table:
    """Of ranked versions those that are the latest of a living record; rows that are no versions are records all."""
    if "rank" not in rows.schema.names:
        return rows
    is_living = pc.and_(pc.equal(rows.column("rank"), 1), pc.invert(rows.column("is_deleted")))
    return rows.filter(is_living).drop_columns(list(OF_VERSIONS))
