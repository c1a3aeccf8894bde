"""A real GPU: the same vectors as a CPU, too little memory, a step of training. Skipped where torch sees none."""

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    pytest.skip("no GPU here", allow_module_level=True)

from siamese_er.card_limits import card_limits
from siamese_er.config import ModelSettings
from siamese_er.encoder_training import train_encoder
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.model import model_folder, pair_head
from siamese_er.neural import batches
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.fit import Budget
from siamese_er.simulation import simulated_evidence
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.table_scores import scored_table

MODEL = model_folder(ModelSettings())
NOTE_SEEDS = (2, 5, 14)


@pytest.fixture(scope="module")
def table():
    drawn = population(2000, 5, PROFILES["demo"])
    records = drawn.records.assign(record_key=drawn.records["source"] + "\x1f" + drawn.records["record_id"])
    return standard_batch(records, StandardRules()), sorted(set(drawn.notes["text"]))[:500]


def test_fields_and_records_get_the_very_vectors_of_a_cpu(table):
    records, _ = table
    on_cpu, on_gpu = (load_encoder(MODEL, device).embeddings(records) for device in ("cpu", "cuda:0"))

    assert np.array_equal(on_cpu[0], on_gpu[0])
    assert np.array_equal(on_cpu[1], on_gpu[1])


def test_notes_get_the_very_vectors_of_a_cpu(table):
    _, notes = table
    on_cpu, on_gpu = (load_encoder(MODEL, device).note_vectors(notes) for device in ("cpu", "cuda:0"))

    assert np.array_equal(on_cpu, on_gpu)


def test_notes_in_half_precision_differ_by_little(table):
    _, notes = table
    whole, half = (load_encoder.__wrapped__(MODEL, "cuda:0") for _ in range(2))
    half._built.network = half.notes._replace(in_half=True)
    one, other = (encoder.note_vectors(notes).astype(float) for encoder in (whole, half))
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)

    assert 0.998 < cosines.min() < 1


def with_notes(device, monkeypatch, n_tables=4):
    """Scored simulated tables with notes, whose vectors were computed on a device."""
    import siamese_er.simulation as simulation

    monkeypatch.setattr(simulation, "load_encoder", lambda folder, _: load_encoder(folder, device))
    seeds = [seed for seed in range(1, 200) if simulation.profile_of(seed).notes_share][:n_tables]
    return [scored_table(simulated_evidence(seed, MODEL, (400, 800)).evidence, pair_head(MODEL)) for seed in seeds]


def test_probabilities_are_those_of_a_cpu(monkeypatch):
    compared = 0
    for one, other in zip(*(with_notes(device, monkeypatch) for device in ("cpu", "cuda:0")), strict=True):
        assert np.array_equal(one.evidence.left, other.evidence.left)
        assert np.array_equal(one.weights, other.weights)
        compared += len(one.weights)
    assert compared > 300


def test_a_full_card_gives_the_same_vectors_in_smaller_batches(table, monkeypatch):
    records, notes = table
    roomy = load_encoder.__wrapped__(MODEL, "cuda:0")
    expected = roomy.embeddings(records)[1], roomy.note_vectors(notes)
    monkeypatch.setattr(batches, "GPU_TOKENS", 10**7)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(0) + 96 * 2**20) / total)
    try:
        cramped = load_encoder.__wrapped__(MODEL, "cuda:0")
        found = cramped.embeddings(records)[1], cramped.note_vectors(notes)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)

    assert cramped._batches.fitting, "the card was never full"
    assert np.array_equal(expected[0], found[0])
    assert np.array_equal(expected[1], found[1])


def test_a_training_on_a_gpu_learns(tmp_path):
    budgets = {"fields": Budget(200), "records": Budget(10), "notes": Budget(5)}

    train_encoder(str(tmp_path), 3, budgets, device="cuda")

    names = ["martinez", "martinex", "kowalski"]
    vectors = load_encoder(str(tmp_path), "cpu").field_vectors("family", names).astype(float)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_what_the_networks_reach_is_below_what_the_card_can():
    found = card_limits(load_encoder(MODEL, "cuda:0"))

    assert set(found) == {"values", "records", "notes", "notes, bfloat16"}
    assert all(0 < reached.share < 1 for reached in found.values())
