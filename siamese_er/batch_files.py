"""What workers read by path of a table's chunks for a batch, where they reach them (`RunFolder.worker_folder`).

So of a known table only the columns that count are opened, and no chunk of it travels.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession

from siamese_er.block import holders
from siamese_er.errors import without_values
from siamese_er.linkage.chunks import Codes
from siamese_er.schemas import HELD_CODES, conform
from siamese_er.task_rows import TaskRows, Tasks, chunk_contents, code_counts_of, numbered, only_number


def held_codes(spark: SparkSession, cut: Path, table: Path) -> DataFrame:
    """How many records of a table hold each code of some chunks, in parts to be added up. Out: HELD_CODES.

    In: folders of CHUNKS; ``table``: of all, the others included.
    """
    n_tasks = spark.sparkContext.defaultParallelism

    @without_values("block")
    def held(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = only_number(batches)
        if task is None:
            return
        wanted = {part: np.unique(np.concatenate(codes)) for part, codes in _codes_by_part(cut).items()}
        sums = {part: np.zeros(len(codes), np.int64) for part, codes in wanted.items()}
        for piece in _row_groups(table)[task::n_tasks]:
            for part, codes in _codes_of(piece):
                if part in wanted:
                    sums[part] += holders(wanted[part], [codes])
        for part, n_holders in sums.items():
            columns = [pa.array([part], pa.int32()), pa.nulls(1, pa.binary()), pa.array([n_holders.tobytes()])]
            yield pa.RecordBatch.from_arrays(columns, HELD_CODES.names)

    return conform(numbered(spark, n_tasks).mapInArrow(held, HELD_CODES), HELD_CODES)


def _row_groups(folder: Path) -> list[ds.ParquetFileFragment]:
    """The row groups of a table's files, in the order of their names."""
    files = sorted(ds.dataset(folder, format="parquet").get_fragments(), key=lambda file: file.path)
    return [piece for file in files for piece in file.split_by_row_group()]


def _codes_of(piece: ds.Fragment) -> Iterator[tuple[int, np.ndarray]]:
    """The part of the code space and the codes of each row that has any. In: CHUNKS."""
    rows = piece.to_table(columns=["part", "codes"], filter=ds.field("part") >= 0, use_threads=False)
    for part, codes in zip(rows["part"].to_pylist(), rows["codes"].to_pylist(), strict=True):
        yield part, Codes.from_bytes(codes).codes


def _codes_by_part(folder: Path) -> dict[int, list[np.ndarray]]:
    found: dict[int, list[np.ndarray]] = {}
    for piece in _row_groups(folder):
        for part, codes in _codes_of(piece):
            found.setdefault(part, []).append(codes)
    return found


def partner_tasks(spark: SparkSession, fresh: Path, counts: Path, table: Path, n_new: int, n_known: int) -> Tasks:
    """Tasks of `batch_chunks.partners` whose workers read the folders of CHUNKS and CODE_COUNTS of a batch, and the table's."""
    return Tasks(numbered(spark, n_new * n_known), partial(read_partners, fresh, counts, table, n_new, n_known))


def read_partners(
    fresh: Path, counts: Path, table: Path, n_new: int, n_known: int, batches: Iterator[pa.RecordBatch]
) -> TaskRows | None:
    """The chunks of a group of a batch, and of the others every ``n_known``-th, under a group beyond; null without a task."""
    task = only_number(batches)
    if task is None:
        return None
    place, group = divmod(task, n_new)
    is_of_group = ds.field("group") == group
    own = {chunk for _, chunk in chunk_contents(fresh)}
    others = {chunk: content for (_, chunk), content in chunk_contents(table).items() if chunk not in own}
    near = {(n_new + place, chunk): others[chunk] for chunk in sorted(others)[place::n_known]}
    return TaskRows(task, frozenset(), chunk_contents(fresh, is_of_group) | near, code_counts_of(counts, is_of_group))
