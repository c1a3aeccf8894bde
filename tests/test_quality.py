"""Figures computed from counts: worked examples and laws, without Spark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.quality import clusters, thresholds
from siamese_er.quality.blocking import reduction_ratio
from siamese_er.quality.calibration import brier_score, calibration_error, reliability_table

PREDICTED = ["p", "p", "p", "q", "q", "r", "s"]
ENTITIES = ["a", "a", "b", "b", "c", "d", "d"]

labels = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40)
scored = st.lists(st.tuples(st.sampled_from([0.0, 0.04, 0.1, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40)


def shapes_of_rows(rows):
    return clusters.shapes_of([row[0] for row in rows], [row[1] for row in rows])


def counted_in_loops(rows):
    pairs = [(one, other) for i, one in enumerate(rows) for other in rows[i + 1 :]]
    linked = [one[0] == other[0] for one, other in pairs]
    true = [one[1] == other[1] for one, other in pairs]
    return sum(linked), sum(true), sum(a and b for a, b in zip(linked, true, strict=True))


def test_cluster_figures_of_a_worked_example():
    figures = clusters.cluster_figures(clusters.shapes_of(PREDICTED, ENTITIES))

    assert (figures["linked_pairs"], figures["true_pairs"], figures["correct_pairs"]) == (4, 3, 1)
    assert figures["precision"] == 1 / 4
    assert figures["recall"] == 1 / 3
    assert figures["f1"] == pytest.approx(2 / 7)
    assert figures["false_links_per_10000_links"] == 7500
    assert figures["b_cubed_record_precision"] == pytest.approx((2 / 3 * 2 + 1 / 3 + 1 / 2 * 2 + 2) / 7)
    assert figures["b_cubed_record_recall"] == pytest.approx((2 + 1 / 2 * 2 + 1 + 1 / 2 * 2) / 7)
    assert figures["b_cubed_precision"] == pytest.approx((2 / 3 + (1 / 3 + 1 / 2) / 2 + 1 / 2 + 1) / 4)
    assert figures["b_cubed_recall"] == pytest.approx((1 + 1 / 2 + 1 + 1 / 2) / 4)
    assert (figures["clusters"], figures["entities"], figures["largest_cluster"]) == (4, 4, 3)
    assert (figures["clusters_of_several_entities"], figures["entities_in_several_clusters"]) == (2, 2)
    assert figures["clusters_exact"] == 0
    assert figures["pair_recall_by_entity_size"] == {"2": 1 / 3}
    assert figures["single_records_left_alone"] == 0


def test_exact_clusters_counts_whole_entities_and_single_records():
    shapes = clusters.shapes_of([1, 1, 2, 3, 3], ["a", "a", "b", "c", "d"])

    assert clusters.exact_clusters(shapes) == 2
    assert clusters.single_records_left_alone(shapes) == 1 / 3


@pytest.mark.parametrize(
    ("predicted", "reference", "undefined"),
    [
        pytest.param([1, 2], ["a", "a"], "precision", id="nothing linked"),
        pytest.param([1, 1], ["a", "b"], "recall", id="no true pairs"),
        pytest.param([1, 1], ["a", "b"], "f1", id="no true pairs, no f1"),
        pytest.param([1, 1], ["a", "a"], "single_records_left_alone", id="no single records"),
    ],
)
def test_cluster_figures_are_null_where_undefined(predicted, reference, undefined):
    assert clusters.cluster_figures(clusters.shapes_of(predicted, reference))[undefined] is None


@given(labels)
def test_pair_counts_equal_plain_loops(rows):
    shapes = shapes_of_rows(rows)

    counts = clusters.linked_pairs(shapes), clusters.true_pairs(shapes), clusters.correct_pairs(shapes)

    assert counts == counted_in_loops(rows)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_perfect_clusters_score_one(entities):
    figures = clusters.cluster_figures(clusters.shapes_of([f"cluster {entity}" for entity in entities], entities))

    assert figures["false_links"] == 0
    for name in ("b_cubed_f1", "b_cubed_record_f1", "clusters_exact", "entities_found_whole", "clusters_exact_f1"):
        assert figures[name] == pytest.approx(1)
    assert figures["f1"] == (1 if len(set(entities)) < len(entities) else None)


@given(labels)
def test_swapping_clusters_and_entities_swaps_precision_and_recall(rows):
    figures = clusters.cluster_figures(shapes_of_rows(rows))
    exchanged = clusters.cluster_figures(shapes_of_rows([(entity, cluster) for cluster, entity in rows]))

    for precision, recall in (
        ("precision", "recall"),
        ("b_cubed_record_precision", "b_cubed_record_recall"),
        ("clusters_exact", "entities_found_whole"),
        ("clusters_of_several_entities", "entities_in_several_clusters"),
    ):
        assert figures[precision] == pytest.approx(exchanged[recall])


@given(labels, st.permutations(range(6)), st.randoms())
def test_names_of_labels_and_order_of_records_do_not_matter(rows, names, random):
    renamed = [(f"cluster {names[cluster]}", -entity) for cluster, entity in rows]
    random.shuffle(renamed)

    assert shapes_of_rows(rows).equals(shapes_of_rows(renamed))


@pytest.mark.parametrize(
    ("precision", "recall"),
    [
        pytest.param(1.0, 0.25, id="only the first pair is pure"),
        pytest.param(0.75, 0.75, id="a tie is taken whole"),
        pytest.param(0.6, 0.75, id="lower thresholds add nothing"),
    ],
)
def test_recall_at_precision(precision, recall):
    curve = thresholds.curve_of([0.9, 0.8, 0.8, 0.8, 0.1], [True, True, True, False, False])

    assert thresholds.recall_at_precision(curve, 4, precision) == recall


def test_recall_at_precision_is_zero_when_out_of_reach():
    curve = thresholds.curve_of([0.9, 0.8], [False, True])

    assert thresholds.recall_at_precision(curve, 1, 0.99) == 0


def test_best_f1_and_its_threshold():
    curve = thresholds.curve_of([0.9, 0.8, 0.7, 0.2], [True, False, True, False])

    assert thresholds.best_f1(curve, 2) == (pytest.approx(0.8), 0.7)


def test_threshold_figures_without_true_pairs():
    figures = thresholds.threshold_figures(thresholds.curve_of([0.9], [False]), 0)

    assert figures["recall_at_precision_0.995"] == 0
    assert figures["best_f1_threshold"] is None


@given(scored)
def test_recall_falls_as_the_precision_asked_for_rises(rows):
    curve = thresholds.curve_of(*zip(*rows, strict=True))
    true_pairs = max(1, sum(is_true for _, is_true in rows))

    recalls = [thresholds.recall_at_precision(curve, true_pairs, asked) for asked in (0.0, 0.5, 0.9, 1.0)]

    assert recalls == sorted(recalls, reverse=True)


@pytest.mark.parametrize(
    ("probability", "is_true", "error"),
    [
        pytest.param([0.5] * 4, [1, 0, 1, 0], 0.0, id="right on average"),
        pytest.param([0.9, 0.9, 0.1, 0.1], [1, 0, 0, 0], 0.25, id="one bin over, one under"),
        pytest.param([0.01] * 8 + [0.9, 0.9], [0] * 8 + [1, 1], 0.1, id="pairs near zero do not flatter"),
        pytest.param([0.01], [0], None, id="nothing to show"),
    ],
)
def test_calibration_error(probability, is_true, error):
    assert calibration_error(thresholds.curve_of(probability, is_true), bins=2) == (
        None if error is None else pytest.approx(error)
    )


@given(scored)
def test_reliability_table_keeps_every_pair_and_equal_probabilities_together(rows):
    table = reliability_table(thresholds.curve_of(*zip(*rows, strict=True)), bins=3)

    assert table.n_pairs.sum() == sum(probability >= 0.05 for probability, _ in rows)
    assert (table.lowest.to_numpy()[1:] > table.highest.to_numpy()[:-1]).all()
    assert table.mean_probability.between(table.lowest - 1e-9, table.highest + 1e-9).all()


@given(scored)
def test_brier_score_equals_its_formula(rows):
    probability, is_true = (np.array(column, float) for column in zip(*rows, strict=True))

    assert brier_score(thresholds.curve_of(probability, is_true)) == pytest.approx(
        ((probability - is_true) ** 2).mean()
    )


@pytest.mark.parametrize(
    ("n_pairs", "n_records", "share"),
    [
        pytest.param(0, 10, 1.0, id="nothing compared"),
        pytest.param(45, 10, 0.0, id="everything compared"),
        pytest.param(0, 1, None, id="one record has no pairs"),
    ],
)
def test_reduction_ratio(n_pairs, n_records, share):
    assert reduction_ratio(n_pairs, n_records) == share
