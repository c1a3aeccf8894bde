"""Step 6: links -> MEMBERSHIPS and CUTS. Connected components, then a guard inside each against chain merges."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.agreement import contradicts_itself
from siamese_er.config import ClusterSettings
from siamese_er.errors import ContractFault, without_values
from siamese_er.linkage.components import labelled_keys
from siamese_er.linkage.contraction import PERSON_APART, VETOED, ComponentPairs, partition
from siamese_er.schemas import CUTS, LINKS, MEMBERSHIPS, conform

Checkpoint = Callable[[DataFrame, str], DataFrame]
"""(frame, name) -> the same rows with their lineage cut; each name is used once."""

GUARDED = (
    "record_key string, cluster_key string, left_key string, right_key string, match_probability double, reason string"
)


@dataclass(frozen=True)
class Clustering:
    """``memberships``: MEMBERSHIPS, each record once. ``cuts``: CUTS, automatic links refused, for review."""

    memberships: DataFrame
    cuts: DataFrame


def clustered(keys: DataFrame, links: DataFrame, settings: ClusterSettings, checkpoint: Checkpoint) -> Clustering:
    """The clusters of all records: connected components over automatic and verified links, cut where they chain.

    A component in which every pair is linked and nothing forbids it stays whole. Every other component goes through
    `linkage.contraction.partition`: it keeps apart what a person or a veto keeps apart, also across a chain, and a
    record that bridges two groups which do not match joins one of them at most.

    In:  ``keys`` with record_key, each living record once; ``links``: LINKS among them, every pair above the floor and
         every pair with a decision (match_weight null where it was not scored).
    Raises: ContractFault where people's decisions contradict one another.
    """
    pairs = _judged(links)
    edges = pairs.where("is_link or is_must").select("left_key", "right_key", "is_must", "apart")
    counts = pairs.agg(
        F.count_if("is_link or is_must").alias("n_edges"),
        F.count_if("is_must").alias("n_must"),
        F.count_if(F.col("apart") == PERSON_APART).alias("n_apart"),
    ).first()
    assert counts is not None
    on_driver = counts["n_edges"] <= settings.max_driver_links
    if counts["n_must"] and counts["n_apart"]:
        _refuse_contradictions(pairs, on_driver, checkpoint)
    labels = checkpoint(component_keys(edges, on_driver, checkpoint), "components")
    doubtful = _doubtful_components(edges, labels, settings.max_cluster_size)
    guarded = checkpoint(_guarded(pairs, labels.join(doubtful, "component_key", "left_semi"), settings), "guarded")
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
    )


def _judged(links: DataFrame) -> DataFrame:
    """The links with is_link, is_must and apart, as `linkage.contraction.ComponentPairs` explains them."""
    decision = F.col("is_verified")
    apart = F.when(~decision, PERSON_APART).when(decision, 0).when(F.size("vetoes") > 0, VETOED).otherwise(0)
    return (
        conform(links, LINKS)
        .where(F.col("left_key") != F.col("right_key"))
        .withColumns(
            {
                "is_link": (F.coalesce("band", F.lit("no")) == "auto") & F.coalesce(decision, F.lit(True)),
                "is_must": F.coalesce(decision, F.lit(False)),
                "apart": apart,
            }
        )
    )


def component_keys(edges: DataFrame, on_driver: bool, checkpoint: Checkpoint) -> DataFrame:
    """record_key, component_key (the smallest key of its connected component) of every key in left_key, right_key."""
    if on_driver:
        return edges.sparkSession.createDataFrame(labelled_keys(edges.select("left_key", "right_key").toArrow()))
    return _star_components(edges, checkpoint)


def _star_components(edges: DataFrame, checkpoint: Checkpoint) -> DataFrame:
    """Connected components in Spark, by alternating large-star and small-star until every component is a star.

    Rounds are not capped: the test for "all stars" is exact, so the result is never a component half done.

    Source: Kiveris et al., "Connected Components in MapReduce and Beyond", SoCC 2014.
    """
    left, right = F.col("left_key"), F.col("right_key")
    stars = edges.where(left != right).select(
        F.greatest(left, right).alias("node"), F.least(left, right).alias("parent")
    )
    stars = checkpoint(stars.distinct(), "star_round_0")
    n_rounds = 0
    while not _all_stars(stars):
        n_rounds += 1
        stars = checkpoint(_small_star(_large_star(stars)), f"star_round_{n_rounds}")
    roots = stars.select(F.col("parent").alias("record_key"), F.col("parent").alias("component_key")).distinct()
    return stars.select(F.col("node").alias("record_key"), F.col("parent").alias("component_key")).union(roots)


def _large_star(edges: DataFrame) -> DataFrame:
    """Every larger neighbour of a node hangs on the smallest of the node and its neighbours."""
    both = edges.union(edges.select(F.col("parent").alias("node"), F.col("node").alias("parent")))
    smallest = both.groupBy("node").agg(F.least(F.min("parent"), F.first("node")).alias("smallest"))
    return (
        both.where(F.col("parent") > F.col("node"))
        .join(smallest, "node")
        .select(F.col("parent").alias("node"), F.col("smallest").alias("parent"))
        .distinct()
    )


def _small_star(edges: DataFrame) -> DataFrame:
    """A node and its smaller neighbours hang on the smallest of them."""
    smallest = edges.groupBy("node").agg(F.min("parent").alias("smallest"))
    joined = edges.join(smallest, "node")
    neighbours = joined.where(F.col("parent") != F.col("smallest")).select(F.col("parent").alias("node"), "smallest")
    return neighbours.union(smallest).select("node", F.col("smallest").alias("parent")).distinct()


def _all_stars(edges: DataFrame) -> bool:
    """Each node has one parent, and no parent has one."""
    ends = edges.select("node", F.lit(1).alias("n_parents")).union(edges.select("parent", F.lit(2)))
    roles = ends.groupBy("node").agg(F.sum("n_parents").alias("total"), F.min("n_parents").alias("least"))
    return roles.where((F.col("least") == 1) & (F.col("total") > 1)).isEmpty()


def _refuse_contradictions(pairs: DataFrame, on_driver: bool, checkpoint: Checkpoint) -> None:
    """Raise where people's matches join two records, perhaps over others, that a person said are not one."""
    matches = component_keys(pairs.where("is_must"), on_driver, lambda frame, name: checkpoint(frame, f"match_{name}"))
    parted = pairs.where(F.col("apart") == PERSON_APART).select("left_key", "right_key").distinct()
    n_contradictions = (
        parted.join(matches.toDF("left_key", "left_component"), "left_key")
        .join(matches.toDF("right_key", "right_component"), "right_key")
        .where(F.col("left_component") == F.col("right_component"))
        .count()
    )
    if n_contradictions:
        raise ContractFault(
            f"decisions: {n_contradictions} no_match pair(s) are joined by match decisions, directly or over other"
            " records; correct one side of each"
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
    max_size, penalty = settings.max_cluster_size, settings.unscored_penalty

    @without_values("cluster")
    def guard(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for component in whole_groups(batches, "component_key"):
            yield guarded_component(component, max_size, penalty)

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
        for start, end in zip(starts[:-1], starts[1:], strict=True):
            yield rows.iloc[start:end]
        rest = rows.iloc[starts[-1] :]
    if rest is not None:
        yield rest


def guarded_component(pairs: pd.DataFrame, max_size: int, unscored_penalty: float) -> pd.DataFrame:
    """`GUARDED` rows of one component; see `linkage.contraction.partition`."""
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
    members = pd.DataFrame({"record_key": names, "cluster_key": names[result.group]})
    cut = pairs.iloc[[row for row, _ in result.cuts]][["left_key", "right_key", "match_probability"]]
    cuts = cut.assign(reason=[reason for _, reason in result.cuts], record_key=None, cluster_key=None)
    cuts = cuts.drop_duplicates(["left_key", "right_key"])
    rows = members if cuts.empty else pd.concat([members, cuts], ignore_index=True)
    return rows.reindex(
        columns=["record_key", "cluster_key", "left_key", "right_key", "match_probability", "reason"]
    ).astype({"match_probability": float})
