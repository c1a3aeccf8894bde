"""Arrow tables as compressed messages."""

import pyarrow as pa


def message(table: pa.Table) -> bytes:
    """The table, its metadata included, as one Arrow stream, compressed by lz4."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def table_of(content: bytes | pa.Buffer) -> pa.Table:
    """The table of a `message`."""
    return pa.ipc.open_stream(content).read_all()
