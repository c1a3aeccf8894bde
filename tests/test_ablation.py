"""The notes ablation: what each row sees of the input, and the table it makes of a real run."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from siamese_er import ablation
from siamese_er.ablation import (
    masked_fields,
    notes_ablation,
    variants,
    with_notes_of_others,
    withheld_columns,
    without_columns,
)
from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.intake import Inputs
from siamese_er.linkage.compare import PAIR_FACTS, Compared
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.cosines import COSINES
from siamese_er.schemas import NOTES, RECORDS, no_rows
from siamese_er.sources.truth import read_truth


def inputs_of(spark, **frames):
    nothing = no_rows(spark, RECORDS)
    return Inputs(**{"records": nothing, "history": nothing, "notes": None, "quarantine": nothing, "decisions": None,
                     "labels": None, "n_records": 0, "counts": {}} | frames)  # fmt: skip


def test_shuffled_notes_are_all_there_and_none_is_its_owners(spark):
    owner = {f"n{i}": f"r{i // 2}" for i in range(40)}
    notes = spark.createDataFrame([(key, name, None, None, f"text {name}") for name, key in owner.items()], NOTES)

    first, second = (
        {
            row["note_id"]: row["record_key"]
            for row in with_notes_of_others(inputs_of(spark, notes=given)).notes.collect()
        }
        for given in (notes, notes.repartition(3, "note_id"))
    )

    assert first == second
    assert first.keys() == owner.keys()
    assert set(first.values()) == set(owner.values())
    assert all(first[name] != key for name, key in owner.items())
    assert all(first[f"n{2 * i}"] == first[f"n{2 * i + 1}"] for i in range(20))


def test_without_columns_leaves_nothing_of_them_and_all_of_the_others(spark):
    values = SimpleNamespace(record_key="a", phone=["1"], national_id=["2"], identifiers=[("s", "t", "v")], race="x")
    row = tuple(getattr(values, name, None) for name in RECORDS.names)
    records = spark.createDataFrame([row], RECORDS)

    (changed,) = without_columns(
        inputs_of(spark, records=records), ("national_id", "identifiers", "race")
    ).records.collect()

    assert (changed["national_id"], changed["identifiers"], changed["race"]) == ([], [], None)
    assert (changed["record_key"], changed["phone"]) == ("a", ["1"])


def test_withheld_columns_takes_groups_and_columns_once():
    assert withheld_columns(["identifiers", "mrn", "city"]) == ("national_id", "mrn", "identifiers", "city")
    with pytest.raises(ContractFault, match="--withhold record_id, shoe_size"):
        withheld_columns(["record_id", "city", "shoe_size"])


def test_notes_alone_hide_every_field_vector_and_fact():
    n = 3
    compared = Compared(
        np.full((n, len(COMPARISONS)), 2, np.int8), *(np.ones((n, len(COMPARISONS)), np.float32) for _ in range(2)),
        np.full((n, len(COSINES)), 0.5, np.float32), np.ones((n, len(PAIR_FACTS)), np.float32),
    )  # fmt: skip

    masked = masked_fields(compared)

    seen = {name for position, name in enumerate(COSINES) if not np.isnan(masked.cosines[:, position]).any()}
    assert seen == {"cosine_note", "cosine_note_terms"}
    assert not masked.levels.any()
    assert not masked.similarities.any()
    assert (masked.facts[:, PAIR_FACTS.index("year_gap")] == -1).all()


def test_variants_differ_from_the_run_in_one_thing_each():
    found = variants(MatchConfig(), ())

    assert list(found) == ["demographics only", "notes only", "both", "notes shuffled"]
    assert [config.model.use_notes for config, _ in found.values()] == [False, True, True, True]
    assert [config.score.floor for config, _ in found.values()] == [0.01, 0.0, 0.01, 0.01]


def test_notes_ablation_of_a_run_has_rows_with_intervals(spark, marked_input, submitted_run, tmp_path, monkeypatch):
    some = [ablation.BASELINE, ablation.NOTES_ONLY, ablation.BOTH]
    monkeypatch.setattr(
        ablation, "variants", lambda *given: {name: one for name, one in variants(*given).items() if name in some}
    )
    output = tmp_path / "out"
    shutil.copytree(submitted_run.output, output, ignore=shutil.ignore_patterns("*.crc"))
    published = (output / "current.json").read_text()

    table = notes_ablation(spark, str(output), read_truth(spark, str(marked_input.truth)), n_resamples=50)

    assert table["evidence"].tolist() == some
    rows = table.set_index("evidence")
    metrics = json.loads((submitted_run.run / "run.json").read_text())["metrics"]
    for name in ("precision", "recall", "f1", "recall_at_precision_0.999"):
        assert rows.loc["both", name] == pytest.approx(metrics[name])
        assert rows.loc["both", f"{name}_low"] <= metrics[name] <= rows.loc["both", f"{name}_high"]
    assert rows.loc["notes only", "recall"] < rows.loc["both", "recall"]
    assert rows.loc["demographics only"].filter(like="gain").isna().all()
    assert (output / "current.json").read_text() == published
    assert (output / "ablation/all_columns/demographics_only/current.json").exists()
