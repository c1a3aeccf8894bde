"""Elections of golden values, without Spark: batches, distinct values, contradictions."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er.agreement import contradict, contradicts_itself
from siamese_er.golden_choice import Voters, distinct, elections, whole_people
from siamese_er.golden_sets import items, united_sets
from siamese_er.golden_values import Candidates, kept_values

AGREEING = [["1980", "1980-05", "1980-05-01"], ["last4:6789", "123456789"], ["--05-01", "1980-05-01"], ["a"], []]
OPPOSED = [["1980", "1981-05-01"], ["last4:6788", "123456789"], ["--05-02", "1980-05-01"], ["a", "b"], ["198", "1980"]]


@pytest.mark.parametrize("values", AGREEING, ids=" ".join)
def test_contradict_lets_a_vaguer_value_agree(values):
    assert not contradict(values)


@pytest.mark.parametrize("values", OPPOSED, ids=" ".join)
def test_contradict_finds_two_that_cannot_both_be_true(values):
    assert contradict(values)


def test_contradicts_itself_says_the_same_in_spark(spark):
    rows = spark.createDataFrame([(values,) for values in [*AGREEING, *OPPOSED]], "texts array<string>")

    found = [(row[0], row[1]) for row in rows.select("texts", contradicts_itself(rows["texts"])).collect()]

    assert all(answer == contradict(values) for values, answer in found)


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_whole_people_keeps_each_person_in_one_table(sizes, rows_in_batch, rows_at_once):
    names = [f"E{number}" for number, size in enumerate(sizes) for _ in range(size)]
    batches = [
        pa.record_batch({"enterprise_id": names[start : start + rows_in_batch]})
        for start in range(0, len(names), rows_in_batch)
    ]

    tables = [table["enterprise_id"].to_pylist() for table in whole_people(iter(batches), rows_at_once)]

    assert [name for table in tables for name in table] == names
    assert sum(len(set(table)) for table in tables) == len(sizes)


@given(st.lists(st.integers(-3, 3)))
def test_distinct(keys):
    assert distinct(np.array(keys, np.int64)).tolist() == sorted(set(keys))


PLACES = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["Ann", "ann", "Bo", "Bo-Li"])), max_size=14)


@given(PLACES, st.lists(st.integers(0, 2), min_size=6, max_size=6), st.sampled_from(["majority", "longest", "union"]))
@settings(max_examples=100, deadline=None)
def test_elections_equal_a_plain_loop(places, recency, rule):
    person = np.array([0, 0, 1, 1, 1, 2])
    places = sorted(places, key=lambda place: place[0])
    rows, texts = [row for row, _ in places], [text for _, text in places]
    standards = [text.lower() for text in texts]
    own = Candidates(
        pa.array(["given_name"] * len(rows), pa.string()), np.array(rows, np.int64), pa.array(texts, pa.string()),
        pa.array(standards, pa.string()),
    )  # fmt: skip

    nobody = np.zeros(6, bool)
    voters = Voters(person, np.array(recency), np.zeros(6, np.int64), nobody, nobody)
    found = elections([own], voters, {"given_name": rule}, "longest")

    expected = {}
    for row, text, standard in zip(rows, texts, standards, strict=True):
        voters = {r for r, s in zip(rows, standards, strict=True) if s == standard and person[r] == person[row]}
        first = -len(standard) if rule == "longest" else recency[row]
        rank = (-len(voters) if rule == "majority" else 0, first, recency[row] if rule == "longest" else 0, text, row)
        expected.setdefault(int(person[row]), []).append(rank)
    winners = {one: min(ranks)[3:] for one, ranks in expected.items()}
    left = {(one, text) for one, ranks in expected.items() for *_, text, _ in ranks if text != winners[one][0]}
    assert (
        dict(zip(found.person.tolist(), zip(found.value.to_pylist(), found.row.tolist(), strict=True), strict=True))
        == winners
    )
    places_left, texts_left = found.alternates
    assert set(zip(found.person[places_left].tolist(), texts_left.to_pylist(), strict=True)) == left
    assert len(texts_left) == len(left)


def test_a_vaguer_value_votes_for_what_it_agrees_with():
    texts = ["1980", "1980", "1980-05-01", "1981-05-01", "1981-05-01", "last4:6789", "last4:6789", "123456789"]
    names = ["birth_date"] * 5 + ["national_id"] * 3
    rows = np.array([0, 1, 2, 3, 4, 0, 1, 2])
    own = Candidates(pa.array(names), rows, pa.array(texts), pa.array(texts))
    nobody = np.zeros(5, bool)
    voters = Voters(np.zeros(5, np.int64), np.arange(5), np.zeros(5, np.int64), nobody, nobody)

    found = elections([own], voters, dict.fromkeys(names, "majority"), "longest")

    assert found.value.to_pylist() == ["1980-05-01", "123456789"]


ENTRIES = st.lists(st.sampled_from(["latex", "Latex ", "nuts", "bees"]), min_size=1, max_size=3)
SETS = st.lists(st.tuples(st.integers(0, 2), ENTRIES), min_size=1, max_size=8)


@given(SETS, st.randoms(use_true_random=False))
def test_united_sets_hold_every_entry_of_every_member_once_in_any_order(found, random):
    random.shuffle(found)
    found.sort(key=lambda own: own[0])
    texts = pa.array([json.dumps(entries) for _, entries in found])
    extras = Candidates(pa.array(["allergies"] * len(found)), np.arange(len(found)), texts, texts)
    people = np.array([person for person, _ in found])

    kept, united = united_sets(extras, people, np.arange(len(found)), {}, "most_recent")

    assert len(kept.rows) == 0
    expected = {person: {item.strip().lower() for own, entries in found if own == person for item in entries}
                for person, _ in found}  # fmt: skip
    actual = {
        int(people[row]): json.loads(text) for row, text in zip(united.rows, united.texts.to_pylist(), strict=True)
    }
    assert {person: {item.lower() for item in entries} for person, entries in actual.items()} == expected
    assert all(len(entries) == len(expected[person]) for person, entries in actual.items())


def test_items_of_a_text_that_is_no_list_are_the_text_itself():
    assert items("nuts") == ["nuts"]
    assert items('["nuts", "lat') == ['["nuts", "lat']
    assert items('[{"code": 1}, null, " "]') == ['{"code": 1}']


def test_a_text_in_brackets_is_no_set():
    texts = pa.array(["[see chart]", "none"])
    written = Candidates(pa.array(["alerts"] * 2), np.arange(2), texts, texts)

    assert united_sets(written, np.zeros(2, np.int64), np.arange(2), {}, "most_recent") == [written]


def test_kept_values_are_those_that_look_like_a_standard():
    assert kept_values(["Unknown", "O'Neill"], ["oneill"]) == ["O'Neill"]
    assert kept_values(["Unknown", "Bob"], ["robert"]) == ["Unknown", "Bob"]
