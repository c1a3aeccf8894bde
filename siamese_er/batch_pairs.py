"""Step 4 of a batch: pairs with a new record formed and compared, each once, as in a run of a whole table."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from siamese_er.errors import InvariantBroken, without_values
from siamese_er.linkage.chunks import Group, sketch_column
from siamese_er.model import pair_head, portable
from siamese_er.schemas import COMPARED_PAIRS, conform
from siamese_er.score import Compare, PairTask


def batch_pairs(tasks: DataFrame, n_records: int, model_path: str, max_block_size: int) -> DataFrame:
    """What comparing found for every candidate pair that random agreement does not explain better.

    In: ``batch_blocks.batch_tasks`` of STANDARDISED, EMBEDDINGS, frequency columns, ``keys`` and ``kinds``.
    Out: COMPARED_PAIRS, each pair once.
    """

    model = portable(model_path)

    @without_values("compare")
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = batch_task(list(batches), max_block_size)
        if task is not None:
            yield from Compare(task, n_records, pair_head(model)).batches()

    return conform(tasks.mapInArrow(found, COMPARED_PAIRS), COMPARED_PAIRS)


def batch_task(batches: list[pa.RecordBatch], max_block_size: int) -> PairTask | None:
    """The task of one partition of ``batch_tasks``; null where a group of it has no records.

    Records are put in the order of their keys, so that nothing depends on how they came.
    """
    if not batches:
        return None
    table = pa.Table.from_batches(batches).sort_by([("group", "ascending"), ("record_key", "ascending")])
    of = table["group"].to_numpy()
    numbers = np.unique(of)
    is_within = table["is_within"][0].as_py()
    if len(numbers) != (1 if is_within else 2):
        if len(numbers) > 2 or is_within:
            raise InvariantBroken(f"{len(numbers)} groups in one task of a batch")
        return None
    groups = [group_of_rows(table.slice(int((of < n).sum()), int((of == n).sum())), max_block_size) for n in numbers]
    return PairTask(groups[0], groups[-1])


def group_of_rows(records: pa.Table, max_block_size: int) -> Group:
    """The group of these records; all their keys propose pairs."""
    records = records.drop_columns(["task", "group", "is_within", "is_new"]).combine_chunks()
    twos = pa.array(np.full(len(records["keys"].combine_chunks().flatten()), 2, np.int64))
    sizes = pa.ListArray.from_arrays(records["keys"].combine_chunks().offsets, twos)
    return Group(records.append_column("key_n", sizes).append_column("sketch", sketch_column(records)), max_block_size)
