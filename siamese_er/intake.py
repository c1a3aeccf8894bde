"""What a run takes in: records, notes, decisions and quarantine as checkpoints of the run, counted and checked."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.arrivals import Arrivals, arrivals
from siamese_er.config import MatchConfig
from siamese_er.decision_conflicts import refuse_conflicts
from siamese_er.errors import ContractFault
from siamese_er.files import LocalFiles, files_of, local, parquet_files
from siamese_er.known import Known, only
from siamese_er.publish import written_table
from siamese_er.schemas import DECISIONS, NOTES, conform, no_rows
from siamese_er.sources.decisions import read_decisions
from siamese_er.sources.inputs import InputFile, bare_path, file_statuses, parquet_footer, readable_input
from siamese_er.sources.labels import read_labels
from siamese_er.sources.notes import n_cut_notes, read_notes
from siamese_er.sources.records import (
    VERSIONS,
    Reading,
    check_quarantine,
    parts_of,
    ranked_versions,
    read_records,
    sole_versions,
    to_be_ranked,
)
from siamese_er.storage import ROWS_IN_FILE, KeyedRows, RunFolder
from siamese_er.summary import mapping_line
from siamese_er.table_frames import n_rows
from siamese_er.together import together


@dataclass(frozen=True)
class Inputs:
    """What was read, as checkpoints, with counts."""

    records: DataFrame
    history: DataFrame
    notes: DataFrame | None
    quarantine: DataFrame
    decisions: DataFrame | None
    labels: DataFrame | None
    n_records: int
    counts: dict[str, Any]
    record_files: DataFrame | None = None
    """The whole files that hold ``records`` (`whole_files.rows_of`), among versions; null where they are not those."""
    arrivals: Arrivals | None = None
    """Incremental mode with something known: what the batch changed; records, history and notes are all that is known."""


@dataclass(frozen=True)
class Alteration:
    """What an ablation changes: the inputs as they were read, and what scoring may see of COMPARED_PAIRS (null: all)."""

    of_inputs: Callable[[Inputs], Inputs]
    of_pairs: Callable[[DataFrame], DataFrame] | None = None


AS_READ = Alteration(lambda inputs: inputs)


def with_demo(config: MatchConfig) -> MatchConfig:
    """The config with the demo population of the package where no records are named."""
    if config.input.records:
        return config
    demo = files("siamese_er") / "demo"
    changed = {
        "records": tuple(str(demo / f"{name}.parquet") for name in ("ehr", "lab", "claims")),
        "notes": config.input.notes or (str(demo / "notes.parquet"),),
        "truth": config.input.truth or str(demo / "truth.parquet"),
    }
    return config.model_copy(update={"input": config.input.model_copy(update=changed)})


def read_inputs(
    spark: SparkSession, config: MatchConfig, run: RunFolder, reading: Reading, known: Known | None = None
) -> Inputs:
    """The input as tables of the run, with what is ``known`` where there is something; the share of bad rows checked.

    Raises: ContractFault where too many rows are bad, no record is left, or decisions contradict one another.
    """
    bad, of_files = reading.quarantine, no_rows(spark, NOTES)
    if reading.documents is not None:
        of_files = of_files.unionByName(reading.documents)
    if config.input.notes:
        own, bad_notes = read_notes(spark, config.input)
        of_files, bad = of_files.unionByName(own), bad.unionByName(bad_notes)
    taken = together({
        "versions": partial(whole_versions, reading.rows, run) if known is None else  # what is delivered is all there is
                    partial(run.checkpoint, reading.versions, "delivered"),
        "notes": partial(run.checkpoint, of_files, "delivered_notes"),
        "quarantine": partial(written_table, run, bad, "quarantine"),
    })  # fmt: skip
    batch, written, bad = reading.with_versions(taken["versions"]), taken["notes"], taken["quarantine"]
    delivered = written.where("text is not null")
    counts = delivery_counts(config, batch, delivered, bad)
    counts["notes_without_text"] = written.where("text is null").count()
    arrived = None if known is None else arrivals(known, batch.versions, delivered, run)
    if arrived is None:
        versions, notes = batch.versions, run.write_table(delivered, "notes")
    else:
        versions, notes = arrived.versions, arrived.notes
        n_notes = rows_on_disk(spark, run.table("notes"))
        counts |= {"delivered": counts | arrived.counts, "notes": n_notes} | version_counts(versions)
    if not counts["records"]:
        raise ContractFault("input: no rows with a record; a full run on an empty table would retire every patient")
    parts = parts_of(versions, known is not None or batch.inline_notes is not None)
    reading = replace(batch, versions=versions, **parts)
    if reading.inline_notes is not None:
        notes = notes.unionByName(reading.inline_notes)
        notes = notes if known is not None else run.checkpoint(notes, "all_notes")
    records = reading.records
    decisions = None
    if config.input.decisions is not None:
        given = run.write_table(read_decisions(spark, config.input.decisions), "decisions")
        decisions = run.checkpoint(known_decisions(given, records), "living_decisions")
        refuse_conflicts(decisions, run, config.cluster)
    else:
        run.write_table(no_rows(spark, DECISIONS), "decisions")
    labels = None
    if config.input.labels is not None:
        labels = run.checkpoint(read_labels(spark, config.input.labels), "labels")
    has_notes = not notes.isEmpty()
    of_records = run.table_files(spark, "versions") if known is None else None
    return Inputs(records, reading.history, notes if has_notes else None, bad, decisions, labels, counts["records"],
                  counts, of_records, arrived)  # fmt: skip


def whole_versions(rows: DataFrame, run: RunFolder) -> DataFrame:
    """The ranked versions of a whole table, written: only those of keys that have several, or are deleted, are moved.

    Most keys have one version; a window over all of them would bring every row, wide as it is, to its key. What deleted
    keys held stands in a checkpoint, until the run ends, and not in the table.
    """
    sole = run.checkpoint(sole_versions(rows), "sole_versions", ROWS_IN_FILE)
    keys = run.checkpoint(to_be_ranked(sole), "keys_to_rank")
    ranked = ranked_versions(conform(only(sole, keys, "record_key"), VERSIONS))
    return run.renew_table("versions", run.table("work/sole_versions"), [KeyedRows(keys, ("record_key",))], ranked)


def delivery_counts(config: MatchConfig, batch: Reading, notes: DataFrame, bad: DataFrame) -> dict[str, Any]:
    """Counts of what was delivered. Raises: ContractFault where too many rows are bad."""
    inline = batch.inline_notes
    all_notes = notes if inline is None else notes.unionByName(inline)
    found: dict[str, Any] = together({
        "versions": partial(version_counts, batch.versions), "bad": partial(quarantine_counts, bad, batch.fingerprint),
        "notes": all_notes.count, "notes_cut": partial(n_cut_notes, all_notes, config.input),
    })  # fmt: skip
    reasons, n_bad_records = found["bad"]
    counts: dict[str, Any] = {
        **found["versions"], "quarantined": sum(reasons.values()), "quarantined_by_reason": reasons,
        "quarantined_records": n_bad_records, "quarantined_notes": sum(reasons.values()) - n_bad_records,
        "notes": found["notes"], "notes_cut": found["notes_cut"],
    }  # fmt: skip
    n_input = sum(counts[name] for name in ("records", "earlier_versions", "deleted", "quarantined", "notes"))
    check_quarantine(n_input, reasons, config.input.max_quarantined_share)
    return counts


def input_lines(spark: SparkSession, config: MatchConfig) -> list[str]:
    """What the input of a config holds, as ``jobs/check_input.py`` prints it; nothing is written, records are read once.

    Raises: ContractFault for all that would end a run with status 2: files, columns, bad rows, no record at all, which
    only a batch may have.
    """
    config = with_demo(config)
    is_batch = config.run.mode == "incremental"
    with readable_input(config.run.output):
        reading = read_records(spark, config.input, allow_empty=is_batch)
        counts = version_counts(reading.versions)
        reasons, n_bad = quarantine_counts(reading.quarantine, reading.fingerprint)
        if config.input.notes:
            read_notes(spark, config.input)
    check_quarantine(sum(counts.values()) + n_bad, reasons, config.input.max_quarantined_share)
    if not counts["records"] and not is_batch:
        raise ContractFault("input: no rows with a record; a full run on an empty table would retire every patient")
    lines = [f"{path.rsplit('/', 1)[-1]}: {mapping_line(mapping)}" for path, mapping in reading.mappings.items()]
    numbers = counts | {"quarantined": sum(reasons.values())}
    return lines + [f"{name.replace('_', ' ')}: {number:,}" for name, number in numbers.items()]


def quarantine_counts(bad: DataFrame, record_files: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """How many rows there are by reason, and how many of them all are of files of records."""
    counted = bad.groupBy("source_path", "reason").agg(F.count("*").alias("n")).collect()
    of_records = {bare_path(path) for path in record_files}
    reasons: Counter[str] = Counter()
    for row in counted:
        reasons[row["reason"]] += row["n"]
    return dict(reasons), sum(row["n"] for row in counted if bare_path(row["source_path"]) in of_records)


def version_counts(versions: DataFrame) -> dict[str, int]:
    """How many records, earlier versions and deleted keys there are."""
    is_latest = F.col("rank") == 1
    counts = versions.agg(
        F.count_if(is_latest & ~F.col("is_deleted")).alias("records"),
        F.count_if(~is_latest).alias("earlier_versions"),
        F.count_if(is_latest & F.col("is_deleted")).alias("deleted"),
    ).first()
    assert counts is not None
    return counts.asDict()


def rows_on_disk(spark: SparkSession, folder: str) -> int:
    """Number of rows of a Parquet table, from the footers of its files; runs no job."""
    if isinstance(files_of(spark, folder), LocalFiles):
        return n_rows(parquet_files(local(folder)))
    files = file_statuses(spark, folder) or []
    return sum(parquet_footer(spark, InputFile(name, n_bytes, "parquet")).n_rows for name, n_bytes in files)


def known_decisions(decisions: DataFrame, records: DataFrame) -> DataFrame:
    """The decisions on pairs whose two records are both here; those about records that are gone wait for their return.

    A decision about one record answers a question (`review.record_doubts`) and links nothing.
    """
    decisions = decisions.where("left_key != right_key")
    keys = records.select("record_key")
    for side in ("left", "right"):
        decisions = decisions.join(keys.withColumnRenamed("record_key", f"{side}_key"), f"{side}_key", "left_semi")
    return decisions
