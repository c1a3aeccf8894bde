"""Records in chunks: some thousand records in one Arrow message, with sketches, blocking keys and codes of their values.

A chunk travels as one value, so what a shuffle costs is its bytes and not its rows. How often a key or a value occurs
in the whole table is not known where a chunk is made: its codes are counted elsewhere and come back in the same order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from siamese_er.linkage.comparisons import COMPARISONS, FREQUENCY_COLUMNS
from siamese_er.linkage.keys import LEAST_BITS, blocking_keys
from siamese_er.linkage.sketches import SKETCH, hashes, sketches
from siamese_er.linkage.values import value_column
from siamese_er.messages import message, table_of

CHUNK_RECORDS = 5_000
LEAST_IN_GROUP = 2_000  # records; smaller groups cost more to open than they spare
OF_VALUE = 127  # kind of a code that is no key
PARTS = b"parts"
COMPARED_COLUMNS = (
    "record_key", "source", *dict.fromkeys(name for c in COMPARISONS for name in (c.column, c.near_column) if name),
    "birth_orders", "name_marks", "value_faults",
    "field_vectors", "record_vector", "note_vector", "note_terms", "note_births", "note_sexes", "note_names", "chart_facts",
)  # fmt: skip
"""What comparing needs of a record."""
OF_NOTES = ("note_digests", "note_own_vectors")
"""What a chunk holds of the notes of a record for the next run."""
KEPT_COLUMNS = (*COMPARED_COLUMNS, "wrong_chart", *OF_NOTES)
"""What a chunk holds of a record, where it is there: no vector is lost."""
OWN_COLUMNS = ("keys", "kinds", "sketch")
"""What a chunk says of a record beside them: its blocking keys, the pass of each, and its sketch."""


@dataclass(frozen=True)
class Codes:
    """Codes of keys and values with the kind of each: the number of the pass, or OF_VALUE."""

    codes: np.ndarray  # int64
    kinds: np.ndarray  # int8

    def to_bytes(self) -> bytes:
        """All codes, then all kinds."""
        return self.codes.tobytes() + self.kinds.tobytes()

    @staticmethod
    def from_bytes(content: bytes) -> "Codes":
        """The inverse of ``to_bytes``."""
        n = len(content) // 9
        return Codes(np.frombuffer(content, np.int64, n), np.frombuffer(content, np.int8, n, 8 * n))


@dataclass(frozen=True)
class Chunk:
    """``content``: an Arrow message of the records. ``codes``: theirs, of each part of the code space."""

    content: bytes
    codes: list[Codes]


def value_codes(records: pa.Table) -> np.ndarray:
    """The codes of all values whose rarity counts, column after column; apart from those of keys by the 62nd bit."""
    parts = []
    for name in FREQUENCY_COLUMNS:
        column = value_column(records[name])
        codes = (hashes(column.values, name) >> np.uint64(2)).astype(np.int64) | np.int64(1 << 62)
        parts.append(codes[column.codes] if len(column.codes) else np.zeros(0, np.int64))
    return np.concatenate(parts)


def sketch_column(records: pa.Table) -> pa.FixedSizeBinaryArray:
    """The sketch of each record (STANDARDISED)."""
    content = pa.py_buffer(sketches(records).tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(SKETCH.itemsize), records.num_rows, [None, content])


def chunk(records: pa.Table, passes: tuple[str, ...], n_parts: int, learned_bits: int = LEAST_BITS) -> Chunk:
    """The records (STANDARDISED, EMBEDDINGS) as a chunk whose codes are split into ``n_parts``."""
    rows, keys, kinds = blocking_keys(records, passes, learned_bits)
    order = np.argsort(rows, kind="stable")
    offsets = pa.array(np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=records.num_rows))]).astype(np.int32))
    listed = [
        pa.ListArray.from_arrays(offsets, pa.array(keys[order])),
        pa.ListArray.from_arrays(offsets, pa.array(kinds[order].astype(np.int8))),
        sketch_column(records),
    ]
    table = records.select([name for name in KEPT_COLUMNS if name in records.column_names])
    for name, column in zip(OWN_COLUMNS, listed, strict=True):
        table = table.append_column(name, column)
    return packed(table, n_parts)


def packed(records: pa.Table, n_parts: int) -> Chunk:
    """Records that have their keys, kinds and sketches already, as rows of a chunk have, as a chunk."""
    records = records.combine_chunks()
    keys = flat(records["keys"]).to_numpy(zero_copy_only=False)
    codes = np.concatenate([keys, value_codes(records)])
    kinds = np.full(len(codes), OF_VALUE, np.int8)
    kinds[: len(keys)] = flat(records["kinds"]).to_numpy(zero_copy_only=False)
    part = codes % n_parts
    table = records.replace_schema_metadata({PARTS: part.astype(np.uint16).tobytes()})
    by_part = [np.flatnonzero(part == number) for number in range(n_parts)]
    return Chunk(message(table), [Codes(codes[own], kinds[own]) for own in by_part])


def columns_of(content: bytes | pa.Buffer, names: tuple[str, ...]) -> pa.Table:
    """Some columns of the records of a chunk; the others are not decompressed."""
    places = [pa.ipc.open_stream(content).schema.get_field_index(name) for name in names]
    options = pa.ipc.IpcReadOptions(included_fields=sorted(places))
    return pa.ipc.open_stream(content, options=options).read_all().replace_schema_metadata(None).select(list(names))


def rows_of(content: bytes | pa.Buffer, rows: np.ndarray) -> pa.Table:
    """Some records of a chunk, as `packed` takes them."""
    return table_of(content).replace_schema_metadata(None).take(pa.array(rows))


def opened(content: bytes | pa.Buffer, counts: list[bytes]) -> pa.Table:
    """The records of a chunk with ``<column>_n`` (see ``compare``) and ``key_n``: how many records hold each key.

    In: the content and, for each part of its codes, how often each code occurs in the whole table (int32).
    """
    names = pa.ipc.open_stream(content).schema.names
    options = pa.ipc.IpcReadOptions(included_fields=[i for i, name in enumerate(names) if name not in OF_NOTES])
    table = pa.ipc.open_stream(content, options=options).read_all()
    part = np.frombuffer(table.schema.metadata[PARTS], np.uint16)
    n_holders = np.empty(len(part), np.int32)
    n_holders[np.argsort(part, kind="stable")] = np.frombuffer(b"".join(counts), np.int32)
    table = table.replace_schema_metadata(None).combine_chunks()
    keys = flat(table["keys"])
    end = len(keys)
    table = table.append_column("key_n", as_lists(table["keys"], n_holders[:end]))
    for name in FREQUENCY_COLUMNS:
        n_values = len(flat(table[name]))
        table = table.append_column(f"{name}_n", as_lists(table[name], n_holders[end : end + n_values]))
        end += n_values
    return table


def flat(column: pa.ChunkedArray) -> pa.Array:
    """The values of a list column that is one array."""
    return column.chunk(0).flatten() if column.num_chunks else pa.array([], column.type.value_type)


def as_lists(column: pa.ChunkedArray, values: np.ndarray) -> pa.Array:
    """Lists of these values, as long as those of the column; none where it has none."""
    if not column.num_chunks:
        return pa.array([], pa.list_(pa.int64()))
    lengths = np.diff(column.chunk(0).offsets.to_numpy())
    lengths = np.where(column.chunk(0).is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.astype(np.int64)))


@dataclass(frozen=True)
class Group:
    """Records of some chunks and those of their keys that propose pairs."""

    table: pa.Table
    max_block_size: int

    @property
    def sketches(self) -> list[np.ndarray]:
        """Their sketches, those of a chunk in one array."""
        return [
            np.frombuffer(array.buffers()[1], SKETCH, len(array), array.offset * SKETCH.itemsize)
            for array in self.table["sketch"].chunks
        ]

    @cached_property
    def held(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(key, row, pass), ascending by key, of the keys that two to ``max_block_size`` records hold."""
        alive, start = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int8))], 0
        for piece in self.table.select(["keys", "kinds", "key_n"]).to_batches():
            counts = np.diff(piece.column("keys").offsets.to_numpy())
            keys, kinds, sizes = (column.flatten().to_numpy(zero_copy_only=False) for column in piece.columns)
            own = np.flatnonzero((sizes >= 2) & (sizes <= self.max_block_size))
            alive.append((keys[own], np.repeat(np.arange(start, start + len(counts)), counts)[own], kinds[own]))
            start += len(counts)
        keys, rows, kinds = (np.concatenate(parts) for parts in zip(*alive, strict=True))
        order = np.argsort(keys)
        return keys[order], rows[order], kinds[order]


def counted(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(first place of each distinct code, how often it occurs, the same for every code)."""
    _, first, back, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    return first, counts, counts[back].astype(np.int32)


def sliced(records: pa.Table) -> Iterator[pa.Table]:
    """The records in tables of CHUNK_RECORDS."""
    for start in range(0, records.num_rows, CHUNK_RECORDS):
        yield records.slice(start, CHUNK_RECORDS).combine_chunks()


def group_of(contents: Iterable[tuple[bytes | pa.Buffer, list[bytes]]], max_block_size: int) -> Group:
    """The Group of chunks: content and counts of each."""
    return Group(pa.concat_tables([opened(*content) for content in contents]), max_block_size)
