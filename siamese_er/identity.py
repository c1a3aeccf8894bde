"""Step 7: MEMBERSHIPS and the previous run -> enterprise ids that stay, and the history of their changes."""

import hmac
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from stdnum.iso7064 import mod_37_36

from siamese_er.components import Checkpoint, local_checkpoint
from siamese_er.config import IdentitySettings
from siamese_er.errors import without_values
from siamese_er.schemas import (
    CROSSWALK,
    ENTERPRISE_ID_HISTORY,
    ENTERPRISE_IDS,
    KEY_SEPARATOR,
    MEMBERSHIPS,
    conform,
    no_rows,
)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LENGTH = 15
BIRTHS = ("created", "split_from")


@dataclass(frozen=True)
class Identity:
    """``ids``: ENTERPRISE_IDS, one row for each record. ENTERPRISE_ID_HISTORY: ``events`` of this run, ``past`` of others."""

    ids: DataFrame
    events: DataFrame
    past: DataFrame

    @property
    def history(self) -> DataFrame:
        """ENTERPRISE_ID_HISTORY of all runs."""
        return self.past.unionByName(self.events)


def new_id(key: str, digest: str, sequence: int) -> str:
    """An opaque id of 15 letters and digits (75 bits of a keyed hash) and a check character, ISO 7064 mod 37,36.

    The letters I, L, O and U occur in no hashed character, as they are misread.
    """
    mac = hmac.digest(key.encode(), f"{digest}:{sequence}".encode(), "sha256")
    number = int.from_bytes(mac[:10], "big")
    body = "".join(ALPHABET[number >> (5 * place) & 31] for place in range(ID_LENGTH))
    return body + mod_37_36.calc_check_digit(body)


def enterprise_ids(
    memberships: DataFrame,
    previous_crosswalk: DataFrame | None,
    previous_history: DataFrame | None,
    run_id: str,
    settings: IdentitySettings,
    checkpoint: Checkpoint = local_checkpoint,
) -> Identity:
    """The enterprise id of each record, kept from the previous run wherever it can be.

    A previous id goes to the cluster that holds most of its records (ties: the smallest cluster key). A cluster that
    several previous ids go to keeps the one with most records in it (ties: the oldest, by the least run_id that gave
    birth to it; then the smallest) and the others are merged into that one. All other clusters get new ids: a keyed
    hash of all members' keys, and the next of its sequence where that id was ever used. So an id that ended, merged
    or retired, never returns, and an unmerged part gets a new one that is split_from the id it was part of.

    In:  MEMBERSHIPS; CROSSWALK and ENTERPRISE_ID_HISTORY of the previous run, null in a first run.
    Out: previous_enterprise_id is null where the id is the same as before or the record is new.
    """
    spark = memberships.sparkSession
    memberships = conform(memberships, MEMBERSHIPS)
    crosswalk = no_rows(spark, CROSSWALK) if previous_crosswalk is None else previous_crosswalk
    past = no_rows(spark, ENTERPRISE_ID_HISTORY) if previous_history is None else previous_history
    past = conform(past, ENTERPRISE_ID_HISTORY)
    previous = (
        conform(crosswalk, CROSSWALK)
        .where("valid_to is null")
        .select(
            F.concat_ws(KEY_SEPARATOR, "source", "record_id").alias("record_key"),
            F.col("enterprise_id").alias("previous_id"),
        )
    )
    shares = _shares(memberships, previous, past)
    if previous_crosswalk is not None:
        shares = checkpoint(shares, "id_shares")
    kept = shares.where("is_kept").select("cluster_key", F.col("previous_id").alias("enterprise_id"))
    used = past.select("enterprise_id").union(previous.select("previous_id"))
    created = _created(memberships.join(kept, "cluster_key", "left_anti"), used, settings.key, checkpoint)
    named = kept.union(created)
    ids = (
        memberships.join(named, "cluster_key")
        .join(previous, "record_key", "left")
        .withColumn(
            "previous_enterprise_id", F.when(F.col("previous_id") != F.col("enterprise_id"), F.col("previous_id"))
        )
    )
    events = conform(_events(previous, shares, named, created, run_id), ENTERPRISE_ID_HISTORY)
    return Identity(conform(ids, ENTERPRISE_IDS), events, past)


