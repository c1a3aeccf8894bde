"""Scoring in Spark: blocks stay whole, each pair comes once, and the numbers are those of the table held in memory."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er import score
from siamese_er.block import blocks, key_sizes, keys_of, with_frequencies
from siamese_er.config import BlockingSettings, MatchConfig, ModelSettings, ScoreSettings
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.compare import Compared
from siamese_er.linkage.features import feature_names, features
from siamese_er.linkage.fellegi_sunter import plausible
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.tables import arrow_table, table_evidence, table_fit
from siamese_er.model import model_folder
from siamese_er.neural.head import load_head, probabilities
from siamese_er.schemas import EMBEDDINGS, STANDARDISED

FOLDER = model_folder(ModelSettings())
BLOCKING = BlockingSettings(passes=tuple(name for name in PASS_NAMES if name != "learned"))
KEPT = ScoreSettings(floor=0.0)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whole_blocks_never_split_a_block_and_lose_no_row(data):
    sizes = data.draw(st.lists(st.integers(1, 9), max_size=12))
    keys = np.repeat(np.arange(len(sizes)) * 3 - 10, sizes)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(keys)), max_size=6)) | {0, len(keys)})
    batches = [
        pa.record_batch({"key": keys[a:b], "row": np.arange(a, b)})
        for a, b in pairwise(cuts)
        if b > a or len(cuts) == 2
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score, "ROWS_AT_ONCE", data.draw(st.integers(1, 12)))

        tables = list(score.whole_blocks(iter(batches)))

    assert [row for table in tables for row in table["row"].to_pylist()] == list(range(len(keys)))
    held = [set(table["key"].to_pylist()) for table in tables]
    assert all(not first & second for i, first in enumerate(held) for second in held[i + 1 :])


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_matrix_of_is_the_inverse_of_rows_of_bytes(n, seed):
    matrix = np.random.default_rng(seed).standard_normal((n, 7)).astype(np.float16)

    assert np.array_equal(score.matrix_of(score.rows_of_bytes(matrix), 7, np.float16), matrix)


@pytest.fixture(scope="module")
def standardised(made):
    records = made.records.head(90).copy()
    records["record_key"] = records["source"] + "\x1f" + records["record_id"]
    return arrow_table(standard_batch(records, StandardRules()))


@pytest.fixture(scope="module")
def scored(spark, standardised):
    """(pairs that were looked at, weighing, scores) of the table by way of Spark, keys to numbers."""
    rows = standardised.select(STANDARDISED.names).to_pylist()
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], STANDARDISED)
    nothing = spark.createDataFrame(
        [(key, None, None, None) for key in standardised["record_key"].to_pylist()], EMBEDDINGS
    )
    payload = with_frequencies(frame).join(nothing, "record_key").persist()
    keys = keys_of(payload, BLOCKING).persist()
    n = standardised.num_rows
    looked_at = score.compared_pairs(blocks(payload, keys, key_sizes(keys), BLOCKING), n, FOLDER).persist()
    compared = score.kept_pairs(looked_at)
    weighing = score.weighing(compared, frame, n, KEPT, load_head(FOLDER, feature_names()))
    return looked_at, weighing, score.scores(compared, weighing, FOLDER, KEPT, MatchConfig().notes).toPandas()


@pytest.fixture(scope="module")
def in_memory(standardised):
    """(left key, right key) -> match weight, from the same table without Spark."""
    head = load_head(FOLDER, feature_names())
    evidence = table_evidence(standardised, BLOCKING.passes, BLOCKING.max_block_size)
    kept = plausible(evidence.compared.levels, head.model_m, head.model_u)
    found = evidence.compared
    half = [part[kept].astype(np.float16).astype(np.float32)
            for part in (found.similarities, found.rarities, found.cosines, found.facts)]  # fmt: skip
    evidence = replace(evidence, compared=Compared(found.levels[kept], *half))
    weights = head.match_weights(features(evidence.compared, *table_fit(evidence, head.model_m, head.model_u)))
    names = standardised["record_key"].to_pylist()
    pairs = [
        tuple(sorted((names[a], names[b]))) for a, b in zip(evidence.left[kept], evidence.right[kept], strict=True)
    ]
    return dict(zip(pairs, weights, strict=True))


def test_scores_in_spark_are_those_of_the_table_in_memory(scored, in_memory):
    rows = scored[2]
    by_spark = dict(zip(zip(rows["left_key"], rows["right_key"], strict=True), rows["match_weight"], strict=True))

    assert len(in_memory) > 50
    assert by_spark.keys() == in_memory.keys()
    assert max(abs(by_spark[pair] - in_memory[pair]) for pair in in_memory) < 1e-4


def test_pass_counts_count_every_pair_that_was_looked_at(scored, standardised):
    evidence = table_evidence(standardised, BLOCKING.passes, BLOCKING.max_block_size)

    counts = score.pass_counts(scored[0])

    assert sum(counts["pairs_by_first_pass"].values()) == len(evidence.left)
    assert counts["pairs_by_pass"]["birth_date"] == int((evidence.pass_mask >> 4 & 1).sum())


def test_each_pair_is_scored_once_left_key_first(scored):
    rows = scored[2]

    assert (rows["left_key"] < rows["right_key"]).all()
    assert not rows.duplicated(["left_key", "right_key"]).any()
    assert all(len(passes) for passes in rows["blocking_passes"])


def test_probability_weight_and_evidence_of_a_score_agree(scored):
    rows = scored[2]

    assert np.allclose(probabilities(rows["match_weight"].to_numpy()), rows["match_probability"], atol=1e-12)
    sums = [sum(part["weight"] for part in evidence) for evidence in rows["evidence"]]
    assert np.allclose(sums, rows["match_weight"], atol=1e-4)


def test_the_floor_drops_pairs_below_it_and_changes_no_other(scored):
    compared, weighing, everything = scored
    floor = 0.3

    compared = score.kept_pairs(compared)

    config = MatchConfig()
    settings = config.score.model_copy(update={"floor": floor})
    kept = score.scores(compared, weighing, FOLDER, settings, config.notes).toPandas()

    expected = everything[everything["match_probability"] >= floor]
    columns = ["left_key", "right_key", "match_probability", "match_weight"]
    by_key = [table[columns].sort_values(columns).reset_index(drop=True) for table in (kept, expected)]
    assert 0 < len(kept) < len(everything)
    assert by_key[0].equals(by_key[1])


def test_pass_counts_of_the_kept_pairs_are_those_of_the_scores(scored):
    compared, _, rows = scored

    counts = score.pass_counts(score.kept_pairs(compared))

    assert sum(counts["pairs_by_first_pass"].values()) == score.kept_pairs(compared).count() == len(rows)
    assert counts["pairs_by_pass"] == {
        name: sum(name in passes for passes in rows["blocking_passes"]) for name in PASS_NAMES
    }
