"""Drift: laws of the stability index, its limits, and that Spark and memory count the same."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er import drift_reference
from siamese_er.aggregates import (
    aggregates,
    held_back_counts,
    level_counts,
    missing_counts,
    profile_of,
    score_histogram,
)
from siamese_er.config import ModelSettings
from siamese_er.drift import (
    FEWEST,
    FEWEST_TABLES,
    MISSING_COLUMNS,
    REFERENCE,
    by_chance,
    drift_between,
    drift_from_reference,
    load_reference,
    reference_of,
    stability_index,
)
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.model import model_folder, pair_head
from siamese_er.schemas import CLUSTERS, CROSSWALK, REVIEW_QUEUE, SCORED_PAIRS, STANDARDISED
from siamese_er.simulation import simulated_evidence

COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 10_000), min_size=1)
MODEL = model_folder(ModelSettings())


@given(COUNTS)
def test_index_of_equal_counts_is_0(counts):
    assert stability_index(counts, counts) == 0


@given(COUNTS, COUNTS)
def test_index_is_symmetric_and_never_negative(now, then):
    assert stability_index(now, then) == stability_index(then, now) >= 0


def test_index_is_the_formula():
    now, then = {"a": 299.5, "b": 99.5}, {"a": 199.5, "b": 199.5}

    expected = (0.75 - 0.5) * np.log(0.75 / 0.5) + (0.25 - 0.5) * np.log(0.25 / 0.5)

    assert stability_index(now, then) == pytest.approx(expected, abs=1e-6)


def test_two_samples_of_one_population_rarely_exceed_chance():
    rng = np.random.default_rng(1)
    shares = [0.4, 0.3, 0.2, 0.1]

    def sample(n: int) -> dict[str, int]:
        return dict(zip("abcd", rng.multinomial(n, shares).tolist(), strict=True))

    pairs = [(sample(300), sample(500)) for _ in range(500)]

    assert sum(stability_index(now, then) > by_chance(now, then) for now, then in pairs) <= 4
    assert by_chance(sample(300), sample(500)) < by_chance(sample(100), sample(100))


def test_a_lost_column_warns_and_few_counts_say_nothing():
    then = {"missing phones": {"missing": 100, "present": 900}, "levels of sex": {"equal": FEWEST - 1}}
    now = {"missing phones": {"missing": 1000, "present": 0}, "levels of sex": {"different": 5_000}}

    sex, phones = drift_between(now, then, limit=0.25)

    assert (phones.measure, phones.warns) == ("missing phones", True)
    assert (sex.index, sex.warns) == (None, False)


def test_a_table_like_the_last_one_does_not_warn():
    then = {"missing phones": {"missing": 100, "present": 900}}
    now = {"missing phones": {"missing": 120, "present": 930}}

    assert [drift.warns for drift in drift_between(now, then, limit=0.25)] == [False]


@given(st.lists(st.integers(0, 900), min_size=FEWEST_TABLES, max_size=40))
def test_no_table_of_the_reference_is_beyond_its_limit(missing):
    profiles = [{"missing phones": {"missing": n, "present": 1000 - n}} for n in missing]

    reference = {"measures": reference_of(profiles)}

    assert not any(drift.warns for profile in profiles for drift in drift_from_reference(profile, reference))


def test_what_no_simulated_table_looked_like_is_beyond_the_limit():
    profiles = [{"score": {"0.999": 900 + n, "0.05": 100}} for n in range(FEWEST_TABLES)]

    (found,) = drift_from_reference({"score": {"0.5": 1000}}, {"measures": reference_of(profiles)})

    assert found.warns


def test_too_few_tables_make_no_limit():
    assert reference_of([{"score": {"0.5": 1000}}])["score"]["limit"] is None


def test_the_shipped_reference_is_of_the_shipped_head():
    reference = load_reference(MODEL, pair_head(MODEL).digest)

    assert reference is not None, "make it again: python jobs/drift_reference.py"
    assert reference["n_tables"] >= 100
    measures = {"score"} | {f"levels of {c.name}" for c in COMPARISONS} | {f"missing {c}" for c in MISSING_COLUMNS}
    assert set(reference["measures"]) == measures


def test_a_reference_of_another_head_is_none(tmp_path):
    (tmp_path / REFERENCE).write_text(json.dumps({"head_digest": "other", "measures": {}}))

    assert load_reference(str(tmp_path), "this") is None
    assert load_reference(str(Path(tmp_path, "no such folder")), "this") is None


def scored_rows(levels: np.ndarray, likelihood: np.ndarray) -> list[tuple]:
    """Rows of SCORED_PAIRS with the evidence of these levels."""
    return [
        ("s", f"a{i}", "s", f"b{i}", float(p), 0.0, "auto" if p > 0.9 else "no", [], [],
         [(c.name, c.labels[level], None, 0.0) for c, level in zip(COMPARISONS, row, strict=True) if level]
         + [("prior", "prior", None, 0.0), ("context", "pair_head", None, 0.0)])
        for i, (row, p) in enumerate(zip(levels.tolist(), likelihood, strict=True))
    ]  # fmt: skip


def test_spark_counts_what_memory_counts(spark):
    rng = np.random.default_rng(2)
    levels = np.stack([rng.integers(0, len(c.labels), 60) for c in COMPARISONS], axis=1)
    likelihood = np.round(rng.random(60), 3)
    likelihood[:4] = [0.05, 0.99, 0.999, 1.0]
    table = simulated_evidence(5_000_003, MODEL, (30, 60)).records
    people = [tuple(row[name] for name in STANDARDISED.names) for row in table.select(STANDARDISED.names).to_pylist()]
    tables = {
        "scored_pairs": spark.createDataFrame(scored_rows(levels, likelihood), SCORED_PAIRS),
        "standardised": spark.createDataFrame(people, STANDARDISED),
        "clusters": spark.createDataFrame(
            [(str(n), n, 1, None, None, False, False) for n in (1, 1, 2, 7, 300)], CLUSTERS
        ),
        "review_queue": spark.createDataFrame(
            [(str(n), "pair", None, None, None, None, [], None, f"reason {min(n, 13):02}", 0.0) for n in range(15)],
            REVIEW_QUEUE,
        ),
        "crosswalk": spark.createDataFrame([("s", "1", "e", "auto", "r", None, None, None)], CROSSWALK),
    }

    found = aggregates(tables)

    expected = drift_reference.score_counts(likelihood) | drift_reference.level_counts(levels[likelihood >= 0.5])
    assert profile_of(found, len(people)) == expected | drift_reference.missing_counts(table)
    assert sum(row["n"] for row in found["score"]) == 60
    assert {row["records"]: row["n"] for row in found["cluster_sizes"] if row["n"]} == {
        "1": 2, "2": 1, "6-10": 1, "101 or more": 1,
    }  # fmt: skip
    assert found["review_reasons"][0] == {"reason": "reason 13", "n": 2}
    assert found["review_reasons"][-1] == {"reason": "other reasons", "n": 2}
    assert found["link_status"] == {"auto": 1}
    assert found["held_back"] == {}


def test_vetoes_of_likely_pairs_that_wait_are_counted(spark):
    cases = [
        (0.9, "review", ["sex_differs"]), (0.9, "review", ["namesake"]), (0.9, "review", []), (0.9, "auto", ["namesake"]),
        (0.4, "review", ["namesake"]), (0.9, "no", ["thin_evidence"]),
        (0.9, "review", ["namesake", "sex_differs", "thin_evidence"]),
    ]  # fmt: skip
    rows = [("s", f"a{i}", "s", f"b{i}", p, 0.0, band, vetoes, [], []) for i, (p, band, vetoes) in enumerate(cases)]

    found = held_back_counts(spark.createDataFrame(rows, SCORED_PAIRS))

    assert list(found.items()) == [("namesake", 2), ("sex_differs", 2), ("thin_evidence", 1)]


def test_levels_of_very_many_pairs_are_those_of_a_steady_sample(spark):
    levels = np.full((400, len(COMPARISONS)), 1)
    pairs = spark.createDataFrame(scored_rows(levels, np.full(400, 0.9)), SCORED_PAIRS)

    sampled = level_counts(pairs, 4_000_000)

    assert sampled == level_counts(pairs.repartition(3), 4_000_000)
    assert 50 < sampled["sex"]["different"] < 150


def test_a_run_without_pairs_has_a_profile(spark):
    assert score_histogram(spark.createDataFrame([], SCORED_PAIRS)) == []
    assert set(missing_counts(spark.createDataFrame([], STANDARDISED)).values()) == {0}
