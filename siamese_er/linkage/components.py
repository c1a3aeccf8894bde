"""Connected components in memory; the counterpart for any size is in ``cluster.py``."""

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
