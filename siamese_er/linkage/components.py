"""Connected components in memory; the counterpart for tables of any size is ``siamese_er/components.py``."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def component_labels(n_nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """For each node the smallest node of its connected component; nodes are 0 .. n_nodes - 1."""
    if n_nodes == 0:
        return np.zeros(0, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n_nodes, n_nodes))
    n_components, component = connected_components(graph.tocsr(), directed=False)
    smallest = np.full(n_components, n_nodes, dtype=np.int64)
    np.minimum.at(smallest, component, np.arange(n_nodes))
    return smallest[component]


def labelled_keys(links: pa.Table) -> pa.Table:
    """The component of each key of an edge list, named by its smallest key.

    Keys are ordered by their UTF-8 bytes, as Spark orders strings.

    In:  string columns left_key, right_key; self-loops and duplicates do no harm.
    Out: record_key, component_key; one row for each key that occurs.
    """
    n_links = links.num_rows
    both = pa.chunked_array(
        links["left_key"].cast(pa.string()).chunks + links["right_key"].cast(pa.string()).chunks, type=pa.string()
    )
    keys = pc.unique(both)
    keys = keys.take(pc.sort_indices(keys))
    codes = pc.index_in(both, value_set=keys).to_numpy()
    labels = component_labels(len(keys), codes[:n_links], codes[n_links:])
    return pa.table({"record_key": keys, "component_key": keys.take(pa.array(labels))})


@dataclass
class DisjointSets:
    """Connected components of the nodes 0 .. n_nodes - 1 while links come batch by batch; holds 8 bytes a node.

    Source: Tarjan, "Efficiency of a Good But Not Linear Set Union Algorithm", JACM 1975; here a batch of links is united
    at once, over the components of the roots that it joins, and the smallest node of a component is its root.
    """

    n_nodes: int
    _parents: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._parents = np.arange(self.n_nodes)

    def unite(self, left: np.ndarray, right: np.ndarray) -> None:
        """Join the components of the two nodes of each link."""
        ends = self._roots(np.concatenate([left, right])).reshape(2, -1)
        roots, places = np.unique(ends[:, ends[0] != ends[1]], return_inverse=True)
        left_places, right_places = places.reshape(2, -1)
        self._parents[roots] = roots[component_labels(len(roots), left_places, right_places)]

    def labels(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The nodes in order, ``size`` at a time, each with the smallest node of its component."""
        for first in range(0, self.n_nodes, size):
            nodes = np.arange(first, min(first + size, self.n_nodes))
            yield nodes, self._roots(nodes)

    def _roots(self, nodes: np.ndarray) -> np.ndarray:
        """The root of each node, which becomes its parent."""
        found = self._parents[nodes]
        while not np.array_equal(above := self._parents[found], found):
            found = above
        self._parents[nodes] = found
        return found
