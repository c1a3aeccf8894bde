import random
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er import components
from siamese_er.cluster import cluster_metrics, clustered, clusters, guarded_rows, whole_groups
from siamese_er.components import component_keys
from siamese_er.components import local_checkpoint as checkpoint
from siamese_er.config import ClusterSettings, DecideSettings
from siamese_er.decide import banded, links
from siamese_er.linkage.components import DisjointSets, labelled_keys
from siamese_er.overlays import overlaid
from siamese_er.schemas import DECISIONS, ENTERPRISE_IDS, LINKS, MEMBERSHIPS, SCORES, STANDARD_COLUMNS, STANDARDISED
from siamese_er.storage import written
from siamese_er.taken_over import scored_pairs

KEYS = "record_key string"


def link(left, right, weight=8.0, band="auto", vetoes=(), verified=None):
    probability = None if weight is None else 1 / (1 + 2**-weight)
    return (left, right, weight, probability, band, list(vetoes), verified)


def clusters_of(memberships):
    rows = memberships.toPandas()
    assert rows["record_key"].is_unique
    assert (rows.groupby("cluster_key")["record_key"].transform("min") == rows["cluster_key"]).all()
    return {frozenset(group) for _, group in rows.groupby("cluster_key")["record_key"]}


ONE_OF_EACH = [
    link("a", "b"),
    link("b", "c"), link("a", "c"),
    link("e", "d"), link("e", "e"), link("e", "d"),
    link("p", "q"), link("r", "s"), link("p", "t", 6.0), link("r", "t", 6.5), link("p", "r", -9.0, "no"),
    link("u", "v", None, None, (), True),
    link("w", "x", 9.0, "auto", (), False),
    link("y", "z", 4.0, "review"),
    link("z", "a", -3.0, "no", ("generation_gap",)),
    link("1", "2", 12.0), link("2", "3"), link("1", "3", -1.0, "no", ("twins_pattern",)),
    link("4", "5"), link("5", "6"), link("4", "6", -1.0, "no", ("thin_evidence",)),
    link("7", "8", 12.0), link("8", "9"), link("7", "9", 6.0, "review", ("care_after_death",)),
]  # fmt: skip


PLACES = [
    pytest.param({}, id="on the driver"),
    pytest.param({"max_driver_links": 0}, id="in one task"),
    pytest.param({"max_driver_links": 0, "max_task_records": 0}, id="in rounds"),
]


@pytest.mark.parametrize("place", PLACES)
def test_clustered(spark, place):
    keys = spark.createDataFrame([(key,) for key in "abcdefpqrstuvwxyz123456789"], KEYS)
    links = spark.createDataFrame(ONE_OF_EACH, LINKS)

    clustering = clustered(keys, links, ClusterSettings(**place), checkpoint)

    assert clusters_of(clustering.memberships) == {
        frozenset(c) for c in ("abc", "de", "pq", "rst", "uv", *"fwxyz", "12", "3", "456", "78", "9")
    }
    cuts = clustering.cuts.select("left_key", "right_key", "reason").collect()
    assert sorted(tuple(row) for row in cuts) == [("2", "3", "veto"), ("8", "9", "veto"), ("p", "t", "bridge")]


def test_clustered_twice_and_in_any_order_is_the_same(spark):
    keys = [(key,) for key in "abcdefpqrstuvwxyz123456"]
    shuffled_keys, shuffled_links = keys.copy(), ONE_OF_EACH.copy()
    random.Random(3).shuffle(shuffled_keys)
    random.Random(4).shuffle(shuffled_links)

    first = clustered(
        spark.createDataFrame(keys, KEYS), spark.createDataFrame(ONE_OF_EACH, LINKS), ClusterSettings(), checkpoint
    )
    second = clustered(
        spark.createDataFrame(shuffled_keys, KEYS).repartition(5),
        spark.createDataFrame(shuffled_links, LINKS).repartition(3),
        ClusterSettings(),
        checkpoint,
    )

    assert first.memberships.exceptAll(second.memberships).isEmpty()
    assert first.cuts.exceptAll(second.cuts).isEmpty()


