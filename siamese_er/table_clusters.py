"""Clusters of a scored table held in memory: decision, components and guard as a run has them. Training and tests."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from siamese_er.config import ClusterSettings, ScoreSettings
from siamese_er.linkage.contraction import VETOED, ComponentPairs, partition
from siamese_er.linkage.vetoes import CONTRADICTIONS, VETOES, vetoes
from siamese_er.neural.head import probabilities
from siamese_er.table_scores import TableScores


@dataclass(frozen=True)
class PairCounts:
    """Pairs of records in one cluster, true pairs, and pairs that are both."""

    n_linked: int
    n_true: int
    n_found: int


def linked_clusters(scored: TableScores, threshold: float, settings: ClusterSettings) -> np.ndarray:
    """(n_records,) cluster number of each record: automatic links at ``threshold`` under all vetoes, then the guard."""
    evidence, p = scored.evidence, probabilities(scored.weights)
    marks = vetoes(evidence.compared, scored.fit, scored.shape, scored.context)
    is_link = (p >= threshold) & ~marks.any(1)
    contradicted = marks[:, [VETOES.index(name) for name in CONTRADICTIONS]].any(1)
    apart = np.where(contradicted & ~is_link & (p < threshold), VETOED, 0)
    left, right, n = evidence.left, evidence.right, evidence.n_records
    links = coo_matrix((np.ones(is_link.sum()), (left[is_link], right[is_link])), shape=(n, n))
    component = connected_components(links, directed=False)[1].astype(np.int64)
    sizes = np.bincount(component, minlength=n)
    inside = (component[left] == component[right]) & (is_link | (p >= ScoreSettings().floor))
    n_clear = np.bincount(component[left[is_link]], minlength=n)
    is_doubtful = (n_clear != sizes * (sizes - 1) // 2) | (sizes > settings.max_cluster_size)
    rows = np.flatnonzero(inside & is_doubtful[component[left]])
    rows = rows[np.argsort(component[left[rows]], kind="stable")]
    group = np.arange(n)
    first = np.unique(component, return_index=True)[1]
    group = first[component]
    for of_component in np.split(rows, np.flatnonzero(np.diff(component[left[rows]])) + 1) if len(rows) else []:
        nodes, codes = np.unique(np.concatenate([left[of_component], right[of_component]]), return_inverse=True)
        half = len(of_component)
        pairs = ComponentPairs(
            len(nodes), codes[:half], codes[half:], scored.weights[of_component], is_link[of_component],
            np.zeros(half, bool), apart[of_component],
        )  # fmt: skip
        result = partition(pairs, settings.max_cluster_size, settings.penalty())
        group[nodes] = nodes[result.group]
    return group


def pair_counts(clusters: np.ndarray, entities: np.ndarray) -> PairCounts:
    """How many pairs a clustering links, how many are true, and how many both."""

    def n_pairs(labels: np.ndarray) -> int:
        counts = np.unique(labels, return_counts=True, axis=0)[1]
        return int((counts * (counts - 1) // 2).sum())

    return PairCounts(n_pairs(clusters), n_pairs(entities), n_pairs(np.column_stack([clusters, entities])))
