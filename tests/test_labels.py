"""Labelled pairs from file to run.json: read and checked, joined with what comparing found, taken or refused."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from paired import looked_at

from siamese_er import pipeline, rescore, score
from siamese_er.config import BlockingSettings, LabelSettings, ModelSettings, NoteSettings, ScoreSettings, load_config
from siamese_er.contexts import contexts
from siamese_er.errors import ContractFault
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.labels import label_correction, pair_groups
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.tables import arrow_table
from siamese_er.model import model_folder, pair_head
from siamese_er.schemas import EMBEDDINGS, LABELS, STANDARDISED
from siamese_er.sources.labels import read_labels
from siamese_er.storage import new_run

FOLDER = model_folder(ModelSettings())
COLUMNS = ["left_source", "left_record_id", "right_source", "right_record_id", "label"]
HEADER = ",".join(COLUMNS)


@pytest.fixture(scope="module")
def all_labels(made):
    """Every pair of the small population, in CSV's columns, with its truth."""
    rows = list(made.truth[["source", "record_id", "entity_id"]].itertuples(index=False, name=None))
    pairs = [(*a[:2], *b[:2], "match" if a[2] == b[2] else "no_match") for a, b in itertools.combinations(rows, 2)]
    return pd.DataFrame(pairs, columns=COLUMNS)


@pytest.fixture(scope="module")
def careless_model(tmp_path_factory):
    """The shipped model with a calibration that is 7 nats too sure of matches."""
    folder = tmp_path_factory.mktemp("model") / "careless"
    shutil.copytree(FOLDER, folder)
    head = json.loads((folder / "head.json").read_text())
    knots = head["second"]["calibration"]
    knots["calibrated"] = [value + 7 for value in knots["calibrated"]]
    (folder / "head.json").write_text(json.dumps(head))
    return str(folder)


def written(folder: Path, text: str) -> str:
    path = folder / "labels.csv"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(["b,2,a,1,match", "a,1,b,2,MATCH"], [("a\x1f1", "b\x1f2", True)], id="both orders are one pair"),
        pytest.param(["a,1,b,2,0", "a,1,b,3,1"], [("a\x1f1", "b\x1f2", False), ("a\x1f1", "b\x1f3", True)], id="numbers"),
        pytest.param(["a,1,b,2,False", "a,1,b,3,no match"], [("a\x1f1", "b\x1f2", False), ("a\x1f1", "b\x1f3", False)],
                     id="words"),
    ],
)  # fmt: skip
def test_read_labels(spark, tmp_path, rows, expected):
    found = read_labels(spark, written(tmp_path, "\n".join([HEADER, *rows]) + "\n")).collect()

    assert sorted((row["left_key"], row["right_key"], row["is_match"]) for row in found) == expected
    assert {row["weight"] for row in found} == {1.0}


def test_a_file_of_decisions_gives_the_latest_label_and_weights_are_kept(spark, tmp_path):
    text = (
        "left_source,left_record_id,right_source,right_record_id,decision,reviewer,decided_at,reason,weight\n"
        "a,1,b,2,match,x,2024-01-01,,2.5\na,1,b,2,no_match,y,2024-03-01,,4\n"
    )

    (row,) = read_labels(spark, written(tmp_path, text)).collect()

    assert (row["is_match"], row["weight"]) == (False, 4.0)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        pytest.param(["a,1,b,2,1", "b,2,a,1,0"], "1 pairs are labelled match and no_match", id="contradiction"),
        pytest.param(["a,1,b,2,perhaps"], "1 rows whose label is neither", id="unknown label"),
        pytest.param(["a,1,b,,1"], "1 rows without left_record_id", id="no id"),
    ],
)
def test_read_labels_refuses(spark, tmp_path, rows, fault):
    with pytest.raises(ContractFault, match=fault):
        read_labels(spark, written(tmp_path, "\n".join([HEADER, *rows]) + "\n"))


def test_a_decision_about_one_record_labels_no_pair(spark, tmp_path):
    (row,) = read_labels(spark, written(tmp_path, f"{HEADER}\na,1,a,1,match\na,1,b,2,1\n")).collect()

    assert row["left_key"] != row["right_key"]


def test_read_labels_refuses_a_weight_of_nothing(spark, tmp_path):
    with pytest.raises(ContractFault, match="1 rows whose weight is not a number above 0"):
        read_labels(spark, written(tmp_path, f"{HEADER},weight\na,1,b,2,1,0\na,1,b,3,1,2\n"))


