"""The session of a job, for real under spark-submit: flags win, and a failing query tells no value."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.session import (
    ARRAY_HEADER,
    LOCAL_SETTINGS,
    PAGES_OF_A_TASK,
    VALUES_IN_PLANS,
    local_settings,
    page_bytes,
)

JOB = """
import sys
import pyarrow
from siamese_er.commands import status_of
from siamese_er.config import MatchConfig, RunSettings
from siamese_er.session import build_session

spark = build_session(MatchConfig(run=RunSettings(shuffle_partitions=3)), "session")
for key in ("spark.sql.shuffle.partitions", "spark.sql.session.timeZone", "spark.executorEnv.OMP_NUM_THREADS",
            "spark.sql.redaction.string.regex", "spark.app.name", "spark.master"):
    print("SET", key, spark.conf.get(key))
print("SET spark.buffer.pageSize", spark.sparkContext.getConf().get("spark.buffer.pageSize"))

def break_on_values(batches):
    for batch in batches:
        raise ValueError(batch.name[0])

def warm(batches):
    for batch in batches:
        yield pyarrow.RecordBatch.from_arrays([pyarrow.array(["torch" in sys.modules])], ["is_warm"])

print("WARM", spark.range(1, numPartitions=1).mapInArrow(warm, "is_warm boolean").first()[0])
names = spark.createDataFrame([("ZZCANARY",)], "name string")
print("STATUS", status_of(lambda: names.mapInPandas(break_on_values, "name string").collect()))
print("STATUS", status_of(lambda: names.selectExpr("cast(name as int)").collect()))
print("STATUS", status_of(lambda: names.selectExpr("cast(name as int)").write.parquet(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a job with the session says on stdout and stderr, after three queries failed on a value."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "job.py").write_text(JOB)
    submit = [Path(sys.executable).parent / "siamese-er", "submit", "--master", "local[1]", "--name", "given"]
    settings = ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.session.timeZone=Asia/Tokyo"]
    settings += ["--conf", "spark.executorEnv.OMP_NUM_THREADS=2"]
    return subprocess.run(
        [*submit, *settings, "job.py", folder / "out"], cwd=folder, capture_output=True, text=True, check=True
    )


def test_session_keeps_what_spark_submit_was_told_and_sets_the_rest(told):
    settings = dict(line.split(" ", 2)[1:] for line in told.stdout.splitlines() if line.startswith("SET"))

    assert settings["spark.sql.shuffle.partitions"] == "3"
    assert settings["spark.sql.session.timeZone"] == "UTC"
    assert settings["spark.executorEnv.OMP_NUM_THREADS"] == "2"
    assert settings["spark.master"] == "local[1]"
    assert settings["spark.sql.redaction.string.regex"]


def test_a_local_session_broadcasts_small_tables_in_small_pages(told):
    settings = dict(line.split(" ", 2)[1:] for line in told.stdout.splitlines() if line.startswith("SET"))

    assert settings["spark.buffer.pageSize"] == f"{(1 << 20) - ARRAY_HEADER}b"


def test_pages_outside_the_heap_are_sized_by_spark(spark):
    assert local_settings({"spark.memory.offHeap.enabled": "true"}) == LOCAL_SETTINGS
    assert set(local_settings({})) == {*LOCAL_SETTINGS, "spark.buffer.pageSize"}


@given(heap=st.integers(1, 1 << 44))
def test_a_task_can_have_pages_for_all_that_spark_gives_it_of_the_heap(heap):
    page = page_bytes(heap)

    assert page * PAGES_OF_A_TASK >= 0.9 * heap  # spark.memory.fraction is .6
    assert (page + ARRAY_HEADER) % (1 << 20) == 0


def test_workers_are_forked_with_what_they_need_imported(told):
    assert "WARM True" in told.stdout.splitlines()


def test_failed_queries_tell_class_and_place_and_no_value(told):
    lines = [line for line in told.stderr.splitlines() if line.startswith("siamese_er: ")]

    assert told.stdout.count("STATUS 1") == 3
    assert [line.split()[1] for line in lines] == ["PythonException", "NumberFormatException", "NumberFormatException"]
    assert "ZZCANARY" not in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("plan", "shown"),
    [
        ("= ann.lee+1@mail.example.org]", "= *]"),
        ("born 1980-02-03, 123-45-6789", "born *, *"),
        ("1980-01-02-ann@mail.org", "**"),
        ("a@mail.org+b@mail.org", "**"),
        ("given_names#12@3", "given_names#12@3"),
    ],
)
def test_plans_are_shown_without_what_looks_like_a_patients_value(spark, plan, shown):
    matcher = spark._jvm.java.util.regex.Pattern.compile(VALUES_IN_PLANS).matcher(plan)

    assert matcher.replaceAll("*") == shown
