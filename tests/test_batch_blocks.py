"""Blocking of a batch in Spark: keys, frequencies, blocks and what the bound on their size leaves out."""

from itertools import combinations

import pandas as pd
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from linkage_records import table_of
from pyspark.sql import functions as F

from siamese_er.batch_blocks import blocks, dropped_blocks, key_sizes, keys_of, with_frequencies
from siamese_er.config import BlockingSettings
from siamese_er.linkage.comparisons import FREQUENCY_COLUMNS
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.oversized import block_digest
from siamese_er.schemas import BLOCKING_KEYS, STANDARDISED, conform

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


def test_blocks_leave_out_lone_keys_and_too_large_ones_and_carry_all_live_keys(spark):
    records = spark.createDataFrame([(name,) for name in "abcde"], "record_key string")
    keys = keys_frame(spark, [
        ("a", 0, 10), ("b", 0, 10), ("a", 1, 20), ("b", 1, 20), ("c", 1, 20), ("d", 2, 30),
        *[(name, 3, 40) for name in "abcd"],
    ])  # fmt: skip
    settings = BlockingSettings(max_block_size=3)

    laid_out = blocks(records, keys, key_sizes(keys), settings)

    expected = [
        ("10", "a", [10, 20], [0, 1]), ("10", "b", [10, 20], [0, 1]),
        ("20", "a", [10, 20], [0, 1]), ("20", "b", [10, 20], [0, 1]), ("20", "c", [20], [1]),
    ]  # fmt: skip
    assert_df_equality(
        laid_out.withColumn("key", F.col("key").cast("string")),
        spark.createDataFrame(
            expected, "key string, record_key string, live_keys array<bigint>, live_passes array<int>"
        ),
        ignore_row_order=True, ignore_nullable=True,
    )  # fmt: skip


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


def test_every_pair_with_a_shared_live_key_is_in_a_block(spark, people):
    frame = conform(frame_of(spark, people), STANDARDISED)
    keys = keys_of(frame, NAMED)

    laid_out = blocks(frame, keys, key_sizes(keys), NAMED).select("key", "record_key").toPandas()

    together = {
        pair
        for _, rows in laid_out.groupby("key")
        for pair in combinations(sorted(pd.unique(rows["record_key"].str[-2:])), 2)
    }
    assert together == {("r0", "r1"), ("r0", "r2"), ("r1", "r2")}
