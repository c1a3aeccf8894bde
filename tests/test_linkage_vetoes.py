import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from linkage_records import table_of

from siamese_er.linkage.compare import compare
from siamese_er.linkage.comparisons import COMPARISONS, INDEX
from siamese_er.linkage.context import PAIR_CONTEXT
from siamese_er.linkage.explain import evidence_arrays, pass_lists
from siamese_er.linkage.features import feature_names, features, table_shape
from siamese_er.linkage.fellegi_sunter import WIDEST, TableFit
from siamese_er.linkage.vetoes import VETOES, shows_households, veto_lists, vetoes

HOME = {"address_line": "12 Oak St", "phone": "617-555-0123", "family_name": "Ruiz"}


def fit_of(n_records: int = 1000) -> TableFit:
    """A table in which every agreement is rare among strangers and common among matches."""
    m, u = np.ones((len(COMPARISONS), WIDEST)), np.ones((len(COMPARISONS), WIDEST))
    for row, comparison in enumerate(COMPARISONS):
        width = len(comparison.labels) - 1
        m[row, 1 : width + 1], u[row, 1 : width + 1] = 0.2 / width, 0.001
        m[row, width], u[row, 1] = 0.8, 0.98
    return TableFit(m, u, np.ones(len(COMPARISONS)), 1e-4, n_records, 1000, True, 3)


def shape_of(household_share: float):
    """The shape of a table with that share of different given names among pairs with one home."""
    shape = table_shape(np.zeros((0, len(COMPARISONS)), np.int8), np.zeros(0), fit_of())
    return dataclasses.replace(shape, table_same_home_other_given=household_share)


def names_of(first, second, household_share=0.5):
    """The vetoes of a pair in a table with households."""
    compared = compare(table_of(first, second), np.array([0]), np.array([1]), 1000)
    return set(veto_lists(vetoes(compared, fit_of(), shape_of(household_share))).to_pylist()[0])


