"""Blocking in Spark: chunks, how often codes occur, tasks, and what the bound on block size leaves out."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chispa import assert_df_equality
from linkage_records import table_of
from paired import looked_at
from pyspark.sql.pandas.types import to_arrow_schema

from siamese_er.block import (
    chunks,
    code_counts,
    dropped_blocks,
    group_count,
    groups_in,
    holders,
    pair_tasks,
    places,
    places_in_files,
)
from siamese_er.config import BlockingSettings, ModelSettings
from siamese_er.linkage.chunks import columns_of, opened
from siamese_er.linkage.comparisons import FREQUENCY_COLUMNS
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.meetings import every_two
from siamese_er.model import model_folder
from siamese_er.schemas import EMBEDDINGS, STANDARDISED
from siamese_er.storage import RunFolder, written

NAMED = BlockingSettings(passes=("national_id", "phone"))
FOLDER = model_folder(ModelSettings())
ARROW_EMBEDDINGS = to_arrow_schema(EMBEDDINGS)


def frame_of(spark, table: pa.Table):
    """The STANDARDISED columns of a table and null vectors as a DataFrame."""
    rows = table.select(STANDARDISED.names).to_pylist()
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], STANDARDISED)
    nothing = spark.createDataFrame([(row["record_key"], *[None] * (len(EMBEDDINGS) - 1)) for row in rows], EMBEDDINGS)
    return frame.join(nothing, "record_key")


@pytest.fixture(scope="module")
def people():
    return table_of(
        {"given_name": "Ada", "phone": "(212) 555-0142", "national_id": "078-05-1121"},
        {"given_name": "Ada", "phone": ["(212) 555-0142", "(212) 555-0199"], "national_id": None},
        {"given_name": "Bob", "phone": "(212) 555-0199", "national_id": "078-05-1121"},
        {"given_name": "Cy", "phone": None, "national_id": None},
    )


def test_codes_are_counted_over_the_whole_table(spark, people):
    cut = chunks(frame_of(spark, people).repartition(3), NAMED, 2, 4).frame().persist()
    counts = code_counts(cut, NAMED, 4, "key").frame().where("chunk is not null").collect()

    found = {}
    for row in cut.where("part < 0").collect():
        own = sorted((c["part"], bytes(c["counts"])) for c in counts if c["chunk"] == row["chunk"])
        found |= {
            record["record_key"]: record for record in opened(bytes(row["content"]), [c for _, c in own]).to_pylist()
        }

    for expected in people.to_pylist():
        record = found[expected["record_key"]]
        assert {n: record[f"{n}_n"] or [] for n in FREQUENCY_COLUMNS} == {
            n: expected[f"{n}_n"] for n in FREQUENCY_COLUMNS
        }
    key_sizes = [sorted(found[name]["key_n"]) for name in people["record_key"].to_pylist()]
    assert key_sizes == [[2, 2], [2, 2], [2, 2], []]


@pytest.mark.parametrize(("n_groups", "parallelism"), [(1, 2), (2, 2), (5, 2), (3, 1), (5, 40)])
def test_every_pair_with_a_shared_key_is_looked_at_once(spark, people, n_groups, parallelism):
    pairs = looked_at(frame_of(spark, people).repartition(3), NAMED, 4, FOLDER, n_groups, parallelism).collect()

    masks = [row["blocking_passes"] for row in pairs for _ in range(row["n_pairs"])]
    national_id, phone = (1 << PASS_NAMES.index(name) for name in NAMED.passes)
    assert sorted(masks) == sorted([phone, phone, national_id])


@pytest.mark.parametrize(("n_groups", "parallelism"), [(1, 2), (3, 2), (3, 1), (4, 2)])
def test_pair_tasks_bring_every_two_groups_together_once(spark, people, n_groups, parallelism):
    cut = chunks(frame_of(spark, people).repartition(8), NAMED, n_groups, 2).frame().persist()
    rows = (
        pair_tasks(cut, code_counts(cut, NAMED, 2, "key").frame(), every_two(n_groups, parallelism))
        .frame.where("part < 0")
        .collect()
    )

    by_task = {}
    for row in rows:
        by_task.setdefault(row["task"], set()).add(row["group"])
    groups = {row["group"] for row in rows}
    own = {(row["task"], row["group"]) for row in rows if row["is_within"]}
    assert Counter(group for _, group in own) == Counter(groups)
    across = [sorted(found) for found in by_task.values() if len(found) == 2]
    assert sorted(across) == [list(pair) for pair in combinations(sorted(groups), 2)]


def test_holders_of_no_code_are_none():
    assert holders(np.zeros(0, np.int64), [np.array([3, 4])]).tolist() == []
    assert holders(np.array([3, 9]), [np.array([3, 4, 3]), np.array([9])]).tolist() == [2, 1]


@pytest.mark.parametrize("n_groups", [1, 4])
def test_groups_in_chunks_are_those_that_they_were_cut_for(spark, people, n_groups):
    cut = chunks(frame_of(spark, people).repartition(8), NAMED, n_groups, 2).frame()

    assert groups_in(cut) == n_groups


def test_dropped_blocks_report_what_was_left_out_by_pass_and_by_keyed_digest(spark):
    phones = ["212 555 0142"] * 4 + ["212 555 0199"] * 5 + ["212 555 0177"] * 3
    frame = frame_of(spark, table_of(*[{"given_name": f"Al{i}", "phone": phone} for i, phone in enumerate(phones)]))
    settings = BlockingSettings(passes=("phone",), max_block_size=3)
    cut = chunks(frame, settings, 2, 3).frame().persist()

    dropped, other = (dropped_blocks(code_counts(cut, settings, 3, key).frame()) for key in ("key", "another"))

    worst = dropped["phone"].pop("largest_blocks")
    assert dropped == {"phone": {"n_blocks": 2, "n_records": 9, "n_pairs": 16, "largest_block": 5}}
    assert sorted(worst.values()) == [4, 5]
    assert not worst.keys() & other["phone"]["largest_blocks"].keys()


@pytest.mark.parametrize(
    ("n_records", "cores", "n_groups"),
    [
        pytest.param(5, 16, 1, id="few records"),
        pytest.param(20_000, 2, 3, id="a task or more for every core"),
        pytest.param(1_000_000, 2, 4, id="bounded by the records of a group"),
    ],
)
def test_group_count(n_records, cores, n_groups):
    assert group_count(n_records, cores, BlockingSettings()) == n_groups


@pytest.mark.parametrize("by", ["path", "content"])
def test_files_of_records_are_cut_like_their_rows_and_keep_their_vectors(spark, people, tmp_path, by):
    whole = frame_of(spark, people)
    names = people["record_key"].to_pylist()
    whole.select(STANDARDISED.names).coalesce(1).write.option("maxRecordsPerFile", 3).parquet(str(tmp_path / "rows"))
    files = spark.read.format("binaryFile").option("pathGlobFilter", "*.parquet").load(str(tmp_path / "rows"))
    if by == "path":
        files = RunFolder(str(tmp_path), "run", str(tmp_path)).table_files(spark, "rows")

    def encoded(batch: pa.RecordBatch) -> pa.RecordBatch:
        nothing = [pa.nulls(len(batch), field.type) for field in ARROW_EMBEDDINGS][1:]
        marked = [pa.array([key.encode() for key in batch["record_key"].to_pylist()]), *nothing[1:]]
        return pa.RecordBatch.from_arrays([batch["record_key"], *marked], EMBEDDINGS.names)

    cut = chunks(files.select(by), NAMED, 1, 2, encoded).frame().persist()
    rows = chunks(whole, NAMED, 1, 2).frame().persist()

    assert files.count() == 2
    held = [columns_of(bytes(row.content), ("field_vectors", "record_key")) for row in cut.where("part < 0").collect()]
    assert {row["record_key"]: row["field_vectors"].decode() for table in held for row in table.to_pylist()} == {
        name: name for name in names
    }
    assert sorted(row.record_key for row in places(cut).collect()) == sorted(names)
    codes = [sorted(b"".join(bytes(row.codes) for row in own.where("part >= 0").collect())) for own in (cut, rows)]
    assert codes[0] == codes[1]


def test_each_file_that_workers_reach_is_a_task_of_its_own_and_the_largest_come_first(spark, tmp_path):
    run = RunFolder(str(tmp_path), "run", str(tmp_path))
    (tmp_path / "table").mkdir()
    (tmp_path / "empty").mkdir()
    for name, n in (("few", 10), ("many", 10_000)):
        pq.write_table(pa.table({"id": range(n)}), tmp_path / "table" / f"{name}.parquet")

    files = run.table_files(spark, "table")

    assert [Path(row.path).name for row in files.collect()] == ["many.parquet", "few.parquet"]
    assert files.rdd.getNumPartitions() == 2
    assert run.table_files(spark, "empty").collect() == []


def test_places_are_the_same_read_from_files(spark, people, tmp_path):
    cut = written(chunks(frame_of(spark, people), NAMED, 2, 2), str(tmp_path / "chunks"))

    found = written(places_in_files(spark, tmp_path / "chunks"), str(tmp_path / "places"))

    assert_df_equality(found, places(cut), ignore_row_order=True)
    assert found.count() == people.num_rows
