"""Step 3 of a batch: the chunks of a known table kept up to date, and the records in them that share a key with the batch.

What a batch opens of the known table are the keys in its chunks, and of the records only those that meet the batch.
From there on a batch goes the way of a whole table: codes counted, tasks, pairs (`block`, `score`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.block import CHUNKS_IN_PARTITION, chunk_rows, groups_in, pair_tasks, sent, with_counts
from siamese_er.components import Checkpoint
from siamese_er.config import BlockingSettings
from siamese_er.errors import without_values
from siamese_er.linkage.chunks import LEAST_IN_GROUP, columns_of, packed, rows_of, sliced
from siamese_er.linkage.meetings import Meeting, every_two
from siamese_er.schemas import CHUNKS, conform
from siamese_er.task_rows import Tasks, task_rows
from siamese_er.worker_files import ArrowRows


def part_count_of(cut: DataFrame) -> int:
    """Into how many parts the codes of chunks were cut. In: CHUNKS."""
    last = cut.agg(F.max("part")).first()
    return 1 + (last[0] if last and last[0] is not None else -1)


def number_after(known: DataFrame) -> int:
    """From where on no number of a known chunk is. In: CHUNKS."""
    last = known.agg(F.max("chunk")).first()
    return 0 if last is None or last[0] is None else (last[0] // CHUNKS_IN_PARTITION + 1) * CHUNKS_IN_PARTITION


@dataclass(frozen=True)
class Cleaned:
    """Chunks without some records: ``chunks``: the numbers of those that held one, as text; CHUNKS of them and of the rest."""

    chunks: DataFrame
    rewritten: DataFrame
    untouched: DataFrame

    @property
    def rest(self) -> DataFrame:
        """All chunks."""
        return self.untouched.unionByName(self.rewritten)


def without_records(known: DataFrame, places: DataFrame, stale: DataFrame, n_parts: int, keep: Checkpoint) -> Cleaned:
    """The chunks without some records; only those that hold one of them are opened.

    In: CHUNKS, PLACES; ``stale``: record_key, small.
    """
    hit = (
        places.join(F.broadcast(stale), "record_key").groupBy("chunk").agg(F.collect_list("record_key").alias("stale"))
    )
    hit = keep(hit, "stale_places")

    @without_values("block")
    def cleaned(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for row in (row for batch in batches for row in batch.to_pylist()):
            keys = columns_of(row["content"], ("record_key",))["record_key"]
            stays = pc.invert(pc.is_in(keys, value_set=pa.array(row["stale"], pa.string())))
            rest = rows_of(row["content"], np.flatnonzero(stays.to_numpy()))
            yield chunk_rows(row["chunk"], row["group"], packed(rest, n_parts))

    contents = known.where(F.col("part") < 0).select("chunk", "group", "content").join(F.broadcast(hit), "chunk")
    rewritten = keep(conform(contents.mapInArrow(cleaned, CHUNKS), CHUNKS), "rewritten_chunks")
    rest = known.join(F.broadcast(hit.select("chunk")), "chunk", "left_anti")
    return Cleaned(hit.select(F.col("chunk").cast("string")), rewritten, conform(rest, CHUNKS))


def group_counts(n_new: int, n_known: int, parallelism: int, settings: BlockingSettings) -> tuple[int, int]:
    """Into how many groups new and known records are cut: within ``records_at_once``, and tasks for every core."""
    of_new, of_known = (max(1, -(-n // settings.records_at_once)) for n in (n_new, n_known))
    while of_new * of_known < parallelism and n_known > LEAST_IN_GROUP * of_known:
        of_known += 1
    return of_new, of_known


def sent_partners(known: DataFrame, fresh: DataFrame, counts: DataFrame, n_new: int, n_known: int) -> Tasks:
    """Tasks of `partners` whose chunks come through a shuffle.

    In: CHUNKS of the known table and of the batch, whose groups are below ``n_new``; CODE_COUNTS of the batch among all.
    """
    contents = known.where(F.col("part") < 0).select(
        (n_new + F.pmod(F.xxhash64("chunk"), F.lit(n_known))).cast("int").alias("group"), "chunk", "part", "content"
    )
    meetings = [Meeting((group, n_new + place)) for place in range(n_known) for group in range(n_new)]
    return Tasks(sent(contents.union(with_counts(fresh, counts)), meetings), task_rows)


def partners(tasks: Tasks, n_new: int, settings: BlockingSettings, n_parts: int) -> ArrowRows:
    """The known records that share a key with a new one, where that key proposes pairs.

    In:  for each task a group of the batch, below ``n_new``, with its counts, and chunks of the known table.
    Out: CHUNKS, to be checkpointed. The group tells which group of the batch they meet: n_new + place * n_new + group.
    """
    largest, rows_of_task = settings.max_block_size, tasks.rows

    @without_values("block")
    def found(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = rows_of_task(batches)
        numbers = rows.groups() if rows else []
        if rows is None or len(numbers) < 2:
            return
        keys, _, _ = rows.group(numbers[0], largest).held
        near = [holders_in(content, np.unique(keys)) for content in rows.contents_of(numbers[1])]
        for place, table in enumerate(sliced(pa.concat_tables(near))):
            yield chunk_rows(rows.task * CHUNKS_IN_PARTITION + place, n_new + rows.task, packed(table, n_parts))

    return ArrowRows(tasks.frame, found, CHUNKS, batch_is_group=True)


def holders_in(content: bytes, keys: np.ndarray) -> pa.Table:
    """The records of a chunk that hold one of the keys, which ascend."""
    held = columns_of(content, ("keys",))["keys"].combine_chunks()
    codes = held.flatten().to_numpy(zero_copy_only=False)
    place = np.minimum(np.searchsorted(keys, codes), len(keys) - 1)
    hit = keys[place] == codes if len(keys) else np.zeros(len(codes), bool)
    return rows_of(content, np.unique(np.repeat(np.arange(len(held)), pc.list_value_length(held).to_numpy())[hit]))


def batch_tasks(fresh: DataFrame, counts: DataFrame, near: DataFrame, near_counts: DataFrame, n_new: int) -> Tasks:
    """The tasks in which every pair with a new record meets once. In: CHUNKS and CODE_COUNTS of both."""
    others = range(n_new, max(n_new, groups_in(near)))  # as they were cut, perhaps by an attempt with other cores
    across = [Meeting(((group - n_new) % n_new, group)) for group in others]
    meetings = every_two(n_new, fresh.sparkSession.sparkContext.defaultParallelism) + across
    return pair_tasks(fresh.unionByName(near), counts.unionByName(near_counts), meetings)
