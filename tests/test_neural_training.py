"""Training pairs and the training of the encoder, on a toy scale."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from siamese_er import encoder_tables, encoder_training
from siamese_er.encoder_training import train_encoder
from siamese_er.errors import ContractFault
from siamese_er.neural import training_state
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.fit import Budget, spread
from siamese_er.neural.fit_masked import HIDDEN, masked_tokens, masked_view, record_codes
from siamese_er.neural.fit_records import RecordInputs, SimulatedTable, damaged, note_vectors, two_records_each
from siamese_er.neural.towers import TowerSettings, towers
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.synthetic.variants import VALUES, folded, is_held_out, name_values, variant

TOY = {"fields": Budget(3), "masked": Budget(2), "records": Budget(3), "notes": Budget(2)}


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_variants_are_standard_text_and_most_differ_a_little(kind):
    random = Random(1)
    values = [VALUES[kind](random) for _ in range(200)]

    variants = [variant(random, kind, value) for value in values]

    assert all(written and written == written.lower() and written.isascii() for written in variants)
    assert 0.5 < np.mean([one != other for one, other in zip(values, variants, strict=True)]) < 0.95
    if kind != "email":
        assert all(folded(written) == written for written in variants)


def test_held_out_names_are_never_drawn_alone():
    random = Random(2)

    drawn = {VALUES["family"](random) for _ in range(3000)}

    listed = drawn & set(name_values("family", False))
    assert len(listed) > 1000
    assert not any(is_held_out(name) for name in listed)
    assert not set(name_values("family", True)) & set(name_values("family", False))


def simulated_table() -> SimulatedTable:
    rng = np.random.default_rng(0)
    inputs = RecordInputs(
        rng.integers(-9, 9, (6, 5, 32)).astype(np.int8),
        rng.integers(27, 37, (6, 39)),
        rng.random((6, 10)) < 0.5,
    )
    inputs.present[:, 0] = True
    return SimulatedTable(inputs, np.array([0, 0, 1, 1, 2, 3]), np.array([0, 0, 0, 0, 1, 2]))


def test_two_records_each_pairs_a_persons_records_and_keeps_households_together():
    table = simulated_table()

    places = two_records_each(table, 4, np.random.default_rng(3))

    left, right = table.people[places.T]
    households = table.households[places[:, 0]].tolist()
    assert (left == right).all()
    assert len(set(left.tolist())) == 4
    assert abs(households.index(0) - (len(households) - 1 - households[::-1].index(0))) == 1
    assert all(i != j for i, j in places if table.people[i] in (0, 1))


def test_damaged_records_lose_fields_but_never_all_and_blank_slots_stay_blank():
    inputs = simulated_table().inputs
    inputs.slots[:, :5] = 0

    hurt = damaged(inputs, np.random.default_rng(0), missing=0.9, mistyped=1.0)

    assert hurt.present.any(axis=1).all()
    assert hurt.present.sum() < inputs.present.sum()
    assert not (hurt.present & ~inputs.present).any()
    assert (hurt.slots[:, :5] == 0).all()
    assert (hurt.slots[:, 5:] != inputs.slots[:, 5:]).any()


def test_a_new_notes_tower_tells_notes_apart_before_any_training():
    rng = np.random.default_rng(0)
    boilerplate = rng.integers(5, 8000, 40).tolist()
    notes = [[*boilerplate, *rng.integers(5, 8000, 40).tolist()] for _ in range(32)]
    found = []
    for seed in range(4):
        torch.manual_seed(seed)
        network = towers(TowerSettings())["notes"].eval()
        with torch.inference_mode():
            found.append(spread(note_vectors(network, notes)))

    assert min(found) > 0.1  # .02 is a collapse


@pytest.fixture
def small_tables(monkeypatch):
    monkeypatch.setattr(encoder_tables, "TABLE_RECORDS", 60)
    monkeypatch.setattr(encoder_training, "NOTE_TABLES", 2)
    monkeypatch.setattr(encoder_training, "VALUE_POOL", 60)
    monkeypatch.setattr(encoder_training, "NOTE_BATCH", 4)


def test_training_writes_a_model_that_loads_and_the_same_seed_gives_the_same(small_tables, tmp_path):
    phases: list[str] = []
    first = train_encoder(str(tmp_path / "a"), 5, TOY, command="toy", progress=lambda phase, *_: phases.append(phase))
    again = train_encoder(str(tmp_path / "b"), 5, TOY, command="toy")
    onward = train_encoder(
        str(tmp_path / "c"),
        5,
        TOY | {"fields": Budget(0), "masked": Budget(0), "notes": Budget(0)},
        start_from=str(tmp_path / "a"),
    )

    card = json.loads(Path(tmp_path / "c" / "encoder.json").read_text())
    assert first == again != onward
    assert [entry["phase"] for entry in card["history"]] == ["fields", "masked", "records", "notes", "records"]
    assert 0 <= card["metrics"]["surname_recall_at_1"] < card["metrics"]["surname_recall_at_1_jaro_winkler"]
    np.testing.assert_array_equal(
        load_encoder(str(tmp_path / "a"), "cpu").field_vectors("city", ["springfield"]),
        load_encoder(str(tmp_path / "c"), "cpu").field_vectors("city", ["springfield"]),
    )


class Killed(Exception):
    """Stands for the signal that ends a process."""


def killed_at(wanted: tuple[str, int]):
    def progress(phase, step, steps, loss):
        if (phase, step) == wanted:
            raise Killed

    return progress


@pytest.mark.parametrize("kill", [("fields", 25), ("masked", 25), ("records", 25), ("notes", 25)], ids=lambda k: k[0])
def test_killed_training_goes_on_and_ends_with_the_weights_of_one_that_was_not(
    small_tables, monkeypatch, tmp_path, kill
):
    monkeypatch.setattr(training_state, "ROUND", 10)
    monkeypatch.setattr(encoder_training, "encoder_metrics", lambda trainee: {})
    monkeypatch.setattr(encoder_training, "NOTE_BATCH", 2)
    short = dict.fromkeys(TOY, Budget(0)) | {"records": Budget(3), kill[0]: Budget(26)}
    whole = train_encoder(str(tmp_path / "whole"), 5, short)

    with pytest.raises(Killed):
        train_encoder(str(tmp_path / "cut"), 5, short, progress=killed_at(kill))
    assert training_state.is_unfinished(str(tmp_path / "cut"))
    seen: list[int] = []
    resumed = train_encoder(str(tmp_path / "cut"), 5, short, progress=lambda phase, step, *_: seen.append(step))

    assert resumed == whole
    assert seen == [25], "steps that were done before the checkpoint are not done again"
    assert not training_state.is_unfinished(str(tmp_path / "cut"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:200]), "damaged", id="cut short"),
        pytest.param(lambda path: None, "other arguments", id="another seed"),
    ],
)
def test_checkpoint_that_does_not_belong_is_refused(small_tables, monkeypatch, tmp_path, damage, message):
    monkeypatch.setattr(training_state, "ROUND", 10)
    short = dict.fromkeys(TOY, Budget(0)) | {"fields": Budget(26)}
    with pytest.raises(Killed):
        train_encoder(str(tmp_path), 5, short, progress=killed_at(("fields", 25)))
    damage(tmp_path / training_state.STATE)

    with pytest.raises(ContractFault, match=message):
        train_encoder(str(tmp_path), 6, short)


def coded(n: int = 40):
    raw = next(encoder_tables.raw_tables(3))
    return encoder_tables.coded_table(raw).codes.rows(np.arange(n))


def test_masked_views_hide_fields_and_characters_and_never_all_of_a_record():
    codes = coded()

    view = masked_view(codes, np.random.default_rng(0), fields=0.9, symbols=0.5)

    assert view.present.any(axis=1).all()
    assert not (view.present & ~codes.present).any()
    assert view.present.sum() < codes.present.sum()
    for whole, hidden in zip((*codes.text, codes.slots), (*view.text, view.slots), strict=True):
        changed = whole != hidden
        assert (hidden[changed] == HIDDEN).all()
        assert not changed[whole == 0].any()
    assert 0.3 < np.mean([(view.text[1] != codes.text[1]).sum() / (codes.text[1] > 0).sum()]) < 0.7


def test_record_codes_hold_the_first_value_and_the_local_part_of_an_email():
    made = population(200, 1, PROFILES["demo"]).records
    batch = encoder_tables.standard_batch(made, encoder_tables.StandardRules())

    codes = record_codes(batch)

    for column, place in [("given_names", 0), ("family_names", 1), ("emails", 4)]:
        row = next(i for i, cell in enumerate(batch[column]) if len(cell))
        length = len(batch[column][row][0].partition("@")[0])
        assert (codes.text[place][row] > 0).sum() == min(length, codes.text[place].shape[1]), column
        empty = [i for i, cell in enumerate(batch[column]) if not len(cell)]
        assert not codes.present[empty, place].any()


def test_masked_tokens_keep_first_and_last():
    tokens = [[2, *range(10, 60), 3], [2, 3]]

    views = masked_tokens(tokens, 4, np.random.default_rng(0))

    assert [len(row) for row in views] == [52, 2]
    assert (views[0][0], views[0][-1], views[1]) == (2, 3, [2, 3])
    assert 5 < views[0].count(4) < 30
    assert all(new in (old, 4) for old, new in zip(tokens[0], views[0], strict=True))
