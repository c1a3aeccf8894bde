"""Pairs of a batch: the same as a whole table's among those with a new record, each once, however records are grouped."""

import pyarrow as pa
import pytest
from linkage_records import table_of
from paired import looked_at
from pyspark.sql import functions as F

from siamese_er.batch_blocks import batch_tasks, group_counts, key_sizes, keys_of, live_keys, with_frequencies
from siamese_er.batch_pairs import batch_pairs, batch_task
from siamese_er.config import BlockingSettings, ModelSettings
from siamese_er.errors import InvariantBroken
from siamese_er.model import model_folder
from siamese_er.schemas import EMBEDDINGS, STANDARDISED

NAMED = BlockingSettings(passes=("national_id", "phone", "birth_date_name"))
FOLDER = model_folder(ModelSettings())
FIRST = ("ada", "bob", "cyd", "dora", "eva")


@pytest.fixture(scope="module")
def people(spark):
    """Records in families that share a phone, each person twice, with null vectors; every fifth is of the batch."""
    rows = [
        {"given_name": FIRST[n % 5], "family_name": f"lovelace{n // 10}", "birth_date": f"19{40 + n // 2:02d}-03-04",
         "phone": f"(212) 555-01{n // 4:02d}"}
        for n in range(40)
    ]  # fmt: skip
    table = table_of(*[row for row in rows for _ in range(2)])
    found = table.select(STANDARDISED.names).to_pylist()
    frame = spark.createDataFrame([tuple(row.values()) for row in found], STANDARDISED)
    nothing = spark.createDataFrame([(row["record_key"], *[None] * (len(EMBEDDINGS) - 1)) for row in found], EMBEDDINGS)
    is_new = F.substring("record_key", -1, 1).isin("0", "5")
    return frame.join(nothing, "record_key").withColumn("is_new", is_new).persist()


def of_batch(people, n_new, n_known):
    keys = keys_of(people, NAMED)
    held = live_keys(keys, key_sizes(keys), NAMED)
    payload = with_frequencies(people).join(held, "record_key")
    found = batch_pairs(batch_tasks(payload, n_new, n_known), people.count(), FOLDER, NAMED.max_block_size).toPandas()
    columns = ["left_key", "right_key", "blocking_passes", "levels", "measures"]
    return sorted(found.dropna(subset=["left_key"])[columns].itertuples(index=False, name=None)), int(
        found.n_pairs.sum()
    )


@pytest.mark.parametrize(("n_new", "n_known"), [(1, 1), (1, 3), (3, 2)])
def test_pairs_of_a_batch_are_those_of_the_whole_table_with_a_new_record(people, n_new, n_known):
    new = {row.record_key for row in people.where("is_new").collect()}
    whole = looked_at(people.drop("is_new"), NAMED, people.count(), FOLDER).toPandas().dropna(subset=["left_key"])
    columns = ["left_key", "right_key", "blocking_passes", "levels", "measures"]
    expected = sorted(row for row in whole[columns].itertuples(index=False, name=None) if {row[0], row[1]} & new)

    found, n_pairs = of_batch(people, n_new, n_known)

    assert len(expected) > 20
    assert found == expected
    assert n_pairs == of_batch(people, 1, 1)[1]


def test_groups_fit_the_bound_and_the_cores():
    small = BlockingSettings(records_at_once=10_000)

    assert group_counts(10, 500, 8, small) == (1, 1)
    assert group_counts(10, 5_000, 2, small) == (1, 2)
    assert group_counts(25_000, 95_000, 2, small) == (3, 10)
    assert group_counts(0, 0, 2, small) == (1, 1)


def test_a_task_without_records_of_one_group_has_no_pairs_and_two_tasks_in_one_are_refused():
    rows = pa.record_batch({"group": pa.array([1], pa.int32()), "record_key": ["a"], "is_within": [False]})
    three = pa.record_batch(
        {"group": pa.array([0, 1, 2], pa.int32()), "record_key": list("abc"), "is_within": [False] * 3}
    )

    assert batch_task([], 5) is None
    assert batch_task([rows], 5) is None
    with pytest.raises(InvariantBroken, match="3 groups"):
        batch_task([three], 5)
