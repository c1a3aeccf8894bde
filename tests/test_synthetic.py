from dataclasses import replace
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum.gb import nhs

from siamese_er.synthetic.knobs import COLUMNS, LOCALES
from siamese_er.synthetic.names import coined_surname, family_form, in_half, name_lists
from siamese_er.synthetic.numbers import id_as_written, national_id, phone_as_written
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import (
    DEMO_PROFILE,
    HOUSEHOLDS_PROFILE,
    PROFILES,
    STRANGERS_PROFILE,
    Profile,
    Source,
    random_profile,
)
from siamese_er.synthetic.typing_errors import TEXT_ERRORS, date_error, digit_error

KEY = ["source", "record_id"]
CLEAN = Profile(columns=COLUMNS, clean_share=1.0, repeat_rate=0.5)


def profile_of(seed: int) -> Profile:
    return random_profile(np.random.default_rng(seed))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 120))
def test_population_of_any_profile(seed, n):
    profile = profile_of(seed)
    made = population(n, seed, profile)

    assert len(made.records) == n
    assert list(made.records.columns) == [*KEY, *profile.columns]
    assert not made.records.duplicated(KEY).any()
    assert made.records.map(lambda value: value is None or (isinstance(value, str) and value != "")).all(axis=None)
    assert made.records[KEY].equals(made.truth[KEY])
    assert made.truth.groupby("entity_id")["household_id"].nunique().max() == 1
    assert set(made.records["source"]) <= {source.name for source in profile.sources}
    if profile.repeats == "none":
        assert made.truth["entity_id"].is_unique
    if profile.repeats == "two_files":
        assert not made.truth.duplicated(["source", "entity_id"]).any()
    assert made.truth["entity_id"].value_counts().max() <= max(2, profile.max_repeats)
    assert made.notes["note_id"].is_unique
    assert made.notes[KEY].merge(made.truth, on=KEY).shape[0] == len(made.notes)


@pytest.mark.parametrize("seed", [3, 17])
def test_population_is_the_same_for_the_same_seed(seed):
    first, second = (population(300, seed, replace(profile_of(seed), notes_share=0.5)) for _ in range(2))

    for table in ("records", "truth", "notes"):
        pd.testing.assert_frame_equal(getattr(first, table), getattr(second, table))
    assert not population(300, seed + 1, profile_of(seed)).records.equals(first.records)


def test_population_needs_a_record():
    with pytest.raises(ValueError, match="at least 1"):
        population(0, 1, CLEAN)


def test_random_profile_is_the_same_for_the_same_seed():
    assert profile_of(5) == profile_of(5)
    assert profile_of(5) != profile_of(6)


def test_random_profiles_vary():
    profiles = [profile_of(seed) for seed in range(400)]

    shares = pd.Series([profile.repeats for profile in profiles]).value_counts(normalize=True)
    assert 0.03 < shares["none"] < 0.10
    assert set(shares.index) == {"none", "two_files", "originals", "geometric", "heavy"}
    assert 0.25 < np.mean([profile.household_share == 0 for profile in profiles]) < 0.45
    assert 0.15 < np.mean([profile.notes_share > 0 for profile in profiles]) < 0.35
    assert {len(profile.sources) for profile in profiles} == {1, 2, 3, 4, 5}
    assert {locale for profile in profiles for locale in profile.locales} == set(LOCALES)
    assert sum(profile.columns == ("given_name", "family_name", "birth_date") for profile in profiles) > 3
    assert sum(set(profile.columns) == set(COLUMNS) for profile in profiles) > 30


def test_halves_of_the_name_lists_share_no_name():
    def names(half):
        profile = replace(CLEAN, name_half=half, locales={"en_US": 1, "de_DE": 1, "it_IT": 1}, coined_share=0.2)
        records = population(1500, 1, replace(profile, columns=("given_name", "family_name"))).records
        return set(records["given_name"]), {part for name in records["family_name"] for part in name.split("-")}

    (given_a, family_a), (given_b, family_b) = names("first"), names("second")

    assert len(given_a) > 100
    assert not given_a & given_b
    assert not family_a & family_b