def test_a_decision_without_a_score_is_no_evidence(spark):
    """From the decision to the clusters: a record that a person kept from a group is not torn from its own."""
    names = [f"s\x1f{name}" for name in "abcdef"]
    a, b, c, d, e, f = names
    scores = [(*pair, 1 / (1 + 2**-bits), bits, [], [], []) for *pair, bits in ((a, b, 12.0), (c, d, 5.0), (a, c, 9.0))]
    decisions = [(b, c, "no_match", *[None] * 3), (e, f, "match", *[None] * 3)]

    decided = spark.createDataFrame(decisions, DECISIONS)
    pairs = banded(
        spark.createDataFrame(scores, SCORES), spark.createDataFrame([], "record_key string, standing string"),
        decided, DecideSettings(auto_threshold=0.95), {},
    )  # fmt: skip
    found_links = links(scored_pairs(pairs), decided)
    found = clustered(
        spark.createDataFrame([(key,) for key in names], KEYS), found_links, ClusterSettings(), checkpoint
    )

    parts = {frozenset(key[-1] for key in cluster) for cluster in clusters_of(found.memberships)}
    assert parts == {frozenset("ab"), frozenset("cd"), frozenset("ef")}
    assert [row["reason"] for row in found.cuts.collect()] == ["no_match"]
    metrics = cluster_metrics(found.memberships, found_links, spark.createDataFrame([], STANDARDISED))
    weakest = {row["cluster_key"][-1]: row["min_link_probability"] for row in metrics.collect()}
    assert weakest["a"] > 0.99
    assert weakest["e"] is None


def test_clustered_without_links(spark):
    keys = spark.createDataFrame([("a",), ("b",)], KEYS)

    clustering = clustered(keys, spark.createDataFrame([], LINKS), ClusterSettings(), checkpoint)

    assert clusters_of(clustering.memberships) == {frozenset("a"), frozenset("b")}
    assert clustering.cuts.isEmpty()


def union_find(edges):
    parent = {}

    def find(node):
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for a, b in edges:
        a, b = sorted((find(a), find(b)))
        parent[b] = a
    return {node: find(node) for node in parent}


def random_edges(seed):
    choice = random.Random(seed)
    return [(f"n{choice.randrange(150):03}", f"n{choice.randrange(150):03}") for _ in range(choice.choice([60, 100]))]


CHAIN = [f"k{i:03}" for i in random.Random(0).sample(range(200), 200)]


def prefixed(letter, edges):
    return [(letter + left, letter + right) for left, right in edges]


GRAPHS = [
    *prefixed("a", [("a", "b"), ("b", "a"), ("a", "b")]),
    *prefixed("b", pairwise(CHAIN)),
    *prefixed("c", [("m", key) for key in CHAIN[:50]] + [("z", key) for key in CHAIN[50:]]),
    *prefixed("d", random_edges(1)),
    *prefixed("e", random_edges(2)),
]


@pytest.mark.parametrize("max_task_records", [10**6, 0])
def test_component_keys_in_spark_equal_union_find(spark, tmp_path, max_task_records):
    edges = spark.createDataFrame(GRAPHS, "left_key string, right_key string").repartition(3)

    def on_disk(frame, name):
        return written(frame, str(tmp_path / name))

    labels = component_keys(edges, False, on_disk, max_task_records).collect()

    linked = {node for a, b in GRAPHS if a != b for node in (a, b)}
    expected = {(node, root) for node, root in union_find(GRAPHS).items() if node in linked}
    assert {tuple(row) for row in labels} == expected
    assert len(labels) == len(expected)


@pytest.mark.parametrize("max_task_records", [10**6, 0])
@pytest.mark.parametrize("edges", [[], [("a", "a")]])
def test_without_a_link_between_two_records_there_is_no_component(spark, edges, max_task_records):
    frame = spark.createDataFrame(edges, "left_key string, right_key string")

    assert component_keys(frame, False, checkpoint, max_task_records).collect() == []


def test_links_arrive_in_tables_of_some_size_and_none_is_lost(monkeypatch):
    monkeypatch.setattr(components, "LINKS_AT_ONCE", 4)
    batches = [pa.RecordBatch.from_arrays([pa.array(range(n), pa.int64())], ["left"]) for n in (3, 0, 2, 5, 1)]

    assert [table.num_rows for table in components._joined(iter(batches))] == [5, 5, 1]
    assert list(components._joined(iter([]))) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60), st.integers(1, 10))
