"""The same tables whatever the order of the rows, the partitions, the batches, the cores and the processes."""

import json

import pandas as pd
import pytest
from conftest import CHECKOUT, Submitted

TABLES = ("crosswalk", "scored_pairs", "golden_records", "clusters", "review_queue", "enterprise_id_history")
OF_THE_RUN = ["run_id", "valid_from", "valid_to"]
MATCH = CHECKOUT / "jobs" / "match.py"


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


def run_again(submit, marked_input, folder, **how) -> Submitted:
    records, settings = how.pop("records"), how.pop("settings")
    flags = [*marked_input.flags(folder / "out", records), *(f for s in settings for f in ("--set", s))]
    told = submit(MATCH, *flags, cwd=folder, **how)
    assert told.returncode == 0, told.stderr[-3000:]
    return Submitted(told, folder / "out", folder)


@pytest.fixture(scope="module", params=["shuffled on one core", "local-cluster"])
def other_run(request, submit, marked_input, tmp_path_factory):
    folder = tmp_path_factory.mktemp("again")
    if request.param == "local-cluster":
        how = {"master": "local-cluster[2,1,2048]", "records": marked_input.records, "settings": []}
    else:
        small = ["spark.sql.execution.arrow.maxRecordsPerBatch=17", "spark.sql.files.maxPartitionBytes=10000"]
        settings = ["run.shuffle_partitions=3"]
        how = {"master": "local[1]", "records": marked_input.shuffled, "settings": settings, "conf": small}
    return run_again(submit, marked_input, folder, **how)


@pytest.mark.timeout(600)
def test_tables_are_the_same_in_any_order_and_on_any_master(submitted_run, other_run):
    different = [name for name in TABLES if rows_of(submitted_run.table(name)) != rows_of(other_run.table(name))]

    assert different == []
    assert len(submitted_run.table("scored_pairs")) > 20