TWINS = (
    {**HOME, "given_name": "Ava", "birth_date": "2015-05-06"},
    {**HOME, "given_name": "Ella", "birth_date": "2015-05-06"},
)
FATHER_AND_SON = (
    {**HOME, "given_name": "John", "birth_date": "1955-02-03"}, {**HOME, "given_name": "John", "birth_date": "1980-09-08"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(*TWINS, {"twins_pattern"}, id="twins"),
        pytest.param(
            {**TWINS[0], "birth_date": "2015"}, TWINS[1], {"twins_pattern"}, id="twins, of one no more than the year is known"
        ),
        pytest.param(
            *({**twin, "birth_date": "2015-05", "national_id": "219-45-0049"} for twin in TWINS),
            {"guarantor_pattern"}, id="twins by year and month, one number on both",
        ),
        pytest.param(
            {**TWINS[0], "birth_date": "2015"}, {**TWINS[1], "given_name": "Avah", "birth_date": "2015"},
            set(), id="one name mistyped, the year alone is known",
        ),
        pytest.param(*FATHER_AND_SON, {"generation_gap"}, id="father and son of one name"),
        pytest.param(
            {**FATHER_AND_SON[0], "name_suffix": "Sr"}, {**FATHER_AND_SON[1], "name_suffix": "Jr"},
            {"generation_gap", "suffix_conflict"}, id="senior and junior",
        ),
        pytest.param(
            {**HOME, "given_name": "Baby Boy A", "birth_date": "2024-05-06"},
            {**HOME, "given_name": "Baby Boy B", "birth_date": "2024-05-06"}, {"birth_order_conflict"}, id="newborn twins",
        ),
        pytest.param(
            {**HOME, "given_name": "Robert", "sex": "M", "birth_date": "2015-05-06"},
            {**HOME, "given_name": "Roberta", "sex": "F", "birth_date": "2015-05-06"},
            {"near_given_name_in_household"}, id="twins of near names",
        ),
        pytest.param(
            {**HOME, "given_name": "John"}, {**HOME, "given_name": "Joni"},
            {"near_given_name_in_household"}, id="near names of one home, no birth dates",
        ),
        pytest.param({**HOME, "given_name": "John"}, {**HOME, "given_name": "Jhon"}, set(), id="a name mistyped, one home"),
        pytest.param(
            {"given_name": "Bo", "national_id": "219-45-0049", "birth_date": "1955-02-03"},
            {"given_name": "Sue", "national_id": "219-45-0049", "birth_date": "1990-09-08"},
            {"same_id_other_person", "thin_evidence"}, id="the guarantor's id",
        ),
        pytest.param(
            {**HOME, "given_name": "Andrew", "family_name": "Ringer", "birth_date": "1981-05-12"},
            {**HOME, "given_name": "Robert", "family_name": "Dozier", "birth_date": "1981-05-12"},
            {"name_changed"}, id="two people of one home and birth date, no name in common",
        ),
        pytest.param(
            {"given_name": "Sandra", "family_name": "Warde", "birth_date": "2023-12-24", "postal_code": "70618"},
            {"given_name": "Sara", "family_name": "Warde", "birth_date": "2023-12-24", "postal_code": "70618"},
            {"near_given_name_in_household"}, id="twins of near names, the address of one is not known",
        ),
        pytest.param(
            {**HOME, "given_name": "Ana", "middle_name": "Luz", "birth_date": "2017-05-01"},
            {**HOME, "given_name": "Ana", "middle_name": "L", "birth_date": "2018-05-01"},
            set(), id="a mistyped year, all names agree",
        ),
        pytest.param(
            {**HOME, "given_name": "Ana", "birth_date": "2017-05-01"},
            {**HOME, "given_name": "Ana", "middle_name": "M", "birth_date": "2018-05-01"},
            {"birth_date_in_doubt"}, id="a mistyped year or a sibling",
        ),
        pytest.param(
            {**HOME, "given_name": "John", "middle_name": "R", "birth_date": "1955-02-03"},
            {**HOME, "given_name": "John", "middle_name": "R", "birth_date": "1985-02-03"},
            {"birth_date_in_doubt"}, id="father and son of one name, dates one digit apart",
        ),
        pytest.param({**HOME, "given_name": "Ann", "birth_date": "1980-03-04"},
                     {**HOME, "given_name": "Ann", "birth_date": "1980-03-04"}, set(), id="one person"),
        pytest.param(
            {**HOME, "given_name": "Edward", "birth_date": "2004-04-03"}, {**HOME, "birth_date": "2004-09-17"},
            {"no_name_or_birth_date"}, id="no given name, another birth date",
        ),
        pytest.param(
            {**HOME, "given_name": "Edward", "birth_date": "2004-04-03", "email": "ed1@x.org"},
            {**HOME, "birth_date": "2004-09-17", "email": "ed1@x.org"}, set(), id="no given name, one e-mail address",
        ),
        pytest.param(
            {**HOME, "given_name": "Maria", "sex": "F", "birth_date": "2004-04-03"},
            {**HOME, "sex": "M", "birth_date": "2004-04-03"}, {"sex_differs"}, id="no given name, another sex",
        ),
        pytest.param(
            {**HOME, "given_name": "Maria", "birth_date": "2004-04-03"},
            {**HOME, "birth_date": "2004-04-03", "phone": "617-555-0788"},
            {"no_name_or_birth_date"}, id="no given name, another phone",
        ),
        pytest.param(
            {"given_name": "Maria", "family_name": "Ruiz", "birth_date": "2004-04-03", "city": "Avon"},
            {"family_name": "Ruiz", "birth_date": "2004-04-03", "city": "Avon"},
            {"no_name_or_birth_date"}, id="no given name, a surname and a birth date alone",
        ),
        pytest.param(
            {"given_name": "Maria", "middle_name": "Luz", "family_name": "Ruiz", "birth_date": "2004-04-03"},
            {"middle_name": "Luz", "family_name": "Ruiz", "birth_date": "2004-04-03"},
            set(), id="no given name, one middle name",
        ),
        pytest.param(
            {**HOME, "given_name": "Maria", "birth_date": "2004-04-03"}, {**HOME, "birth_date": "2004-04-03"}, set(),
            id="no given name, all else equal",
        ),
        pytest.param(
            {**HOME, "given_name": "Youngmo", "middle_name": "Eunyoung", "birth_date": "1999-09-15"},
            {**HOME, "given_name": "Eunyoung", "birth_date": "1999-09-15", "phone": "617-555-0788"},
            {"name_changed"}, id="a given name that is the other's middle name, another phone",
        ),
        pytest.param(
            {**HOME, "given_name": "Youngmo", "middle_name": "Eunyoung", "birth_date": "1999-09-15"},
            {**HOME, "given_name": "Eunyoung", "middle_name": "Y", "birth_date": "1999-09-15", "phone": "617-555-0788"},
            set(), id="given and middle name changed places, another phone",
        ),
        pytest.param(
            {**HOME, "given_name": "Youngmo", "middle_name": "Eunyoung", "birth_date": "1999-09-15"},
            {**HOME, "given_name": "Eunyoung", "birth_date": "1999-09-15"},
            set(), id="called by the middle name, one home and phone",
        ),
        pytest.param(
            {"given_name": "Youngmo", "middle_name": "Eunyoung", "family_name": "Ruiz", "birth_date": "1999-09-15"},
            {"given_name": "Eunyoung", "family_name": "Ruiz", "birth_date": "1999-09-15"},
            {"name_changed"}, id="called by the middle name, no home known",
        ),
        pytest.param(
            {**HOME, "given_name": "Carolina", "middle_name": "Maria"},
            {**HOME, "given_name": "Maria", "birth_date": "1951-01-12"},
            {"name_changed"}, id="a given name that is the other's middle name, no birth date",
        ),
        pytest.param(
            {"given_name": "Mary", "family_name": "Smedley", "birth_date": "1959-01-31", "email": "mary1959_26@x.org"},
            {"given_name": "Mary", "family_name": "Heskett", "birth_date": "1959-01-31", "email": "mary1959_7@x.org"},
            {"name_changed"}, id="another surname, a near e-mail address",
        ),
        pytest.param(
            {"given_name": "Mary", "family_name": "Smedley", "birth_date": "1959-01-31", "email": "mary1959_26@x.org"},
            {"given_name": "Mary", "family_name": "Heskett", "birth_date": "1959-01-31", "email": "mary1959_26@x.org"},
            set(), id="another surname, one e-mail address",
        ),
        pytest.param(
            {**HOME, "given_name": "John", "phone": "617-555-0788"}, {**HOME, "given_name": "John", "birth_date": "1963-04-07"},
            {"generation_unknown"}, id="one name and home, another phone, no birth date",
        ),
        pytest.param({**HOME, "given_name": "Bob", "birth_date": "1980-03-04"},
                     {**HOME, "given_name": "Robert", "birth_date": "1980-03-04"}, set(), id="nickname"),
    ],
)  # fmt: skip
def test_vetoes(first, second, expected):
    assert names_of(first, second) == expected
    assert names_of(second, first) == expected


