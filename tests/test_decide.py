"""The band of a pair, rule by rule."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from siamese_er.config import DecideSettings, SourceSettings
from siamese_er.decide import banded, links, standings
from siamese_er.schemas import DECISIONS, LINKS, RECORDS, SCORES, STANDARDISED, conform
from siamese_er.taken_over import scored_pairs
from siamese_er.threshold import device_margin, widened

SAFE, BALANCED = DecideSettings(), DecideSettings(preset="balanced")
CLEAN = {"clean": SourceSettings(deduplicated=True)}


def key(name: str) -> str:
    """``source/id`` as a record key; without a source, of source ``s``."""
    source, _, record = name.rpartition("/")
    return f"{source or 's'}\x1f{record}"


def scores_of(spark, *pairs):
    """Each pair is (left, right, probability, vetoes)."""
    rows = [(key(left), key(right), p, 1.0, list(vetoes), ["names"], []) for left, right, p, vetoes in pairs]
    return spark.createDataFrame(rows, SCORES)


def decisions_of(spark, *decided):
    rows = [(key(left), key(right), decision, None, None, None) for left, right, decision in decided]
    return spark.createDataFrame(rows, DECISIONS)


def standing_of(spark, **standings):
    return spark.createDataFrame([(key(name), standing) for name, standing in standings.items()],
                                 "record_key string, standing string")  # fmt: skip


PAIRS = (
    ("a", "b", 0.99, ()), ("a", "c", SAFE.threshold(), ()), ("a", "d", SAFE.threshold() - 1e-6, ()),
    ("a", "e", SAFE.review_threshold, ()), ("a", "f", SAFE.review_threshold - 1e-6, ()),
   
    ("b", "c", 0.99, ("twins_pattern",)), ("b", "d", 0.99, ("national_id_conflict",)), ("b", "e", 0.1, ("twins_pattern",)),
    ("b", "f", 0.5, ()), ("c", "d", 0.99, ()), ("c", "e", 0.99, ()), ("c", "f", 0.99, ()),
    ("clean/1", "clean/2", 0.99, ()), ("clean/1", "s/a", 0.99, ()), ("other/1", "other/2", 0.99, ()),
    ("d", "e", 0.99, ("twins_pattern",)), ("d", "f", 0.99, ()),
)  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "bands"),
    [
        pytest.param(
            SAFE,
            "auto auto review review no review review no review auto auto auto review auto auto review auto",
            id="safe",
        ),
        pytest.param(
            BALANCED,
            "auto auto auto review no auto review no auto auto auto auto review auto auto auto auto",
            id="balanced: national ids alone forbid",
        ),
        pytest.param(
            DecideSettings(auto_threshold=0.99, review_threshold=SAFE.threshold()),
            "auto auto no no no review review no no auto auto auto review auto auto review auto",
            id="thresholds of the config",
        ),
        pytest.param(
            DecideSettings(auto_threshold=0.1),
            "auto auto auto auto auto review review review auto auto auto auto review auto auto review auto",
            id="a threshold below the one for review",
        ),
    ],
)  # fmt: skip
def test_band_by_probability_vetoes_and_source(spark, settings, bands):
    expected = [(key(left), key(right), band) for (left, right, *_), band in zip(PAIRS, bands.split(), strict=True)]

    found = banded(scores_of(spark, *PAIRS), standing_of(spark, nobody="excluded"), None, settings, CLEAN)

    assert_df_equality(
        found.select("left_key", "right_key", "band"),
        spark.createDataFrame(expected, "left_key string, right_key string, band string"),
        ignore_row_order=True, ignore_nullable=True,
    )  # fmt: skip


@pytest.mark.parametrize("settings", [pytest.param(SAFE, id="safe"), pytest.param(BALANCED, id="balanced")])
def test_band_by_standing_of_either_side(spark, settings):
    pairs = [("a", "z", 0.99, ()), ("b", "z", 0.99, ()), ("c", "z", 0.99, ()), ("z", "zr", 0.99, ()), ("c", "d", 0.1, ()),
             ("b", "c", 0.99, ()), ("y", "z", 0.99, ())]  # fmt: skip
    standing = standing_of(spark, a="excluded", b="unmatchable", c="restricted", zr="restricted")

    found = banded(scores_of(spark, *pairs), standing, None, settings, {})

    bands = {(row.left_key[-1], row.right_key[2:]): row.band for row in found.collect()}
    assert bands == {
        ("a", "z"): "no", ("b", "z"): "no", ("c", "z"): "review", ("z", "zr"): "review", ("c", "d"): "no",
        ("b", "c"): "no", ("y", "z"): "auto",
    }  # fmt: skip


def test_what_people_decided_stands_whatever_the_evidence(spark):
    pairs = [("a", "b", 0.02, ("national_id_conflict",)), ("a", "c", 0.9999, ()), ("a", "d", 0.99, ())]
    decided = [("a", "b", "match"), ("a", "c", "no_match"), ("x", "y", "match"), ("x", "z", "no_match"),
               ("clean/1", "clean/2", "match"), ("r", "t", "match")]  # fmt: skip
    standing = standing_of(spark, r="restricted", t="excluded")

    found = banded(scores_of(spark, *pairs), standing, decisions_of(spark, *decided), SAFE, CLEAN)

    weighed = found.withColumn("has_score", F.col("match_probability").isNotNull())
    expected = [
        (key(left), key(right), verified, band, has_score)
        for left, right, verified, band, has_score in (
            ("a", "b", True, "auto", True), ("a", "c", False, "no", True), ("a", "d", None, "auto", True),
            ("x", "y", True, "auto", False), ("x", "z", False, "no", False), ("clean/1", "clean/2", True, "auto", False),
            ("r", "t", True, "auto", False),
        )
    ]  # fmt: skip
    assert_df_equality(
        weighed.select("left_key", "right_key", "is_verified", "band", "has_score"),
        spark.createDataFrame(
            expected, "left_key string, right_key string, is_verified boolean, band string, has_score boolean"
        ),
        ignore_row_order=True, ignore_nullable=True,
    )  # fmt: skip
    assert found.where("(match_weight is null) != (match_probability is null)").isEmpty()
    of_table = links(scored_pairs(found), decisions_of(spark, *decided))
    assert_df_equality(of_table, found.select(LINKS.names), ignore_row_order=True, ignore_nullable=True)


def test_standings_of_test_patients_empty_and_restricted_records(spark):
    names = ("test", "empty", "restricted", "known_by_id", "known_by_name", "restricted_test", "born_there", "lives_there",
             "born_in_town")  # fmt: skip
    marks = {"test": ["test"], "restricted_test": ["test"]}
    values = {"known_by_id": {"scoped_identifiers": ["mrn:s:1"]}, "empty": {"cities": ["x"], "sexes": ["f"]},
              "born_there": {"birth_dates": ["1958-06-06"], "addresses": ["8 tillyard drive"]},
              "lives_there": {"addresses": ["8 tillyard drive"]},
              "born_in_town": {"birth_dates": ["1958-06-06"], "cities": ["leeds"]}}  # fmt: skip
    standard = [
        {**{name: [] for name in STANDARDISED.names if name not in ("record_key", "source", "record_id")},
         "record_key": key(name), "source": "s", "record_id": name, "name_marks": marks.get(name, []),
         **values.get(name, {"family_names": ["smith"]})}
        for name in names
    ]  # fmt: skip
    records = [
        {"record_key": key(name), "sensitivity": "Restricted" if "restricted" in name else None} for name in names
    ]

    tables = conform(spark.createDataFrame(records, RECORDS), RECORDS), spark.createDataFrame(standard, STANDARDISED)
    found, balanced = ({row.record_key[2:]: row.standing for row in standings(*tables, preset).collect()}
                       for preset in ("safe", "balanced"))  # fmt: skip

    assert balanced == {name: standing for name, standing in found.items() if name != "born_in_town"}
    assert found == {
        "test": "excluded", "empty": "unmatchable", "restricted": "restricted", "restricted_test": "excluded",
        "lives_there": "unmatchable", "born_in_town": "unmatchable",
    }  # fmt: skip


def test_pairs_near_a_threshold_are_asked_about_where_another_device_encoded(spark):
    settings = SAFE.model_copy(update={"auto_threshold": 0.9})
    scores = scores_of(
        spark, ("a", "b", 0.904, ()), ("a", "c", 0.906, ()), ("a", "d", 0.196, ()), ("a", "e", 0.194, ())
    )

    found = {}
    for devices in (["cpu"], ["cpu", "cuda"], ["cuda"]):
        pairs = banded(scores, standing_of(spark, z="excluded"), None, widened(settings, device_margin(devices)), {})
        found[tuple(devices)] = [row.band for row in pairs.orderBy("right_key").collect()]

    assert found[("cpu",)] == ["auto", "auto", "no", "no"]
    assert found[("cpu", "cuda")] == found[("cuda",)] == ["review", "auto", "review", "no"]
