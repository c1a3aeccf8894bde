"""What a task of pairs receives: the same chunks and counts through a shuffle and from files, and no others."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from linkage_records import table_of
from pyspark.sql.types import StructType

from siamese_er.block import chunks, code_counts, pair_tasks
from siamese_er.config import BlockingSettings, ModelSettings
from siamese_er.errors import InvariantBroken
from siamese_er.linkage.meetings import every_two
from siamese_er.model import model_folder
from siamese_er.schemas import EMBEDDINGS, STANDARDISED
from siamese_er.score import compared_pairs
from siamese_er.storage import RunFolder
from siamese_er.task_rows import file_tasks, read_task, task_rows

NAMED = BlockingSettings(passes=("national_id", "phone"))
N_GROUPS, N_PARTS = 3, 2
FOUND = ["left_key", "right_key", "blocking_passes", "levels", "measures"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("tasks"))
    return RunFolder(folder, "run1", f"{folder}/run1")


@pytest.fixture(scope="module")
def cut(spark, run):
    """Chunks of forty records in seven partitions, as a run writes them: two and more in a file, of several groups."""
    rows = [
        {"given_name": f"Al{n}", "phone": f"(212) 555-01{n // 4:02d}", "national_id": f"078-05-11{n // 3:02d}"}
        for n in range(40)
    ]
    found = table_of(*rows).select(STANDARDISED.names).to_pylist()
    nothing = [None] * (len(EMBEDDINGS) - 1)
    frame = spark.createDataFrame(
        [(*row.values(), *nothing) for row in found], StructType([*STANDARDISED.fields, *EMBEDDINGS.fields[1:]])
    )
    return run.write_table(chunks(frame.repartition(7), NAMED, N_GROUPS, N_PARTS), "chunks")


@pytest.fixture(scope="module")
def counts(run, cut):
    return run.write_table(code_counts(cut, NAMED, N_PARTS, "key"), "counts")


def numbered(*tasks):
    return iter([pa.record_batch({"id": pa.array(tasks, pa.int64())})])


def task_of(run, chunks_folder, *tasks):
    return read_task(
        Path(run.table(chunks_folder)), Path(run.table("counts")), tuple(every_two(N_GROUPS, 1)), numbered(*tasks)
    )


def held(rows):
    """Contents by chunk, and counts. Opens the contents."""
    return {chunk: content() for chunk, content in rows.contents.items()}, rows.counts


def test_a_task_reads_from_files_what_a_shuffle_would_bring(run, cut, counts):
    sent = pair_tasks(cut, counts, every_two(N_GROUPS, 1)).frame

    for number, meeting in enumerate(every_two(N_GROUPS, 1)):
        shuffled = task_rows(iter(sent.where(f"task = {number}").toArrow().to_batches()))
        read = task_of(run, "chunks", number)
        assert held(read) == held(shuffled)
        assert (read.task, read.within) == (number, meeting.within) == (shuffled.task, shuffled.within)
        assert read.groups() == sorted(meeting.groups)
        assert len(read.contents) >= 2


def test_each_chunk_is_a_row_group_so_that_others_are_not_opened(run, cut):
    n_chunks = cut.select("chunk").distinct().count()
    files = [pq.ParquetFile(path) for path in Path(run.table("chunks")).glob("*.parquet")]
    groups = [file.metadata.row_group(i) for file in files for i in range(file.num_row_groups)]

    assert len(groups) == n_chunks > N_GROUPS
    assert all(group.num_rows == 1 + N_PARTS for group in groups)
    of_group = [group.column(1).statistics for group in groups]
    assert all(found.min == found.max for found in of_group)


def test_files_that_spark_wrote_hold_several_chunks_in_a_row_group_and_are_read_too(run, cut, counts):
    cut.coalesce(1).write.parquet(run.table("of_spark"))

    assert held(task_of(run, "of_spark", 1)) == held(task_of(run, "chunks", 1))


def test_pairs_are_the_same_from_files_and_through_a_shuffle(spark, run, cut, counts):
    model = model_folder(ModelSettings())
    meetings = every_two(N_GROUPS, 1)
    from_files = file_tasks(spark, Path(run.table("chunks")), Path(run.table("counts")), meetings)

    found, expected = (
        compared_pairs(tasks, 40, model, NAMED.max_block_size).frame().toPandas()
        for tasks in (from_files, pair_tasks(cut, counts, meetings))
    )

    assert found.n_pairs.sum() == expected.n_pairs.sum() > 40
    rows, others = (sorted(pairs[FOUND].dropna().itertuples(index=False, name=None)) for pairs in (found, expected))
    assert rows == others
    assert rows


def test_a_partition_without_a_task_is_none_and_one_of_two_is_refused(run, counts):
    rows = pa.record_batch({
        "task": pa.array([0, 1], pa.int32()), "is_within": [True, True], "group": pa.array([0, 1], pa.int32()),
        "chunk": [0, 1], "part": pa.array([-1, -1], pa.int32()), "content": [b"", b""],
    })  # fmt: skip

    assert task_rows(iter([])) is None
    assert task_of(run, "chunks") is None
    for two in (lambda: task_rows(iter([rows])), lambda: task_of(run, "chunks", 0, 1)):
        with pytest.raises(InvariantBroken, match="2 tasks"):
            two()