def test_household_vetoes_are_silent_among_strangers():
    assert names_of(*TWINS, household_share=0.05) == set()


def test_newborns_are_looked_at_among_strangers_too():
    born = {"family_name": "Benson", "birth_date": "2024-03-24"}
    nameless, boy = {**born, "given_name": "Baby Girl", "sex": "F"}, {**born, "given_name": "Baby Boy", "sex": "M"}
    named, mother = {**born, "given_name": "Gisela", "sex": "F"}, {"family_name": "Benson", "birth_date": "1990-01-02"}

    assert {"unnamed_newborn"} <= names_of(nameless, named, household_share=0.05)
    assert {"unnamed_newborn"} <= names_of(nameless, boy, household_share=0.05)
    assert "generation_gap" in names_of(nameless, {**mother, "given_name": "Lisa"}, household_share=0.05)


def test_where_nothing_tells_households_are_plausible():
    nothing = table_shape(np.zeros((0, len(COMPARISONS)), np.int8), np.zeros(0), fit_of())

    assert shows_households(nothing)


def test_thin_evidence_passes_the_rarity_test_only_where_it_is_rare():
    pair = ({"given_name": "Ann", "birth_date": "1980-03-04"}, {"given_name": "Ann", "birth_date": "1980-03-04"})
    compared = compare(table_of(*pair), np.array([0]), np.array([1]), 10_000)
    rare = dataclasses.replace(compared, rarities=np.where(compared.rarities > 0, 13, 0).astype(np.float32))
    common = dataclasses.replace(compared, rarities=np.where(compared.rarities > 0, 6, 0).astype(np.float32))
    thin = VETOES.index("thin_evidence")

    assert not vetoes(rare, fit_of(10_000), shape_of(0.5))[0, thin]
    assert vetoes(common, fit_of(10_000), shape_of(0.5))[0, thin]


