"""What the written tables of a run look like as a whole: counts for its report and its drift, no values of patients."""

from functools import partial, reduce
from math import ceil
from operator import add
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.drift import LIKELY, LOWEST_COMPARED, MISSING_COLUMNS, SCORE_EDGES, Profile
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.together import together

SIZES = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, None))
"""Bands of cluster sizes, first and last; the last band has no end."""
MOST_REASONS = 12
LEVEL_PAIRS = 1_000_000
"""Pairs whose levels are counted, about; of more a sample by hash."""


def number_of_edges(value: Column, edges: tuple[float, ...]) -> Column:
    """How many of the edges the value reaches."""
    return reduce(add, [(value >= edge).cast("int") for edge in edges])


def score_histogram(scored_pairs: DataFrame) -> list[dict[str, Any]]:
    """Scored pairs by bin and band: ``lowest`` (edge of the bin), ``band``, ``n``, ``expected`` (sum of probability)."""
    binned = scored_pairs.select(
        (number_of_edges(F.col("match_probability"), SCORE_EDGES) - 1).alias("bin"), "band", "match_probability"
    )
    counted = binned.groupBy("bin", "band").agg(
        F.count("*").alias("n"), F.round(F.sum("match_probability"), 6).alias("expected")
    )
    return [
        {"lowest": SCORE_EDGES[row["bin"]], "band": row["band"], "n": row["n"], "expected": row["expected"]}
        for row in sorted(counted.collect(), key=lambda row: (row["bin"], row["band"]))
    ]


def level_counts(scored_pairs: DataFrame, n_pairs: int) -> dict[str, dict[str, int]]:
    """Field -> level -> likely pairs of that level; of very many pairs a sample, the same whatever their order."""
    likely = scored_pairs.where(F.col("match_probability") >= LIKELY)
    if (every := ceil(n_pairs / LEVEL_PAIRS)) > 1:
        keys = F.xxhash64("left_source", "left_record_id", "right_source", "right_record_id")
        likely = likely.where(F.pmod(keys, F.lit(every)) == 0)
    found = likely.select(F.explode("evidence").alias("found")).select("found.field", "found.comparison")
    counted = {
        (row["field"], row["comparison"]): row["n"]
        for row in found.groupBy("field", "comparison").agg(F.count("*").alias("n")).collect()
    }
    return {
        c.name: {label: counted[c.name, label] for label in c.labels[1:] if (c.name, label) in counted}
        for c in COMPARISONS
    }


def missing_counts(standardised: DataFrame) -> dict[str, int]:
    """Column -> records without a value in it."""
    empty = [F.count_if(F.size(column) == 0).alias(column) for column in MISSING_COLUMNS]
    row = standardised.agg(*empty).first()
    assert row is not None
    return dict(row.asDict())


def size_counts(clusters: DataFrame) -> list[dict[str, Any]]:
    """Clusters by band of size: ``records`` ("1", "6-10", "101 or more") and ``n``; bands without clusters have 0."""
    starts = tuple(float(first) for first, _ in SIZES)
    band = (number_of_edges(F.col("n_records"), starts) - 1).alias("band")
    counted = {row["band"]: row["n"] for row in clusters.groupBy(band).agg(F.count("*").alias("n")).collect()}
    return [{"records": size_name(*size), "n": counted.get(number, 0)} for number, size in enumerate(SIZES)]


def size_name(first: int, last: int | None) -> str:
    """A band of sizes in words."""
    if last is None:
        return f"{first} or more"
    return str(first) if first == last else f"{first}-{last}"


def reason_counts(review_queue: DataFrame) -> list[dict[str, Any]]:
    """Questions by reason, the most frequent ones first, the others together; ``reason`` and ``n``."""
    counted = review_queue.groupBy("reason").agg(F.count("*").alias("n"))
    by_number = Window.orderBy(F.desc("n"), "reason")
    shown = F.when(F.row_number().over(by_number) <= MOST_REASONS, F.col("reason")).otherwise("other reasons")
    summed = counted.select(shown.alias("reason"), "n").groupBy("reason").agg(F.sum("n").alias("n")).collect()
    return [
        row.asDict()
        for row in sorted(summed, key=lambda row: (row["reason"] == "other reasons", -row["n"], row["reason"]))
    ]


def held_back_counts(scored_pairs: DataFrame) -> dict[str, int]:
    """Veto -> likely pairs that wait for a person and have it; a pair may have several."""
    held = scored_pairs.where((F.col("match_probability") >= LIKELY) & (F.col("band") == "review"))
    counted = held.select(F.explode("vetoes").alias("veto")).groupBy("veto").agg(F.count("*").alias("n")).collect()
    return {row["veto"]: row["n"] for row in sorted(counted, key=lambda row: (-row["n"], row["veto"]))}


def status_counts(crosswalk: DataFrame) -> dict[str, int]:
    """Link status -> records."""
    counted = crosswalk.groupBy("link_status").agg(F.count("*").alias("n")).collect()
    return {row["link_status"]: row["n"] for row in sorted(counted, key=lambda row: row["link_status"])}


def aggregates(tables: dict[str, DataFrame]) -> dict[str, Any]:
    """All of the above for run.json; a few hundred numbers, however large the run."""
    found: dict[str, Any] = together({
        "score": partial(score_histogram, tables["scored_pairs"]),
        "missing": partial(missing_counts, tables["standardised"]),
        "cluster_sizes": partial(size_counts, tables["clusters"]),
        "review_reasons": partial(reason_counts, tables["review_queue"]),
        "held_back": partial(held_back_counts, tables["scored_pairs"]),
        "link_status": partial(status_counts, tables["crosswalk"]),
    })  # fmt: skip
    n_pairs = sum(row["n"] for row in found["score"])
    return found | {"levels": level_counts(tables["scored_pairs"], n_pairs)}


def profile_of(found: dict[str, Any], n_records: int) -> Profile:
    """The profile that ``drift.py`` compares, from `aggregates`."""
    score: dict[str, int] = {}
    for row in found["score"]:
        if row["lowest"] >= LOWEST_COMPARED:
            score[f"{row['lowest']:g}"] = score.get(f"{row['lowest']:g}", 0) + row["n"]
    levels = {f"levels of {field}": dict(counts) for field, counts in found["levels"].items()}
    missing = {
        f"missing {column}": {"missing": n, "present": max(n_records - n, 0)} for column, n in found["missing"].items()
    }
    return {"score": score} | levels | missing
