"""Step 2: the vectors of each record and of its notes, each encoded once, and what the notes state; GPU where there is one."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import TaskContext
from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, BooleanType, LongType

from siamese_er.config import ModelSettings, NoteSettings
from siamese_er.errors import without_values
from siamese_er.fields.note_own import OWN_COLUMNS
from siamese_er.fields.note_tables import (
    MOST_NOTES,
    SENTENCE_BUCKETS,
    TERM_BUCKETS,
    Note,
    NoteTable,
    boilerplate_threshold,
    sentence_counts,
    term_counts,
)
from siamese_er.model import located, portable
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.devices import device_of
from siamese_er.neural.embedding import NO_MEMORY, columns_by_source
from siamese_er.neural.encoder import Encoder
from siamese_er.neural.kept_notes import NoteMemory
from siamese_er.neural.text import CODED_FIELDS, FIELD_COLUMNS
from siamese_er.schemas import EMBEDDINGS, STANDARDISED, STRINGS, conform
from siamese_er.schemas import table as record_table

NOTED = record_table(notes=STRINGS, note_dates=STRINGS)
COUNTS = record_table(bucket=LongType(), n=LongType())
ENCODED_COLUMNS = tuple(dict.fromkeys(("record_key", "source", *FIELD_COLUMNS.values(), *CODED_FIELDS, *OWN_COLUMNS)))
"""What encoding reads of a record."""
ARROW_TYPES = {BinaryType(): pa.binary(), BooleanType(): pa.bool_(), STRINGS: pa.list_(pa.string())}


def worker_device(wanted: str) -> str:
    """The device of this Python worker: the GPU that Spark assigned, else one by partition, else the CPU."""
    if wanted == "cpu":
        return "cpu"
    import torch

    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    context = TaskContext.get()
    assigned = context.resources().get("gpu") if context else None
    partition = context.partitionId() if context else 0
    return device_of(wanted, assigned.addresses if assigned else [], os.environ.get("CUDA_VISIBLE_DEVICES"), partition,
                     n_devices)  # fmt: skip


def is_local(spark: SparkSession) -> bool:
    """Whether driver and workers are one process and its children."""
    return (spark.sparkContext.master or "").partition("[")[0] == "local"


def kinds_of_device(spark: SparkSession, wanted: str) -> list[str]:
    """What workers of this session encode on: "cpu", "cuda" or both; on a cluster a task for each core is asked."""
    if wanted == "cpu" or is_local(spark):
        return [worker_device(wanted).partition(":")[0]]

    @without_values("encode")
    def asked(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield pd.DataFrame({"device": [worker_device(wanted).partition(":")[0]] * len(batch)})

    n = spark.sparkContext.defaultParallelism
    told = spark.range(n, numPartitions=n).mapInPandas(asked, "device string", profile=gpu_profile(spark, wanted))
    return sorted(row["device"] for row in told.distinct().collect())


def gpu_profile(spark: SparkSession, wanted: str) -> ResourceProfile | None:
    """One GPU for each task of a stage, so that one process at a time uses it; null where executors have none.

    Other stages go on with as many tasks as there are cores. Local mode knows no resources: its workers choose by
    their partition.
    """
    amount = spark.sparkContext.getConf().get("spark.executor.resource.gpu.amount", "0")
    if wanted == "cpu" or is_local(spark) or amount == "0":
        return None
    return ResourceProfileBuilder().require(TaskResourceRequests().cpus(1).resource("gpu", 1)).build


@dataclass(frozen=True)
class Encoding:
    """What to encode and how: rows, what a worker does with a batch of them, and the GPU that each task asks for."""

    rows: DataFrame
    with_notes: bool
    encoded: Callable[[pa.RecordBatch], pa.RecordBatch]
    profile: ResourceProfile | None


def encoding(
    standardised: DataFrame, notes: DataFrame | None, model_path: str, settings: ModelSettings, on_notes: NoteSettings,
    counted: NoteTable | None = None, memory: NoteMemory = NO_MEMORY,
) -> Encoding:  # fmt: skip
    """The records with their notes, and a function that makes the EMBEDDINGS of a batch of them, row for row.

    In: STANDARDISED; NOTES or null; ``counted``: what recurs in the notes of the whole table, null: count it here;
         ``memory``: vectors of notes that were encoded before.
    Out: ``rows``: STANDARDISED with two columns of notes. A null vector where there is nothing to encode. Both towers
    run in one pass over the rows, so that a worker holds one copy of the model; where there are notes, what recurs in
    them is counted before.
    """
    wanted, note_model, per_source = settings.device, settings.note_model, settings.towers == "per_source"
    rows = conform(standardised, STANDARDISED).withColumns({name: F.lit(None).cast(STRINGS) for name in NOTED.names})
    table = NoteTable()
    with_notes = notes is not None and settings.use_notes
    if notes is not None and with_notes:
        rows = standardised.join(latest_notes(notes), on="record_key", how="left")
        table = counted_notes(rows, on_notes) if counted is None else counted

    model = portable(model_path)

    def encoded(batch: pa.RecordBatch) -> pa.RecordBatch:
        device = worker_device(wanted)

        def encoder_of(source: str) -> Encoder:
            return load_encoder(located(model), device, note_model, source if per_source else None)

        names = set(batch.schema.names)
        rows = frame_of(batch.select([name for name in (*ENCODED_COLUMNS, *NOTED.names) if name in names]))
        found = columns_by_source(encoder_of, rows, notes_of(rows), table, memory)
        vectors = [pa.array(found[field.name], ARROW_TYPES[field.dataType]) for field in EMBEDDINGS.fields[1:]]
        return pa.RecordBatch.from_arrays([batch.column("record_key"), *vectors], EMBEDDINGS.names)

    return Encoding(rows, with_notes, encoded, gpu_profile(standardised.sparkSession, wanted))


def embeddings(own: Encoding) -> DataFrame:
    """EMBEDDINGS, one row for each record."""
    make = own.encoded

    @without_values("encode")
    def encoded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from map(make, batches)

    rows = own.rows.select(*ENCODED_COLUMNS, *NOTED.names)
    return conform(rows.mapInArrow(encoded, EMBEDDINGS, profile=own.profile), EMBEDDINGS)


def frame_of(batch: pa.RecordBatch) -> pd.DataFrame:
    """The rows as they are in Arrow: a list stays a list, null stays None."""
    columns = zip(batch.schema.names, batch.columns, strict=True)
    return pd.DataFrame({name: pd.Series(column.to_pylist(), dtype=object) for name, column in columns})


def latest_notes(notes: DataFrame) -> DataFrame:
    """record_key, ``notes`` and ``note_dates``: texts and dates of its latest notes, whatever the rows' order."""
    ordered = F.sort_array(F.collect_set(F.struct("note_date", "note_id", "text")), asc=False)
    grouped = notes.where(F.col("text").isNotNull()).groupBy("record_key").agg(ordered.alias("ordered"))
    return grouped.select(
        "record_key",
        F.slice(F.col("ordered.text"), 1, MOST_NOTES).alias("notes"),
        F.slice(F.col("ordered.note_date"), 1, MOST_NOTES).alias("note_dates"),
    )