def test_the_weights_of_the_evidence_sum_to_the_match_weight():
    table = table_of(*TWINS, *FATHER_AND_SON)
    compared = compare(table, np.array([0, 2, 0]), np.array([1, 3, 2]), 4)
    weights = np.array([-3.25, 7.5, -12.0])

    evidence = evidence_arrays(compared, fit_of(), weights).to_pylist()

    for row, weight in zip(evidence, weights, strict=True):
        assert sum(item["weight"] for item in row) == pytest.approx(weight, abs=1e-9)
        assert [item["field"] for item in row][-2:] == ["prior", "context"]


def test_features_have_names_and_no_gaps():
    compared = compare(table_of(*TWINS, {}), np.array([0, 0]), np.array([1, 2]), 3)

    matrix = features(compared, fit_of(), shape_of(0.5))

    assert matrix.shape == (2, len(feature_names()))
    assert len(set(feature_names())) == len(feature_names())
    assert np.isfinite(matrix).all()


@pytest.mark.parametrize(
    ("n_records", "n_bearers", "expected"),
    [
        pytest.param(1_000, 1, 0, id="borne once: one name mistyped"),
        pytest.param(1_000, 8, 1, id="borne by eight"),
        pytest.param(1_000, 500, 2, id="no more than 2"),
        pytest.param(1_000_000, 200, 0, id="an error that many make in a large table"),
        pytest.param(1_000_000, 1_600, 1, id="eight among 5,000"),
    ],
)
def test_features_tell_two_near_names_from_one_mistyped(n_records, n_bearers, expected):
    compared = compare(table_of({"given_name": "Karen"}, {"given_name": "Karin"}), np.array([0]), np.array([1]), 2)
    rarities = compared.rarities.copy()
    rarities[:, INDEX["given_name"]] = -np.log2(n_records / n_bearers)
    compared = dataclasses.replace(compared, rarities=rarities)

    row = features(compared, dataclasses.replace(fit_of(), n_records=n_records), shape_of(0.5))[0]

    assert row[feature_names().index("bearers_given_name")] == pytest.approx(expected, abs=1e-6)
    assert row[feature_names().index("bearers_family_name")] == 0


def test_features_say_nothing_of_bearers_where_names_are_equal_or_far_apart():
    rows = ({"given_name": "Karen", "family_name": "Hansen"}, {"given_name": "Karen", "family_name": "Novak"})
    matrix = features(compare(table_of(*rows), np.array([0]), np.array([1]), 2), fit_of(), shape_of(0.5))

    assert not matrix[:, [feature_names().index(f"bearers_{name}") for name in ("given_name", "family_name")]].any()


def test_pass_lists_name_the_bits():
    assert pass_lists(np.array([0b1, 0b1010])).to_pylist() == [["national_id"], ["identifier", "email"]]


ANNA = {"given_name": "Anna", "birth_date": "1987-02-25", "sex": "F"}
ELSEWHERE = {"address_line": "3 Elm Rd", "phone": "212-555-0177"}


@pytest.mark.parametrize(
    ("first", "second", "veto", "is_forbidden"),
    [
        pytest.param(
            {**ANNA, **HOME, "family_name": "Lee"}, {**ANNA, **ELSEWHERE, "family_name": "Novak"},
            "name_changed", True, id="another family name and home",
        ),
        pytest.param(
            {**ANNA, **HOME, "family_name": "Lee"}, {**ANNA, **HOME, "family_name": "Novak"},
            "name_changed", False, id="another family name, the same home",
        ),
        pytest.param(
            {**ANNA, **HOME, "family_name": "Lee", "middle_name": "Odile"},
            {**ANNA, **ELSEWHERE, "family_name": "Novak", "middle_name": "Odile"},
            "name_changed", False, id="another family name, one middle name",
        ),
        pytest.param(
            {**HOME, "given_name": "John", "name_suffix": "Sr"},
            {**HOME, "given_name": "John", "birth_date": "1980-09-08"},
            "generation_unknown", True, id="senior or junior",
        ),
        pytest.param(
            {**HOME, "given_name": "John", "name_suffix": "Sr", "birth_date": "1980-09-08"},
            {**HOME, "given_name": "John", "birth_date": "1980-09-08"},
            "generation_unknown", False, id="one birth date tells",
        ),
        pytest.param(
            {**ANNA, **HOME}, {**ANNA, **HOME, "birth_date": "1987-11-03"},
            "namesake", False, id="one home, born in one year",
        ),
        pytest.param(
            {**ANNA, **HOME}, {**ANNA, **ELSEWHERE, "family_name": "Ruiz", "birth_date": "1987-11-03"},
            "namesake", True, id="born in one year, nothing else agrees",
        ),
        pytest.param(
            {**ANNA, **HOME, "national_id": "536-22-8726"},
            {**ANNA, **HOME, "national_id": "536-22-8726", "sex": "M"},
            "sex_differs", True, id="sex differs, one national id",
        ),
    ],
)  # fmt: skip
def test_a_second_person_must_be_plausible(first, second, veto, is_forbidden):
    assert (veto in names_of(first, second)) == is_forbidden


