"""Step 3 of a batch: blocking keys, how many records hold each, and the records that share one with the batch, in tasks.

A whole table goes another way to the same pairs (`block`); here records without a key of the batch are never opened.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.config import BlockingSettings
from siamese_er.errors import without_values
from siamese_er.linkage.chunks import LEAST_IN_GROUP
from siamese_er.linkage.comparisons import FREQUENCY_COLUMNS
from siamese_er.linkage.keys import blocking_keys
from siamese_er.linkage.oversized import WORST_BLOCKS, block_digest, by_pass
from siamese_er.schemas import BLOCKING_KEYS, LONGS, conform


def keys_of(records: DataFrame, settings: BlockingSettings) -> DataFrame:
    """Every blocking key of every record.

    In: STANDARDISED with EMBEDDINGS columns. Out: BLOCKING_KEYS; a record without a value has no key of that pass.
    """
    passes = settings.passes

    @without_values("blocking keys")
    def keyed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            rows, keys, kinds = blocking_keys(table, passes)
            names = table["record_key"].combine_chunks().take(pa.array(rows))
            yield pa.RecordBatch.from_arrays(
                [names, pa.array(kinds, pa.int32()), pa.array(keys, pa.int64())],
                ["record_key", "blocking_pass", "key"],
            )

    return conform(records.mapInArrow(keyed, BLOCKING_KEYS), BLOCKING_KEYS)


def key_sizes(keys: DataFrame) -> DataFrame:
    """key, blocking_pass, n_records: how many records hold each key."""
    return keys.groupBy("key").agg(F.count("*").alias("n_records"), F.min("blocking_pass").alias("blocking_pass"))


def dropped_blocks(sizes: DataFrame, settings: BlockingSettings, key: str) -> dict[str, dict[str, Any]]:
    """By pass: how many blocks, records and pairs the bound on block size left out, and the largest blocks by digest.

    In: ``key_sizes``; ``key`` makes the digests. At most WORST_BLOCKS + 1 rows of each pass come to the driver.
    """
    n_records = F.col("n_records")
    place = F.row_number().over(Window.partitionBy("blocking_pass").orderBy(n_records.desc(), "key"))
    counted = (
        sizes.where(n_records > settings.max_block_size)
        .withColumn("block", F.when(place <= WORST_BLOCKS, F.col("key")))
        .groupBy("blocking_pass", "block")
        .agg(
            F.count("*").alias("n_blocks"),
            F.sum("n_records").alias("n_records"),
            F.sum((n_records * (n_records - 1) / 2).cast("long")).alias("n_pairs"),
        )
    )
    rows = [row.asDict() for row in counted.collect()]
    return by_pass(row | {"digest": None if row["block"] is None else block_digest(row["block"], key)} for row in rows)


def live_keys(keys: DataFrame, sizes: DataFrame, settings: BlockingSettings) -> DataFrame:
    """record_key, ``keys`` and ``kinds`` (passes): the keys that propose pairs, of each record that has any.

    A key of one record, or of more than ``max_block_size``, proposes nothing. In: BLOCKING_KEYS, ``key_sizes``.
    """
    fitting = sizes.where(F.col("n_records").between(2, settings.max_block_size)).select("key")
    ordered = F.sort_array(F.collect_list(F.struct("key", "blocking_pass")))
    per_record = keys.join(fitting, on="key", how="left_semi").groupBy("record_key").agg(ordered.alias("live"))
    return per_record.select(
        "record_key", F.col("live.key").alias("keys"), F.col("live.blocking_pass").cast("array<tinyint>").alias("kinds")
    )


def group_counts(n_new: int, n_known: int, parallelism: int, settings: BlockingSettings) -> tuple[int, int]:
    """Into how many groups new and known records are cut: within ``records_at_once``, and tasks for every core."""
    of_new, of_known = (max(1, -(-n // settings.records_at_once)) for n in (n_new, n_known))
    while of_new * of_known < parallelism and n_known > LEAST_IN_GROUP * of_known:
        of_known += 1
    return of_new, of_known


def batch_tasks(records: DataFrame, n_new: int, n_known: int) -> DataFrame:
    """The records, once for each task that their group takes part in, one partition a task.

    New records (``is_new``) form the first ``n_new`` groups, the others the rest. A task takes a group of new records
    and a group that does not come before it, perhaps the same: every pair with a new record meets in one task.
    Out: ``records`` with task, group and is_within: the task takes one group alone.
    """
    pairs = [(first, second) for first in range(n_new) for second in range(first, n_new + n_known)]
    tasks_of = [
        F.array(*[F.struct(F.lit(task), F.lit(pair[0] == pair[1])) for task, pair in enumerate(pairs) if group in pair])
        for group in range(n_new + n_known)
    ]
    place = F.xxhash64("record_key")
    group = F.when(F.col("is_new"), F.pmod(place, F.lit(n_new))).otherwise(n_new + F.pmod(place, F.lit(n_known)))
    sent = records.withColumn("group", group.cast("int"))
    sent = sent.withColumn("of", F.explode(F.get(F.array(*tasks_of), F.col("group"))))
    named = sent.withColumns({"task": F.col("of.col1"), "is_within": F.col("of.col2")}).drop("of")
    return named.repartitionById(len(pairs), "task")


def value_hashes() -> Column:
    """One array of hashes of all values whose rarity counts, column after column."""
    return F.concat(
        *[
            F.transform(F.coalesce(F.col(name), F.array().cast("array<string>")), hashed(name))
            for name in FREQUENCY_COLUMNS
        ]
    )


def hashed(column: str):  # type: ignore[no-untyped-def]
    """A function from a value of the column to a hash that differs between columns."""
    return lambda value: F.xxhash64(F.lit(column), value)


def with_frequencies(records: DataFrame, table: DataFrame | None = None) -> DataFrame:
    """The records with ``<column>_n``: for each value, how many values of the whole table equal it.

    ``table``: the whole table, where the records are only some of it.
    """
    hashes = records.select("record_key", F.posexplode(value_hashes()).alias("place", "hash"))
    held = hashes
    if table is not None:
        own = hashes.select("hash").distinct()
        held = table.select(F.explode(value_hashes()).alias("hash")).join(own, on="hash", how="left_semi")
    counts = held.groupBy("hash").agg(F.count("*").alias("n"))
    listed = F.sort_array(F.collect_list(F.struct("place", "n"))).getField("n")
    per_record = hashes.join(counts, on="hash", how="inner").groupBy("record_key").agg(listed.alias("counts"))
    joined = records.join(per_record, on="record_key", how="left")
    start: Column = F.lit(1)
    columns = []
    for name in FREQUENCY_COLUMNS:
        size = F.coalesce(F.greatest(F.size(name), F.lit(0)), F.lit(0))
        some = F.slice("counts", start, F.greatest(size, F.lit(1)))
        columns.append(F.when(size > 0, some).otherwise(F.array().cast(LONGS)).alias(f"{name}_n"))
        start = start + size
    return joined.select(*records.columns, *columns)
