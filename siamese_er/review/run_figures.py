"""Figures of one run for people: counts, quality of values, cluster sizes, what blocking yields, drift against another run.

Tables are aggregated in Spark; what reaches the driver is as large as the number of sources, columns, passes or bins.
"""

from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.schemas import STANDARD_COLUMNS

N_BINS = 20
MOST_SIZES = 200
VALUE_COLUMNS = tuple(
    name for name in STANDARD_COLUMNS if name not in ("name_marks", "value_faults") and not name.startswith("invalid_")
)


def main_counts(record: dict[str, Any]) -> pd.DataFrame:
    """``what`` and ``n``: the counts of run.json in the order of the run; empty where the run wrote none."""
    counts = record.get("counts", {})
    names = (
        "records", "earlier_versions", "deleted", "quarantined", "notes", "candidate_pairs", "links", "links_cut",
        "clusters", "largest_cluster", "golden_records", "review_queue",
    )  # fmt: skip
    return pd.DataFrame([(name.replace("_", " "), counts[name]) for name in names if name in counts],
                        columns=["what", "n"])  # fmt: skip


def step_seconds(record: dict[str, Any]) -> pd.DataFrame:
    """``step`` and ``seconds``, in the order of the run."""
    return pd.DataFrame(list(record.get("seconds", {}).items()), columns=["step", "seconds"])


def value_faults(record: dict[str, Any]) -> pd.DataFrame:
    """``column``, ``reason`` and ``n``: values that count as missing, the most frequent first."""
    found = pd.DataFrame(record.get("value_faults", []), columns=["column", "reason", "n"])
    return found.sort_values(["n", "column", "reason"], ascending=[False, True, True], ignore_index=True)


def missing_shares(standardised: DataFrame) -> pd.DataFrame:
    """``source``, ``column``, ``missing``: the share of a source's records without any value of the column."""
    shares: list[Column] = [F.avg((F.size(name) == 0).cast("double")).alias(name) for name in VALUE_COLUMNS]
    wide = standardised.groupBy("source").agg(*shares).toPandas()
    long = wide.melt("source", var_name="column", value_name="missing")
    return long.sort_values(["source", "column"], ignore_index=True)


def cluster_sizes(clusters: DataFrame) -> pd.DataFrame:
    """``n_records`` and ``n_clusters`` of that size; the largest sizes are counted at the 200th."""
    size = F.least(F.col("n_records"), F.lit(MOST_SIZES)).alias("n_records")
    return clusters.groupBy(size).agg(F.count("*").alias("n_clusters")).orderBy("n_records").toPandas()


def score_bins(scored_pairs: DataFrame) -> pd.DataFrame:
    """``low`` (lower bound, in steps of .05), ``band`` and ``n_pairs`` of the scored pairs."""
    step = F.least(F.floor(F.col("match_probability") * N_BINS), F.lit(N_BINS - 1))
    counted = scored_pairs.groupBy((step / N_BINS).alias("low"), "band").agg(F.count("*").alias("n_pairs"))
    return counted.orderBy("low", "band").toPandas()


def blocking_yield(scored_pairs: DataFrame, record: dict[str, Any]) -> pd.DataFrame:
    """For each blocking pass: candidate pairs, those scored at or above the floor, those linked, and linked by it alone.

    A pair of several passes counts in each; ``only_by_it`` tells what the run would lose without the pass.
    """
    is_linked = F.col("band") == "auto"
    passes = scored_pairs.select(
        F.explode("blocking_passes").alias("blocking_pass"), is_linked.alias("is_linked"),
        (F.size("blocking_passes") == 1).alias("is_only"),
    )  # fmt: skip
    found = (
        passes.groupBy("blocking_pass")
        .agg(
            F.count("*").alias("scored"), F.count_if("is_linked").alias("linked"),
            F.count_if(F.col("is_linked") & F.col("is_only")).alias("only_by_it"),
        )
        .toPandas()
    )  # fmt: skip
    candidates = pd.DataFrame(list(record.get("pairs_by_pass", {}).items()), columns=["blocking_pass", "candidates"])
    both = candidates.merge(found, "outer", "blocking_pass").fillna(0)
    counts = ["candidates", "scored", "linked", "only_by_it"]
    both[counts] = both[counts].astype("int64")
    return both.sort_values(["linked", "blocking_pass"], ascending=[False, True], ignore_index=True)


def drift_rows(record: dict[str, Any]) -> pd.DataFrame:
    """``measure``, ``against``, ``index``, ``limit``, ``warns`` as run.json and the report have them.

    The greatest index for its limit first; a measure with too few counts has no index and comes last.
    """
    found = pd.DataFrame(record.get("drift", []), columns=["measure", "against", "index", "limit", "warns"])
    excess = found["index"].astype(float) / found["limit"].astype(float)
    return found.loc[excess.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def missing_drift(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """``source``, ``column``, ``missing``, ``missing_before``, ``change`` from two `missing_shares`; greatest change first.

    A source that only one of the runs has is null on the other side.
    """
    both = now.merge(before, "outer", ["source", "column"], suffixes=("", "_before"))
    both["change"] = both.missing - both.missing_before
    order = both.change.abs().sort_values(ascending=False, kind="stable").index
    return both.loc[order].reset_index(drop=True)
