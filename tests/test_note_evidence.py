"""Notes of a table as evidence of pairs: boilerplate out, terms by rarity, signs of facts, a capped weight."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linkage_records import table_of

from siamese_er.fields.note_own import OwnFacts
from siamese_er.fields.note_tables import (
    TERM_WIDTH,
    Note,
    NoteTable,
    boilerplate_threshold,
    note_evidence,
    note_table,
    term_vector,
)
from siamese_er.linkage import cosines as comparing
from siamese_er.linkage.compare import PAIR_FACTS, compare
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.cosines import COSINES
from siamese_er.linkage.explain import evidence_arrays
from siamese_er.linkage.features import feature_names, features, table_shape
from siamese_er.linkage.fellegi_sunter import WIDEST, TableFit
from siamese_er.linkage.note_cap import capped, has_note_evidence, without_notes
from siamese_er.linkage.note_pairs import NOTE_FACTS
from siamese_er.linkage.note_support import MOST_BITS, note_support
from siamese_er.linkage.vetoes import veto_lists, vetoes
from siamese_er.neural.head import Calibration, PairHead, Scorer
from siamese_er.noted import noted_weights
from siamese_er.simulation import EMBEDDED_TYPES

EXAM = "Lungs clear to auscultation, heart sounds normal."
DAY = "2018-03-01"


def table_of_notes(*texts: str, least: int = 3) -> NoteTable:
    return note_table([[Note(DAY, text)] for text in texts], least, 0.01)


def cosine_of(first: str, second: str, table: NoteTable) -> float:
    """Cosine of the terms of two records with one note each; nan where a side has none."""
    cells = [note_evidence([Note(DAY, text)], OwnFacts(), table).terms for text in (first, second)]
    if None in cells:
        return float("nan")
    terms = comparing.Vectors.of(np.stack([np.frombuffer(cell, np.int8) for cell in cells]))
    return float(comparing.cosine(terms, terms, np.array([0]), np.array([1]))[0])


def test_sentences_of_many_records_are_boilerplate_and_others_stay():
    words = ("gout", "mumps", "tetany", "rabies")
    table = table_of_notes(*(f"{EXAM} Seen on day {n}. {word}." for n, word in enumerate(words)))

    kept = note_evidence([Note(DAY, f"{EXAM} Seen on day 9. Gout.")], OwnFacts(), table)

    assert kept.texts == ["Gout."]
    assert cosine_of(f"{EXAM} Gout.", f"{EXAM} Rabies.", table) < 0.5


def test_two_templates_and_nothing_else_are_no_evidence():
    table = table_of_notes(*[EXAM] * 4)

    found = note_evidence([Note(DAY, EXAM)], OwnFacts(), table)

    assert (found.texts, found.terms, found.births, found.is_wrong_chart) == ([], None, None, False)


def test_a_sentence_often_repeated_in_one_record_is_not_boilerplate():
    table = note_table([[Note(DAY, "Beekeeper with gout.")] * 30, [Note(DAY, "Well.")]], 3, 0.01)

    assert table.kept("Beekeeper with gout.") == ["Beekeeper with gout."]


def test_a_small_table_loses_nothing_to_the_share():
    assert boilerplate_threshold(30, 20, 0.01) == 20
    assert boilerplate_threshold(10_000, 20, 0.01) == 100


def test_rare_terms_weigh_more_than_common_ones():
    rare = "beekeeper, splenectomy after malaria"
    fillers = [f"cough, fever, headache {word}" for word in ("gout", "mumps", "tetany", "rabies", "scurvy", "rickets")]
    table = table_of_notes(f"{rare} cough", f"{rare} fever", *fillers * 4, least=99)

    assert cosine_of(f"{rare} cough", f"{rare} fever", table) > 0.7
    assert cosine_of("cough, fever, headache gout", f"{rare} cough fever", table) < 0.4


def test_family_history_gives_no_terms():
    table = table_of_notes("x", "y")

    assert note_evidence([Note(DAY, "Family history: sickle cell disease.")], OwnFacts(), table).terms is None


def test_a_note_about_somebody_else_gives_nothing_and_is_told():
    own = OwnFacts((1990,), ("f",), ("ana",), ("day",))
    about_her = Note(DAY, "27-year-old woman with gout.")
    wrong = Note(DAY, "67-year-old man after amputation.")
    table = table_of_notes("x", "y")

    found = note_evidence([about_her, wrong], own, table)

    assert found.is_wrong_chart
    assert found == dataclasses.replace(note_evidence([about_her], own, table), chart_facts=["born 1950:1951", "sex m"])
    assert found.births == ["1990:1991"]


@given(st.permutations(["gout", "mumps", "tetany", "rabies", "gout mumps", "scurvy"]))
def test_term_vectors_do_not_depend_on_order(words):
    table = table_of_notes("gout. mumps.", "gout. rabies.", "tetany.")
    vector = term_vector(set(words), table)

    assert vector == term_vector(set(sorted(words)), table)
    assert len(vector) == TERM_WIDTH
    assert np.abs(np.frombuffer(vector, np.int8)).max() == 127


NO_NOTES = {"note_births": None, "note_sexes": None, "note_names": None, "note_terms": None}


def noted(*records: tuple[dict, dict]) -> pa.Table:
    """Standardised records with columns of notes."""
    table = table_of(*(record for record, _ in records))
    for name, kind in EMBEDDED_TYPES.items():
        table = table.append_column(name, pa.array([notes.get(name) for _, notes in records], kind))
    return table


def pair_of(first, second, swap=False):
    left, right = (np.array([1]), np.array([0])) if swap else (np.array([0]), np.array([1]))
    return compare(noted(first, second), left, right, 1000)


def signs(first, second):
    """birth, sex and name of a pair; the same for the exchanged pair."""
    found = [
        pair_of(first, second, swap).facts[0, [PAIR_FACTS.index(name) for name in NOTE_FACTS]].tolist()
        for swap in (False, True)
    ]
    assert found[0] == found[1]
    return tuple(found[0])


ANA = {"given_name": "Ana", "family_name": "Day", "birth_date": "1990-05-06", "sex": "F"}
TOM = {"given_name": "Tom", "family_name": "Kent", "birth_date": "1950-05-06", "sex": "M"}
OF_ANA = {"note_births": ["1990:1991"], "note_sexes": ["f"], "note_names": ["ana|day"]}
OF_TOM = {"note_births": ["1950:1951"], "note_sexes": ["m"], "note_names": ["|kent"]}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param((ANA, {}), (ANA, {}), (0, 0, 0), id="no notes"),
        pytest.param((ANA, OF_ANA), (ANA, {}), (1, 1, 1), id="notes of one side fit the other"),
        pytest.param((ANA, OF_ANA), (TOM, {}), (-1, -1, -1), id="notes of one side are of another person"),
        pytest.param(({}, OF_ANA), ({}, OF_TOM), (-1, -1, -1), id="notes against notes"),
        pytest.param(({}, OF_ANA), ({}, OF_ANA), (1, 1, 1), id="notes with notes"),
        pytest.param((ANA, OF_ANA), ({}, {}), (0, 0, 0), id="nothing to compare with"),
        pytest.param(({}, {"note_births": ["1992:1993"]}), (ANA, {}), (0, 0, 0), id="two years off is neither"),
        pytest.param(({}, {"note_births": ["1991:1992"]}), (ANA, {}), (1, 0, 0), id="one year off agrees"),
        pytest.param(({}, {"note_births": ["1993:1994"]}), (ANA, {}), (0, 0, 0), id="three years off is neither"),
        pytest.param(({}, {"note_births": ["1994:1995"]}), (ANA, {}), (-1, 0, 0), id="four years off contradicts"),
        pytest.param(({}, {"note_births": ["1950:1951", "1990:1991"]}), (ANA, {}), (0, 0, 0), id="notes at odds"),
        pytest.param(({}, {"note_sexes": ["f", "m"]}), (ANA, {}), (0, 0, 0), id="both sexes"),
        pytest.param((ANA | {"family_name": "Kent"}, {}), (ANA, OF_ANA), (1, 1, 0), id="a married name"),
        pytest.param(({"birth_date": "--05-06"}, {}), (ANA, OF_ANA), (0, 0, 0), id="a date without a year"),
    ],
)  # fmt: skip
def test_note_facts_of_a_pair(first, second, expected):
    assert signs(first, second) == expected


def fit_of() -> TableFit:
    m, u = np.ones((len(COMPARISONS), WIDEST)), np.full((len(COMPARISONS), WIDEST), 0.01)
    return TableFit(m, u, np.ones(len(COMPARISONS)), 1e-4, 1000, 1000, True, 3)


SHAPE = table_shape(np.zeros((0, len(COMPARISONS)), np.int8), np.zeros(0), fit_of())


@pytest.mark.parametrize(
    ("notes", "is_held"),
    [
        pytest.param(OF_TOM, True, id="a man of 67 and a woman of 27"),
        pytest.param({"note_births": ["1950:1951"]}, True, id="age alone"),
        pytest.param({"note_sexes": ["m"]}, False, id="sex alone"),
        pytest.param({"note_sexes": ["m"], "note_names": ["tom|kent"]}, True, id="sex and name"),
        pytest.param(OF_ANA, False, id="notes that fit"),
    ],
)
def test_note_contradiction_holds_a_pair_back(notes, is_held):
    compared = pair_of((ANA, {}), (ANA | {"sex": None, "birth_date": None}, notes))

    held = veto_lists(vetoes(compared, fit_of(), SHAPE)).to_pylist()[0]

    assert ("note_contradiction" in held) is is_held


def test_a_note_that_knows_one_of_two_birth_dates_one_error_apart_holds_nothing_back():
    compared = pair_of((ANA, OF_ANA), (ANA | {"birth_date": "1980-05-06"}, {}))

    assert compared.facts[0, PAIR_FACTS.index("note_birth")] == -1
    assert "note_contradiction" not in veto_lists(vetoes(compared, fit_of(), SHAPE)).to_pylist()[0]


OF_ANOTHER = {"chart_facts": ["born 1950:1951", "sex m"], "wrong_chart": True}
AT_HOME = {"address_line": "12 Oak St", "phone": "617-555-0123"}


def held(first, second):
    """The vetoes of a pair; the same for the exchanged pair."""
    found = [
        set(veto_lists(vetoes(pair_of(first, second, swap), fit_of(), SHAPE)).to_pylist()[0]) for swap in (False, True)
    ]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("first", "second", "is_held"),
    [
        pytest.param((ANA, OF_ANOTHER), (ANA, {}), True, id="a note of another person"),
        pytest.param((ANA, OF_ANOTHER), (ANA, OF_ANOTHER), True, id="on both sides"),
        pytest.param((ANA, {}), (ANA, {}), False, id="no such note"),
        pytest.param((ANA | {"national_id": "219-45-0049"}, OF_ANOTHER), (ANA | {"national_id": "219-45-0049"}, {}), False,
                     id="the identifiers agree"),
        pytest.param((ANA | {"sex": "M"}, {"chart_facts": ["sex f"]}), (ANA, {}), False, id="the record's sex is wrong"),
    ],
)  # fmt: skip
def test_a_note_of_another_person_holds_links_of_its_record_back(first, second, is_held):
    assert ("wrong_chart" in held(first, second)) is is_held


def test_a_note_tells_which_of_two_sexes_is_an_error():
    man = ANA | {"sex": "M"}

    assert "sex_differs" in held((man, {}), (ANA, {}))
    assert "sex_differs" not in held((man, {"chart_facts": ["sex f"]}), (ANA, {}))
    assert "sex_differs" in held((man, {"chart_facts": ["born 1950:1951", "sex f"]}), (ANA, {}))


ALIKE = {"note_terms": bytes([5] * TERM_WIDTH)}
UNLIKE = {"note_terms": bytes([5, 251] * (TERM_WIDTH // 2))}


@pytest.mark.parametrize(
    ("mine", "other", "is_held"),
    [
        pytest.param({}, {}, True, id="no notes"),
        pytest.param(ALIKE, ALIKE, False, id="notes of one history"),
        pytest.param(ALIKE, UNLIKE, True, id="notes of two histories"),
        pytest.param(ALIKE | OF_ANA, ALIKE | OF_TOM, True, id="one history, another age"),
    ],
)
def test_notes_tell_a_typing_error_from_somebody_else_of_the_home(mine, other, is_held):
    pair = (ANA | AT_HOME, mine), (ANA | AT_HOME | {"birth_date": "1990-05-07"}, other)

    assert ("birth_date_in_doubt" in held(*pair)) is is_held


def test_alike_notes_stand_for_a_missing_birth_date_unless_given_names_differ():
    undated = {"family_name": "Day", "birth_date": None}
    notes = ALIKE | {"note_births": ["1990:1991"]}

    assert "no_name_or_birth_date" in held((ANA, {}), (undated, {}))
    assert "no_name_or_birth_date" not in held((ANA, ALIKE), (undated, notes))
    assert "no_name_or_birth_date" in held((ANA, ALIKE), (undated | {"given_name": "Zoe"}, notes))


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=2), st.sampled_from([{}, OF_ANA, OF_TOM]))
def test_what_notes_support_is_bounded_and_nothing_against_them(level, stated):
    mine = bytes(value % 256 for value in [*level, 5] + [0] * (TERM_WIDTH - 3))
    compared = pair_of((ANA, ALIKE | stated), ({}, {"note_terms": mine}))

    bits = note_support(compared)[0]

    assert 0 <= bits <= MOST_BITS
    assert note_support(without_notes(compared))[0] == 0


def test_features_have_a_column_for_each_sign():
    compared = pair_of((ANA, OF_ANA), (TOM, {}))
    row = dict(zip(feature_names(), features(compared, fit_of(), SHAPE)[0].tolist(), strict=True))

    assert [row[f"{name}_contradicts"] for name in NOTE_FACTS] == [1, 1, 1]
    assert [row[f"{name}_agrees"] for name in NOTE_FACTS] == [0, 0, 0]
    assert {"cosine_note_terms", "has_cosine_note_terms"} <= set(row)


def scorer_of(weight: float) -> Scorer:
    """A round that says 0 and adds a weight for notes that agree on the birth year."""
    network = PairHead(len(feature_names()), width=4).double().eval()
    for parameter in network.parameters():
        parameter.data.zero_()
    network.skip.weight.data[0, feature_names().index("note_birth_agrees")] = weight
    knots = (-40.0, 40.0)
    return Scorer((network,), Calibration(knots, knots))


@pytest.mark.parametrize(
    ("weight", "most", "expected"),
    [
        pytest.param(1.0, 6.0, 1 / np.log(2), id="below the cap"),
        pytest.param(20.0, 6.0, 6.0, id="raised to the cap"),
        pytest.param(-20.0, 6.0, -6.0, id="lowered to the cap"),
        pytest.param(20.0, 0.0, 0.0, id="notes switched off"),
    ],
)
def test_notes_move_a_match_weight_within_the_cap_and_the_evidence_sums_up(weight, most, expected):
    table = noted((ANA, OF_ANA), (ANA, {}), (ANA, {}))
    compared = compare(table, np.array([0, 1]), np.array([1, 2]), 1000)

    found = noted_weights(scorer_of(weight), compared, fit_of(), SHAPE, most)
    weights, from_notes = found.weights, found.from_notes()

    assert weights == pytest.approx([expected, 0.0], abs=1e-4)
    assert from_notes[0] == pytest.approx(expected, abs=1e-4)
    assert np.isnan(from_notes[1])
    evidence = evidence_arrays(compared, fit_of(), weights, from_notes).to_pylist()
    assert [sum(part["weight"] for part in pair) for pair in evidence] == pytest.approx(weights.tolist())
    assert [[part["weight"] for part in pair if part["field"] == "notes"] for pair in evidence] == [[from_notes[0]], []]
    assert [pair[-1]["field"] for pair in evidence] == ["context", "context"]


def test_without_notes_a_pair_is_as_if_nobody_had_any():
    bare = pair_of((ANA, {}), (ANA, {}))
    rich = pair_of(
        (ANA, OF_ANA | {"note_terms": bytes([5] * TERM_WIDTH)}), (ANA, {"note_terms": bytes([5] * TERM_WIDTH)})
    )

    assert has_note_evidence(rich).all()
    assert not has_note_evidence(bare).any()
    assert rich.cosines[0, COSINES.index("cosine_note_terms")] == 1
    masked = without_notes(rich)
    assert np.array_equal(masked.facts, bare.facts)
    assert np.array_equal(masked.cosines, bare.cosines, equal_nan=True)


@given(st.floats(-16, 16), st.floats(-16, 16), st.floats(0, 8))
def test_the_cap_is_a_law(with_notes, without, most):
    weights, moved = capped(np.array([with_notes]), np.array([without]), most)

    assert abs(weights[0] - without) <= most + 1e-4
    assert moved[0] == pytest.approx(weights[0] - without, abs=1e-4)
    assert min(with_notes, without) - 1e-4 <= weights[0] <= max(with_notes, without) + 1e-4
