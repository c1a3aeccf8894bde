"""Step 9: the contract's tables as Parquet, the record of the run, and last of all current.json."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.errors import ContractFault, GateFailed, where_it_broke
from siamese_er.schemas import PUBLISHED, conform
from siamese_er.storage import OutputLock, RunFolder, make_current
from siamese_er.worker_files import ArrowRows

ORDERED_BY = {
    "crosswalk": ("source", "record_id"),
    "scored_pairs": ("left_source", "left_record_id", "right_source", "right_record_id"),
    "golden_records": ("enterprise_id",),
    "clusters": ("enterprise_id",),
    "review_queue": ("task_id",),
    "quarantine": ("source_path", "position"),
    "enterprise_id_history": ("enterprise_id", "event", "other_enterprise_id"),
}
"""Rows of a file are sorted by these columns: small tables come out the same each time, large ones prune well."""


def publish(
    tables: Mapping[str, DataFrame],
    run: RunFolder,
    record: dict[str, Any],
    *,
    written: Collection[str] = (),
    dry_run: bool = False,
    failed_gates: Sequence[str] = (),
    hold: bool = False,
    lock: OutputLock | None = None,
) -> dict[str, DataFrame]:
    """The tables as written under the run's folder; current.json names this run when all is done.

    Every table of the contract must be there; further ones are kept beside them. Tables named in ``written`` are in
    the run's folder already (`written_table`) and are not written again. ``record`` gets its ``status``
    (``published``, ``dry_run`` or ``gate_failed``) and becomes run.json. In a dry run, and when a gate failed, tables
    and record are kept in the run's folder and current.json stays as it was. A run that dies anywhere in here leaves
    current.json as it was, too.

    Raises: SchemaMismatch before anything is written; GateFailed after the tables and run.json were, but for a dry run
    that is to ``hold``, whose gates are looked at before it is published;
    OutputInUse if ``lock`` was lost meanwhile.
    """
    if missing := PUBLISHED.keys() - tables.keys():
        raise ValueError(f"tables of the contract that are not given: {', '.join(sorted(missing))}")
    frames = {name: conform(frame, PUBLISHED[name]) if name in PUBLISHED else frame for name, frame in tables.items()}
    spark = frames["crosswalk"].sparkSession
    on_disk = {
        name: frame if name in written else run.write_table(in_few_files(frame, name), name)
        for name, frame in frames.items()
    }
    if lock is not None:
        lock.confirm()
    record |= {"run_id": run.run_id, "failed_gates": list(failed_gates)}
    record["status"] = "gate_failed" if failed_gates else "dry_run" if dry_run else "published"
    run.write_record(spark, record)
    if failed_gates and hold and dry_run:
        return on_disk
    if failed_gates:
        raise GateFailed(list(failed_gates))
    if not dry_run:
        make_current(spark, run)
    return on_disk


def written_table(run: RunFolder, rows: DataFrame | ArrowRows, name: str, arranged: bool = False) -> DataFrame:
    """A table of the contract as it will be published, read back from the run's folder.

    ``arranged``: its partitions are sorted and of a fit size as they are.
    """
    if isinstance(rows, ArrowRows):
        return run.write_table(rows, name)
    frame = conform(rows, PUBLISHED[name])
    return run.write_table(frame if arranged else in_few_files(frame, name), name)


def in_few_files(frame: DataFrame, name: str) -> DataFrame:
    """The rows in partitions of Spark's advisory size, sorted within each: no crowd of small files."""
    return in_order(frame.hint("rebalance"), name)


def in_order(frame: DataFrame, name: str) -> DataFrame:
    """The rows sorted within the partitions that they are in."""
    keys = [column for column in ORDERED_BY.get(name, ("record_key",)) if column in frame.columns]
    return frame.sortWithinPartitions(*keys) if keys else frame


