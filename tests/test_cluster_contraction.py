"""The guard's core, without Spark."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from siamese_er.linkage.components import component_labels
from siamese_er.linkage.contraction import PERSON_APART, TORN_BITS, VETOED, ComponentPairs, Partition, partition

AUTO, REVIEW, MATCH, NO_MATCH, VETO = "auto", "review", "match", "no_match", "veto"


def component(pairs: list[tuple[int, int, float, str]]) -> ComponentPairs:
    kinds = [kind for *_, kind in pairs]
    return ComponentPairs(
        n_nodes=max(max(a, b) for a, b, *_ in pairs) + 1,
        left=np.array([a for a, *_ in pairs]),
        right=np.array([b for _, b, *_ in pairs]),
        bits=np.array([bits for _, _, bits, _ in pairs], dtype=float),
        is_link=np.array([kind == AUTO for kind in kinds]),
        is_must=np.array([kind == MATCH for kind in kinds]),
        apart=np.array([{NO_MATCH: PERSON_APART, VETO: VETOED}.get(kind, 0) for kind in kinds]),
    )


def groups(result: Partition) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(result.group == group).tolist()) for group in result.group.tolist()}


def reasons(result: Partition) -> list[str]:
    return sorted(reason for _, reason in result.cuts)


@pytest.mark.parametrize(
    ("pairs", "expected", "cut_for"),
    [
        pytest.param([(0, 1, 8, AUTO)], [{0, 1}], [], id="a pair"),
        pytest.param([(0, 1, float("nan"), MATCH)], [{0, 1}], [], id="a person's match that was never scored"),
        pytest.param([(0, 1, 8, AUTO), (1, 2, 7, AUTO)], [{0, 1, 2}], [], id="a short chain stays"),
        pytest.param(
            [(0, 1, 10, AUTO), (2, 3, 10, AUTO), (0, 4, 6, AUTO), (2, 4, 6, AUTO), (1, 2, -9, REVIEW)],
            [{0, 1, 4}, {2, 3}],
            ["bridge"],
            id="a bridge joins one of two groups",
        ),
        pytest.param(
            [(0, 1, 8, AUTO), (1, 2, 8, AUTO), (2, 3, 8, AUTO), (0, 3, -15, VETO)],
            [{0, 1}, {2, 3}],
            ["veto"],
            id="a veto holds across a chain",
        ),
        pytest.param(
            [(0, 1, 12, AUTO), (1, 2, 8, AUTO), (0, 2, 9, NO_MATCH)],
            [{0, 1}, {2}],
            ["no_match"],
            id="a person's no_match holds across a chain",
        ),
        pytest.param(
            [
                (0, 1, 10, AUTO),
                (1, 2, 10, AUTO),
                (0, 2, 10, AUTO),
                (2, 3, 8, AUTO),
                (0, 3, -5, REVIEW),
                (1, 3, -5, REVIEW),
            ],
            [{0, 1, 2}, {3}],
            ["bridge"],
            id="one that fits a member and speaks against the others",
        ),
        pytest.param(
            [(0, 1, 10, AUTO), (1, 2, 10, AUTO), (0, 2, 10, AUTO), (2, 3, 8, AUTO)],
            [{0, 1, 2, 3}],
            [],
            id="one that fits a member and was not compared with the others",
        ),
        pytest.param(
            [
                (0, 1, 10, AUTO),
                (1, 2, 10, AUTO),
                (3, 4, 11, AUTO),
                (1, 3, 9, AUTO),
                (1, 4, 9, AUTO),
                (0, 3, -9, VETO),
                (0, 2, -3, REVIEW),
            ],
            [{0}, {1}, {2}, {3, 4}],
            ["bridge", "bridge", "bridge", "veto"],
            id="what a torn record held together comes apart",
        ),
        pytest.param(
            [(0, 1, 9, AUTO), (2, 3, 9, AUTO), *[(4, node, 7, AUTO) for node in range(4)], (0, 2, -5, VETO)],
            [{0, 1}, {2, 3}, {4}],
            ["bridge", "bridge", "veto", "veto"],
            id="a record that fits two people joins neither",
        ),
        pytest.param(
            [
                (0, 1, 9, AUTO),
                (2, 3, 9, AUTO),
                *[(4, node, 7, AUTO) for node in range(4)],
                (0, 2, -5, VETO),
                (4, 0, 7, MATCH),
            ],
            [{0, 1, 4}, {2, 3}],
            ["veto", "veto"],
            id="unless a person said to whom it belongs",
        ),
        *[
            pytest.param(
                [(0, 1, 9, AUTO), (2, 3, 5, AUTO), (2, 0, 4.5, AUTO), (2, 1, bits, NO_MATCH)],
                [{0, 1}, {2, 3}],
                ["no_match"],
                id=f"a record that a person kept from a group does not fit it: {told}",
            )
            for bits, told in ((float("nan"), "never scored"), (6, "though it is alike"))
        ],
        pytest.param(
            [
                (0, 1, float("nan"), MATCH),
                (1, 2, 15, AUTO),
                (0, 3, 15, AUTO),
                (2, 3, 15, AUTO),
                (0, 2, -15, VETO),
                (1, 3, -15, VETO),
                (0, 4, -15, REVIEW),
                (1, 4, 15, AUTO),
            ],
            [{0, 1}, {2, 3}, {4}],
            ["bridge", "veto", "veto"],
            id="a person's match that was never scored outlasts the strongest links",
        ),
        pytest.param([(0, 1, 9, VETO), (0, 1, 9, MATCH)], [{0, 1}], [], id="a person's match outranks a veto"),
        pytest.param(
            [(0, 1, 9, MATCH), (1, 2, 9, MATCH), (0, 2, -15, VETO)],
            [{0, 1, 2}],
            [],
            id="matches outrank a veto between",
        ),
        pytest.param(
            [(0, 1, 8, AUTO), (2, 3, 8, AUTO), (0, 2, float("nan"), MATCH)],
            [{0, 1, 2, 3}],
            [],
            id="case 16: a person's match of two records joins their two clusters",
        ),
        pytest.param([(0, 1, 9, MATCH), (0, 2, 3, REVIEW)], [{0, 1}, {2}], [], id="review pairs alone join nothing"),
        pytest.param([(0, 1, -2, AUTO)], [{0, 1}], [], id="a link of a low threshold still links"),
        pytest.param([(0, 0, 9, AUTO), (0, 1, 9, AUTO), (1, 0, 9, AUTO)], [{0, 1}], [], id="self-loop and duplicates"),
    ],
)
def test_partition(pairs, expected, cut_for):
    result = partition(component(pairs), max_size=100, unscored_penalty=1.0)

    assert groups(result) == {frozenset(group) for group in expected}
    assert reasons(result) == cut_for


def test_partition_refuses_to_grow_past_the_limit_but_not_a_person():
    clique = [(a, b, 9.0, AUTO) for a in range(4) for b in range(a)]
    matches = [(a, a + 1, 9.0, MATCH) for a in range(3)]

    limited = partition(component(clique), max_size=3, unscored_penalty=1.0)
    matched = partition(component(matches), max_size=3, unscored_penalty=1.0)

    assert sorted(map(len, groups(limited))) == [1, 3]
    assert reasons(limited) == ["size"] * 3
    assert groups(matched) == {frozenset(range(4))}


def test_partition_weighs_all_cross_pairs():
    tight = [(0, 1, 9.0, AUTO), (2, 3, 9.0, AUTO), (1, 2, 5.0, AUTO)]

    apart = partition(component([*tight, (0, 3, -4.0, REVIEW)]), max_size=9, unscored_penalty=1.0)
    joined = partition(component([*tight, (0, 3, -2.0, REVIEW)]), max_size=9, unscored_penalty=1.0)

    assert groups(apart) == {frozenset({0, 1}), frozenset({2, 3})}
    assert groups(joined) == {frozenset(range(4))}


def plain_partition(pairs, max_size, penalty):
    """The definition of greedy additive edge contraction with plain loops over all pairs of groups."""
    nodes = range(max(max(a, b) for a, b, *_ in pairs) + 1)
    known = {frozenset((a, b)): (bits, kind) for a, b, bits, kind in pairs}
    clusters = [frozenset([node]) for node in nodes]

    def between(x, y):
        return [known.get(frozenset((a, b)), (-penalty, None)) for a in x for b in y]

    while True:
        best = max(
            (
                (sum(bits for bits, _ in between(x, y)), x, y)
                for i, x in enumerate(clusters)
                for y in clusters[:i]
                if len(x) + len(y) <= max_size
                and not any(kind in (VETO, NO_MATCH) for _, kind in between(x, y))
                and any(kind == AUTO for _, kind in between(x, y))
            ),
            key=lambda found: found[0],
            default=(0.0, None, None),
        )
        if best[0] <= 0:
            return without_torn(clusters, known)
        clusters = [cluster for cluster in clusters if cluster not in best[1:]] + [best[1] | best[2]]


def without_torn(clusters, known):
    """The clusters less the records that fit a cluster kept apart from theirs about as well as their own."""

    def kinds(x, y):
        return {known[frozenset((a, b))][1] for a in x for b in y if frozenset((a, b)) in known}

    def mean(node, cluster):
        found = [known[frozenset((node, other))][0] for other in cluster if frozenset((node, other)) in known]
        return sum(found) / len(found) if found else None

    torn = {
        node
        for own in clusters
        for node in own
        for away in clusters
        if len(own) > 1 and away != own and kinds(own, away) & {VETO, NO_MATCH} and AUTO in kinds({node}, away)
        if all(known.get(frozenset((node, other)), (0, NO_MATCH))[1] != NO_MATCH for other in away)
        if mean(node, own - {node}) is not None and mean(node, away) > mean(node, own - {node}) - TORN_BITS
    }
    return {part for cluster in clusters for part in linked_parts(cluster - torn, known)} | {
        frozenset([node]) for node in torn
    }


def linked_parts(nodes, known):
    """The connected components of nodes over links and matches."""
    parts = [frozenset([node]) for node in nodes]
    for pair, (_, kind) in known.items():
        if kind in (AUTO, MATCH) and pair <= nodes:
            touched = [part for part in parts if part & pair]
            parts = [part for part in parts if not part & pair] + [frozenset().union(*touched)]
    return parts


@st.composite
def distinct_weight_graphs(draw):
    """Graphs whose sums never tie: weights are distinct powers apart."""
    n_nodes = draw(st.integers(2, 9))
    every = [(a, b) for a in range(n_nodes) for b in range(a)]
    chosen = draw(st.lists(st.sampled_from(every), unique=True, min_size=1, max_size=len(every)))
    rank = draw(st.permutations(range(len(chosen))))
    pairs = []
    for (a, b), r in zip(chosen, rank, strict=True):
        kind = draw(st.sampled_from([AUTO, AUTO, REVIEW, VETO, NO_MATCH]))
        base = draw(st.integers(1, 12)) if kind == AUTO else draw(st.integers(-12, 4))
        pairs.append((a, b, base + 2.0 ** -(r + 3) / 64, kind))
    return pairs


@given(distinct_weight_graphs(), st.integers(2, 9))
@settings(max_examples=150, deadline=None)
def test_partition_equals_its_definition(pairs, max_size):
    given_pairs = component(pairs)
    clipped = [(a, b, bits, kind) for a, b, bits, kind in pairs]

    actual = partition(given_pairs, max_size, unscored_penalty=1.0)

    assert groups(actual) == {
        cluster for cluster in plain_partition(clipped, max_size, 1.0) if max(cluster) < given_pairs.n_nodes
    }


@given(distinct_weight_graphs(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_partition_does_not_depend_on_row_order(pairs, random):
    rounded = [(a, b, float(round(bits)), kind) for a, b, bits, kind in pairs]
    shuffled = [(b, a, bits, kind) if random.random() < 0.5 else (a, b, bits, kind) for a, b, bits, kind in rounded]
    random.shuffle(shuffled)

    first, second = (partition(component(rows), 4, 1.0) for rows in (rounded, shuffled))

    assert first.group.tolist() == second.group.tolist()
    assert reasons(first) == reasons(second)


@given(distinct_weight_graphs(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_decisions_given_twice_are_given_once(pairs, says_match):
    free = [pair for pair in pairs if pair[3] not in (NO_MATCH, VETO)]
    matched = [(*free[0][:3], MATCH)] if says_match and free else []
    decided = [pair for pair in pairs if pair[3] == NO_MATCH] + matched
    rows = [*pairs, *matched]
    assume(not contradicts(rows))

    once, twice = (partition(component(own), 9, 1.0) for own in (rows, [*rows, *decided]))
    assert groups(once) == groups(twice)


def contradicts(pairs) -> bool:
    """Whether a person's matches join what a person keeps apart."""
    root = union_find(max(max(a, b) for a, b, *_ in pairs) + 1, [(a, b) for a, b, _, kind in pairs if kind == MATCH])
    return any(root[a] == root[b] for a, b, _, kind in pairs if kind == NO_MATCH)


