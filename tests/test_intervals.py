"""Figures by entity and their resamples: the run itself as the library counts it, draws as plain loops count them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er.quality import intervals
from siamese_er.quality.clusters import cluster_figures, shapes_of
from siamese_er.quality.counts import NO_PAIRS
from siamese_er.quality.intervals import (
    EntityPairs,
    draws,
    entity_pairs,
    figures_of,
    interval,
    resampled,
    with_intervals,
)
from siamese_er.quality.thresholds import curve_of, recall_at_precision

clusterings = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=25)


def in_loops(rows, random):
    """EntityPairs of (cluster, entity) rows, every pair scored by chance, in plain loops."""
    entities = sorted({entity for _, entity in rows})
    correct, linked, true = (np.zeros(len(entities)) for _ in range(3))
    scored = []
    for (cluster, entity), (other_cluster, other_entity) in itertools.combinations(rows, 2):
        a, b = entities.index(entity), entities.index(other_entity)
        correct[a] += cluster == other_cluster and a == b
        true[a] += a == b
        for end in (a, b):
            linked[end] += (cluster == other_cluster) / 2
        scored.append((round(random.random(), 1), a, b))
    scored.sort(key=lambda pair: -pair[0])
    probability, first, second = (np.array(column) for column in zip(*scored, strict=True))
    return EntityPairs(correct, linked, true, probability, first.astype(int), second.astype(int))


@given(clusterings, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_figures_of_all_entities_once_are_those_of_the_library(rows, random):
    pairs = in_loops(rows, random)

    precision, recall, f1, at_precision = figures_of(pairs, np.ones(len(pairs.true)))

    expected = cluster_figures(shapes_of([row[0] for row in rows], [row[1] for row in rows]))
    for found, name in ((precision, "precision"), (recall, "recall"), (f1, "f1")):
        undefined = expected[name] is None
        assert (np.isnan(found) or name == "f1") if undefined else found == pytest.approx(expected[name])
    if pairs.true.sum():
        curve = curve_of(pairs.probability, pairs.first == pairs.second)
        assert at_precision == pytest.approx(recall_at_precision(curve, int(pairs.true.sum()), 0.999))


@given(clusterings, st.randoms(use_true_random=False), st.integers(0, 99))
@settings(deadline=None)
def test_an_entity_drawn_twice_counts_as_two_entities_of_its_kind(rows, random, seed):
    pairs = in_loops(rows, random)
    n = len(pairs.true)
    twice = np.full(n, 2.0)
    doubled = EntityPairs(
        *(np.concatenate([counts, counts]) for counts in (pairs.correct, pairs.linked, pairs.true)),
        np.repeat(pairs.probability, 2), np.repeat(pairs.first, 2), np.repeat(pairs.second, 2),
    )  # fmt: skip

    assert figures_of(pairs, twice) == pytest.approx(figures_of(doubled, np.ones(2 * n)), nan_ok=True)


def test_draws_are_the_same_for_the_same_seed_and_draw_as_many_as_there_are():
    first, second = (list(draws(50, 5, seed=4)) for _ in range(2))

    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert {int(weights.sum()) for weights in first} == {50}
    assert not np.array_equal(first[0], first[1])


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for seed in range(60):
        found = np.random.default_rng(seed).random(300) < 0.8
        none = np.zeros(0)
        pairs = EntityPairs(
            found.astype(float), found.astype(float), np.ones(300), none, none.astype(int), none.astype(int)
        )
        (row,) = with_intervals({"one": resampled(pairs, 100, seed)}, "one").to_dict("records")
        covered += row["recall_low"] <= 0.8 <= row["recall_high"]

    assert 50 <= covered <= 60


def test_gains_are_paired():
    random = np.random.default_rng(1)
    found = (random.random(400) < 0.5).astype(float)
    better = np.maximum(found, random.random(400) < 0.05)
    none = np.zeros(0)
    runs = {
        name: resampled(EntityPairs(c, c, np.ones(400), none, none.astype(int), none.astype(int)), 100, 3)
        for name, c in (("before", found), ("after", better))
    }

    table = with_intervals(runs, "before").set_index("evidence")

    after = table.loc["after"]
    assert after["gain_in_recall"] == pytest.approx(better.mean() - found.mean())
    assert after["gain_in_recall_low"] > 0
    assert after["gain_in_recall_high"] - after["gain_in_recall_low"] < after["recall_high"] - after["recall_low"]
    assert table.loc["before"].filter(like="gain_in").isna().all()


def test_an_interval_of_nothing_is_null():
    assert interval("f1", np.array([np.nan, np.nan])) == {"f1": None, "f1_low": None, "f1_high": None}


def test_entity_pairs_from_tables_equal_plain_loops(spark):
    random = np.random.default_rng(6)
    rows = [(f"r{i}", f"p{random.integers(9)}", f"e{random.integers(9)}") for i in range(40)]
    records = spark.createDataFrame(
        [("s", name, f"s\x1f{name}", cluster, entity) for name, cluster, entity in rows],
        "source string, record_id string, record_key string, cluster string, entity string",
    )
    scored = [("s", a[0], "s", b[0], float(round(random.random(), 2))) for a, b in itertools.combinations(rows, 2)]
    schema = "left_source string, left_record_id string, right_source string, right_record_id string"
    frame = spark.createDataFrame(scored, f"{schema}, match_probability double")

    pairs = entity_pairs(records, frame)

    expected = cluster_figures(shapes_of([row[1] for row in rows], [row[2] for row in rows]))
    found = figures_of(pairs, np.ones(len(pairs.true)))
    assert found[:3] == pytest.approx([expected[name] for name in intervals.FIGURES[:3]])
    curve = curve_of([pair[4] for pair in scored], [a[2] == b[2] for a, b in itertools.combinations(rows, 2)])
    assert found[3] == pytest.approx(recall_at_precision(curve, expected["true_pairs"], 0.999))
    assert len(NO_PAIRS) == len(entity_pairs(records, None).probability) == 0
