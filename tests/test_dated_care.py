"""Vetoes by the dates of notes: care after a death, and inpatient care in two places on the same days."""

import itertools

import pytest

from siamese_er.dated_care import dated_care, with_care_vetoes
from siamese_er.linkage.care import CARE_VETOES, LEAST_PAIRS_OF_FEEDS
from siamese_er.schemas import NOTES, SCORES, STANDARDISED

AFTER_DEATH, TWO_PLACES = CARE_VETOES
STAY = [("2023-02-10", "Inpatient note", "day one"), ("2023-02-11", "Inpatient note", "day two")]


def retold(stay, prefix="elsewhere, "):
    """The same days in other words."""
    return [(day, kind, prefix + text) for day, kind, text in stay]


def found(spark, pairs, deaths=(), notes=(), least=0.2, vetoes=()):
    """The vetoes of each pair of (left, right, probability); deaths and notes by record key."""
    deaths, notes = dict(deaths), dict(notes)
    keys = sorted({key for left, right, _ in pairs for key in (left, right)})
    standardised = spark.createDataFrame(
        [tuple({"record_key": key, "death_dates": deaths.get(key, [])}.get(name) for name in STANDARDISED.names)
         for key in keys], STANDARDISED,
    )  # fmt: skip
    rows = [(key, f"{key}{n}", *note) for key, own in notes.items() for n, note in enumerate(own)]
    scores = spark.createDataFrame([(a, b, p, 1.0, list(vetoes), [], []) for a, b, p in pairs], SCORES)
    care = dated_care(standardised, spark.createDataFrame(rows, NOTES))
    return {(row.left_key, row.right_key): row.vetoes for row in with_care_vetoes(scores, care, least).collect()}


def veto_of(spark, **given):
    """The vetoes of one likely pair of two sources."""
    ((_, vetoes),) = found(spark, [("a\x1f1", "b\x1f2", 0.99)], **given).items()
    return vetoes


@pytest.mark.parametrize(
    ("died", "seen", "kind", "expected"),
    [
        pytest.param("2019-03-01", "2021-08-15", "progress note", True, id="seen years after"),
        pytest.param("2019-03-01", "2019-03-20T10:00:00", "progress note", False, id="within the days of grace"),
        pytest.param("2019-03-01", "2019-02-28", "progress note", False, id="seen before"),
        pytest.param("2019-03-01", "2021-08-15", "Autopsy report", False, id="nobody need be alive for it"),
        pytest.param("2019", "2019-12-30", "progress note", False, id="year of death alone, seen in that year"),
        pytest.param("2019", "2020-06-01", "progress note", True, id="year of death alone, seen the year after"),
        pytest.param("2019-03", "2019-04-20", "progress note", False, id="month of death alone"),
        pytest.param("--03-01", "2021-08-15", "progress note", False, id="a death without a year"),
        pytest.param("2019-03-01", "2021-02-30", "progress note", False, id="no such day"),
        pytest.param("2019-03-01", "15 August 2021", "progress note", False, id="a date in words is not read"),
        pytest.param("2019-03-01", "2021-08-15", None, True, id="note without a type"),
    ],
)
def test_care_after_the_death_of_the_other_record(spark, died, seen, kind, expected):
    note = [(seen, kind, "seen in person")]

    for dead, noted in (("a\x1f1", "b\x1f2"), ("b\x1f2", "a\x1f1")):
        assert veto_of(spark, deaths={dead: [died]}, notes={noted: note}) == ([AFTER_DEATH] if expected else [])


def test_a_death_that_both_records_know_tells_nothing_of_two_people(spark):
    deaths = {"a\x1f1": ["2019-03-01"], "b\x1f2": ["2019-03-01"]}

    assert veto_of(spark, deaths=deaths, notes={"b\x1f2": [("2021-08-15", "progress note", "x")]}) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(STAY, retold(STAY), True, id="two stays on the same days"),
        pytest.param(STAY, STAY, False, id="one stay, its notes copied"),
        pytest.param(STAY, retold(STAY[1:]), False, id="one day: a transfer"),
        pytest.param(STAY, [("2023-03-10", "Inpatient note", "a"), ("2023-03-11", "Inpatient note", "b")], False,
                     id="stays a month apart"),
        pytest.param(STAY, [(day, "progress note", text + "!") for day, _, text in STAY], False, id="seen as an outpatient"),
    ],
)  # fmt: skip
def test_inpatient_notes_of_the_same_days_at_two_sources(spark, first, second, expected):
    found_vetoes = veto_of(spark, notes={"a\x1f1": first, "b\x1f2": second})

    assert found_vetoes == ([TWO_PLACES] if expected else [])


def test_the_same_days_inside_one_source_are_one_place(spark):
    notes = {"a\x1f1": STAY, "a\x1f2": retold(STAY)}

    assert found(spark, [("a\x1f1", "a\x1f2", 0.99)], notes=notes) == {("a\x1f1", "a\x1f2"): []}


def test_sources_that_write_of_the_same_stays_as_a_rule_are_one_site(spark):
    many = [(f"a\x1f{n}", f"b\x1f{n}", 0.99) for n in range(LEAST_PAIRS_OF_FEEDS)]
    notes = {"c\x1f1": retold(STAY, "at a third site, ")}
    for left, right, _ in many:
        notes |= {left: STAY, right: retold(STAY)}
    other = ("a\x1f0", "c\x1f1", 0.99)

    vetoes = found(spark, [*many, other], notes=notes)
    fewer = found(spark, many[:-1], notes=notes)

    assert vetoes.pop(other[:2]) == [TWO_PLACES]
    assert set(map(tuple, vetoes.values())) == {()}
    assert set(map(tuple, fewer.values())) == {(TWO_PLACES,)}


def test_other_vetoes_stay_and_unlikely_pairs_are_left_alone(spark):
    deaths, notes = {"a\x1f1": ["2019-03-01"]}, {key: [("2021-08-15", None, "x")] for key in ("b\x1f2", "b\x1f3")}
    pairs = [("a\x1f1", "b\x1f2", 0.99), ("a\x1f1", "b\x1f3", 0.1)]

    vetoes = found(spark, pairs, deaths, notes, vetoes=("sex_differs",))

    assert [vetoes[pair[:2]] for pair in pairs] == [["sex_differs", AFTER_DEATH], ["sex_differs"]]


def test_order_of_notes_changes_nothing(spark):
    notes = [*STAY, ("2023-05-01", "progress note", "seen")]
    given = [
        veto_of(spark, deaths={"a\x1f1": ["2022-01-01"]}, notes={"a\x1f1": STAY, "b\x1f2": retold(list(order))})
        for order in itertools.islice(itertools.permutations(notes), 3)
    ]

    assert given == [[AFTER_DEATH, TWO_PLACES]] * 3
