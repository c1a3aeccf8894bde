"""Intervals of a run's figures: entities are drawn anew, with replacement, and the figures computed on each draw.

An entity brings its true pairs, its linked pairs and its correct pairs; a link between two entities, and a scored pair of
two, counts half with either. All figures are then ratios of sums over entities, so that one draw is one vector of counts.
Two runs judged on one truth with one seed see the same draws: the interval of their difference is a paired one.

Sources: Efron and Tibshirani 1993 (percentile intervals); Binette et al. 2023, The American Statistician 77 (entities as
the units of a sample).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.errors import ContractFault
from siamese_er.quality.counts import judged_pairs, pairs_among

MOST_ENTITIES = 5_000_000
"""Entities of the truth that the driver holds, 32 bytes each; with more, sample the truth by entity."""
MOST_PAIRS = 5_000_000
"""Scored pairs that the driver holds, the most probable, about 60 bytes each with what a draw needs."""
RESAMPLES = 200
PRECISION = 0.999
FIGURES = ("precision", "recall", "f1", "recall_at_precision_0.999")


@dataclass(frozen=True)
class EntityPairs:
    """A run against a truth, by entity; entities are numbered in the order of a hash, the same in all runs."""

    correct: np.ndarray
    linked: np.ndarray  # halves where a link joins two entities
    true: np.ndarray
    probability: np.ndarray  # of scored pairs, falling
    first: np.ndarray  # entity of one record of each pair
    second: np.ndarray  # of the other; the same where the pair is true


def entity_pairs(records: DataFrame, scored_pairs: DataFrame | None) -> EntityPairs:
    """EntityPairs of labelled records (see ``counts.py``) and SCORED_PAIRS, null where a run has none.

    Raises: ContractFault where there are more than MOST_ENTITIES entities.
    """
    cells = records.groupBy("cluster", "entity").agg(F.count(F.lit(1)).alias("n"))
    cells = cells.withColumn("n_in_cluster", F.sum("n").over(Window.partitionBy("cluster")))
    n = F.col("n")
    by_entity = cells.groupBy(F.xxhash64("entity").alias("entity")).agg(
        F.sum(pairs_among(n)).alias("correct"),
        F.sum(pairs_among(n) + n * (F.col("n_in_cluster") - n) / 2).alias("linked"),
        pairs_among(F.sum(n)).alias("true"),
    )
    table = by_entity.limit(MOST_ENTITIES + 1).toArrow().sort_by("entity")
    if table.num_rows > MOST_ENTITIES:
        raise ContractFault(f"truth: more than {MOST_ENTITIES} entities; give a sample of them")
    numbers = table["entity"].to_numpy()
    if scored_pairs is None:
        none = np.zeros(0)
        pairs = {"probability": none, "low": none.astype(np.int64), "high": none.astype(np.int64)}
    else:
        judged = judged_pairs(scored_pairs, records)
        hashed = judged.select(
            "probability", F.xxhash64("low_entity").alias("low"), F.xxhash64("high_entity").alias("high")
        )
        found = hashed.orderBy(F.desc("probability"), "low", "high").limit(MOST_PAIRS).toArrow()
        pairs = {name: found[name].to_numpy() for name in ("probability", "low", "high")}
    falling = np.argsort(-pairs["probability"], kind="stable")
    codes = [np.searchsorted(numbers, pairs[side][falling]).astype(np.int32) for side in ("low", "high")]
    counts = [table[name].to_numpy().astype(float) for name in ("correct", "linked", "true")]
    return EntityPairs(counts[0], counts[1], counts[2], pairs["probability"][falling], codes[0], codes[1])


def figures_of(pairs: EntityPairs, weights: np.ndarray) -> np.ndarray:
    """FIGURES where entity i counts ``weights[i]`` times; nan where undefined."""
    correct, linked, true = (float(weights @ counts) for counts in (pairs.correct, pairs.linked, pairs.true))
    with np.errstate(invalid="ignore", divide="ignore"):
        cluster_figures = np.divide([correct, correct, 2 * correct], [linked, true, linked + true])
    return np.append(cluster_figures, weighted_recall(pairs, weights, true) if true else np.nan)


def weighted_recall(pairs: EntityPairs, weights: np.ndarray, n_true: float) -> float:
    """Best recall of all thresholds whose precision is at least PRECISION (see ``thresholds.py``); 0 when none is."""
    if not len(pairs.probability):
        return 0.0
    mass = (weights[pairs.first] + weights[pairs.second]) / 2
    last_of_tie = np.append(pairs.probability[1:] != pairs.probability[:-1], True)
    n_linked = np.cumsum(mass)[last_of_tie]
    n_found = np.cumsum(np.where(pairs.first == pairs.second, mass, 0))[last_of_tie]
    return float(n_found[n_found >= PRECISION * n_linked - 1e-9].max(initial=0.0) / n_true)


def draws(n_entities: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """For each resample how often each entity was drawn."""
    random = np.random.default_rng(seed)
    for _ in range(n_resamples):
        yield np.bincount(random.integers(0, n_entities, n_entities), minlength=n_entities).astype(float)


def resampled(pairs: EntityPairs, n_resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """(1 + n_resamples, len(FIGURES)): the figures of the run itself, then of each draw."""
    n_entities = len(pairs.true)
    rows = [figures_of(pairs, np.ones(n_entities))]
    rows += [figures_of(pairs, weights) for weights in draws(n_entities, n_resamples, seed)]
    return np.array(rows)


def with_intervals(runs: dict[str, np.ndarray], baseline: str) -> pd.DataFrame:
    """One row for each run: its figures with their 95 % intervals, and their paired differences to ``baseline``.

    In: ``resampled`` of runs judged on one truth with one seed. Out: ``evidence``, and for each of FIGURES its value and
    ``_low``, ``_high``; ``gain_in_`` it, likewise, null in the row of the baseline; null where undefined.
    """
    rows = []
    for name, samples in runs.items():
        row: dict[str, object] = {"evidence": name}
        gains = samples - runs[baseline]
        for position, figure in enumerate(FIGURES):
            row |= interval(figure, samples[:, position])
            is_baseline = name == baseline
            row |= interval(f"gain_in_{figure}", np.full(1, np.nan) if is_baseline else gains[:, position])
        rows.append(row)
    return pd.DataFrame(rows)


def interval(name: str, samples: np.ndarray) -> dict[str, object]:
    """The first sample under ``name``, and the 2.5 and 97.5 % points of the others as ``_low``, ``_high``; null for nan."""
    known = samples[1:][~np.isnan(samples[1:])]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    values = zip(("", "_low", "_high"), (samples[0], low, high), strict=True)
    return {name + end: None if np.isnan(value) else float(value) for end, value in values}
