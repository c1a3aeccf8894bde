"""Blocking of a batch in Spark: keys, frequencies, blocks and what the bound on their size leaves out."""

from itertools import combinations

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from linkage_records import table_of
from pyspark.sql import functions as F

from siamese_er.batch_blocks import batch_tasks, dropped_blocks, key_sizes, keys_of, live_keys, with_frequencies
from siamese_er.config import BlockingSettings
from siamese_er.linkage.comparisons import FREQUENCY_COLUMNS
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.oversized import block_digest
from siamese_er.schemas import BLOCKING_KEYS, STANDARDISED

NAMED = BlockingSettings(passes=("national_id", "phone"))


def frame_of(spark, table: pa.Table):
    """The STANDARDISED columns of a table as a DataFrame."""
    rows = table.select(STANDARDISED.names).to_pylist()
    return spark.createDataFrame([tuple(row.values()) for row in rows], STANDARDISED)


@pytest.fixture(scope="module")
def people():
    return table_of(
        {"given_name": "Ada", "phone": "(212) 555-0142", "national_id": "078-05-1121"},
        {"given_name": "Ada", "phone": ["(212) 555-0142", "(212) 555-0199"], "national_id": None},
        {"given_name": "Bob", "phone": "(212) 555-0199", "national_id": "078-05-1121"},
        {"given_name": "Cy", "phone": None, "national_id": None},
    )


def keys_frame(spark, rows):
    return spark.createDataFrame(rows, BLOCKING_KEYS)


def test_keys_of_gives_a_key_for_each_value_and_none_for_a_missing_one(spark, people):
    keys = keys_of(frame_of(spark, people), NAMED)

    named = keys.groupBy("record_key", "blocking_pass").agg(F.count_distinct("key").alias("n"))
    found = {(row.record_key[-2:], PASS_NAMES[row.blocking_pass]): row.n for row in named.collect()}
    assert found == {
        ("r0", "national_id"): 1, ("r0", "phone"): 1, ("r1", "phone"): 2, ("r2", "national_id"): 1, ("r2", "phone"): 1,
    }  # fmt: skip
    sizes = sorted(row.n_records for row in key_sizes(keys).collect())
    assert sizes == [2, 2, 2]


def test_keys_do_not_depend_on_partitions(spark, people):
    frame = frame_of(spark, people)

    one, many = keys_of(frame.coalesce(1), BlockingSettings()), keys_of(frame.repartition(4), BlockingSettings())

    assert_df_equality(one, many, ignore_row_order=True)


def test_with_frequencies_counts_each_value_in_the_whole_table(spark, people):
    found = with_frequencies(frame_of(spark, people)).orderBy("record_key").toPandas()

    for name in FREQUENCY_COLUMNS:
        assert [list(counts) for counts in found[f"{name}_n"]] == people[f"{name}_n"].to_pylist(), name
    assert [list(counts) for counts in found["phones_n"]] == [[2], [2, 2], [2], []]
    assert len(found) == people.num_rows


def test_lone_keys_and_too_large_ones_propose_nothing(spark):
    keys = keys_frame(spark, [
        ("a", 0, 10), ("b", 0, 10), ("a", 1, 20), ("b", 1, 20), ("c", 1, 20), ("d", 2, 30),
        *[(name, 3, 40) for name in "abcd"],
    ])  # fmt: skip

    found = live_keys(keys, key_sizes(keys), BlockingSettings(max_block_size=3))

    assert_df_equality(
        found,
        spark.createDataFrame(
            [("a", [10, 20], [0, 1]), ("b", [10, 20], [0, 1]), ("c", [20], [1])],
            "record_key string, keys array<bigint>, kinds array<tinyint>",
        ),
        ignore_row_order=True, ignore_nullable=True,
    )  # fmt: skip


@pytest.mark.parametrize(("n_new", "n_known"), [(1, 1), (2, 3), (3, 1)])
def test_every_pair_with_a_new_record_meets_in_one_task(spark, n_new, n_known):
    names = [f"r{n}" for n in range(40)]
    records = spark.createDataFrame(
        [(name, n % 4 == 0) for n, name in enumerate(names)], "record_key string, is_new boolean"
    )

    rows = batch_tasks(records, n_new, n_known).toPandas()

    met = []
    for _, task in rows.groupby("task"):
        groups = [sorted(own.record_key) for _, own in task.groupby("group")]
        if task.is_within.any():
            met += [frozenset(pair) for pair in combinations(groups[0], 2)]
        elif len(groups) == 2:
            met += [frozenset((a, b)) for a in groups[0] for b in groups[1]]
    new = set(names[::4])
    assert sorted(map(sorted, met)) == sorted(sorted(pair) for pair in combinations(names, 2) if set(pair) & new)


def test_dropped_blocks_report_what_was_left_out_by_pass_and_by_keyed_digest(spark):
    sizes = [4, 5, 4, 6, 9, 4, 8]
    rows = [(f"{n}", 0, 10 + block) for block, size in enumerate(sizes) for n in range(size)]
    rows += [(name, 2, 30) for name in "abc"] + [(name, 2, 31) for name in "abcd"]

    dropped = dropped_blocks(key_sizes(keys_frame(spark, rows)), BlockingSettings(max_block_size=3), "key")

    worst = {block_digest(key, "key"): n for key, n in [(14, 9), (16, 8), (13, 6), (11, 5), (10, 4)]}
    assert dropped == {
        PASS_NAMES[0]: {"n_blocks": 7, "n_records": 40, "n_pairs": 6 * 3 + 10 + 15 + 36 + 28, "largest_block": 9,
                        "largest_blocks": worst},
        PASS_NAMES[2]: {"n_blocks": 1, "n_records": 4, "n_pairs": 6, "largest_block": 4,
                        "largest_blocks": {block_digest(31, "key"): 4}},
    }  # fmt: skip
    assert not worst.keys() & {block_digest(key, "another") for key in range(10, 17)}
