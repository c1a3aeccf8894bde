"""Scoring in Spark: blocks stay whole, each pair comes once, and the numbers are those of the table held in memory."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paired import looked_at

from siamese_er import compared, rescore, score
from siamese_er.config import BlockingSettings, MatchConfig, ModelSettings, NoteSettings, ScoreSettings
from siamese_er.contexts import contexts
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.compare import Compared
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.tables import arrow_table, table_evidence
from siamese_er.model import model_folder, pair_head
from siamese_er.neural.head import probabilities
from siamese_er.schemas import EMBEDDINGS, STANDARDISED
from siamese_er.table_scores import scored_table

FOLDER = model_folder(ModelSettings())
BLOCKING = BlockingSettings(passes=tuple(name for name in PASS_NAMES if name != "learned"))
KEPT, NOTES = ScoreSettings(floor=0.0), NoteSettings()


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_matrix_of_is_the_inverse_of_rows_of_bytes(n, seed):
    matrix = np.random.default_rng(seed).standard_normal((n, 7)).astype(np.float16)

    assert np.array_equal(compared.matrix_of(compared.rows_of_bytes(matrix), 7, np.float16), matrix)


@pytest.fixture(scope="module")
def standardised(made):
    records = made.records.head(90).copy()
    records["record_key"] = records["source"] + "\x1f" + records["record_id"]
    return arrow_table(standard_batch(records, StandardRules()))


def from_first(first, weighing, settings):
    """SCORES of FIRST_SCORES."""
    in_context = contexts(first, 3).frame()
    second = rescore.second_weighing(in_context, weighing.fit.n_records, settings, pair_head(FOLDER))
    return rescore.scores(
        in_context, rescore.Learned(weighing.fit, weighing.shape, second, NOTES.most_bits), FOLDER, settings
    ).frame()


@pytest.fixture(scope="module")
def scored(spark, standardised):
    """(pairs looked at, pairs of the first round, weighing, scores) of the table by way of Spark."""
    rows = standardised.select(STANDARDISED.names).to_pylist()
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], STANDARDISED)
    nothing = spark.createDataFrame(
        [(key, *[None] * (len(EMBEDDINGS) - 1)) for key in standardised["record_key"].to_pylist()], EMBEDDINGS
    )
    n = standardised.num_rows
    pairs = looked_at(frame.join(nothing, "record_key"), BLOCKING, n, FOLDER, n_groups=3).persist()
    kept = score.kept_pairs(pairs)
    sampled = frame.join(score.random_records(frame, KEPT), "record_key", "left_semi")
    weighing = score.weighing(kept, score.random_levels(sampled, n), n, KEPT, pair_head(FOLDER))
    first = score.first_scores(kept, weighing, FOLDER, NOTES).frame().persist()
    return pairs, first, weighing, from_first(first, weighing, KEPT).toPandas()


@pytest.fixture(scope="module")
def in_memory(standardised):
    """(left key, right key) -> match weight, from the same table without Spark."""
    evidence = table_evidence(standardised, BLOCKING.passes, BLOCKING.max_block_size)
    found = evidence.compared
    half = [part.astype(np.float16).astype(np.float32)
            for part in (found.similarities, found.rarities, found.cosines, found.facts)]  # fmt: skip
    table = scored_table(replace(evidence, compared=Compared(found.levels, *half)), pair_head(FOLDER))
    names = standardised["record_key"].to_pylist()
    sides = zip(table.evidence.left, table.evidence.right, strict=True)
    return dict(zip([tuple(sorted((names[a], names[b]))) for a, b in sides], table.weights, strict=True))


def test_scores_in_spark_are_those_of_the_table_in_memory(scored, in_memory):
    rows = scored[3]
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
    rows = scored[3]

    assert (rows["left_key"] < rows["right_key"]).all()
    assert not rows.duplicated(["left_key", "right_key"]).any()
    assert all(len(passes) for passes in rows["blocking_passes"])


def test_probability_weight_and_evidence_of_a_score_agree(scored):
    rows = scored[3]

    assert np.allclose(probabilities(rows["match_weight"].to_numpy()), rows["match_probability"], atol=1e-12)
    sums = [sum(part["weight"] for part in evidence) for evidence in rows["evidence"]]
    assert np.allclose(sums, rows["match_weight"], atol=1e-4)


def test_the_floor_drops_pairs_below_it_and_changes_no_other(scored):
    _, first, weighing, everything = scored
    floor = 0.3

    kept = from_first(first, weighing, MatchConfig().score.model_copy(update={"floor": floor})).toPandas()

    expected = everything[everything["match_probability"] >= floor]
    columns = ["left_key", "right_key", "match_probability", "match_weight"]
    by_key = [table[columns].sort_values(columns).reset_index(drop=True) for table in (kept, expected)]
    assert 0 < len(kept) < len(everything)
    assert by_key[0].equals(by_key[1])


def test_pass_counts_of_the_kept_pairs_are_those_of_the_first_round_and_of_what_it_ruled_out(scored):
    pairs, first, _, rows = scored

    counts = score.pass_counts(score.kept_pairs(pairs))

    assert sum(counts["pairs_by_first_pass"].values()) == score.kept_pairs(pairs).count() >= first.count()
    assert first.count() == len(rows)