@pytest.mark.parametrize("locale", LOCALES)
def test_name_lists_of_every_locale(locale):
    lists = name_lists(locale)

    assert set(lists) == {"M", "F", "family"}
    assert all(len(names) >= 10 and all(names) for names in lists.values())


def test_family_form_of_women():
    assert family_form("Смирнов", "ru_RU", "F") == "Смирнова"
    assert family_form("Kowalski", "pl_PL", "F") == "Kowalska"
    assert family_form("Kowalski", "pl_PL", "M") == "Kowalski"
    assert family_form("Smith", "en_US", "F") == "Smith"


def test_clean_records_of_a_person_agree():
    columns = ("given_name", "family_name", "birth_date", "national_id", "sex")
    made = population(400, 1, replace(CLEAN, columns=columns))

    people = made.records.merge(made.truth, on=KEY).groupby("entity_id")
    assert (people[[name for name in columns if name != "family_name"]].nunique() == 1).all(axis=None)
    assert people.size().max() > 2


def test_missing_rate_is_the_profile_s():
    made = population(4000, 1, replace(CLEAN, missing={"phone": 0.3, "email": 0.6}))

    assert made.records["phone"].isna().mean() == pytest.approx(0.3, abs=0.03)
    assert made.records["email"].isna().mean() == pytest.approx(0.6, abs=0.03)
    assert made.records["birth_date"].notna().all()


def test_what_a_person_never_has_is_in_no_record():
    made = population(2000, 1, replace(CLEAN, never={"email": 0.4}))

    has_email = (
        made.records.merge(made.truth, on=KEY).groupby("entity_id")["email"].agg(lambda values: values.notna().mean())
    )
    assert set(has_email) == {0.0, 1.0}
    assert (has_email == 0).mean() == pytest.approx(0.4, abs=0.05)


def test_error_rate_is_the_profile_s():
    noisy = replace(CLEAN, repeats="originals", repeat_rate=1.0, max_repeats=2, first_clean=True, clean_share=0.0)
    noisy = replace(noisy, error_fields={"city": 1.0}, error_kinds={"substitute": 1.0}, columns=("city",), max_errors=1)
    made = population(2000, 1, noisy)

    differ = made.records.merge(made.truth, on=KEY).groupby("entity_id")["city"].nunique() == 2
    assert differ.mean() > 0.9


def test_replaced_ids_are_somebody_else_s():
    profile = replace(CLEAN, columns=("given_name", "national_id"), replaced={"national_id": 0.2}, repeat_rate=0.6)
    made = population(3000, 1, profile)

    people = made.records.merge(made.truth, on=KEY).groupby("entity_id")
    several = people.filter(lambda rows: len(rows) == 2).groupby("entity_id")["national_id"].nunique()
    assert (several == 2).mean() == pytest.approx(1 - 0.8**2, abs=0.06)


def test_two_files_hold_everybody_once():
    made = population(600, 1, replace(STRANGERS_PROFILE, repeat_rate=1.0))

    assert made.truth.groupby("source")["entity_id"].nunique().tolist() == [300, 300]