def changes(crosswalk: DataFrame, previous: DataFrame | None) -> dict[str, int]:
    """What publishing this crosswalk would change against the previous one, in records.

    ``new`` were not there before, ``gone`` are no longer, ``moved`` have another enterprise id, ``same`` have not.
    ``ids_new`` and ``ids_gone`` count enterprise ids. Null ``previous``: nothing is published yet, all is new.
    """
    if previous is None:
        new = crosswalk.agg(F.count("*").alias("new"), F.count_distinct("enterprise_id").alias("ids_new")).first()
        assert new is not None
        return {"new": new["new"], "gone": 0, "moved": 0, "same": 0, "ids_new": new["ids_new"], "ids_gone": 0}
    now = crosswalk.select("source", "record_id", F.col("enterprise_id").alias("id_now"))
    then = previous.select("source", "record_id", F.col("enterprise_id").alias("id_then"))
    both = now.join(then, on=["source", "record_id"], how="full")
    is_new, is_gone = F.col("id_then").isNull(), F.col("id_now").isNull()
    is_same = F.col("id_now") == F.col("id_then")
    counts = both.agg(
        _n(is_new).alias("new"), _n(is_gone).alias("gone"), _n(~is_same).alias("moved"), _n(is_same).alias("same")
    ).first()
    ids = (
        now.select("id_now").distinct().join(then.select("id_then").distinct(), F.expr("id_now = id_then"), how="full")
    )
    id_counts = ids.agg(_n(is_new).alias("ids_new"), _n(is_gone).alias("ids_gone")).first()
    if counts is None or id_counts is None:  # an aggregate without keys has one row
        raise AssertionError("no counts")
    return counts.asDict() | id_counts.asDict()


def deleted_known(versions: DataFrame, previous: DataFrame | None) -> int:
    """How many records of the previous crosswalk the input says are deleted: these are gone and yet not missing.

    In: ranked versions of the input as `sources.records.Reading` has them; CROSSWALK, null for no previous run.
    """
    if previous is None:
        return 0
    deleted = versions.where((F.col("rank") == 1) & F.col("is_deleted")).select("source", "record_id")
    return previous.join(deleted, ["source", "record_id"], "left_semi").count()


def missing_by_source(crosswalk: DataFrame, versions: DataFrame, previous: DataFrame | None) -> dict[str, list[int]]:
    """[missing, known before] of each source of which records are missing: gone, though the input does not say deleted.

    In: CROSSWALK; ``versions`` and ``previous`` as for `deleted_known`.
    """
    if previous is None:
        return {}
    key = ["source", "record_id"]
    deleted = versions.where((F.col("rank") == 1) & F.col("is_deleted")).select(*key)
    there = crosswalk.select(*key).unionByName(deleted).distinct().withColumn("is_there", F.lit(True))
    by_source = previous.select(*key).join(there, key, "left").groupBy("source")
    counts = by_source.agg(F.count_if(F.col("is_there").isNull()).alias("missing"), F.count("*").alias("known"))
    return {
        row["source"]: [row["missing"], row["known"]] for row in counts.where("missing > 0").orderBy("source").collect()
    }


@contextmanager
def recorded_run(spark: SparkSession, run: RunFolder, record: dict[str, Any]) -> Iterator[RunFolder]:
    """The run's folder for the body of the ``with``; run.json has a status whatever becomes of the body.

    ``running`` at first; ``refused`` (exit status 2), ``gate_failed`` (3) or ``failed`` (1) with the class and place
    of the error, never its message, when the body raises. The error gets a ``run_id`` attribute. Checkpoints are
    removed when the body ends well and kept when it does not.
    """
    record |= {"run_id": run.run_id, "status": "running"}
    run.write_record(spark, record)
    try:
        yield run
    except BaseException as error:
        error.run_id = run.run_id  # type: ignore[attr-defined]
        record["status"] = _status_of(error)
        record["error"] = {"class": type(error).__name__, "place": where_it_broke(error)}
        if isinstance(error, ContractFault):
            record["faults"] = error.faults
        _write_quietly(spark, run, record)
        raise
    run.drop_work(spark)


def _status_of(error: BaseException) -> str:
    if isinstance(error, ContractFault):
        return "refused"
    return "gate_failed" if isinstance(error, GateFailed) else "failed"


def _n(condition: Column) -> Column:
    return F.count_if(F.coalesce(condition, F.lit(False)))


def _write_quietly(spark: SparkSession, run: RunFolder, record: dict[str, Any]) -> None:
    """Write the record of a failure; the failure itself is what the caller must see if even that fails."""
    try:
        run.write_record(spark, record)
    except Exception:
        return
