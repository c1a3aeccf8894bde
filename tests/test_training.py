from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu

from siamese_er.config import ClusterSettings, DecideSettings, ModelSettings
from siamese_er.cut_offs import THRESHOLDS, held_out, safe_threshold, threshold_rows
from siamese_er.errors import ContractFault
from siamese_er.head_training import Folds, HeadSettings, copied_encoder, kept_pairs, pooled, shares, train_head
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.features import features
from siamese_er.linkage.tables import table_fit
from siamese_er.linkage.vetoes import shows_households, vetoes
from siamese_er.model import model_folder, pair_head
from siamese_er.neural.head import load_head, probabilities
from siamese_er.neural.head_fit import FitSettings, calibrated
from siamese_er.simulation import loaded, simulated, stored
from siamese_er.table_clusters import linked_clusters, pair_counts
from siamese_er.table_scores import scored_table

SHIPPED = model_folder(ModelSettings())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A head trained for a moment on eight small tables, beside the shipped encoder."""
    folder, work = (str(tmp_path_factory.mktemp(name)) for name in ("model", "tables"))
    copied_encoder(SHIPPED, folder)
    lines: list[str] = []
    settings = HeadSettings(
        n_tables=9, n_networks=1, n_folds=2, fit=FitSettings(epochs=20, width=16), workers=1, sizes=(150, 250)
    )
    metrics = train_head(folder, work, settings, lines.append)
    return folder, work, metrics, lines


def test_a_trained_head_ranks_true_pairs_above_others(trained):
    folder, work, metrics, _ = trained
    head = pair_head(folder)
    weights, truth = [], []
    for seed in range(1, 10):
        table = loaded(stored(seed, folder, work))
        found = scored_table(numbered(table.evidence), head)
        weights.append(found.weights)
        truth.append(table.is_true[found.evidence.pass_mask])

    weight, is_true = np.concatenate(weights), np.concatenate(truth)
    wins = mannwhitneyu(weight[is_true], weight[~is_true]).statistic

    assert wins / (is_true.sum() * (~is_true).sum()) > 0.8
    assert 0 <= metrics["best_f1"] <= 1


def numbered(evidence):
    """The evidence with the number of each pair in place of its passes."""
    return replace(evidence, pass_mask=np.arange(len(evidence.left)))


def test_held_out_tables_are_judged_at_the_threshold_that_safe_finds(trained):
    folder, work, _, _ = trained
    tables = held_out({seed: stored(seed, folder, work) for seed in range(1, 10)}, pair_head(folder))
    scored, decide = tables[0].scored, DecideSettings(least_threshold=0.5, expected_precision=0.9)
    p = probabilities(scored.weights)
    p = p[~vetoes(scored.evidence.compared, scored.fit, scored.shape, scored.context).any(1)]

    found = safe_threshold(scored, decide)
    rows = threshold_rows(tables, ClusterSettings(), decide)

    cuts = [cut / 100 for cut in range(50, 100)]
    good = [cut for cut in cuts if not (p >= cut).any() or p[p >= cut].mean() >= 0.9]
    assert len(tables) == 1
    assert found == min(good, default=0.99)
    assert [row["threshold"] for row in rows] == [*map("{:g}".format, THRESHOLDS), "safe"]
    count = pair_counts(linked_clusters(scored, found, ClusterSettings()), tables[0].entities)
    kind = "households" if shows_households(scored.shape) else "strangers"
    assert rows[-1][f"{kind}_precision"] == pytest.approx(count.n_found / max(count.n_linked, 1e-9))
    assert rows[-1][f"{kind}_recall"] == pytest.approx(count.n_found / count.n_true)


def test_weights_do_not_depend_on_batches(trained):
    folder, work, _, _ = trained
    head = pair_head(folder)
    table = loaded(stored(3, folder, work))
    fit, shape = table_fit(table.evidence, head.model_m, head.model_u)
    matrix = features(table.evidence.compared, fit, shape)

    whole = head.first.match_weights(matrix)
    parts = np.concatenate([head.first.match_weights(matrix[i : i + 7]) for i in range(0, len(matrix), 7)])

    assert np.array_equal(whole, parts)


def test_what_a_table_adds_to_all_its_pairs_is_worked_out_once_and_changes_nothing(trained):
    folder, _, _, _ = trained
    scorer = pair_head(folder).first
    rng = np.random.default_rng(3)
    one, other = (rng.standard_normal((20, len(scorer.is_of_table))).astype(np.float32) for _ in range(2))
    for table in (one, other):
        table[:, scorer.is_of_table] = table[0, scorer.is_of_table]
    plain = replace(scorer, is_of_table=None)

    assert 0 < scorer.is_of_table.sum() < len(scorer.is_of_table)
    assert np.array_equal(scorer.match_weights(one), plain.match_weights(one))
    both = np.concatenate([one, other])
    assert np.array_equal(scorer.match_weights(both), plain.match_weights(both))
    with torch.inference_mode():
        logits = [network(torch.from_numpy(one.astype(np.float64))).numpy() for network in scorer.networks]
    assert np.allclose(scorer._logits(one), np.mean(logits, axis=0), atol=1e-12)


def test_the_second_round_sees_tables_through_networks_that_did_not(trained):
    folds = Folds(first_seed=1, n_tables=40, n_folds=3)

    assert set(folds.fold()[folds.held_out()]) == {-1}
    assert set(folds.fold()[~folds.held_out()]) == {0, 1, 2}
    assert folds.held_out().sum() == 5


def test_a_simulated_table_is_the_same_for_the_same_seed():
    one, two = (simulated(5, SHIPPED, (150, 200)) for _ in range(2))

    assert np.array_equal(one.evidence.compared.levels, two.evidence.compared.levels)
    assert np.array_equal(one.evidence.compared.cosines, two.evidence.compared.cosines, equal_nan=True)
    assert np.array_equal(one.is_true, two.is_true)


def test_an_altered_head_is_refused(trained, tmp_path):
    folder = trained[0]
    for name in ("head.json", "head.safetensors"):
        data = (Path(folder) / name).read_bytes()
        (tmp_path / name).write_bytes(data if name == "head.json" else data[:-1] + b"\x01")

    with pytest.raises(ContractFault, match=r"not the file that head\.json describes"):
        pair_head(str(tmp_path))


def test_a_head_of_other_features_is_refused(trained):
    with pytest.raises(ContractFault, match="other features"):
        load_head(trained[0], ("one",), ())


def test_calibration_maps_overconfident_logits_to_the_shares_seen():
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 3, 60_000)
    y = rng.random(len(truth)) < 1 / (1 + np.exp(-truth))

    calibration = calibrated(2 * truth, y, np.ones(len(y)))

    assert calibration(np.array([-4.0, 0.0, 4.0])) == pytest.approx([-2, 0, 2], abs=0.3)
    assert (np.diff(calibration(np.linspace(-9, 12, 99))) >= 0).all()


def test_kept_pairs_stand_for_all_pairs():
    is_true = np.arange(5_000) % 50 == 0

    rows, importance = kept_pairs(is_true, np.full(5_000, -9.0), np.random.default_rng(0))

    assert set(np.flatnonzero(is_true)) <= set(rows)
    assert importance.sum() == pytest.approx(5_000, rel=0.25)


def test_pooled_shares_ignore_tables_without_the_field():
    with_sex, without = (np.zeros((100, len(COMPARISONS)), np.int8) for _ in range(2))
    position = [c.name for c in COMPARISONS].index("sex")
    with_sex[:, position] = 2

    assert pooled([shares(with_sex, 0.5), shares(without, 0.5)])[position, 2] == pytest.approx(1, abs=0.02)