@given(distinct_weight_graphs())
@settings(max_examples=100, deadline=None)
def test_partition_never_joins_what_is_kept_apart(pairs):
    group = partition(component(pairs), 100, 0.0).group

    assert all(group[a] != group[b] for a, b, _, kind in pairs if kind in (VETO, NO_MATCH))


def test_partition_of_a_component_of_thousands_of_records():
    n = 6000
    random = np.random.default_rng(1)
    star = [(0, node, float(random.integers(3, 14)), AUTO) for node in range(1, n)]
    chain = [(node, node + 1, float(random.integers(3, 14)), AUTO) for node in range(1, n - 1)]

    result = partition(component(star + chain), max_size=100, unscored_penalty=1.0)

    sizes = np.bincount(result.group)
    assert sizes.sum() == n
    assert 2 < sizes.max() <= 100


def union_find(n_nodes, edges):
    parent = list(range(n_nodes))

    def find(node):
        while parent[node] != node:
            node = parent[node]
        return node

    for a, b in edges:
        a, b = sorted((find(a), find(b)))
        parent[b] = a
    return [find(node) for node in range(n_nodes)]


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
@settings(max_examples=100, deadline=None)
def test_component_labels_equal_union_find(graph):
    n_nodes, edges = graph
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))

    assert component_labels(n_nodes, left, right).tolist() == union_find(n_nodes, edges)
