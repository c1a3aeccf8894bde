"""The same tables whatever the order of the rows, the partitions, the batches and the processes.

Tables of one core are compared where a run is resumed, in ``test_killed.py``."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from conftest import CHECKOUT, SIAMESE_ER, Submitted
from standalone import bare_python, standalone_cluster

TABLES = ("crosswalk", "scored_pairs", "golden_records", "clusters", "review_queue", "enterprise_id_history")
OF_THE_RUN = ["run_id", "valid_from", "valid_to"]
MATCH = CHECKOUT / "jobs" / "match.py"
STANDALONE = CHECKOUT / "conf" / "spark" / "standalone.conf"


def rows_of(table: pd.DataFrame) -> list[str]:
    """The rows as sorted text, the columns that name the run apart; maps in the order of their keys."""
    kept = table.drop(columns=OF_THE_RUN, errors="ignore").to_dict("records")
    return sorted(json.dumps({name: plain(value) for name, value in row.items()}, sort_keys=True) for row in kept)


def plain(value):
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], tuple):  # a map, as pyarrow gives it
        return sorted([key, plain(inner)] for key, inner in value)
    return [plain(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def other_run(submit, marked_input, tmp_path_factory):
    """The rows in another order and in three files, small batches, three partitions, a standalone cluster of two workers.

    The package reaches the executors as an archive: their Python does not have it. Spark compiles these plans, and interprets
    those of the other run, as it does over few rows.
    """
    folder = tmp_path_factory.mktemp("again")
    small = ["spark.sql.execution.arrow.maxRecordsPerBatch=17", "spark.sql.files.maxPartitionBytes=40000"]
    small += ["spark.sql.codegen.wholeStage=true", "spark.sql.codegen.factoryMode=FALLBACK"]
    flags = [*marked_input.flags(folder / "out", marked_input.shuffled), "--set", "run.shuffle_partitions=3"]
    subprocess.run([SIAMESE_ER, "archive", folder / "siamese_er.zip"], check=True)
    python = {"PYSPARK_PYTHON": str(bare_python(folder)), "PYSPARK_DRIVER_PYTHON": sys.executable}
    with standalone_cluster(folder) as master:
        told = submit(MATCH, *flags, master=master, cwd=folder, conf=small, variables=python, properties=STANDALONE)
    assert told.returncode == 0, told.stderr[-3000:]
    return Submitted(told, folder / "out", folder)


def test_tables_are_the_same_in_any_order_and_on_any_master(submitted_run, other_run):
    different = [name for name in TABLES if rows_of(submitted_run.table(name)) != rows_of(other_run.table(name))]

    assert different == []
    assert len(submitted_run.table("scored_pairs")) > 20
