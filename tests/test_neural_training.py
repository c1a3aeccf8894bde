"""Training pairs and the training of the encoder, on a toy scale."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from siamese_er import encoder_training
from siamese_er.encoder_training import train_encoder
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.fit import Budget
from siamese_er.neural.fit_records import RecordInputs, SimulatedTable, damaged, two_records_each
from siamese_er.synthetic.variants import VALUES, folded, is_held_out, name_values, variant

TOY = {"fields": Budget(3), "records": Budget(3), "notes": Budget(2)}


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


@pytest.fixture
def small_tables(monkeypatch):
    monkeypatch.setattr(encoder_training, "TABLE_RECORDS", 60)
    monkeypatch.setattr(encoder_training, "NOTE_TABLES", 2)
    monkeypatch.setattr(encoder_training, "NOTE_BATCH", 4)


def test_training_writes_a_model_that_loads_and_the_same_seed_gives_the_same(small_tables, tmp_path):
    phases: list[str] = []
    first = train_encoder(str(tmp_path / "a"), 5, TOY, command="toy", progress=lambda phase, *_: phases.append(phase))
    again = train_encoder(str(tmp_path / "b"), 5, TOY, command="toy")
    onward = train_encoder(
        str(tmp_path / "c"), 5, TOY | {"fields": Budget(0), "notes": Budget(0)}, start_from=str(tmp_path / "a")
    )

    card = json.loads(Path(tmp_path / "c" / "encoder.json").read_text())
    assert first == again != onward
    assert [entry["phase"] for entry in card["history"]] == ["fields", "records", "notes", "records"]
    assert 0 <= card["metrics"]["surname_recall_at_1"] < card["metrics"]["surname_recall_at_1_jaro_winkler"]
    np.testing.assert_array_equal(
        load_encoder(str(tmp_path / "a"), "cpu").field_vectors("city", ["springfield"]),
        load_encoder(str(tmp_path / "c"), "cpu").field_vectors("city", ["springfield"]),
    )