def notes_of(batch: pd.DataFrame) -> list[list[Note]]:
    """The notes of each row; none where there are no columns of notes."""
    if "notes" not in batch:
        return [[] for _ in range(len(batch))]
    return [
        [] if texts is None else [Note(date, text) for date, text in zip(dates, texts, strict=True)]
        for dates, texts in zip(batch["note_dates"], batch["notes"], strict=True)
    ]


def counted_notes(with_notes: DataFrame, settings: NoteSettings) -> NoteTable:
    """What recurs in the notes of a table: two jobs; the driver collects at most a number for each bucket."""
    noted = with_notes.where(F.col("notes").isNotNull()).select(*NOTED.names)

    @without_values("count sentences of notes")
    def sentences(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield bucket_rows(sentence_counts(notes_of(batch)))

    @without_values("count terms of notes")
    def terms(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield bucket_rows(term_counts(notes_of(batch), table))

    in_sentences = noted.mapInPandas(sentences, COUNTS).groupBy("bucket").agg(F.sum("n").alias("n"))
    n_records = in_sentences.where(F.col("bucket") == SENTENCE_BUCKETS).agg(F.sum("n").alias("n")).first()
    n = (n_records and n_records["n"]) or 0
    least = boilerplate_threshold(n, settings.boilerplate_records, settings.boilerplate_share)
    is_boilerplate = np.zeros(SENTENCE_BUCKETS + 1, bool)
    is_boilerplate[in_sentences.where(F.col("n") > least).toPandas()["bucket"].to_numpy(np.int64)] = True
    table = NoteTable(is_boilerplate[:-1], n_records=n)
    in_terms = noted.mapInPandas(terms, COUNTS).groupBy("bucket").agg(F.sum("n").alias("n")).toPandas()
    term_records = np.zeros(TERM_BUCKETS, np.int64)
    term_records[in_terms["bucket"].to_numpy(np.int64)] = in_terms["n"]
    return NoteTable(is_boilerplate[:-1], term_records, n)


def bucket_rows(counts: np.ndarray) -> pd.DataFrame:
    """COUNTS rows of the buckets that hold anything."""
    buckets = np.flatnonzero(counts)
    return pd.DataFrame({"bucket": buckets, "n": counts[buckets]})
