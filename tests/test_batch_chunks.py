"""Pairs of a batch: the same as a whole table's among those with a new record, each once, however records are grouped."""

import numpy as np
import pytest
from linkage_records import table_of
from paired import looked_at
from pyspark.sql import functions as F

from siamese_er.batch_chunks import (
    batch_tasks,
    group_counts,
    holders_in,
    number_after,
    part_count_of,
    partners,
    sent_partners,
    without_records,
)
from siamese_er.block import chunks, code_counts, codes_held, places
from siamese_er.components import local_checkpoint
from siamese_er.config import BlockingSettings, ModelSettings
from siamese_er.linkage.chunks import Codes, chunk, columns_of, packed
from siamese_er.linkage.chunks import rows_of as rows_of_chunk
from siamese_er.model import model_folder
from siamese_er.schemas import EMBEDDINGS, STANDARDISED
from siamese_er.score import compared_pairs

NAMED = BlockingSettings(passes=("national_id", "phone", "birth_date_name"))
FOLDER = model_folder(ModelSettings())
FIRST = ("ada", "bob", "cyd", "dora", "eva")
N_PARTS = 3
FOUND = ["left_key", "right_key", "blocking_passes", "levels", "measures"]


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


@pytest.fixture(scope="module")
def whole(people):
    return looked_at(people.drop("is_new"), NAMED, people.count(), FOLDER).toPandas().dropna(subset=["left_key"])


def rows_of(pairs):
    return sorted(pairs[FOUND].itertuples(index=False, name=None))


def of_batch(rest, fresh, n_records, n_new, n_known, settings=NAMED):
    """Pairs with a fresh record, and how many were looked at. In: CHUNKS of both."""
    table = rest.unionByName(fresh)
    counts = code_counts(fresh, settings, N_PARTS, "key", codes_held(table)).frame().persist()
    near = partners(sent_partners(rest, fresh, counts, n_new, n_known), n_new, settings, N_PARTS).frame().persist()
    of_near = code_counts(near, settings, N_PARTS, "key", codes_held(table)).frame()
    tasks = batch_tasks(fresh, counts, near, of_near, n_new)
    return compared_pairs(tasks, n_records, FOLDER, settings.max_block_size).frame().toPandas()


def cut_of(people, n_groups=1, after=None, settings=NAMED):
    """CHUNKS of the people, under numbers beyond those of others."""
    first = 0 if after is None else number_after(after)
    rows = people.drop("is_new").repartition(3)
    return chunks(rows, settings, n_groups, N_PARTS, first_chunk=first).frame().persist()


@pytest.mark.parametrize(("n_new", "n_known"), [(1, 1), (1, 3), (3, 2)])
def test_pairs_of_a_batch_are_those_of_the_whole_table_with_a_new_record(people, whole, n_new, n_known):
    new = {row.record_key for row in people.where("is_new").collect()}
    expected = [row for row in rows_of(whole) if {row[0], row[1]} & new]
    rest = cut_of(people.where("not is_new"))
    fresh = cut_of(people.where("is_new"), n_new, rest)

    found = of_batch(rest, fresh, people.count(), n_new, n_known)

    assert len(expected) > 20
    assert rows_of(found.dropna(subset=["left_key"])) == expected
    alone = cut_of(people.where("is_new"), 1, rest)
    assert found.n_pairs.sum() == of_batch(rest, alone, people.count(), 1, 1).n_pairs.sum()
    assert {row.chunk for row in rest.collect()}.isdisjoint(row.chunk for row in fresh.collect())


def test_a_block_that_the_batch_makes_too_large_proposes_nothing(people):
    tight = NAMED.model_copy(update={"max_block_size": 7, "passes": ("phone",)})  # a phone is on eight records
    rest = cut_of(people.where("not is_new"), settings=tight)

    found = of_batch(rest, cut_of(people.where("is_new"), 1, rest, tight), people.count(), 1, 2, tight)

    assert found.n_pairs.sum() == 0
    assert part_count_of(rest) == N_PARTS


def test_chunks_without_some_records_are_as_if_those_had_never_been_there(spark, people):
    cut = cut_of(people)
    stale = people.where("record_key like '%7'").select("record_key").persist()
    gone = {row.record_key for row in stale.collect()}

    rest = without_records(cut, places(cut), stale, N_PARTS, local_checkpoint).rest.persist()

    held = [key for row in rest.where("part < 0").collect()
            for key in columns_of(bytes(row.content), ("record_key",))["record_key"].to_pylist()]  # fmt: skip
    assert sorted(held) == sorted({row.record_key for row in people.collect()} - gone)
    assert {row.record_key for row in places(rest).collect()} == set(held)
    codes = [
        sorted(np.concatenate([Codes.from_bytes(bytes(row.codes)).codes for row in frame.where("part >= 0").collect()]))
        for frame in (rest, cut_of(people.join(stale, "record_key", "left_anti")))
    ]
    assert codes[0] == codes[1]
    untouched = without_records(cut, places(cut), stale.limit(0), N_PARTS, local_checkpoint)
    assert sorted(untouched.rest.collect()) == sorted(cut.collect())
    assert untouched.chunks.isEmpty()


def test_a_chunk_may_lose_all_its_records(people):
    one = chunk(table_of({"given_name": "Ada", "phone": "(212) 555-0142"}), NAMED.passes, N_PARTS)

    emptied = packed(rows_of_chunk(one.content, np.zeros(0, np.int64)), N_PARTS)

    assert columns_of(emptied.content, ("record_key", "keys")).num_rows == 0
    assert sum(len(codes.codes) for codes in emptied.codes) == 0
    assert holders_in(emptied.content, np.array([1, 2])).num_rows == 0
    assert holders_in(one.content, np.zeros(0, np.int64)).num_rows == 0


def test_groups_fit_the_bound_and_the_cores():
    small = BlockingSettings(records_at_once=10_000)

    assert group_counts(10, 500, 8, small) == (1, 1)
    assert group_counts(10, 5_000, 2, small) == (1, 2)
    assert group_counts(25_000, 95_000, 2, small) == (3, 10)
    assert group_counts(0, 0, 2, small) == (1, 1)