def _shares(memberships: DataFrame, previous: DataFrame, past: DataFrame) -> DataFrame:
    """cluster_key, previous_id, is_heir (the cluster holds most of that id), is_kept (and it is the id it keeps)."""
    shared = (
        memberships.join(previous, "record_key")
        .groupBy("cluster_key", "previous_id")
        .agg(F.count("record_key").alias("n_shared"))
    )
    births = (
        past.where(F.col("event").isin(*BIRTHS))
        .select(F.col("enterprise_id").alias("previous_id"), "run_id")
        .join(previous.select("previous_id"), "previous_id", "left_semi")
        .groupBy("previous_id")
        .agg(F.min("run_id").alias("born"))
    )
    shares = shared.join(births, "previous_id", "left")
    largest_part = Window.partitionBy("previous_id").orderBy(F.desc("n_shared"), "cluster_key")
    largest_ancestor = Window.partitionBy("cluster_key").orderBy(
        F.desc("is_heir"), F.desc("n_shared"), F.asc_nulls_last("born"), "previous_id"
    )
    return shares.withColumn("is_heir", F.row_number().over(largest_part) == 1).withColumn(
        "is_kept", F.col("is_heir") & (F.row_number().over(largest_ancestor) == 1)
    )


def _created(members: DataFrame, used: DataFrame, key: str, checkpoint: Checkpoint) -> DataFrame:
    """cluster_key, enterprise_id of clusters without an id to keep; no id was used before or is given twice."""
    digests = members.groupBy("cluster_key").agg(
        F.sha2(F.concat_ws("\x1e", F.array_sort(F.collect_list("record_key"))), 256).alias("digest")
    )
    candidates = digests.select("cluster_key", "digest", F.lit(0).alias("sequence"))
    for n_rounds in itertools.count():
        candidates = checkpoint(_with_ids(candidates, key), f"new_ids_{n_rounds}")
        taken = used.join(candidates.select("enterprise_id"), "enterprise_id", "left_semi").distinct()
        by_key = Window.partitionBy("enterprise_id").orderBy("cluster_key")
        refused = (
            candidates.withColumn("is_repeated", F.row_number().over(by_key) > 1)
            .join(taken.withColumn("is_used", F.lit(True)), "enterprise_id", "left")
            .where(F.col("is_repeated") | F.col("is_used"))
            .select("cluster_key", F.lit(1).alias("step"))
        )
        if refused.isEmpty():
            break
        candidates = candidates.join(refused, "cluster_key", "left").select(
            "cluster_key", "digest", (F.col("sequence") + F.coalesce("step", F.lit(0))).alias("sequence")
        )
    return candidates.select("cluster_key", "enterprise_id")


def _with_ids(candidates: DataFrame, key: str) -> DataFrame:
    """The candidates with their enterprise_id; the key travels inside the function, so that no plan shows it."""

    @without_values("identity")
    def ids(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            pairs = zip(batch["digest"], batch["sequence"], strict=True)
            yield batch.assign(enterprise_id=pd.Series([new_id(key, *pair) for pair in pairs], dtype=object))

    return candidates.mapInPandas(ids, "cluster_key string, digest string, sequence int, enterprise_id string")


def _events(previous: DataFrame, shares: DataFrame, named: DataFrame, created: DataFrame, run_id: str) -> DataFrame:
    """This run's rows of ENTERPRISE_ID_HISTORY."""
    heirs = shares.join(named, "cluster_key")
    merged = heirs.where("is_heir and not is_kept").select(
        F.col("previous_id").alias("enterprise_id"),
        F.lit("merged_into").alias("event"),
        F.col("enterprise_id").alias("other_enterprise_id"),
        F.lit("its records joined a cluster that keeps another id").alias("reason"),
    )
    born = created.join(shares, "cluster_key", "left").select(
        "enterprise_id",
        F.when(F.col("previous_id").isNull(), "created").otherwise("split_from").alias("event"),
        F.col("previous_id").alias("other_enterprise_id"),
        F.when(F.col("previous_id").isNull(), "new records")
        .otherwise("its records left a cluster whose larger part went elsewhere")
        .alias("reason"),
    )
    retired = (
        previous.select("previous_id")
        .distinct()
        .join(shares, "previous_id", "left_anti")
        .select(
            F.col("previous_id").alias("enterprise_id"),
            F.lit("retired").alias("event"),
            F.lit(None).cast("string").alias("other_enterprise_id"),
            F.lit("no living record").alias("reason"),
        )
    )
    return merged.unionByName(born).unionByName(retired).withColumn("run_id", F.lit(run_id))