def test_a_newborn_waits_only_where_another_baby_is_plausible():
    born = {**HOME, "birth_date": "2024-05-06", "sex": "F"}
    pairs = [
        ({**born, "given_name": "Baby Girl"}, {**born, "given_name": "Sofia"}),
        ({**born, "given_name": "Baby Girl"}, {**born, "given_name": "Sofia", "sex": "M"}),
        ({**born, "given_name": "Baby Girl"}, {**born, "given_name": "Sofia", **ELSEWHERE}),
        ({**born, "given_name": "Baby Girl"}, {**born, "given_name": "Sofia", "family_name": "Novak"}),
        (
            {**born, "given_name": "Baby Girl", "email": "ana@x.org"},
            {**born, "given_name": "Sofia", "email": "li@y.org"},
        ),
    ]
    middle_names = [("Rosa", "R", False), ("Rosa", "Ana", True), ("Rosa", None, True), ("B", "Beatriz", True)]
    context = np.zeros((1, len(PAIR_CONTEXT)))
    no_rival, rival = context.copy(), context.copy()
    no_rival[0, [PAIR_CONTEXT.index("first_weight"), PAIR_CONTEXT.index("contradiction")]] = 1.0, -1.0
    rival[0, [PAIR_CONTEXT.index("first_weight"), PAIR_CONTEXT.index("contradiction")]] = 1.0, 2.0

    def is_held(pair, of_pair):
        compared = compare(table_of(*pair), np.array([0]), np.array([1]), 1000)
        return bool(vetoes(compared, fit_of(), shape_of(0.5), of_pair)[0, VETOES.index("unnamed_newborn")])

    assert [is_held(pair, no_rival) for pair in pairs] == [False, True, True, True, True]
    assert is_held(pairs[0], rival)
    for first, second, held in middle_names:
        of_one, other = (
            {**record, "middle_name": name} for record, name in zip(pairs[0], (first, second), strict=True)
        )
        assert is_held((of_one, other), rival) == held
    both = [{**born, "given_name": "Baby Girl", "middle_name": "Rosa"}] * 2
    assert is_held(both, rival)


def common(table, n_given, n_family):
    """The table of two records, where as many records of a whole one have their names."""
    table = table.drop_columns(["given_names_n", "family_names_n"])
    for name, n in (("given_names_n", n_given), ("family_names_n", n_family)):
        table = table.append_column(name, pa.array([[n], [n]]))
    return table


@pytest.mark.parametrize(
    ("beside", "n_family", "is_held"),
    [
        pytest.param(({}, {}), 3, True, id="names alone, borne by others too"),
        pytest.param(({}, {}), 2, True, id="rare names alone: of father and son"),
        pytest.param(({"postal_code": "70618", "city": "Avon"},) * 2, 2, True, id="rare names in one town"),
        pytest.param(({"middle_name": "Rosa"}, {"middle_name": "R"}), 3, False, id="a middle name agrees"),
        pytest.param(({"middle_name": "Rosa"}, {"middle_name": "R"}), 4_000, True, id="very common names"),
        pytest.param(
            ({"address_line": "12 Oak St"}, {"address_line": "12 Oka St"}), 2, False, id="an address mistyped"
        ),
        pytest.param(({"phone": "617-555-0123"},) * 2, 3, False, id="one telephone"),
    ],
)
def test_names_without_a_birth_date_are_too_little(beside, n_family, is_held):
    rows = [{"given_name": "Robert", "family_name": "Quinones", **of_one} for of_one in beside]
    compared = compare(common(table_of(*rows), 400, n_family), np.array([0]), np.array([1]), 20_000)

    marks = vetoes(compared, fit_of(20_000), shape_of(0.5))

    assert bool(marks[0, VETOES.index("namesake")]) == is_held


