"""Sketches of records and the bounds seen from them: no pair is ruled out that comparing would keep."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linkage_records import table_of

from siamese_er.config import BlockingSettings, ModelSettings
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.bounds import Reach, nicknames
from siamese_er.linkage.chunks import Group, chunk, opened
from siamese_er.linkage.compare import compare
from siamese_er.linkage.fellegi_sunter import pattern_weights, plausible_weights
from siamese_er.linkage.pairs import candidate_pairs, met_pairs
from siamese_er.linkage.sketches import bags_of, sketches
from siamese_er.linkage.tables import arrow_table
from siamese_er.linkage.values import value_column
from siamese_er.model import model_folder, pair_head

HEAD = pair_head(model_folder(ModelSettings()))
WEIGHTS = plausible_weights(HEAD.model_m, HEAD.model_u)
NAMES = [
    "Ann",
    "Anna",
    "A",
    "Robert",
    "Bob",
    "Rob",
    "Roberto",
    "Roberta",
    "Mary Ann",
    "Maryann",
    "José",
    "Li",
    "Baby Boy",
]
SURNAMES = ["Lee", "Li", "Garcia", "García Lopez", "Lopez", "O'Neil", "Oneill", "Robert", "Anna", "Smith", "Smyth"]
DATES = [
    "1980-03-12",
    "1980-12-03",
    "1981-03-12",
    "1980-03-13",
    "1980-01-01",
    "1979-12-31",
    "1980",
    "1980-03",
    "2000-13-01",
]
PHONES = ["212 555 0142", "212 555 0124", "646 555 0142", "2125550143", None]
IDS = ["078-05-1121", "078-05-1112", "1121", "666-05-1121", "000-00-0000", "523-44-9876"]
STREETS = [
    "12 Oak Street",
    "12 Oak St Apt 4",
    "21 Oak Street",
    "Oak Street",
    "12 Oka Street",
    "7 Élm Road",
    "PO Box 12",
]
MAILS = ["ann.lee@gmail.com", "annlee@gmail.com", "ann.lee@yahoo.com", "bob7@aol.com"]


def some(values):
    """A value, none, or two."""
    return st.one_of(st.none(), st.sampled_from(values), st.lists(st.sampled_from(values), min_size=2, max_size=2))


PERSON = st.fixed_dictionaries({
    "given_name": some(NAMES), "family_name": some(SURNAMES), "middle_name": some(NAMES), "birth_date": some(DATES),
    "former_family_name": some(SURNAMES), "sex": some(["m", "f"]), "national_id": some(IDS), "phone": some(PHONES[:-1]),
    "email": some(MAILS), "address_line": some(STREETS), "city": some(["Boston", "Bostno", "New York"]),
    "state": some(["NY", "MA"]), "postal_code": some(["02134", "02143", "10001"]), "mrn": some(["A1234567", "A1234568"]),
    "source": st.sampled_from(["s", "t"]), "name_suffix": some(["Jr", "Sr"]), "mother_maiden_name": some(SURNAMES),
})  # fmt: skip


def weights_and_reach(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The weight of every pair of records, and whether its sketches let it pass."""
    left, right = np.triu_indices(table.num_rows, 1)
    found = pattern_weights(compare(table, left, right, table.num_rows).levels, WEIGHTS)
    passes = np.zeros(len(left), bool)
    passes[Reach([sketches(table)], nicknames(value_column(table["given_names"])), WEIGHTS).rows(left, right)] = True
    return found, passes


@given(st.lists(PERSON, min_size=2, max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_pair_is_ruled_out_that_comparing_would_keep(people):
    table = table_of(*[{"record_id": str(i), **person} for i, person in enumerate(people)])

    weights, passes = weights_and_reach(table)

    assert not (~passes & (weights >= 0)).any()


def test_most_pairs_that_comparing_would_drop_are_ruled_out(made):
    records = made.records.assign(record_key=made.records["source"] + "\x1f" + made.records["record_id"])

    weights, passes = weights_and_reach(arrow_table(standard_batch(records, StandardRules())))

    assert not (~passes & (weights >= 0)).any()
    assert passes.mean() < 1.2 * (weights >= 0).mean()


def test_names_that_share_most_letters_do_not_pass_for_names_that_changed_places():
    table = table_of(
        {"given_name": "Karen", "family_name": "Stone", "birth_date": "1980-03-12", "state": "MA"},
        {"given_name": "Ernst", "family_name": "Onokib", "birth_date": "1980-07-25", "state": "MA"},
    )

    weights, passes = weights_and_reach(table)

    assert weights[0] < 0
    assert not passes[0]


@given(st.text("abcz 019é", max_size=12), st.text("abcz 019é", max_size=12), st.booleans())
def test_bags_share_at_least_the_letters_that_texts_have_in_common(first, second, is_code):
    bags, lengths, more, _ = bags_of(pa.array([first, second]), is_code)

    common = sum(min(first.count(letter), second.count(letter)) for letter in set(first))
    loose = 255 in lengths
    assert loose or common <= int(np.bitwise_count(bags[0] & bags[1])) + int(more.min())
    assert loose == ("é" in first + second)


@given(st.sets(st.tuples(st.integers(0, 11), st.integers(1, 6)), max_size=40), st.integers(1, 9), st.integers(1, 11))
def test_met_pairs_of_groups_are_the_candidate_pairs_of_the_table(members, at_once, cut):
    rows, keys = (np.array([m[i] for m in members], np.int64) for i in (0, 1))
    groups = []
    for own in (rows < cut, rows >= cut):
        order = np.argsort(keys[own], kind="stable")
        groups.append((keys[own][order], rows[own][order], keys[own][order]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("siamese_er.linkage.pairs.PAIRS_AT_ONCE", at_once)
        met = [
            pair
            for a, b in ((0, 0), (0, 1), (1, 1))
            for part in met_pairs(groups[a], groups[b], a == b)
            for pair in zip(part.left.tolist(), part.right.tolist(), part.masks.tolist(), strict=True)
        ]

    left, right, masks = candidate_pairs(rows, keys, keys.astype(np.int16), 12)
    assert sorted(met) == sorted(zip(left.tolist(), right.tolist(), masks.tolist(), strict=True))


def test_a_chunk_opened_again_holds_its_records_and_keys():
    table = table_of({"given_name": "Ann", "phone": "212 555 0142"}, {"given_name": "Bob"}, {})
    passes = BlockingSettings().passes
    made = chunk(table, passes, 3)

    back = opened(made.content, [np.ones(len(own.codes), np.int32).tobytes() for own in made.codes])

    assert back["given_names"].to_pylist() == table["given_names"].to_pylist()
    assert back["given_names_n"].to_pylist() == [[1], [1], []]
    assert np.array_equal(np.concatenate(Group(back, 120).sketches), sketches(table))
    assert len(Group(back, 120).held[0]) == 0