@settings(max_examples=200, deadline=None)
def test_links_united_batch_by_batch_equal_union_find(links, size):
    sets = DisjointSets(31)
    for first in range(0, len(links), size):
        left, right = np.array(links[first : first + size]).T
        sets.unite(left, right)

    found = {node: root for nodes, roots in sets.labels(size) for node, root in zip(nodes, roots, strict=True)}

    assert found == {**{node: node for node in range(31)}, **union_find(links)}


@given(st.lists(st.tuples(*[st.text("ab\x1fé", min_size=1, max_size=3)] * 2), min_size=0, max_size=40))
@settings(max_examples=100, deadline=None)
def test_labelled_keys_equal_union_find(edges):
    columns = {
        name: pa.array([edge[side] for edge in edges], pa.string())
        for side, name in enumerate(("left_key", "right_key"))
    }

    labels = labelled_keys(pa.table(columns)).to_pylist()

    assert {row["record_key"]: row["component_key"] for row in labels} == union_find(edges)


def test_whole_groups_spans_batches():
    batches = [pd.DataFrame({"k": list(keys), "v": range(len(keys))}) for keys in ("aab", "b", "", "bbcd")]

    frames = list(whole_groups(iter(batches), "k"))

    assert [("".join(frame["k"])) for frame in frames] == ["aa", "bbbb", "c", "d"]


def test_guarded_rows_returns_each_record_once_and_each_cut_once():
    columns = ["left_key", "right_key", "match_weight", "match_probability", "is_link", "is_must", "apart"]
    rows = [("c", "a", 9.0, 0.99, True, False, 0), ("b", "c", 8.0, 0.98, True, False, 0)]
    pairs = pd.DataFrame([*rows, rows[1], ("a", "b", -15.0, 0.0, False, False, 1)], columns=columns)

    assert guarded_rows(pairs, 10, 1.0) == [
        ("a", "a", None, None, None, None),
        ("b", "b", None, None, None, None),
        ("c", "a", None, None, None, None),
        (None, None, "b", "c", 0.98, "veto"),
    ]


def standardised(key, source="s", **columns):
    return (key, source, key, *(columns.get(name, []) for name in STANDARD_COLUMNS))


def test_clusters_measures_each_cluster(spark):
    memberships = spark.createDataFrame(
        [("a", "a"), ("b", "a"), ("c", "a"), ("d", "d"), ("e", "e"), ("f", "e")], MEMBERSHIPS
    )
    links = spark.createDataFrame(
        [link("a", "b"), link("b", "c", 6.0), link("a", "c", 1.0, "review"), link("c", "d"),
         link("e", "f", None, None, (), True)],
        LINKS,
    )  # fmt: skip
    records = spark.createDataFrame(
        [
            standardised("a", birth_dates=["1980"], sexes=["f"], national_ids=["last4:6789"]),
            standardised("b", "t", birth_dates=["1980-05-01"], sexes=["unknown"], national_ids=["123456789"]),
            standardised("c", "t"),
            standardised("d", birth_dates=["1970-01-02"], given_names=["ana"]),
            standardised("e", sexes=["f"]),
            standardised("f", sexes=["m"]),
        ],
        STANDARDISED,
    )
    history = spark.createDataFrame(
        [
            standardised("d", birth_dates=["1950-03-04"], given_names=["eva"]),
            standardised("a", birth_dates=["1980"], given_names=["eva"]),
        ],
        STANDARDISED,
    )
    ids = spark.createDataFrame([(key, f"E{cluster}", None) for key, cluster in memberships.collect()], ENTERPRISE_IDS)

    measured = clusters(cluster_metrics(memberships, links, records, overlaid(records, history)), ids)

    assert sorted(tuple(row) for row in measured.collect()) == [
        ("Ea", 3, 2, 1 / (1 + 2**-6), 2 / 3, False, False),
        ("Ed", 1, 1, None, None, False, True),
        ("Ee", 2, 1, None, 1.0, True, False),
    ]