@pytest.mark.parametrize(
    ("names", "middle_names", "n_given", "n_family", "is_held"),
    [
        pytest.param(("Maria Garcia",) * 2, (None, None), 400, 40, True, id="names that many bear"),
        pytest.param(("Maria Garcia",) * 2, ("Luz", "L"), 400, 40, False, id="a middle name agrees"),
        pytest.param(("Maria Garcia", "Maria Garzia"), (None, None), 400, 40, True, id="nearly names that many bear"),
        pytest.param(("Olga Krause", "Olga Krauze"), (None, None), 40, 2, False, id="a rare name and one mistyped"),
        pytest.param(("Maria Garcia", "Garcia Maria"), (None, None), 400, 40, True, id="names that changed places"),
        pytest.param(("Karen Krause", "Karin Krause"), (None, None), 40, 3, True, id="two given names"),
        pytest.param(("Karen Krause", "Karin Krause"), (None, None), 1, 3, False, id="a given name mistyped"),
    ],
)  # fmt: skip
def test_one_birth_date_in_two_homes_is_a_namesakes_where_the_names_are_common(
    names, middle_names, n_given, n_family, is_held
):  # fmt: skip
    homes = {"address_line": "12 Oak St", "phone": "617-555-0123"}, ELSEWHERE
    first, second = (
        {**home, "given_name": name.split()[0], "family_name": name.split()[1], "middle_name": middle,
         "birth_date": "1979-03-11"}
        for home, name, middle in zip(homes, names, middle_names, strict=True)
    )  # fmt: skip
    compared = compare(common(table_of(first, second), n_given, n_family), np.array([0]), np.array([1]), 20_000)

    marks = vetoes(compared, fit_of(20_000), shape_of(0.5))

    assert bool(marks[0, VETOES.index("namesake")]) == is_held


@pytest.mark.parametrize(
    ("births", "middle_names", "n_family", "is_held"),
    [
        pytest.param(("1979-03-11", "1979-11-03"), ("Brandi", "B"), 2, False, id="exchanged, a middle name agrees"),
        pytest.param(("1967-12-02", "1937-12-02"), ("Ronald", "R"), 2, False, id="one digit, a middle name agrees"),
        pytest.param(("1979-03-11", "1979-11-03"), ("Brandi", None), 2, True, id="exchanged, no middle name"),
        pytest.param(("1979-03-11", "1979-11-03"), ("Brandi", "B"), 40, True, id="exchanged, names that others bear too"),
        pytest.param(("1956-01-01", "1956-01-01"), ("Mattie", "M"), 2, True, id="1 January is a default"),
    ],
)  # fmt: skip
def test_a_birth_date_is_in_doubt_where_a_namesake_may_have_the_other(births, middle_names, n_family, is_held):
    first, second = (
        {"given_name": "Christina", "family_name": "Krause", "birth_date": birth, "middle_name": middle}
        for birth, middle in zip(births, middle_names, strict=True)
    )
    compared = compare(common(table_of(first, second), 400, n_family), np.array([0]), np.array([1]), 20_000)

    marks = vetoes(compared, fit_of(20_000), shape_of(0.5))

    assert bool(marks[0, VETOES.index("birth_date_in_doubt")]) == is_held


def test_an_impossible_birth_date_makes_no_namesake_where_notes_tell_the_year():
    names_alike = {"given_name": "Maria", "middle_name": "Mallory", "family_name": "Barnard"}
    table = common(
        table_of({**names_alike, "birth_date": "1996-02-26"}, {**names_alike, "birth_date": "2196-06-31"}), 90, 9
    )
    noted = table.append_column("note_births", pa.array([["1995:1996"]] * 2, pa.list_(pa.string())))
    noted = noted.append_column("note_sexes", pa.array([None, None], pa.list_(pa.string())))
    noted = noted.append_column("note_names", pa.array([None, None], pa.list_(pa.string())))

    told = [
        vetoes(compare(found, np.array([0]), np.array([1]), 1000), fit_of(), shape_of(0.5)) for found in (table, noted)
    ]

    assert [bool(marks[0, VETOES.index("namesake")]) for marks in told] == [True, False]
    assert [bool(marks[0, VETOES.index("birth_date_in_doubt")]) for marks in told] == [True, False]
