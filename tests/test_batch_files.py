"""A batch whose workers read the chunks of a table from its files finds what a shuffle would bring."""

import pytest
from linkage_records import table_of
from pyspark.sql.types import StructType

from siamese_er.batch_chunks import number_after, partners, sent_partners
from siamese_er.batch_files import held_codes, partner_tasks
from siamese_er.block import chunks, code_counts, codes_held
from siamese_er.config import BlockingSettings
from siamese_er.linkage.chunks import columns_of
from siamese_er.schemas import EMBEDDINGS, STANDARDISED
from siamese_er.storage import RunFolder

NAMED = BlockingSettings(passes=("national_id", "phone"))
N_NEW, N_KNOWN, N_PARTS = 2, 3, 50  # more parts than the codes of a small batch fall into
EMPTY = [None] * (len(EMBEDDINGS) - 1)


@pytest.fixture(scope="module")
def people(spark):
    """Forty records; four share a phone and three an identifier."""
    rows = [
        {"given_name": f"Al{n}", "phone": f"(212) 555-01{n // 4:02d}", "national_id": f"078-05-11{n // 3:02d}"}
        for n in range(40)
    ]
    found = table_of(*rows).select(STANDARDISED.names).to_pylist()
    schema = StructType([*STANDARDISED.fields, *EMBEDDINGS.fields[1:]])
    return spark.createDataFrame([(*row.values(), *EMPTY) for row in found], schema).persist()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("batch"))
    return RunFolder(folder, "run1", f"{folder}/run1")


@pytest.fixture(scope="module", params=["%3", "%7", "nobody"])
def batch(request, run, people):
    """Chunks of the known records, of a batch, and the table of both as a run has them: fresh ones appended by Spark."""
    is_new = f"record_key like '{request.param}'"
    rest = run.write_table(chunks(people.where(f"not {is_new}").repartition(5), NAMED, 1, N_PARTS), "rest")
    rows = people.where(is_new).repartition(3)
    fresh = run.write_table(chunks(rows, NAMED, N_NEW, N_PARTS, first_chunk=number_after(rest)), "fresh")
    rest.coalesce(2).write.mode("overwrite").parquet(run.table("table"))
    fresh.write.mode("append").parquet(run.table("table"))
    return rest, fresh, request.param != "nobody"


def folder(spark, run, name):
    found = run.worker_folder(spark, name)
    assert found is not None
    return found


def counted(rows):
    return sorted((row.chunk, row.part, bytes(row.counts)) for row in rows.collect() if row.chunk is not None)


def test_codes_are_counted_among_the_files_of_a_table_as_among_its_rows(spark, run, batch):
    rest, fresh, has_new = batch
    whole = rest.unionByName(fresh)

    by_files = held_codes(spark, folder(spark, run, "fresh"), folder(spark, run, "table"))
    found, expected = (
        counted(code_counts(fresh, NAMED, N_PARTS, "key", held).frame()) for held in (by_files, codes_held(whole))
    )

    assert found == expected
    assert bool(found) == has_new
    assert by_files.where("codes is not null").isEmpty()  # no code of the known table travels


def test_partners_read_from_files_are_those_that_a_shuffle_brings(spark, run, batch):
    rest, fresh, has_new = batch
    held = codes_held(rest.unionByName(fresh))
    counts = run.write_table(code_counts(fresh, NAMED, N_PARTS, "key", held), "counts")
    folders = [folder(spark, run, name) for name in ("fresh", "counts", "table")]

    near = []
    for tasks in (partner_tasks(spark, *folders, N_NEW, N_KNOWN), sent_partners(rest, fresh, counts, N_NEW, N_KNOWN)):
        rows = partners(tasks, N_NEW, NAMED, N_PARTS).frame().where("part < 0").collect()
        near.append(
            sorted(
                ((row.group - N_NEW) % N_NEW, key)
                for row in rows
                for key in columns_of(bytes(row.content), ("record_key",))["record_key"].to_pylist()
            )
        )

    assert near[0] == near[1]
    assert bool(near[0]) == has_new
    of_batch = {key for row in fresh.where("part < 0").collect()
                for key in columns_of(bytes(row.content), ("record_key",))["record_key"].to_pylist()}  # fmt: skip
    assert of_batch.isdisjoint(key for _, key in near[0])
