"""Hashed keys against keys spelled out record by record: the same records share the same ones."""

from itertools import combinations, product

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.fields.nickname_groups import formal_names
from siamese_er.linkage.held import Held, Texts, expanded, mixed, text_hashes, unordered_pairs
from siamese_er.linkage.keys import MOST_NAMES, MOST_VALUES, PASS_NAMES, blocking_keys, home, sound, unordered_day

STRINGS = pa.list_(pa.string())
COLUMNS = {
    "given_names": ["ann", "jo", "mary ann", "a", "ann marie lou", "bill", "polly"],
    "family_names": ["lee", "garcia lopez", "o brien", "li", "garcialopez"],
    "former_family_names": ["lee", "cole", "lopez"],
    "birth_dates": ["1980-03-04", "1980-04-03", "1980", "1980-01-01", "1981-03-04"],
    "national_ids": ["123", "124", "last4:0049"],
    "scoped_identifiers": ["a||1", "b||1"],
    "phones": ["6175550123", "16175550123"],
    "emails": ["ann@x.org", "a@x.org", "lee@y.org", "nowhere"],
    "addresses": ["12 oak street", "12 oaken lane", "oak street", "9 elm"],
    "cities": ["troy", "troyes", "rome"],
    "postal_codes": ["12180", "12181"],
    "note_births": ["1950:1951", "1951:1951"],
}
RECORDS = st.lists(
    st.fixed_dictionaries({name: st.lists(st.sampled_from(values), max_size=5) for name, values in COLUMNS.items()}),
    min_size=1, max_size=5,
)  # fmt: skip


def names_of(record):
    """The parts of the names of a record, in order."""
    parts = [part for name in record["given_names"][:MOST_VALUES] for part in name.split(" ")]
    return longer_parts(parts + surnames_of(record))


def surnames_of(record):
    """The parts of the family names of a record, in order."""
    return longer_parts(
        part
        for name in (*record["family_names"][:MOST_VALUES], *record["former_family_names"][:MOST_VALUES])
        for part in (name.replace(" ", ""), *name.split(" "))
    )


def longer_parts(parts):
    """The first parts of names that are no initials, none twice."""
    return list(dict.fromkeys(part for part in parts if len(part) > 1))[:MOST_NAMES]


def spelled(record):
    """Pass -> the keys of a record as texts, as docs/method.md says them."""
    v = {name: values[:MOST_VALUES] for name, values in record.items()}
    names, births = names_of(record), [birth for birth in v["birth_dates"] if len(birth) == 10]
    noted = {str(year) for span in v["note_births"] for year in range(int(span[:4]), int(span[5:]) + 1)}
    years = {birth[:4] for birth in births} or noted
    homes = [home(address) for address in v["addresses"] if home(address)]

    def pairs(form):
        return {" ".join(pair) for pair in combinations(sorted({form(name) for name in names}), 2)}

    def nicknamed(form):
        words = [word for name in v["given_names"] for word in name.split(" ") if len(word) > 1]
        formal = {form(name) for word in words for name in formal_names(word)}
        met = product(formal, {form(name) for name in surnames_of(record)})
        return pairs(form) | {" ".join(sorted(pair)) for pair in met if pair[0] != pair[1]}

    return {
        "national_id": {i for i in v["national_ids"] if not i.startswith("last4:")},
        "identifier": set(v["scoped_identifiers"]),
        "phone": {phone[-8:] for phone in v["phones"]},
        "email": {e.partition("@")[0] for e in v["emails"] if len(e.partition("@")[0]) > 2}
        | {f"{e[:1]}@{e.partition('@')[2]}" for e in v["emails"] if "@" in e},
        "birth_date": set(births),
        "birth_date_name": {(b, n[:2]) for b, n in product(births, names)},
        "birth_day_name": {(n[:3], unordered_day(b)) for n, b in product(names, births) if not b.endswith("-01-01")},
        "birth_month_name": {(n[:4], b[:7]) for n, b in product(names, births)},
        "names": nicknamed(sound),
        "names_spelled": pairs(lambda name: name[:4]),
        "names_birth_year": set(product(nicknamed(lambda name: name[:3]), years)),
        "name_postal_code": {(sound(n)[:4], p) for n, p in product(names, v["postal_codes"])},
        "name_city": {(n[:4], c[:4]) for n, c in product(names, v["cities"])},
        "address": {(h, c[:3]) for h, c in product(homes, v["cities"] or [""])},
        "name_address": {(n[:2], h) for n, h in product(names, homes)},
        "name_noted_year": {(n[:4], y) for n, y in product(names, years | noted)},
    }


@given(RECORDS)
def test_blocking_keys_group_records_as_keys_spelled_out_do(records):
    table = pa.table({name: pa.array([record[name] for record in records], STRINGS) for name in COLUMNS})
    rows, keys, kinds = blocking_keys(table, PASS_NAMES)

    holders = {}
    for row, key, kind in zip(rows.tolist(), keys.tolist(), kinds.tolist(), strict=True):
        holders.setdefault((PASS_NAMES[kind], key), []).append(row)
    wanted = {}
    for row, record in enumerate(records):
        for name, texts in spelled(record).items():
            for text in texts:
                wanted.setdefault((name, text), []).append(row)

    assert sorted((name, own) for (name, _), own in holders.items()) == sorted(
        (n, own) for (n, _), own in wanted.items()
    )


def test_hashes_of_texts_stay_as_they_are():
    assert text_hashes(["", "lee", "Łukasz"]).tolist() == text_hashes(["", "lee", "Łukasz"]).tolist()
    assert [hex(number) for number in text_hashes(["lee"])] == [LEE]


LEE = "0x586399c99b133bda"


def test_mixed_hashes_depend_on_the_order_and_on_both():
    first, second = np.arange(1000, dtype=np.uint64), np.arange(1000, 2000, dtype=np.uint64)

    found = [mixed(first, second), mixed(second, first), mixed(first, first)]

    assert len(np.unique(np.concatenate(found))) == 3000


def test_expanded_keeps_the_first_parts_of_each_record():
    texts = Texts(np.array([0, 0, 2]), np.array([0, 1, 0]), ["a b", "b c d"])

    found = expanded([(texts, str.split)], 3)

    assert found.rows.tolist() == [0, 0, 0, 2, 2]
    assert [found.values[code] for code in found.codes] == ["a", "b", "c", "a", "b"]


def test_unordered_pairs_of_one_hash_are_none():
    held = Held(np.array([0, 0, 1, 1, 1]), np.array([7, 7, 1, 2, 3], np.uint64))

    assert unordered_pairs(held, 6).rows.tolist() == [1, 1, 1]
