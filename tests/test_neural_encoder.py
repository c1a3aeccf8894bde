"""The encoder: its answers do not depend on the batch, missing fields are masked, damaged folders are refused."""

import json
import shutil
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

import siamese_er
from siamese_er.errors import ContractFault
from siamese_er.neural import encoder as encoder_module
from siamese_er.neural.checkpoint import load_encoder, save_encoder
from siamese_er.neural.encoder import FIELD_BATCH, Encoder, mean_vectors, unit_bytes
from siamese_er.neural.text import CODED_FIELDS, FIELD_COLUMNS, FIELD_KINDS, coded_slots, text_codes
from siamese_er.neural.towers import FieldAttention, FieldEncoder, NotesTower, TowerSettings, towers
from siamese_er.neural.wordpiece import first_words, trained_tokenizer

SHIPPED = str(Path(siamese_er.__file__).parent / "models" / "default")
COLUMNS = [*FIELD_COLUMNS.values(), *CODED_FIELDS]
VALUES = st.lists(st.text("abcdefgh 19", min_size=1, max_size=50), min_size=1, max_size=12)


@pytest.fixture(scope="module", autouse=True)
def nothing_kept():
    """Every value is encoded each time: a vector that was kept would be the same in any batch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder_module, "MOST_KEPT", 0)
        yield


@pytest.fixture(scope="module")
def tiny_dir(tmp_path_factory) -> str:
    folder = str(tmp_path_factory.mktemp("tiny"))
    torch.manual_seed(3)
    tokenizer = trained_tokenizer(["the patient has a cough and a fever"] * 3, 200)
    bert = {
        "vocab_size": tokenizer.get_vocab_size(), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 96,
    }  # fmt: skip
    shape = TowerSettings(channels=(8, 8, 8), tower_width=16, tower_heads=2, note_bert=bert)
    save_encoder(folder, towers(shape), shape, tokenizer, {"seed": 3})
    return folder


@pytest.fixture(scope="module")
def tiny(tiny_dir) -> Encoder:
    return load_encoder(tiny_dir, "cpu")


def records(*rows: dict[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame([{name: row.get(name, []) for name in COLUMNS} for row in rows], columns=COLUMNS)


ANA = {
    "given_names": ["ana", "maria"], "family_names": ["ruiz"], "birth_dates": ["1980-03-04"], "sexes": ["f"],
    "addresses": ["12 oak street"], "cities": ["springfield"], "postal_codes": ["62701"], "phones": ["+12175550100"],
    "emails": ["ana.ruiz@example.org"], "national_ids": ["123456780"],
}  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(values=VALUES, kind=st.sampled_from(FIELD_KINDS), seed=st.integers(0, 99))
def test_field_vectors_do_not_depend_on_the_batch(tiny, values, kind, seed):
    alone = np.concatenate([tiny.field_vectors(kind, [value]) for value in values])
    order = Random(seed).sample(range(len(values)), len(values))
    crowd = [f"filler {i}" for i in range(seed * 4)]

    shuffled = tiny.field_vectors(kind, [*crowd, *(values[i] for i in order)])[len(crowd) :]

    np.testing.assert_array_equal(shuffled, alone[order])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text("abc ", max_size=300), min_size=1, max_size=6), st.integers(0, 40))
def test_note_vectors_do_not_depend_on_the_batch(tiny, texts, n_others):
    alone = np.concatenate([tiny.note_vectors([text]) for text in texts])

    together = tiny.note_vectors([*(f"cough {i}" for i in range(n_others)), *reversed(texts)])[n_others:]

    np.testing.assert_array_equal(together[::-1], alone)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), VALUES, max_size=6), min_size=1, max_size=8))
def test_record_vectors_do_not_depend_on_the_batch(tiny, rows):
    alone = np.concatenate([tiny.record_vectors(records(row)) for row in rows])

    together = tiny.record_vectors(records(*[ANA] * 150, *rows))[150:]

    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("most", [0, 3, 1000])
def test_kept_vectors_are_those_of_the_values_and_bounded(tiny_dir, monkeypatch, most):
    monkeypatch.setattr(encoder_module, "MOST_KEPT", most)
    encoder = load_encoder.__wrapped__(tiny_dir, "cpu")
    batches = [["ann", "bo", "ann", ""], ["cy", "bo", "dee"], ["ann", "cy", "eve", "bo"]]
    alone = {value: encoder._encoded("given", [value])[0] for values in batches for value in values}

    for values in batches:
        np.testing.assert_array_equal(encoder.field_vectors("given", values), [alone[value] for value in values])

    assert len(encoder._kept["given"]) == min(most, 6)
    assert not encoder._kept["family"]
    first = encoder.field_vectors("given", ["ann"])
    weights = {"fields": encoder.fields.exact.state_dict(), "demographics": encoder.demographics.exact.state_dict()}
    changed = {name: weight + 0.5 if weight.ndim > 1 else weight for name, weight in weights["fields"].items()}
    encoder.take(weights | {"fields": changed})
    assert (encoder.field_vectors("given", ["ann"]) != first).any()


def test_shipped_model_does_not_depend_on_the_batch():
    encoder = load_encoder(SHIPPED, "cpu")
    values = [f"smith{i} {i * 7919 % 1000}" for i in range(FIELD_BATCH + 70)]
    notes = [f"{i}-year-old man with a cough since {i} days" * (1 + i % 4) for i in range(40)]

    backwards = encoder.field_vectors("family", values[::-1])[::-1]
    notes_backwards = encoder.note_vectors(notes[::-1])[::-1]

    np.testing.assert_array_equal(backwards, encoder.field_vectors("family", values))
    np.testing.assert_array_equal(backwards[3], encoder.field_vectors("family", values[3:4])[0])
    np.testing.assert_array_equal(notes_backwards, encoder.note_vectors(notes))
    np.testing.assert_array_equal(notes_backwards[5], encoder.note_vectors(notes[5:6])[0])


def test_embeddings_have_the_documented_layout(tiny):
    fields, vectors = tiny.embeddings(records(ANA, {"cities": ["springfield"]}))

    assert (fields.dtype, fields.shape, vectors.dtype, vectors.shape) == (np.int8, (2, 160), np.int8, (2, 64))
    np.testing.assert_array_equal(fields[0, :32], tiny.field_vectors("given", ["ana"])[0])
    np.testing.assert_array_equal(fields[0, 128:], tiny.field_vectors("email", ["ana.ruiz"])[0])
    np.testing.assert_array_equal(fields[1, 96:128], fields[0, 96:128])
    assert not fields[1, :96].any()
    assert np.linalg.norm(vectors[0].astype(float)) == pytest.approx(127, abs=3)


def test_only_the_first_value_is_in_the_field_vectors_and_more_are_in_the_record_vector(tiny):
    one_name = ANA | {"given_names": ["ana"]}

    fields, vectors = tiny.embeddings(records(ANA, one_name))

    np.testing.assert_array_equal(fields[0], fields[1])
    assert (vectors[0] != vectors[1]).any()


def test_record_of_nothing_is_zero_and_lists_may_be_null_or_arrays(tiny):
    given = records({}, ANA)
    given["phones"] = [None, None]
    given["given_names"] = [np.array([], dtype=object), np.array(["ana", "maria"], dtype=object)]

    vectors = tiny.record_vectors(given)

    assert not vectors[0].any()
    np.testing.assert_array_equal(vectors[1], tiny.record_vectors(records(ANA | {"phones": []}))[0])


def test_missing_field_is_masked_whatever_its_slots_hold(tiny):
    tower = tiny.demographics.exact
    text = torch.randn(2, 5, 32, dtype=torch.float64)
    text[1, 2:] = text[0, 2:]
    slots = torch.randint(0, 39, (2, sum(CODED_FIELDS.values())))
    present = torch.ones(2, 10, dtype=torch.bool)
    present[:, :2] = False
    present[:, 5:] = False

    vectors = tower(text, slots, present)

    torch.testing.assert_close(vectors[0], vectors[1])
    present[:, 6] = True
    assert not torch.allclose(*tower(text, slots, present))


@pytest.mark.parametrize("n_wanted", [1, 3, 6])
def test_attention_that_is_asked_for_some_fields_gives_those_of_all(n_wanted):
    torch.manual_seed(1)
    layer = FieldAttention(16, 4).double()
    x, present = torch.randn(5, 6, 16, dtype=torch.float64), torch.rand(5, 6) > 0.3
    present[:, 0] = True

    some, every = layer(x, present, n_wanted), layer(x, present, 6)

    assert some.shape == (5, n_wanted, 16)
    assert torch.allclose(some, every[:, :n_wanted], rtol=0, atol=1e-12)
    assert not torch.allclose(some, layer(x, torch.ones_like(present), n_wanted))


def test_padding_does_not_change_a_field_vector():
    network = FieldEncoder(TowerSettings()).double().eval()
    short = torch.from_numpy(text_codes(["ruiz", "garcia lopez"], 16).astype(np.int64))
    long = torch.from_numpy(text_codes(["ruiz", "garcia lopez"], 48).astype(np.int64))

    torch.testing.assert_close(network(short, torch.zeros(2).long()), network(long, torch.zeros(2).long()))


def test_padding_does_not_change_a_note_vector(tiny):
    tokens = torch.tensor([[2, 9, 8, 3]])
    padded = torch.cat([tokens, torch.zeros(1, 20, dtype=torch.long)], dim=1)
    tower = tiny.notes.exact
    assert isinstance(tower, NotesTower)

    alone = tower(tokens, tokens > 0)

    torch.testing.assert_close(tower(padded, padded > 0), alone)


def test_blank_values_and_notes_are_zero(tiny):
    assert not tiny.field_vectors("city", ["", "@"]).any(axis=1)[0]
    assert not tiny.note_vectors(["  "]).any()
    assert tiny.field_vectors("given", []).shape == (0, 32)
    assert tiny.note_vectors([]).shape == (0, 64)


def test_mean_vectors_ignore_order_and_leave_owners_of_nothing_zero():
    rows = unit_bytes(np.random.default_rng(0).normal(size=(5, 64)))
    owners = [0, 2, 0, 2, 2]

    means = mean_vectors(rows, owners, 3)

    np.testing.assert_array_equal(means, mean_vectors(rows[::-1], owners[::-1], 3))
    assert not means[1].any()
    assert mean_vectors(rows[:1], [0], 1) == pytest.approx(rows[:1], abs=1)


def test_coded_slots_align_ids_and_phones_at_their_end():
    phones = coded_slots("phones", ["+12175550100", "5550100"])
    dates = coded_slots("birth_dates", ["1980-03-04", "1980"])

    np.testing.assert_array_equal(phones[0, 3:], phones[1, 3:])
    np.testing.assert_array_equal(dates[0, :4], dates[1, :4])
    assert not dates[1, 4:].any()


def test_digest_is_stable_and_follows_the_weights(tiny_dir, tmp_path):
    card = json.loads(Path(tiny_dir, "encoder.json").read_text())
    shape = TowerSettings.model_validate(card["settings"])
    tokenizer = trained_tokenizer(["the patient has a cough and a fever"] * 3, 200)
    torch.manual_seed(3)
    again = save_encoder(str(tmp_path / "a"), towers(shape), shape, tokenizer, {"seed": 3})
    torch.manual_seed(4)
    other = save_encoder(str(tmp_path / "b"), towers(shape), shape, tokenizer, {"seed": 3})

    assert again == card["digest"] == load_encoder(tiny_dir, "cpu").digest
    assert other != again
    np.testing.assert_array_equal(
        load_encoder(str(tmp_path / "a"), "cpu").record_vectors(records(ANA)),
        load_encoder(tiny_dir, "cpu").record_vectors(records(ANA)),
    )


def change_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        pytest.param("encoder.safetensors", change_byte, id="one bit of the weights"),
        pytest.param("encoder.safetensors", Path.unlink, id="weights missing"),
        pytest.param("tokenizer.json", change_byte, id="tokenizer changed"),
        pytest.param("encoder.json", lambda path: path.write_text("{"), id="card is no JSON"),
        pytest.param("encoder.json", lambda path: path.write_text('{"settings": {"x": 1}}'), id="unknown setting"),
        pytest.param("encoder.json", Path.unlink, id="card missing"),
    ],
)
def test_damaged_folder_is_refused(tiny_dir, tmp_path, name, damage):
    folder = tmp_path / "model"
    shutil.copytree(tiny_dir, folder)
    damage(folder / name)

    with pytest.raises(ContractFault, match="model"):
        load_encoder(str(folder), "cpu")


def test_load_encoder_loads_once_a_process(tiny_dir):
    assert load_encoder(tiny_dir, "cpu") is load_encoder(tiny_dir, "cpu")


@pytest.mark.parametrize(
    ("kind", "value", "mistyped", "stranger"),
    [
        ("family", "gonzalez", "gonzales", "kowalski"),
        ("family", "oconnor", "o connor", "anderson"),
        ("given", "katherine", "kathrine", "margaret"),
        ("address", "12 oak street", "12 oak st", "77 lincoln avenue"),
        ("city", "springfield", "sprinfield", "manchester"),
        ("email", "ana.ruiz80", "anaruiz80", "kwilson"),
    ],
)
def test_shipped_model_puts_a_typo_closer_than_a_stranger(kind, value, mistyped, stranger):
    a, near, far = load_encoder(SHIPPED, "cpu").field_vectors(kind, [value, mistyped, stranger]).astype(int)

    assert a @ near > 0.7 * 127**2
    assert a @ far < a @ near - 0.3 * 127**2


def test_shipped_model_puts_a_damaged_record_closer_than_a_housemate_and_a_stranger():
    damaged = ANA | {"given_names": ["anna"], "addresses": ["9 elm road"], "phones": []}
    sister = ANA | {
        "given_names": ["lucia"], "birth_dates": ["1986-11-23"], "emails": ["lucia88@example.org"],
        "national_ids": ["987654320"],
    }  # fmt: skip
    stranger = {"given_names": ["john"], "family_names": ["novak"], "birth_dates": ["1951-07-30"], "sexes": ["m"]}

    ana, near, home, far = (
        load_encoder(SHIPPED, "cpu").record_vectors(records(ANA, damaged, sister, stranger)).astype(int)
    )

    assert ana @ near > ana @ home
    assert ana @ near > ana @ far + 0.3 * 127**2


def test_tokenizer_is_the_same_for_the_same_texts_and_knows_every_letter():
    texts = ["The patient has fever.", "fever and cough", "cough; no fever"]

    one, other = trained_tokenizer(texts, 300), trained_tokenizer(texts[::-1], 300)

    assert one.to_str() == other.to_str()
    assert one.encode("fever").tokens == ["[CLS]", "fever", "[SEP]"]
    assert "[UNK]" not in one.encode("Zqxj-1979").tokens


@given(text=st.lists(st.text("abcxyz 019.,-'\n\t", max_size=12), max_size=60).map(" ".join), n=st.integers(1, 40))
def test_the_first_words_hold_the_first_tokens(text, n):
    tokenizer = Tokenizer.from_file(f"{SHIPPED}/tokenizer.json")
    whole, cut = (tokenizer.encode(part, add_special_tokens=False).ids for part in (text, first_words(text, n)))

    assert whole[:n] == cut[:n]
