"""What the other pairs of both records say of each pair, found by Spark: the same as in memory, however it is cut."""

import numpy as np
import pytest
from chispa import assert_df_equality

from siamese_er.compared import matrix_of
from siamese_er.contexts import contexts, first_weights, weights_around
from siamese_er.linkage.context import LEAST_BITS, MOST_NEIGHBOURS, PAIR_CONTEXT, neighbours, others, pair_context
from siamese_er.schemas import FIRST_SCORES, FIRST_WEIGHTS, conform

N = 150


@pytest.fixture(scope="module")
def graph():
    """(left, right, weights): random pairs, many of one weight, and a record with more partners than are looked at."""
    rng = np.random.default_rng(5)
    pairs = {(0, other) for other in range(1, MOST_NEIGHBOURS * 2)}
    pairs |= {(int(min(pair)), int(max(pair))) for pair in rng.integers(0, N, (400, 2)) if pair[0] != pair[1]}
    left, right = np.array(sorted(pairs)).T
    return left, right, np.clip(np.round(rng.normal(0, 5, len(left))), LEAST_BITS, 12)


def key(number):
    return f"lab\x1f{number:04d}"


@pytest.fixture(scope="module")
def first(spark, graph):
    """FIRST_SCORES of the graph."""
    rows = [
        (key(a), key(b), 1, b"levels", b"measures", float(bits), float(bits)) for a, b, bits in zip(*graph, strict=True)
    ]
    return spark.createDataFrame(rows, FIRST_SCORES).persist()


def by_pair(rows):
    """(left key, right key) -> context, of CONTEXTS."""
    table = rows.frame().toArrow()
    names = zip(table["left_key"].to_pylist(), table["right_key"].to_pylist(), strict=True)
    found = dict(zip(names, matrix_of(table["context"], len(PAIR_CONTEXT), np.float32).tolist(), strict=True))
    assert len(found) == table.num_rows
    return found


@pytest.fixture(scope="module")
def in_memory(graph):
    left, right, weights = graph
    lists = neighbours(left, right, weights, N)
    assert np.diff(lists.offsets).max() == MOST_NEIGHBOURS
    context = pair_context(weights, others(lists, left, right), others(lists, right, left))
    return {(key(a), key(b)): row for a, b, row in zip(left, right, context.tolist(), strict=True)}


@pytest.mark.parametrize("n_parts", [1, 7])
def test_contexts_are_those_of_the_table_in_memory(first, in_memory, n_parts):
    assert by_pair(contexts(first.repartition(3), n_parts)) == in_memory


def test_contexts_of_some_pairs_look_at_all_pairs_of_their_records(first, in_memory):
    some = first.where(first.right_key <= key(20)).persist()
    weights = conform(first, FIRST_WEIGHTS)

    found = by_pair(contexts(some, 3, weights_around(some, weights)))

    assert 0 < len(found) < len(in_memory)
    assert found == {pair: in_memory[pair] for pair in found}
    assert weights_around(some, weights).distinct().count() == weights_around(some, weights).count() < weights.count()
    assert by_pair(contexts(some, 3)) != found


@pytest.mark.parametrize("column", ["path string", "content binary"])
def test_contexts_read_from_whole_files_are_those_of_rows(spark, first, in_memory, tmp_path, column):
    first.repartition(2).write.parquet(str(tmp_path / "first"))
    files = sorted((tmp_path / "first").glob("*.parquet"))
    rows = [(str(file),) if column == "path string" else (file.read_bytes(),) for file in files]

    whole = spark.createDataFrame(rows, column)

    assert by_pair(contexts(whole, 3)) == in_memory
    assert_df_equality(first_weights(whole, 1).frame(), conform(first, FIRST_WEIGHTS), ignore_row_order=True)


def test_without_pairs_there_is_no_context(first):
    assert not by_pair(contexts(first.limit(0), 3))
