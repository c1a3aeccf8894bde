"""Facts that a note states about its patient, and nothing about relatives, clinicians or scars."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.fields.note_facts import NoteFacts, birth_years, note_facts
from siamese_er.fields.note_own import (
    OwnFacts,
    clears,
    contradicts,
    name_relation,
    own_facts,
    read_facts,
    written_facts,
)
from siamese_er.fields.note_text import normal_form, statements, terms
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import DEMO_PROFILE

DAY = "2018-03-01"
AT_67 = ((1950, 1951),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("67-year-old man with gout.", NoteFacts(AT_67, ("m",)), id="age and noun"),
        pytest.param("HPI: the 67 y.o. woman presents", NoteFacts(AT_67, ("f",)), id="y.o."),
        pytest.param("67 y/o female with pain", NoteFacts(AT_67, ("f",)), id="y/o"),
        pytest.param("67yoF admitted", NoteFacts(AT_67, ("f",)), id="one word"),
        pytest.param("67M with chest pain", NoteFacts(AT_67, ("m",)), id="number and letter"),
        pytest.param("Lady aged 67 seen today", NoteFacts(AT_67, ("f",)), id="aged"),
        pytest.param("Age: 67", NoteFacts(AT_67), id="age on a line"),
        pytest.param("Patient is a 67 year-old non-hispanic white male.", NoteFacts(AT_67, ("m",)), id="words between"),
        pytest.param("3-month-old girl seen", NoteFacts(((2017, 2017),), ("f",)), id="months"),
        pytest.param("2-month-old boy", NoteFacts(((2017, 2018),), ("m",)), id="months across new year"),
        pytest.param("DOB: 03/04/1950", NoteFacts(((1950, 1950),)), id="birth date"),
        pytest.param("Date of birth: 4 March 1950", NoteFacts(((1950, 1950),)), id="birth date in words"),
        pytest.param("Sex: F", NoteFacts(sexes=("f",)), id="sex on a line"),
        pytest.param("Patient is a pleasant retired lady.", NoteFacts(sexes=("f",)), id="sex without an age"),
        pytest.param("Mr Alvarez came in.", NoteFacts(sexes=("m",), names=("|alvarez",)), id="title and surname"),
        pytest.param("Saw Ms. Mary Brown-Lee.", NoteFacts(sexes=("f",), names=("mary|brown lee",)), id="given name"),
        pytest.param("Mrs de la Cruz reports pain", NoteFacts(sexes=("f",), names=("|delacruz",)), id="particles"),
        pytest.param("Ann Lee is a pleasant 67-year-old woman", NoteFacts(AT_67, ("f",), ("ann|lee",)), id="introduced"),
        pytest.param("This Patient is a 67-year-old woman", NoteFacts(AT_67, ("f",)), id="introduced without a name"),
        pytest.param("Name: Smith, John A. MRN 123", NoteFacts(names=("john|smith",)), id="name line"),
        pytest.param("PATIENT: SMITH, JOHN  DOB: 1950-03-04", NoteFacts(((1950, 1950),), (), ("john|smith",)), id="capitals"),
        pytest.param("67-year-old woman, brought by her son, Mr Day", NoteFacts(AT_67, ("f",)), id="son behind her"),
    ],
)  # fmt: skip
def test_note_facts_of_the_patient(text, expected):
    assert note_facts(text, DAY) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("His mother, a 90-year-old woman, lives.", id="mother"),
        pytest.param("Family history: 45-year-old man with gout. He was 40 years old.", id="family history in a line"),
        pytest.param("# Family History\n70 year-old man with gout", id="family history as a section"),
        pytest.param("FAMILY HISTORY:\n- 70 year-old man with gout", id="family history as a list"),
        pytest.param("Patient has a 10-year-old girl.", id="a child of theirs"),
        pytest.param("Lives with a 45-year-old man.", id="somebody else"),
        pytest.param("Fell at 45 years of age.", id="age of an event"),
        pytest.param("Hurt as a 12-year-old.", id="age in the past"),
        pytest.param("Knee reconstruction when she was 14 years old.", id="age at an operation"),
        pytest.param("20-year-old injury of the knee.", id="an old injury"),
        pytest.param("5 days old wound", id="an old wound"),
        pytest.param("Temp 98F with chills", id="a temperature"),
        pytest.param("Dr Smith, MD, signed.", id="doctor"),
        pytest.param("Seen by Mr Jones.", id="surgeon"),
        pytest.param("Mr Jones, consultant, operated.", id="consultant"),
        pytest.param("Mrs Jones's husband called.", id="relative of somebody named"),
        pytest.param("Patient: Denies pain", id="no name"),
        pytest.param("Name: see above", id="no name on a name line"),
        pytest.param("Patient: Ann Lee was seen and sent home", id="a sentence, not a name"),
        pytest.param("134-year-old man with gout"[1:4] + " beats per minute", id="a number"),
    ],
)
def test_note_facts_ignore_what_is_not_the_patient_s(text):
    assert note_facts(text, DAY) == NoteFacts()


def test_an_age_without_a_date_says_nothing_and_a_birth_date_does():
    assert note_facts("67-year-old man. DOB: 1950-03-04", None) == NoteFacts(((1950, 1950),), ("m",))


def test_an_impossible_age_says_nothing():
    assert birth_years(150, "year", DAY) is None


def test_a_note_of_both_sexes_or_of_two_ages_states_neither():
    both = note_facts("40-year-old man with gout.\n67-year-old woman with gout.", DAY)

    assert both == NoteFacts()


def test_statements_leave_headings_out_and_keep_abbreviations_whole():
    text = (
        "# Plan\nASSESSMENT AND PLAN\nMeds:\n- Rest. See Dr. Day at 5 p.m. today.\n\nFamily history: gout. HPI: well."
    )

    assert [(s.text, s.is_of_family) for s in statements(text)] == [
        ("Rest.", False), ("See Dr. Day at 5 p.m.", False), ("today.", False),
        ("Family history: gout.", True), ("HPI: well.", False),
    ]  # fmt: skip


def test_terms_are_words_and_pairs_without_facts_numbers_and_names():
    found = terms([normal_form("Alvarez, a 67-year-old man, takes Metformin 500 mg.")], frozenset({"alvarez"}))

    assert found == {"takes", "metformin", "mg", "takes metformin", "metformin mg"}


@pytest.mark.parametrize(
    ("name", "given", "family", "is_man", "expected"),
    [
        pytest.param("|alvarez", ("ana",), ("alvarez",), False, 1, id="surname"),
        pytest.param("|alvares", ("ana",), ("alvarez",), True, 1, id="misspelt surname"),
        pytest.param("bob|kent", ("robert",), ("kent",), True, 1, id="nickname"),
        pytest.param("john|kent", ("peter",), ("kent",), True, 0, id="another member of the family"),
        pytest.param("ana|kent", ("ana",), ("day",), False, 0, id="a surname that changed"),
        pytest.param("|kent", ("ana",), ("day",), False, 0, id="a woman's surname alone"),
        pytest.param("|kent", ("john",), ("day",), True, -1, id="a man's surname"),
        pytest.param("peter|kent", ("ana",), ("day",), False, -1, id="both names"),
        pytest.param("|lopez", ("ana",), ("garcia", "lopez"), False, 1, id="one of two surnames"),
        pytest.param("|anna", ("anna",), ("day",), True, 0, id="given name behind the title"),
        pytest.param("|kent", (), (), True, 0, id="no name to compare with"),
    ],
)  # fmt: skip
def test_name_relation(name, given, family, is_man, expected):
    assert name_relation(name, given, family, is_man) == expected


@pytest.mark.parametrize(
    ("facts", "own", "expected"),
    [
        pytest.param(NoteFacts(AT_67), OwnFacts((1954,)), False, id="three years off"),
        pytest.param(NoteFacts(AT_67), OwnFacts((1955,)), True, id="four years off"),
        pytest.param(NoteFacts(AT_67), OwnFacts((1988, 1950)), False, id="one of two birth dates"),
        pytest.param(NoteFacts(AT_67), OwnFacts(), False, id="no birth date"),
        pytest.param(NoteFacts(sexes=("m",)), OwnFacts(sexes=("f",)), True, id="other sex"),
        pytest.param(NoteFacts(sexes=("m",)), OwnFacts(sexes=("o",)), False, id="sex is other"),
        pytest.param(NoteFacts(names=("peter|kent",)), OwnFacts(given=("ana",), family=("day",)), True, id="other name"),
        pytest.param(
            NoteFacts(names=("ana|day", "peter|kent")), OwnFacts(given=("ana",), family=("day",)), False, id="own name too"
        ),
    ],
)  # fmt: skip
def test_contradicts_the_note_s_own_record(facts, own, expected):
    assert contradicts(facts, own) is expected


def test_facts_of_simulated_notes_are_those_of_their_records():
    clean = {"clean_share": 1.0, "noise": {}, "missing": {}, "replaced": {}, "life": {}, "wrong_chart": 0.0}
    made = population(300, 2, replace(DEMO_PROFILE, notes_share=1.0, visits=2.0, **clean))
    raw = made.records.assign(record_key=made.records["source"] + made.records["record_id"])
    owns = dict(zip(raw["record_key"], own_facts(standard_batch(raw, StandardRules()), range(len(raw))), strict=True))

    found = [(note_facts(n.text, n.note_date), owns[n.source + n.record_id]) for n in made.notes.itertuples()]

    assert sum(contradicts(facts, own) for facts, own in found) <= 0.01 * len(found)
    assert sum(bool(facts.births) for facts, _ in found) > 0.3 * len(found)
    assert sum(bool(facts.names) for facts, _ in found) > 0.05 * len(found)


PERIODS = st.tuples(st.integers(1900, 2020), st.integers(0, 3)).map(lambda span: (span[0], sum(span)))
FACTS = st.builds(
    NoteFacts,
    st.lists(PERIODS, max_size=3).map(lambda found: tuple(sorted(set(found)))),
    st.sampled_from([(), ("f",), ("m",)]),
    st.lists(st.sampled_from(["ann|lee", "|de la cruz", "jo ann|day"]), unique=True).map(lambda n: tuple(sorted(n))),
)


@given(FACTS)
def test_facts_written_down_are_read_back(facts):
    assert read_facts(written_facts([facts])) == facts


@pytest.mark.parametrize(
    ("facts", "own", "other", "expected"),
    [
        pytest.param(NoteFacts(AT_67), OwnFacts((1905,)), OwnFacts((1950,)), True, id="the record's year is wrong"),
        pytest.param(NoteFacts(AT_67), OwnFacts((1990,)), OwnFacts((1990,)), False, id="the note is of a third person"),
        pytest.param(NoteFacts(AT_67), OwnFacts((1990,)), OwnFacts(), False, id="the other says nothing"),
        pytest.param(NoteFacts(AT_67), OwnFacts((1990,)), OwnFacts((1953,)), False, id="the other is two years off"),
        pytest.param(
            NoteFacts(AT_67, ("m",)), OwnFacts((1905,), ("m",)), OwnFacts((1950,), ("f",)), False, id="one of two facts",
        ),
        pytest.param(
            NoteFacts(AT_67, ("m",)), OwnFacts((1950,), ("f",)), OwnFacts((), ("m",)), True, id="the record's sex is wrong",
        ),
    ],
)  # fmt: skip
def test_a_note_against_its_record_is_cleared_by_a_record_it_fits(facts, own, other, expected):
    assert clears(facts, own, other) is expected
