"""Step 6: links -> MEMBERSHIPS and CUTS. Connected components, then a guard inside each against chain merges."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.agreement import contradicts_itself
from siamese_er.components import Checkpoint, component_keys
from siamese_er.config import ClusterSettings
from siamese_er.errors import without_values
from siamese_er.linkage.contraction import PERSON_APART, VETOED, ComponentPairs, partition
from siamese_er.linkage.vetoes import CONTRADICTIONS
from siamese_er.schemas import CLUSTERS, CUTS, LINKS, MEMBERSHIPS, conform

GUARDED = (
    "record_key string, cluster_key string, left_key string, right_key string, match_probability double, reason string"
)
GUARDED_COLUMNS = ["record_key", "cluster_key", "left_key", "right_key", "match_probability", "reason"]
ROWS_PER_BATCH = 10_000
KEEP_APART = (*CONTRADICTIONS, "care_after_death")
"""Vetoes that tell of two persons: they keep whole groups of records apart."""


@dataclass(frozen=True)
class Clustering:
    """``memberships``: MEMBERSHIPS, each record once. ``cuts``: CUTS, automatic links refused, for review.

    ``components``: record_key, component_key of every record with a link, before the guard.
    """

    memberships: DataFrame
    cuts: DataFrame
    components: DataFrame


def clustered(
    keys: DataFrame,
    links: DataFrame,
    settings: ClusterSettings,
    checkpoint: Checkpoint,
    contradictions: tuple[str, ...] = KEEP_APART,
    threshold: float = 1.0,
) -> Clustering:
    """The clusters of all records: connected components over automatic and verified links, cut where they chain.

    A component in which every pair is linked and nothing forbids it stays whole. Every other component goes through
    `linkage.contraction.partition`: it keeps apart what a person or a contradiction keeps apart, also across a
    chain, and a record that bridges two groups which do not match joins one of them at most.

    In:  ``keys`` with record_key, each living record once; ``links``: LINKS among them, every pair above the floor and
         every pair with a decision (match_weight null where it was not scored); ``contradictions``: the vetoes that
         keep whole groups apart. The other vetoes say that a pair alone is too little for a link, not that it is false.
         ``threshold``: a contradicted pair of this probability or more is not linked itself, but keeps no groups apart:
         all other evidence speaks for one person, and the contradiction may be the error; the review queue asks.
         People's decisions must not contradict one another (`decision_conflicts.refuse_conflicts`).
    """
    pairs = _judged(links, contradictions, threshold)
    edges = pairs.where("is_link or is_must").select("left_key", "right_key", "is_must", "apart")
    on_driver = edges.count() <= settings.max_driver_links
    labels = checkpoint(component_keys(edges, on_driver, checkpoint, settings.max_task_records), "components")
    doubtful = _doubtful_components(edges, labels, settings.max_cluster_size)
    guarded = checkpoint(
        _guarded(
            pairs, labels.join(doubtful, "component_key", "left_semi").select("record_key", "component_key"), settings
        ),
        "guarded",
    )
    regrouped = guarded.where("record_key is not null").select("record_key", "cluster_key")
    memberships = (
        keys.select("record_key")
        .join(labels, "record_key", "left")
        .join(regrouped, "record_key", "left")
        .select("record_key", F.coalesce("cluster_key", "component_key", "record_key").alias("cluster_key"))
    )
    return Clustering(
        checkpoint(conform(memberships, MEMBERSHIPS), "memberships"),
        conform(guarded.where("record_key is null"), CUTS),
        labels,
    )


def _judged(links: DataFrame, contradictions: tuple[str, ...], threshold: float = 1.0) -> DataFrame:
    """The links with is_link, is_must and apart, as `linkage.contraction.ComponentPairs` explains them."""
    decision = F.col("is_verified")
    band = F.coalesce("band", F.lit("no"))
    contradicted = F.arrays_overlap("vetoes", F.array(*map(F.lit, contradictions)).cast("array<string>"))
    unlikely = F.coalesce(F.col("match_probability") < threshold, F.lit(True))
    apart = (
        F.when(~decision, PERSON_APART)
        .when(decision, 0)
        .when(contradicted & unlikely & (band != "auto"), VETOED)
        .otherwise(0)
    )
    return (
        conform(links, LINKS)
        .where(F.col("left_key") != F.col("right_key"))
        .withColumns(
            {
                "is_link": (band == "auto") & F.coalesce(decision, F.lit(True)),
                "is_must": F.coalesce(decision, F.lit(False)),
                "apart": apart,
            }
        )
    )


def _doubtful_components(edges: DataFrame, labels: DataFrame, max_cluster_size: int) -> DataFrame:
    """component_key of the components that are too large or where not every pair is linked free of vetoes."""
    n_clear = (
        edges.where("apart = 0")
        .select(
            F.least("left_key", "right_key").alias("record_key"), F.greatest("left_key", "right_key").alias("other")
        )
        .distinct()
        .join(labels, "record_key")
        .groupBy("component_key")
        .agg(F.count("other").alias("n_clear"))
    )
    n_records = labels.groupBy("component_key").agg(F.count("record_key").alias("n_records"))
    n_pairs = F.col("n_records") * (F.col("n_records") - 1) / 2
    is_whole = (F.coalesce("n_clear", F.lit(0)) == n_pairs) & (F.col("n_records") <= max_cluster_size)
    return n_records.join(n_clear, "component_key", "left").where(~is_whole).select("component_key")


def _guarded(pairs: DataFrame, labels: DataFrame, settings: ClusterSettings) -> DataFrame:
    """`GUARDED` rows: the new cluster of each record of these components, then the links cut."""
    inside = (
        pairs.join(labels.toDF("left_key", "component_key"), "left_key")
        .join(labels.toDF("right_key", "right_component"), "right_key")
        .where(F.col("component_key") == F.col("right_component"))
        .select(
            "component_key", "left_key", "right_key", "match_weight", "match_probability", "is_link", "is_must", "apart"
        )
    )
    max_size, penalty = settings.max_cluster_size, settings.penalty()

    @without_values("cluster")
    def guard(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        rows: list[tuple] = []
        for component in whole_groups(batches, "component_key"):
            rows += guarded_rows(component, max_size, penalty)
            if len(rows) >= ROWS_PER_BATCH:
                yield pd.DataFrame(rows, columns=GUARDED_COLUMNS, dtype=object)
                rows = []
        yield pd.DataFrame(rows, columns=GUARDED_COLUMNS, dtype=object)

    return inside.repartition("component_key").sortWithinPartitions("component_key").mapInPandas(guard, GUARDED)


def whole_groups(batches: Iterator[pd.DataFrame], key: str) -> Iterator[pd.DataFrame]:
    """One frame for each value of the key, from batches in which equal keys are adjacent and may span batches."""
    rest = None
    for batch in batches:
        rows = batch if rest is None else pd.concat([rest, batch], ignore_index=True)
        if rows.empty:
            continue
        values = rows[key].to_numpy()
        starts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()]
        for start, end in pairwise(starts):
            yield rows.iloc[start:end]
        rest = rows.iloc[starts[-1] :]
    if rest is not None:
        yield rest


def guarded_rows(pairs: pd.DataFrame, max_size: int, unscored_penalty: float) -> list[tuple]:
    """Rows of `GUARDED_COLUMNS` for one component; see `linkage.contraction.partition`."""
    names, codes = np.unique(
        np.concatenate([pairs["left_key"].to_numpy(object), pairs["right_key"].to_numpy(object)]), return_inverse=True
    )
    result = partition(
        ComponentPairs(
            n_nodes=len(names),
            left=codes[: len(pairs)],
            right=codes[len(pairs) :],
            bits=pairs["match_weight"].to_numpy(float),
            is_link=pairs["is_link"].to_numpy(bool),
            is_must=pairs["is_must"].to_numpy(bool),
            apart=pairs["apart"].to_numpy(np.int64),
        ),
        max_size,
        unscored_penalty,
    )
    members = [(key, cluster, None, None, None, None) for key, cluster in zip(names, names[result.group], strict=True)]
    columns = (pairs["left_key"].to_numpy(), pairs["right_key"].to_numpy(), pairs["match_probability"].to_numpy())
    cuts = {(None, None, *(column[row] for column in columns), reason) for row, reason in result.cuts}
    return members + sorted(cuts, key=lambda cut: cut[2:4])


def cluster_metrics(
    memberships: DataFrame, links: DataFrame, standardised: DataFrame, overlaid: DataFrame | None = None
) -> DataFrame:
    """How well each cluster holds together: the columns of CLUSTERS, with cluster_key in place of the enterprise id.

    min_link_probability is the least over automatic and verified links inside, null where there is none (a single
    record, or a person's match that was never scored). density is the share of a cluster's pairs that are linked,
    null for a single record. has_conflict: two values of a person's national id, sex or birth date inside that
    cannot both be true. suspected_overlay: a member is among ``overlaid``.

    In:  MEMBERSHIPS, LINKS, STANDARDISED; ``overlaid``: record_key, as `overlays.suspected_overlays` finds them.
    """
    inside = (
        _judged(links, ())
        .where("is_link or is_must")
        .select("left_key", "right_key", "match_probability")
        .join(memberships.toDF("left_key", "cluster_key"), "left_key")
        .join(memberships.toDF("right_key", "right_cluster"), "right_key")
        .where(F.col("cluster_key") == F.col("right_cluster"))
        .groupBy("cluster_key")
        .agg(
            F.count_distinct(F.least("left_key", "right_key"), F.greatest("left_key", "right_key")).alias("n_linked"),
            F.min("match_probability").alias("min_link_probability"),
        )
    )
    members = memberships.join(standardised, "record_key", "left").withColumn("is_overlaid", F.lit(False))
    if overlaid is not None:
        marks = overlaid.select("record_key", F.lit(True).alias("is_overlaid"))
        members = members.drop("is_overlaid").join(marks, "record_key", "left")
    values = {name: F.flatten(F.collect_list(name)) for name in ("national_ids", "sexes", "birth_dates")}
    values["sexes"] = F.filter(values["sexes"], lambda sex: sex != "unknown")
    n_pairs = F.col("n_records") * (F.col("n_records") - 1) / 2
    return (
        members.groupBy("cluster_key")
        .agg(
            F.count("record_key").cast("int").alias("n_records"),
            F.size(F.collect_set("source")).alias("n_sources"),
            reduce(or_, map(contradicts_itself, values.values())).alias("has_conflict"),
            F.coalesce(F.bool_or("is_overlaid"), F.lit(False)).alias("suspected_overlay"),
        )
        .join(inside, "cluster_key", "left")
        .withColumn("density", F.when(n_pairs > 0, F.coalesce("n_linked", F.lit(0)) / n_pairs))
        .drop("n_linked")
    )


def clusters(metrics: DataFrame, ids: DataFrame) -> DataFrame:
    """CLUSTERS: the metrics under their enterprise ids. In: `cluster_metrics`, ENTERPRISE_IDS."""
    named = ids.select(F.col("record_key").alias("cluster_key"), "enterprise_id")
    return conform(metrics.join(named, "cluster_key"), CLUSTERS)
