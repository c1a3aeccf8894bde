"""People's decisions that contradict one another: named in a table of the run that they stop, for people to mend."""

from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import pairwise

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.components import component_keys
from siamese_er.config import ClusterSettings
from siamese_er.errors import ContractFault
from siamese_er.schemas import DECISION_CONFLICTS, DECISIONS, KEY_SEPARATOR, conform
from siamese_er.storage import RunFolder

TABLE = "decision_conflicts"
MOST_TOLD = 1_000
"""Contradictions told at once; the message counts them all."""
NUMBERED = "conflict int, left_key string, right_key string"

Pair = tuple[str, str]


def refuse_conflicts(decisions: DataFrame, run: RunFolder, settings: ClusterSettings) -> None:
    """Nothing, where no ``no_match`` is on two records that matches join, perhaps over others; else the run's table of them.

    In:  DECISIONS on pairs of living records; ``settings``: where components are found.
    Raises: ContractFault with their number and the path of the table.
    """
    spark = decisions.sparkSession
    matches, parted = (decisions.where(F.col("decision") == said) for said in ("match", "no_match"))
    counts = decisions.agg(
        F.count_if(F.col("decision") == "match").alias("n"), F.count_if(F.col("decision") != "match").alias("n_parted")
    ).first()
    if counts is None or not counts["n"] or not counts["n_parted"]:
        return
    labels = run.checkpoint(
        component_keys(
            matches,
            counts["n"] <= settings.max_driver_links,
            lambda frame, name: run.checkpoint(frame, f"match_{name}"),
            settings.max_task_records,
        ),
        "match_components",
    )
    joined = (
        parted.select("left_key", "right_key")
        .join(labels.toDF("left_key", "component_key"), "left_key")
        .join(labels.toDF("right_key", "right_component"), "right_key")
        .where(F.col("component_key") == F.col("right_component"))
    )
    if not (n_conflicts := joined.count()):
        return
    told = joined.orderBy("left_key", "right_key").limit(MOST_TOLD)
    of_component = labels.join(F.broadcast(told.select("component_key").distinct()), "component_key", "left_semi")
    near = matches.join(of_component.select(F.col("record_key").alias("left_key")), "left_key", "left_semi")
    pairs = [(row[0], row[1]) for row in near.select("left_key", "right_key").collect()]
    rows = conflict_rows(pairs, [(row["left_key"], row["right_key"]) for row in told.collect()])
    table = conflicts_table(spark.createDataFrame(rows, NUMBERED), decisions)
    run.write_table(table.coalesce(1).sortWithinPartitions(*DECISION_CONFLICTS.names[:5]), TABLE)
    raise ContractFault(
        f"decisions: {n_conflicts} no_match pair(s) are joined by match decisions, directly or over other records;"
        f" correct one side of each: {run.table(TABLE)} names them"
    )


def conflict_rows(matches: Iterable[Pair], parted: Iterable[Pair]) -> list[tuple[int, str, str]]:
    """conflict (from 1), left_key, right_key: each parted pair, then the pairs of a shortest way over matches between.

    Of several shortest ways that over the smallest keys. A pair that no way joins has no row.

    >>> conflict_rows([("a", "b"), ("b", "c"), ("a", "x"), ("c", "x")], [("a", "c")])
    [(1, 'a', 'c'), (1, 'a', 'b'), (1, 'b', 'c')]
    """
    near: dict[str, set[str]] = defaultdict(set)
    for left, right in matches:
        near[left].add(right)
        near[right].add(left)
    ordered = {key: sorted(others) for key, others in near.items()}
    rows = []
    for number, (left, right) in enumerate(sorted(parted), 1):
        if way := shortest_way(ordered, left, right):
            steps = [(min(pair), max(pair)) for pair in pairwise(way)]
            rows += [(number, *pair) for pair in [(left, right), *steps]]
    return rows


def shortest_way(near: dict[str, list[str]], start: str, end: str) -> list[str]:
    """The keys from start to end, both included; empty where there is no way. In: the sorted neighbours of each key."""
    came_from, queue = {start: start}, deque([start])
    while queue and end not in came_from:
        key = queue.popleft()
        for other in near.get(key, []):
            if other not in came_from:
                came_from[other] = key
                queue.append(other)
    if end not in came_from:
        return []
    way = [end]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def conflicts_table(rows: DataFrame, decisions: DataFrame) -> DataFrame:
    """DECISION_CONFLICTS. In: the rows of `conflict_rows`; DECISIONS."""
    columns: dict[str, Column] = {}
    for side in ("left", "right"):
        parts = F.split(F.col(f"{side}_key"), KEY_SEPARATOR, 2)
        columns |= {f"{side}_source": F.get(parts, F.lit(0)), f"{side}_record_id": F.get(parts, F.lit(1))}
    told = F.broadcast(rows).join(conform(decisions, DECISIONS), ["left_key", "right_key"])
    return conform(told.withColumns(columns), DECISION_CONFLICTS)
