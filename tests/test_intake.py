"""The look at an input before a run refuses what the run would refuse, and no more."""

from datetime import datetime

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from siamese_er.config import load_config
from siamese_er.errors import ContractFault
from siamese_er.intake import input_lines, whole_versions
from siamese_er.schemas import MULTIVALUED
from siamese_er.sources.records import VERSIONS, ranked_versions
from siamese_er.storage import new_run

HEADER = "source,record_id,family_name,deleted\n"


def config_of(folder, rows, mode):
    (folder / "batch.csv").write_text(HEADER + rows)
    return load_config(None, {"input.records": [str(folder / "batch.csv")], "run.mode": mode}, [])


@pytest.mark.parametrize("rows", ["", "ehr,1,,true\nehr,2,,true\n"], ids=["a header alone", "deletions alone"])
def test_a_batch_without_living_records_is_refused_in_full_mode_alone(spark, tmp_path, rows):
    told = input_lines(spark, config_of(tmp_path, rows, "incremental"))

    assert {"records: 0", f"deleted: {rows.count('true')}"} <= set(told)
    with pytest.raises(ContractFault, match="no rows"):
        input_lines(spark, config_of(tmp_path, rows, "full"))


def version(key, day=None, name="ann", deleted=None):
    row = {column: [] if column in MULTIVALUED else None for column in VERSIONS.names}
    return row | {
        "record_key": f"s\x1f{key}", "source": "s", "record_id": key, "notes": [], "identifiers": [], "extra": {"a": "b"},
        "given_name": [name], "updated_at": day and datetime(2026, 1, day), "deleted": deleted, "is_final": False,
    }  # fmt: skip


SOLE = [version(f"only {i}") for i in range(5)]
SEVERAL = [version("two", 1), version("two", 2, "bea"), version("same"), version("same"), version("three", 3),
           version("three", None, "cy"), version("three", 1)]  # fmt: skip
DELETED = [version("gone", 1, deleted="true"), version("back", 1, deleted="true"), version("back", 2),
           version("left", 1), version("left", 2, deleted="true")]  # fmt: skip


@pytest.mark.parametrize("rows", [SOLE, SOLE + SEVERAL, SOLE + DELETED, SEVERAL + DELETED], ids=len)
def test_versions_of_a_whole_table_are_those_that_ranking_every_key_gives(spark, tmp_path, rows):
    given = spark.createDataFrame(rows, VERSIONS).repartition(3)
    run = new_run(spark, str(tmp_path))

    found = whole_versions(given, run)

    both = [rows.withColumn("extra", F.map_entries("extra")) for rows in (found, ranked_versions(given))]
    assert_df_equality(*both, ignore_row_order=True, ignore_nullable=True)
    kept = found.where("record_id in ('gone', 'left')").collect()
    assert all(row["given_name"] == [] and not row["extra"] for row in kept)
    assert {row["rank"] for row in found.where("record_id like 'only%'").collect()} <= {1}
    on_disk = run.read_table(spark, "versions").where("record_id in ('gone', 'left') and size(given_name) > 0")
    assert on_disk.isEmpty()