def test_pair_groups_join_what_shares_records_or_a_household_and_no_institution():
    names = [f"r{i:02}" for i in range(60)]
    pairs = pa.table({"left_key": names[0:60:2], "right_key": names[1:60:2]})
    shared = pa.table({"record_key": ["r01", "r02", *names[10:40]], "value": pa.array([7, 7, *[9] * 30], pa.int64())})

    groups = pair_groups(pairs, shared)

    assert groups[0] == groups[1]
    assert len(set(groups)) == 29


@pytest.fixture(scope="module")
def compared(spark, made):
    """(STANDARDISED, CONTEXTS, what the table taught) of the small population without notes."""
    records = made.records.assign(record_key=made.records["source"] + "\x1f" + made.records["record_id"])
    table = arrow_table(standard_batch(records, StandardRules()))
    frame = spark.createDataFrame(
        [tuple(row.values()) for row in table.select(STANDARDISED.names).to_pylist()], STANDARDISED
    )
    nothing = spark.createDataFrame(
        [(key, *[None] * (len(EMBEDDINGS) - 1)) for key in table["record_key"].to_pylist()], EMBEDDINGS
    )
    blocking = BlockingSettings(passes=tuple(name for name in PASS_NAMES if name != "learned"))
    found = looked_at(frame.join(nothing, "record_key"), blocking, table.num_rows, FOLDER)
    pairs, head = score.kept_pairs(found).persist(), pair_head(FOLDER)
    weighing = score.weighing(pairs, score.random_levels(frame, table.num_rows), table.num_rows, ScoreSettings(), head)
    in_context = contexts(score.first_scores(pairs, weighing, FOLDER, NoteSettings()).frame(), 3).frame().persist()
    second = rescore.second_weighing(in_context, table.num_rows, ScoreSettings(), head)
    return frame, in_context, rescore.Learned(weighing.fit, weighing.shape, second, NoteSettings().most_bits)


def as_labels(spark, table):
    left, right = (table[f"{side}_source"] + "\x1f" + table[f"{side}_record_id"] for side in ("left", "right"))
    swap = left > right
    rows = pd.DataFrame({"left_key": left.where(~swap, right), "right_key": right.where(~swap, left),
                         "is_match": table["label"] == "match", "weight": 1.0})  # fmt: skip
    return spark.createDataFrame(rows, LABELS)


def taught(spark, tmp_path, compared, labels, model=FOLDER):
    frame, pairs, learned = compared
    head = pair_head(model)
    return label_correction(
        as_labels(spark, labels), LabelSettings(), new_run(spark, str(tmp_path)), frame, pairs, learned, head
    )


def test_random_labels_change_nothing(spark, tmp_path, compared, all_labels):
    by_lot = all_labels.assign(label=np.random.default_rng(2).choice(["match", "no_match"], len(all_labels)))

    fit = taught(spark, tmp_path, compared, by_lot)

    assert fit.correction is None
    assert fit.report["used"] == fit.report["known"] - fit.report["not_compared"] > 100
    assert fit.report["reason"]


def test_too_few_labels_change_nothing_and_say_so(spark, tmp_path, compared, all_labels):
    stranger = dict(zip(COLUMNS, ("ehr", "nobody", "lab", "no one", "match"), strict=True))
    few = pd.concat([all_labels[all_labels.label == "match"].head(10), pd.DataFrame([stranger])])

    fit = taught(spark, tmp_path, compared, few)

    assert fit.correction is None
    assert (fit.report["pairs"], fit.report["known"], fit.report["matches"]) == (11, 10, fit.report["used"])
    assert fit.report["reason"].startswith("fewer than 25")


def test_a_run_with_labels_takes_back_a_careless_calibration(spark, tmp_path, made, all_labels, careless_model):
    made.records.to_parquet(tmp_path / "records.parquet")
    all_labels.to_csv(tmp_path / "labels.csv", index=False)
    flags = {"input.records": [str(tmp_path / "records.parquet")], "input.labels": str(tmp_path / "labels.csv"),
             "run.output": str(tmp_path / "out"), "model.path": careless_model}  # fmt: skip

    summary = pipeline.match(spark, load_config(None, flags, ["labels.min_of_each=10"]))

    report = json.loads(Path(f"{summary.path}/run.json").read_text())["labels"]
    assert report["accepted"], json.dumps(report)
    assert report["log_loss_after"] < report["log_loss_before"] - report["standard_error"]
    assert report["pairs"] == report["known"] == len(all_labels)
    scored = pd.read_parquet(f"{summary.path}/scored_pairs")
    sums = [sum(part["weight"] for part in evidence) for evidence in scored["evidence"]]
    assert np.allclose(sums, scored["match_weight"], atol=1e-4)
