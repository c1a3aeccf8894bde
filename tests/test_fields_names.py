"""Names: normal form, placeholders, newborns, nicknames."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er.fields.names import family_name, given_name, name_suffix, nickname_group, split_full_name
from siamese_er.fields.standard import StandardRules, standard_batch


def names(**columns):
    """The standardised names of one record."""
    row = {"record_key": "k", "source": "s", "record_id": "r", **columns}
    return standard_batch(pd.DataFrame([row]), StandardRules()).iloc[0]


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        pytest.param("Peña", "pena", id="23 diacritics"),
        pytest.param("O'Brien", "obrien", id="23 apostrophe"),
        pytest.param("O’Brien", "obrien", id="23 typographic apostrophe"),
        pytest.param("O Brien", "obrien", id="23 apostrophe lost"),
        pytest.param("de la Cruz", "delacruz", id="23 particles"),
        pytest.param("Delacruz", "delacruz", id="23 particles glued already"),
        pytest.param("van der Berg", "vanderberg", id="Dutch particles"),
        pytest.param("Mc Donald", "mcdonald", id="mc"),
        pytest.param("St. John", "stjohn", id="saint short"),
        pytest.param("Saint John", "stjohn", id="saint long"),
        pytest.param("Łukasiewicz", "lukasiewicz", id="letters NFKD leaves"),
        pytest.param("Weiß-Ørsted", "weiss orsted", id="hyphen and Nordic letters"),
        pytest.param("García López", "garcia lopez", id="18 two surnames"),
        pytest.param("García-López", "garcia lopez", id="19 hyphen"),
        pytest.param("García y López", "garcia lopez", id="linking y"),
        pytest.param("Silva e Costa", "silva costa", id="linking e"),
        pytest.param("García y de la Torre", "garcia delatorre", id="y before particles"),
        pytest.param("  SMITH  ", "smith", id="blanks and case"),
        pytest.param("Unknown Ruiz", "ruiz", id="placeholder beside a name"),
        pytest.param("Rev. Smith", "smith", id="title"),
        pytest.param("Смирнов", "smirnov", id="Cyrillic"),
    ],
)
def test_family_name(written, normal):
    assert family_name(written).name == normal


def test_given_name_of_other_scripts_is_never_empty_nor_equal():
    assert given_name("Сергій").name != given_name("Діана").name
    assert given_name("王").name != given_name("李").name
    assert all(given_name(name).name for name in ("Сергій", "Діана", "王", "李", "محمد", "สมชาย", "ᚠᚢᚦ"))


@pytest.mark.parametrize(
    ("written", "name", "suffixes"),
    [
        pytest.param("Smith Jr.", "smith", ("jr",), id="jr"),
        pytest.param("Smith, III", "smith", ("iii",), id="roman after comma"),
        pytest.param("Smith 2nd", "smith", ("ii",), id="ordinal"),
        pytest.param("Smith MD", "smith", (), id="credential dropped"),
        pytest.param("Junior", "junior", (), id="surname Junior stays"),
    ],
)
def test_family_name_gives_its_suffix(written, name, suffixes):
    assert family_name(written)[:2] == (name, suffixes)


def test_name_suffix():
    assert [name_suffix(text) for text in ("Jr.", "SENIOR", "the third", "V", "MD", "2nd")] == [
        ("jr",), ("sr",), ("iii",), ("v",), (), ("ii",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        pytest.param("Ruiz, Ana Maria", ("Ana", "Maria", "Ruiz", ""), id="family first"),
        pytest.param("Ana Maria Ruiz", ("Ana", "Maria", "Ruiz", ""), id="given first"),
        pytest.param("Dr. Ana de la Cruz", ("Ana", "", "de la Cruz", ""), id="title and particles"),
        pytest.param("Smith, Jr., John", ("John", "", "Smith", "Jr."), id="suffix between commas"),
        pytest.param("John Smith Jr", ("John", "", "Smith", "Jr"), id="suffix last"),
        pytest.param("María García y López", ("María", "", "García y López", ""), id="linked surnames"),
        pytest.param("Sukarno", ("", "", "Sukarno", ""), id="mononym"),
        pytest.param("Baby Boy Ruiz", ("Baby Boy", "", "Ruiz", ""), id="newborn"),
    ],
)
def test_split_full_name(written, parts):
    assert split_full_name(written) == parts


def test_full_name_is_split_only_where_names_are_absent():
    assert list(names(full_name="Ruiz, Ana Maria").loc[["given_names", "middle_names", "family_names"]]) == [
        ["ana"], ["maria"], ["ruiz"],
    ]  # fmt: skip
    assert names(full_name="Ruiz, Ana", family_name="Lee").given_names == []


@pytest.mark.parametrize(
    ("given_text", "family_text", "marks"),
    [
        pytest.param("FNU", "Sukarno", ["placeholder:given"], id="24 mononym"),
        pytest.param("FNU Sukarno", "LNU", ["placeholder:given", "placeholder:family"], id="24 both columns"),
        pytest.param("UNKNOWN", "UNK", ["placeholder:given", "placeholder:family"], id="31 unknown"),
        pytest.param("John", "Doe", ["placeholder:given", "placeholder:family"], id="31 John Doe"),
        pytest.param("Trauma", "Alpha", ["placeholder:given", "placeholder:family"], id="31 trauma"),
        pytest.param("Anonymous", "?", ["placeholder:given", "placeholder:family"], id="31 anonymous"),
        pytest.param("NaN", "n/a", ["placeholder:given", "placeholder:family"], id="exported nulls"),
        pytest.param("No sabe", "Don't know", ["placeholder:given", "placeholder:family"], id="nobody knows"),
        pytest.param("No Name", "-", ["placeholder:given", "placeholder:family"], id="no name"),
        pytest.param("Grandson", "Daughter", ["placeholder:given", "placeholder:family"], id="relations"),
        pytest.param(
            "Mother-in-law", "Sin apellido", ["placeholder:given", "placeholder:family"], id="relation by law"
        ),
        pytest.param("Lady in the", "Ruiz", ["placeholder:given"], id="somebody seen"),
        pytest.param("Gentleman of the", "Ruiz", ["placeholder:given"], id="somebody of the house"),
        pytest.param("Esposa", "Ruiz", ["placeholder:given"], id="relation in Spanish"),
        pytest.param("Husband", "Respondent", ["placeholder:given", "placeholder:family"], id="who answered the door"),
        pytest.param("Mickey", "Mouse", ["placeholder:given", "placeholder:family", "test"], id="32 cartoon"),
        pytest.param("ZZTEST", "Two", ["placeholder:given", "test"], id="32 zztest"),
        pytest.param("Test", "Patient", ["placeholder:given", "placeholder:family", "test"], id="32 test patient"),
    ],
)
def test_placeholder_marks(given_text, family_text, marks):
    record = names(given_name=given_text, family_name=family_text)

    assert record.name_marks == marks
    assert {"given_name:placeholder"} <= set(record.value_faults)


@pytest.mark.parametrize("given_text", ["Son", "Man", "Lady", "Mom", "Sister Mary", "Ladonna", "Guy"])
def test_given_names_that_are_also_words_are_kept(given_text):
    assert names(given_name=given_text, family_name="Ruiz").given_names == [given_text.lower()]


@pytest.mark.parametrize("family", ["Doe", "Nguyen", "Tester", "Boyd", "Young", "Husband", "Friend", "Person"])
def test_real_names_are_kept(family):
    record = names(given_name="Anna", family_name=family)

    assert (record.family_names, record.name_marks) == ([family.lower()], [])


@pytest.mark.parametrize("given_text", ["Boyd", "Malea", "Nat", "Infanta", "Jameson", "Bgora", "Mary V"])
def test_given_names_near_the_patterns_are_kept(given_text):
    assert names(given_name=given_text).given_names == [given_text.lower()]


@pytest.mark.parametrize(
    ("given_text", "marks"),
    [
        pytest.param("Babygirl", ["newborn"], id="9 babygirl"),
        pytest.param("Baby Boy A", ["newborn", "newborn:1"], id="3 order letter"),
        pytest.param("BabyboyB", ["newborn", "newborn:2"], id="order letter glued"),
        pytest.param("Twin B", ["newborn", "newborn:2"], id="twin"),
        pytest.param("BB1", ["newborn", "newborn:1"], id="order digit"),
        pytest.param("Newborn", ["newborn"], id="newborn"),
        pytest.param("Female Child", ["newborn"], id="child"),
        pytest.param("Daughter of", ["newborn"], id="child of somebody"),
        pytest.param("Oldest child", ["newborn"], id="by age"),
        pytest.param("Tochter", ["newborn"], id="daughter in German"),
        pytest.param("Recién Nacido", ["newborn"], id="newborn in Spanish"),
        pytest.param("RN de Wendy", ["newborn", "mother:wendy"], id="newborn in Portuguese"),
        pytest.param("Hija de Wendy", ["newborn", "mother:wendy"], id="daughter in Spanish"),
        pytest.param("Boy", ["newborn"], id="boy"),
        pytest.param("Girl Ruiz", ["newborn"], id="with surname"),
        pytest.param("Wendysgirl", ["newborn", "mother:wendy"], id="10 of the mother"),
        pytest.param("Wendy's Girl A", ["newborn", "newborn:1", "mother:wendy"], id="of the mother, order"),
        pytest.param("Baby Boy of Wendy", ["newborn", "mother:wendy"], id="of"),
        pytest.param("B/O Wendy", ["newborn", "mother:wendy"], id="b/o"),
    ],
)
def test_newborn_names(given_text, marks):
    record = names(given_name=given_text, family_name="Ruiz")

    assert (record.given_names, record.name_marks) == ([], marks)
    assert record.birth_orders == [mark.removeprefix("newborn:") for mark in marks if mark.startswith("newborn:")]


def test_a_middle_initial_of_a_newborn_without_a_name_is_its_order():
    nameless, named = (names(given_name=given, middle_name="B", family_name="Ruiz") for given in ("Baby Boy", "Anna"))

    assert (nameless.middle_names, nameless.birth_orders, nameless.name_marks) == ([], ["2"], ["newborn", "newborn:2"])
    assert (named.middle_names, named.birth_orders) == (["b"], [])


def test_titles_and_compound_given_names():
    assert given_name("Mrs. Mary Ann").name == "mary ann"
    assert given_name("Sr Juan").name == "juan"
    assert given_name("John Sr")[:2] == ("john", ("sr",))


def test_nickname_group():
    assert "margaret" in nickname_group("peggy")
    assert nickname_group("bob") & nickname_group("rob") >= {"robert"}
    assert "peggy" not in nickname_group("margaret")
    assert nickname_group("zaphod") == {"zaphod"}
    assert nickname_group("") == frozenset()


name_texts = st.one_of(
    st.text(max_size=20),
    st.lists(
        st.sampled_from(
            ["de", "la", "y", "e", "o", "mc", "st", "saint", "jr", "sr", "ii", "dr", "mr", "van", "der",
             "ana", "garcia", "unknown", "fnu", "baby", "boy", "a", "of", "twin", "-", "'", "test", "zz", "x", "md",
             "v", "ruiz", "Ø", "王"]
        ),
        max_size=6,
    ).map(" ".join),
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(name_texts)
def test_names_in_normal_form_stay_and_are_ascii(text):
    for rule in (given_name, family_name):
        name = rule(text).name
        assert name.isascii()
        assert name == name.lower()
        if name:
            assert rule(name) == (name, (), ())


@given(st.text(st.characters(categories=("Lo", "Ll"), min_codepoint=0x370), min_size=1, max_size=4))
def test_names_of_letters_are_never_emptied_silently(text):
    parts = family_name(text)
    assert parts.name or parts.marks