def test_source_lacks_its_columns_and_keeps_its_style():
    sources = (Source("a", letter_case="upper", lacks=("phone",)), Source("b", date_format="%m/%d/%Y"))
    records = population(400, 1, replace(CLEAN, sources=sources)).records
    a, b = records[records["source"] == "a"], records[records["source"] == "b"]

    assert a["phone"].isna().all()
    assert b["phone"].notna().all()
    assert a["family_name"].str.isupper().all()
    assert b["birth_date"].str.fullmatch(r"\d\d/\d\d/\d{4}").all()
    assert a["birth_date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()


@pytest.fixture(scope="module")
def households():
    made = population(
        3000, 2, replace(HOUSEHOLDS_PROFILE, noise={}, missing={}, clean_share=1.0, sources=(Source("a"),))
    )
    return made.records.merge(made.truth, on=KEY).drop_duplicates("entity_id")


def test_households_hold_twins(households):
    twins = households[households["birth_order"] == "2"]
    pairs = households[households["birth_order"] == "1"].merge(twins, on=["household_id", "mother_maiden_name"])
    pairs = pairs.dropna(subset=["mother_maiden_name"])

    assert len(pairs) > 10
    assert (pairs["birth_date_x"] == pairs["birth_date_y"]).mean() > 0.6
    assert (pairs["given_name_x"] != pairs["given_name_y"]).mean() > 0.9


def test_households_hold_junior_and_senior(households):
    juniors = households[households["name_suffix"] == "Jr"].merge(
        households[households["name_suffix"] == "Sr"], on=["household_id", "given_name"]
    )

    assert len(juniors) > 10
    years = juniors[["birth_date_x", "birth_date_y"]].apply(lambda dates: dates.str[:4].astype(int))
    assert (years["birth_date_x"] - years["birth_date_y"] >= 15).all()


def test_households_hold_newborns_without_a_name(households):
    assert households["given_name"].str.contains("(?i)baby|^bb|^bg|sboy|sgirl|infant|^boy|^girl").sum() > 3


def test_households_share_surname_address_and_phone(households):
    homes = households.groupby("household_id").filter(lambda rows: len(rows) >= 3).groupby("household_id")

    assert homes["family_name"].agg(lambda names: names.value_counts().iloc[0] / len(names)).mean() > 0.5
    assert homes["address_line"].agg(lambda lines: lines.value_counts().iloc[0] / len(lines)).mean() > 0.5
    assert (homes["phone"].nunique() < homes.size()).mean() > 0.5


def test_notes_tell_a_person_s_history_again():
    made = population(600, 1, replace(DEMO_PROFILE, notes_share=1.0, visits=2.5, wrong_chart=0.0, copy_forward=0.0))
    notes = made.notes.merge(made.truth, on=KEY)
    operated = notes[notes["text"].str.contains("total hip replacement")]

    share = operated.groupby("entity_id").size() / notes.groupby("entity_id").size()
    assert share.notna().mean() < 0.3
    assert share.dropna().mean() > 5 * len(operated) / len(notes)
    assert (notes["note_date"].dropna() >= "2000").all()
    assert notes["note_type"].nunique() == 5


def test_profile_without_notes_has_the_notes_columns():
    notes = population(50, 1, CLEAN).notes

    assert notes.empty
    assert list(notes.columns) == ["source", "record_id", "note_id", "note_date", "note_type", "text"]


@pytest.mark.parametrize("name", PROFILES)
def test_named_profiles(name):
    assert len(population(200, 1, PROFILES[name]).records) == 200


@settings(max_examples=200, deadline=None)
@example(seed=0, text="İB")
@given(seed=st.integers(0, 10**6), text=st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12))
def test_typing_errors_change_little(seed, text):
    for error in TEXT_ERRORS.values():
        changed = error(Random(seed), text)
        assert isinstance(changed, str)
        assert len(changed) <= len(text) + 2


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.from_regex(r"[0-9]{4,11}", fullmatch=True))
def test_digit_error_keeps_digits(seed, number):
    changed = digit_error(Random(seed), number)

    assert changed.isdigit()
    assert abs(len(changed) - len(number)) <= 1


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**6), day=st.dates())
def test_date_error_keeps_three_numbers(seed, day):
    year, month, number = date_error(Random(seed), (day.year, day.month, day.day))

    assert abs(year - day.year) <= 100
    assert 1 <= month <= 31
    assert 1 <= number <= 62


def test_national_ids_are_valid():
    random = Random(1)

    assert all(nhs.is_valid(national_id(random, "nhs")) for _ in range(100))
    assert all(len(national_id(random, "ssn")) == 9 for _ in range(100))
    assert id_as_written("123456780", "ssn", "dashes") == "123-45-6780"


def test_phone_as_written():
    assert phone_as_written("2065551234", "US", "brackets") == "(206) 555-1234"
    assert phone_as_written("07700900123", "GB", "international") == "+447700900123"


@pytest.mark.parametrize("half", ["first", "second"])
def test_coined_surnames_keep_to_their_half(half):
    random = Random(1)

    assert all(in_half(coined_surname(random, half), half) for _ in range(50))
