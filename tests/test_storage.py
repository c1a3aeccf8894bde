"""Run folders, current.json and the lock, on local files and on a Hadoop file system that is not ``file:``."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import siamese_er
from siamese_er.errors import ContractFault, OutputInUse
from siamese_er.files import HadoopFiles, LocalFiles, files_of
from siamese_er.lock import LOCK_FILE, OutputLock, output_lock
from siamese_er.storage import current_run, make_current, new_run, previous_run

HOLD_AND_WAIT = """
import sys, time
from siamese_er.files import LocalFiles
from siamese_er.lock import OutputLock
OutputLock(LocalFiles(), sys.argv[1], float(sys.argv[2])).acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["local", "hadoop"])
def output(request, spark, tmp_path):
    """An output folder on the local disk, and the same disk behind Hadoop's view file system."""
    if request.param == "local":
        return str(tmp_path)
    settings = spark._jsc.hadoopConfiguration()
    settings.set("fs.viewfs.mounttable.tests.link./disk", "file:///")
    settings.setBoolean("fs.viewfs.impl.disable.cache", True)
    return f"viewfs://tests/disk{tmp_path}"


@pytest.fixture
def rows(spark):
    return spark.createDataFrame([("a", 1), ("b", 2)], "record_key string, n int")


def holding(output: str, seconds: float) -> subprocess.Popen:
    holder = subprocess.Popen([sys.executable, "-c", HOLD_AND_WAIT, output, str(seconds)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_files_of_picks_python_for_local_paths_alone(spark, output):
    expected = HadoopFiles if output.startswith("viewfs:") else LocalFiles

    assert isinstance(files_of(spark, output), expected)


def test_files_create_once_replace_read_delete(spark, output):
    files = files_of(spark, output)
    path = f"{output}/folder/file.json"

    assert files.read_text(path) is None
    assert files.modified(path) is None
    assert files.create_text(path, "first")
    assert not files.create_text(path, "second")
    assert files.read_text(path) == "first"
    files.replace_text(path, "Zoë")
    assert files.read_text(path) == "Zoë"
    assert files.modified(path) == pytest.approx(time.time(), abs=30)
    files.delete(f"{output}/folder")
    assert files.read_text(path) is None
    files.delete(f"{output}/folder")


def test_replace_text_is_never_seen_half_done(tmp_path):
    files, path = LocalFiles(), str(tmp_path / "current.json")
    texts = {"a" * 100_000, "b" * 100_000}
    files.replace_text(path, "a" * 100_000)
    seen = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(files.read_text(path))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        for text in sorted(texts):
            files.replace_text(path, text)
    stop.set()
    reader.join()

    assert seen <= texts
    assert [file.name for file in tmp_path.iterdir()] == ["current.json"]


def test_run_ids_sort_by_start(spark, tmp_path):
    runs = []
    for _ in range(3):
        runs.append(new_run(spark, str(tmp_path)).run_id)
        time.sleep(0.002)

    assert runs == sorted(set(runs))


def test_checkpoint_cuts_the_lineage_and_keeps_the_rows(spark, output, rows):
    run = new_run(spark, output)

    kept = run.checkpoint(rows, "numbers")

    assert sorted(kept.collect()) == sorted(rows.collect())
    assert "Scan ExistingRDD" not in kept._jdf.queryExecution().toString()
    run.drop_work(spark)
    assert files_of(spark, output).modified(f"{run.path}/work") is None


def test_checkpoint_of_no_rows_keeps_the_schema(spark, output, rows):
    kept = new_run(spark, output).checkpoint(rows.limit(0), "nothing")

    assert kept.schema == rows.schema
    assert kept.count() == 0


def test_read_run_follows_current_json(spark, output, rows):
    first, second = new_run(spark, output), new_run(spark, output)
    first.write_table(rows, "crosswalk")
    second.write_table(rows.where("n = 2"), "crosswalk")
    assert current_run(spark, output) is None

    make_current(spark, first)
    before = siamese_er.read_run(spark, output, "crosswalk").count()
    make_current(spark, second)
    after = siamese_er.read_run(spark, output, "crosswalk").count()

    assert (before, after) == (2, 1)
    assert current_run(spark, output) == second


def test_current_json_says_what_the_contract_says(spark, tmp_path):
    run = new_run(spark, str(tmp_path))
    make_current(spark, run)

    written = json.loads((tmp_path / "current.json").read_text())

    assert written == {"run_id": run.run_id, "path": f"runs/{run.run_id}"}
    assert (tmp_path / written["path"]).is_dir()


def test_read_run_says_what_is_missing(spark, output):
    with pytest.raises(ContractFault, match="nothing is published"):
        siamese_er.read_run(spark, output, "crosswalk")
    make_current(spark, new_run(spark, output))
    with pytest.raises(ContractFault, match="no table crosswalk"):
        siamese_er.read_run(spark, output, "crosswalk")


def test_current_run_of_a_broken_pointer_is_a_fault(spark, tmp_path):
    (tmp_path / "current.json").write_text("{half")

    with pytest.raises(ContractFault, match="does not name a run"):
        current_run(spark, str(tmp_path))


def test_previous_run_is_an_output_or_a_run_folder(spark, output, tmp_path):
    run = new_run(spark, output)
    run.write_record(spark, {"counts": {"records": 3}})
    with pytest.raises(ContractFault, match="has no crosswalk"):
        previous_run(spark, "elsewhere", run.path)
    for table in ("crosswalk", "enterprise_id_history"):
        run.write_table(spark.range(1), table)

    assert previous_run(spark, output, None) is None
    assert previous_run(spark, "elsewhere", run.path) == run
    assert run.read_record(spark) == {"counts": {"records": 3}}
    make_current(spark, run)
    assert previous_run(spark, output, None) == run
    assert previous_run(spark, "elsewhere", output) == run
    with pytest.raises(ContractFault, match="--previous"):
        previous_run(spark, output, str(tmp_path / "nowhere"))


def test_lock_stops_a_second_run_and_frees_the_output_at_the_end(spark, output):
    with output_lock(spark, output, 30), pytest.raises(OutputInUse), output_lock(spark, output, 30):
        pass
    with output_lock(spark, output, 30) as lock:
        lock.confirm()

    assert files_of(spark, output).read_text(f"{output}/{LOCK_FILE}") is None


def test_lock_is_released_when_the_run_breaks(spark, output):
    with pytest.raises(ZeroDivisionError), output_lock(spark, output, 30):
        _ = 1 / 0

    with output_lock(spark, output, 30):
        pass


def test_lock_of_a_living_process_outlasts_its_expiry_and_a_killed_one_does_not(tmp_path):
    holder = holding(str(tmp_path), 1.0)
    try:
        time.sleep(1.6)
        with pytest.raises(OutputInUse, match="another run holds"):
            OutputLock(LocalFiles(), str(tmp_path), 1.0).acquire()
    finally:
        holder.kill()
        holder.wait()
    with pytest.raises(OutputInUse):
        OutputLock(LocalFiles(), str(tmp_path), 1.0).acquire()
    time.sleep(1.3)
    lock = OutputLock(LocalFiles(), str(tmp_path), 1.0)
    lock.acquire()
    lock.confirm()
    lock.release()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("leftover", ["", '{"owner": "killed"}'], ids=["empty lock", "lock of a killed run"])
def test_lock_that_expired_goes_to_one_of_many(tmp_path, leftover):
    (tmp_path / LOCK_FILE).write_text(leftover)
    time.sleep(0.6)
    locks = [OutputLock(LocalFiles(), str(tmp_path), 0.5) for _ in range(12)]
    start = threading.Barrier(len(locks))
    winners = []

    def contend(lock: OutputLock) -> None:
        start.wait()
        try:
            lock.acquire()
        except OutputInUse:
            return
        winners.append(lock)

    threads = [threading.Thread(target=contend, args=[lock]) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(winners) == 1
    winners[0].confirm()
    winners[0].release()


def test_lock_that_another_run_took_over_is_not_confirmed_nor_removed(tmp_path):
    lock = OutputLock(LocalFiles(), str(tmp_path), 30)
    lock.acquire()
    (tmp_path / LOCK_FILE).write_text('{"owner": "somebody else"}')

    with pytest.raises(OutputInUse, match="lost its lock"):
        lock.confirm()
    lock.release()

    assert Path(lock.path).exists()


def test_importing_the_package_imports_no_spark():
    code = (
        "import sys, siamese_er as s; assert 'pyspark' not in sys.modules; s.read_run; assert 'pyspark' in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
