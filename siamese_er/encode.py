"""Step 2: the vectors of each record and of its notes, each encoded once, on a GPU where the worker has one."""

import os
from collections.abc import Iterator

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from siamese_er.config import ModelSettings
from siamese_er.errors import without_values
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.embedding import columns_by_source
from siamese_er.neural.encoder import Encoder
from siamese_er.schemas import EMBEDDINGS, STANDARDISED, STRINGS, conform

MOST_NOTES = 50  # notes of one record that are encoded, the latest first


def worker_device(wanted: str) -> str:
    """The device of this Python worker: the GPU that Spark assigned, else one by partition, else the CPU."""
    if wanted == "cpu":
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    context = TaskContext.get()
    assigned = context.resources().get("gpu") if context else None
    if assigned and assigned.addresses and "CUDA_VISIBLE_DEVICES" not in os.environ:
        return f"cuda:{assigned.addresses[0]}"
    return f"cuda:{(context.partitionId() if context else 0) % torch.cuda.device_count()}"


def embeddings(standardised: DataFrame, notes: DataFrame | None, model_path: str, settings: ModelSettings) -> DataFrame:
    """The vectors of every record.

    In: STANDARDISED; NOTES or null. Out: EMBEDDINGS, one row for each record; a null vector where there is nothing to
    encode. Both towers run in one pass over the rows, so that a worker holds one copy of the model.
    """
    wanted, note_model, per_source = settings.device, settings.note_model, settings.towers == "per_source"
    with_notes = standardised.withColumn("notes", F.lit(None).cast(STRINGS))
    if notes is not None and settings.use_notes:
        with_notes = standardised.join(latest_notes(notes), on="record_key", how="left")

    @without_values("encode")
    def encoded(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        device = worker_device(wanted)

        def encoder_of(source: str) -> Encoder:
            return load_encoder(model_path, device, note_model, source if per_source else None)

        for batch in batches:
            texts = [[] if cell is None else list(cell) for cell in batch["notes"]]
            yield pd.DataFrame({"record_key": batch["record_key"], **columns_by_source(encoder_of, batch, texts)})

    inputs = StructType([*STANDARDISED.fields, StructField("notes", STRINGS)])
    return conform(conform(with_notes, inputs).mapInPandas(encoded, EMBEDDINGS), EMBEDDINGS)


def latest_notes(notes: DataFrame) -> DataFrame:
    """record_key and ``notes``: the texts of its latest notes, in an order that does not depend on the rows' order."""
    ordered = F.sort_array(F.collect_set(F.struct("note_date", "note_id", "text")), asc=False)
    grouped = notes.where(F.col("text").isNotNull()).groupBy("record_key").agg(ordered.alias("ordered"))
    return grouped.select("record_key", F.slice(F.col("ordered.text"), 1, MOST_NOTES).alias("notes"))
