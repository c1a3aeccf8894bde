"""Adaptation: held by replay, refused where it harms, the head's tie moved; copies change their source alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from chispa import assert_df_equality
from safetensors.torch import load_file, save_file

from siamese_er import adaptation, encoder_tables, encoder_training, head_check
from siamese_er.adaptation import AdaptationSettings, adapt
from siamese_er.adaptation_sample import chosen_by_hash, unlabelled_sample
from siamese_er.config import ModelSettings, NoteSettings, load_config
from siamese_er.encode import embeddings, encoding
from siamese_er.errors import ContractFault
from siamese_er.fields.note_tables import Note, NoteTable
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.model import model_folder, pair_head
from siamese_er.neural.checkpoint import copy_name, load_encoder, load_tokenizer, save_encoder, stored_card
from siamese_er.neural.embedding import columns_by_source, embedding_columns
from siamese_er.schemas import STANDARDISED
from siamese_er.scoring import towers_used
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

SHIPPED = model_folder(ModelSettings())
ODD_SOURCE = "../clinic of Dr Zzcanary/é"


@pytest.fixture(scope="module")
def records():
    """Standardised records of three sources, one with an odd name."""
    made = population(240, 3, PROFILES["demo"]).records
    made["source"] = made["source"].replace({"lab": ODD_SOURCE})
    return standard_batch(made.assign(record_key=made["source"] + "\x1f" + made["record_id"]), StandardRules())


@pytest.fixture
def quick(monkeypatch):
    """Tables and checks of toy size; the retrieval that adaptation is held to is set by the test."""
    monkeypatch.setattr(encoder_tables, "TABLE_RECORDS", 60)
    monkeypatch.setattr(encoder_training, "NOTE_BATCH", 4)
    monkeypatch.setattr(adaptation, "NOTE_BATCH", 4)
    monkeypatch.setattr(head_check, "N_RECORDS", 80)
    monkeypatch.setattr(head_check, "N_TABLES", 2)
    monkeypatch.setattr(head_check, "MOST_LOSS_RISE", 10.0)


def measured_as(monkeypatch, *values: float) -> None:
    """Held-out retrieval is these values, one a check."""
    left = list(values)
    monkeypatch.setattr(adaptation, "encoder_metrics",
                        lambda trainee: {"surname_recall_at_1": 0.9, "record_recall_at_1": left.pop(0)})  # fmt: skip


SHORT = AdaptationSettings(steps=2, check_every=1)


def test_adapted_model_is_whole_and_says_that_it_is_protected(records, quick, monkeypatch, tmp_path):
    measured_as(monkeypatch, 0.9, 0.9, 0.95)
    notes = [f"patient {n} seen for a cough, sent home with advice number {n}" for n in range(9)]
    monkeypatch.setattr(adaptation, "note_retrieval", lambda trainee: {"note_recall_at_1": 0.5})

    report = adapt(SHIPPED, str(tmp_path / "out"), records, notes, SHORT)

    folder, card = str(tmp_path / "out"), stored_card(str(tmp_path / "out"))
    assert [report["outcomes"][name]["kept_steps"] for name in ("records", "notes")] == [2, 2]
    assert card["digest"] != stored_card(SHIPPED)["digest"] == card["adaptation"]["from"]
    assert pair_head(folder).encoder_digest == card["digest"] == load_encoder(folder).digest
    assert "protected health information" in card["adaptation"]["protected"]
    assert card["adaptation"]["head"]["shared"]["mean_cosine_change"] > 0
    told = "".join(path.read_text() for path in Path(folder).glob("*.json") if path.name != "tokenizer.json")
    values = {value for cell in records["family_names"] for value in cell if len(value) > 5}
    assert not any(value in told for value in values | {ODD_SOURCE, "cough"})


def test_adaptation_that_falls_below_the_start_leaves_the_shipped_weights(records, quick, monkeypatch, tmp_path):
    measured_as(monkeypatch, 0.9, 0.899, 0.85)

    report = adapt(SHIPPED, str(tmp_path / "out"), records, [], AdaptationSettings(steps=9, check_every=1))

    assert report["outcomes"]["records"]["kept_steps"] == 0
    assert len(report["outcomes"]["records"]["checks"]) == 3, "it stops where retrieval is lost"
    for name in ("encoder.safetensors", "head.json", "head.safetensors", "tokenizer.json"):
        assert (tmp_path / "out" / name).read_bytes() == Path(SHIPPED, name).read_bytes()
    assert load_encoder(str(tmp_path / "out")).digest == stored_card(SHIPPED)["digest"]


def test_weights_of_the_last_check_that_held_are_kept(records, quick, monkeypatch, tmp_path):
    measured_as(monkeypatch, 0.9, 0.9, 0.89)
    longer = adapt(SHIPPED, str(tmp_path / "two"), records, [], SHORT)
    measured_as(monkeypatch, 0.9, 0.9, 0.91)
    both = adapt(SHIPPED, str(tmp_path / "both"), records, [], SHORT)

    assert longer["outcomes"]["records"]["kept_steps"] == 1
    assert both["outcomes"]["records"]["kept_steps"] == 2
    assert stored_card(str(tmp_path / "two"))["digest"] != stored_card(str(tmp_path / "both"))["digest"]


def test_head_that_no_longer_fits_is_refused_and_nothing_is_written(records, quick, monkeypatch, tmp_path):
    measured_as(monkeypatch, 0.9, 0.9, 0.9)
    monkeypatch.setattr(head_check, "MOST_LOSS_RISE", -1.0)

    with pytest.raises(ContractFault, match="head does not fit"):
        adapt(SHIPPED, str(tmp_path / "out"), records, [], SHORT)

    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.iterdir())


def test_empty_table_is_refused(records, tmp_path):
    with pytest.raises(ContractFault, match="no records"):
        adapt(SHIPPED, str(tmp_path / "out"), records[:0], [], SHORT)


def scrambled(folder: str) -> torch.nn.Module:
    """Field and demographics networks that differ from those of the folder."""
    trainee = encoder_training.started(0, folder, ())
    with torch.no_grad():
        for name in ("fields", "demographics"):
            for weight in trainee.networks[name].parameters():
                weight += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    return trainee


@pytest.fixture(scope="module")
def with_copy(tmp_path_factory) -> str:
    """The shipped model with towers of its own for the oddly named source."""
    folder = str(tmp_path_factory.mktemp("copies"))
    trainee = encoder_training.started(0, SHIPPED, ())
    own = scrambled(SHIPPED)
    parts = {ODD_SOURCE: {name: own.networks[name] for name in ("fields", "demographics")}}
    save_encoder(folder, trainee.networks, trainee.settings, load_tokenizer(SHIPPED), {}, parts)
    return folder


def test_per_source_without_copies_gives_the_very_same_vectors(records):
    shared = embedding_columns(load_encoder(SHIPPED), records, [[] for _ in range(len(records))], NoteTable())

    own = columns_by_source(
        lambda source: load_encoder(SHIPPED, source=source), records, [[] for _ in range(len(records))], NoteTable()
    )

    assert own == shared
    assert "warning" in towers_used(SHIPPED, ModelSettings(towers="per_source"))
    assert towers_used(SHIPPED, ModelSettings()) == {}


def test_copy_changes_the_vectors_of_its_source_alone(records, with_copy):
    notes = [[Note(None, f"note {row % 5} of hypertension")] for row in range(len(records))]
    shared = embedding_columns(load_encoder(SHIPPED), records, notes, NoteTable())

    own = columns_by_source(lambda source: load_encoder(with_copy, source=source), records, notes, NoteTable())

    is_odd = (records["source"] == ODD_SOURCE).to_numpy()
    for name in ("field_vectors", "record_vector"):
        same = np.asarray([a == b for a, b in zip(own[name], shared[name], strict=True)])
        assert same[~is_odd].all()
        assert not same[is_odd].any()
    assert own["note_vector"] == shared["note_vector"]
    assert towers_used(with_copy, ModelSettings(towers="per_source")) == {"towers": "per_source", "tower_copies": 1}


def test_files_of_copies_do_not_name_their_source(with_copy):
    (path,) = Path(with_copy).glob("source-*")

    assert path.name == copy_name(with_copy, ODD_SOURCE)
    assert "zzcanary" not in "".join(str(p).lower() for p in Path(with_copy).iterdir())
    assert "zzcanary" not in Path(with_copy, "encoder.json").read_text().lower()


def test_changed_copy_is_refused(with_copy, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(with_copy, folder)
    (path,) = folder.glob("source-*")
    weights = load_file(path)
    save_file({name: weight + 1 for name, weight in weights.items()}, path)

    with pytest.raises(ContractFault, match="not the file of its digest"):
        load_encoder(str(folder), source=ODD_SOURCE)
    card = json.loads((folder / "encoder.json").read_text())
    (folder / "encoder.json").write_text(json.dumps(card | {"copies": {}}))
    with pytest.raises(ContractFault, match="not the ones of its digest"):
        load_encoder(str(folder), device="cpu")


def test_per_source_adaptation_gives_large_sources_copies_and_leaves_the_shared_towers(
    records, quick, monkeypatch, tmp_path
):
    measured_as(monkeypatch, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9)
    sizes = records["source"].value_counts()
    least = int(sorted(sizes)[-2])
    settings = AdaptationSettings(steps=1, check_every=1, learning_rate=0.05, towers="per_source", least_records=least)

    adapt(SHIPPED, str(tmp_path / "out"), records, [], settings)

    folder = str(tmp_path / "out")
    large = [source for source, n in sizes.items() if n >= least]
    assert set(stored_card(folder)["copies"]) == {copy_name(folder, source) for source in large}
    assert (tmp_path / "out" / "encoder.safetensors").read_bytes() == Path(SHIPPED, "encoder.safetensors").read_bytes()
    (small,) = [source for source in sizes.index if source not in large]
    assert load_encoder(folder, source=small) is load_encoder(folder, "cpu", None)
    changed = load_encoder(folder, source=large[0]).field_vectors("city", ["springfield", "manchester"])
    assert (changed != load_encoder(folder, "cpu", None).field_vectors("city", ["springfield", "manchester"])).any()


def test_the_step_in_spark_reads_each_source_by_its_own_towers(spark, records, with_copy):
    part = records[:60]
    rows = [tuple(row[name] for name in STANDARDISED.names) for row in part.to_dict("records")]
    table = spark.createDataFrame(
        [tuple(v if isinstance(v, str) else list(v) for v in row) for row in rows], STANDARDISED
    )
    shared = (
        embeddings(encoding(table, None, with_copy, ModelSettings(device="cpu"), NoteSettings()))
        .toPandas()
        .set_index("record_key")
    )
    settings = ModelSettings(device="cpu", towers="per_source")

    own = embeddings(encoding(table, None, with_copy, settings, NoteSettings()))
    shuffled = embeddings(
        encoding(table.orderBy("record_id").repartition(3), None, with_copy, settings, NoteSettings())
    )

    assert_df_equality(own, shuffled, ignore_row_order=True)
    found = own.toPandas().set_index("record_key").loc[shared.index]
    differs = (found["record_vector"] != shared["record_vector"]).to_numpy()
    is_odd = part.set_index("record_key").loc[shared.index, "source"] == ODD_SOURCE
    assert (differs == is_odd.to_numpy()).all()


def test_chosen_records_are_bounded_and_the_same_whatever_the_order(spark):
    keys = [(f"{source}\x1f{n}", source) for source, size in (("a", 30), ("b", 9), ("c", 3)) for n in range(size)]
    table = spark.createDataFrame(keys, "record_key string, source string")
    shuffled = spark.createDataFrame(keys[::-1], "record_key string, source string").repartition(5)

    first, again = ([row.record_key for row in chosen_by_hash(t, 20, False).collect()] for t in (table, shuffled))
    each = [row.source for row in chosen_by_hash(shuffled, 7, True).collect()]

    assert first == again != sorted(first)
    assert len(set(first)) == 20
    assert {source: each.count(source) for source in each} == {"a": 7, "b": 7, "c": 3}


def test_sample_is_standardised_and_has_the_notes(spark, tmp_path):
    made = population(60, 7, PROFILES["demo"])
    made.records.to_parquet(tmp_path / "records.parquet")
    made.notes.to_parquet(tmp_path / "notes.parquet")
    inputs = {"input.records": [str(tmp_path / "records.parquet")], "input.notes": [str(tmp_path / "notes.parquet")]}

    sample = unlabelled_sample(spark, load_config(None, inputs, []), 1000, False)

    assert sorted(sample.records["record_id"]) == sorted(made.records["record_id"])
    assert list(sample.records.columns) == STANDARDISED.names
    assert len(sample.notes) == made.notes["text"].nunique()
