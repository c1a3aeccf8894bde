"""Blocking keys of records: what two records must share to be looked at as a pair. One function for each pass.

To add a pass, write a function from a record's standardised values to key texts, add it to PASSES and to
``config.PassName``. A missing value gives no key: absence is not agreement.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import jellyfish
import numpy as np
import pyarrow as pa

MOST_VALUES = 3  # values of one column that make keys; a record with dozens of addresses must not make thousands
N_BANDS, BITS_IN_BAND = 6, 14


@lru_cache(maxsize=200_000)
def sound(name: str) -> str:
    """Metaphone of a name without spaces; the name itself where it has no sound (digits)."""
    return jellyfish.metaphone(name.replace(" ", ""))[:6] or name


@dataclass(frozen=True)
class KeyValues:
    """The standardised values of one record that keys are made of."""

    given: tuple[str, ...]
    family: tuple[str, ...]  # each surname of a double one too
    births: tuple[str, ...]  # full dates
    ids: tuple[str, ...]
    scoped: tuple[str, ...]
    phones: tuple[str, ...]
    emails: tuple[str, ...]
    addresses: tuple[str, ...]
    cities: tuple[str, ...]
    postal: tuple[str, ...]
    noted_years: tuple[str, ...] = ()  # birth years that the notes leave possible

    @property
    def names(self) -> tuple[str, ...]:
        """Every part of every name, whichever field it stands in: names change places and stick together."""
        parts = (part for name in (*self.given, *self.family) for part in name.split(" "))
        return tuple(dict.fromkeys(part for part in parts if len(part) > 1))[:6]

    @property
    def years(self) -> tuple[str, ...]:
        """Birth years: the record's own, or those that its notes leave possible."""
        return tuple(birth[:4] for birth in self.births) or self.noted_years


def home(address: str) -> str:
    """First number and first longer word of an address line."""
    words = address.split(" ")
    number = next((word for word in words if word.isdigit()), "")
    street = next((word for word in words if word.isalpha() and len(word) > 2), "")
    return f"{number} {street[:5]}" if number and street else ""


def unordered_day(birth: str) -> str:
    """Month and day in ascending order: equal for a date and its day/month swap."""
    return "".join(sorted((birth[5:7], birth[8:10])))


def name_pairs(values: KeyValues, form: Callable[[str], str]) -> Iterator[str]:
    """Two parts of the names in ascending order: equal when the names changed places."""
    for first, second in combinations(sorted({form(name) for name in values.names}), 2):
        yield f"{first} {second}"


def email_keys(values: KeyValues) -> Iterator[str]:
    """The local part, and the domain with an initial: a domain of one family or employer is rare enough to pair by."""
    for email in values.emails:
        local, _, domain = email.partition("@")
        if len(local) > 2:
            yield local
        if domain:
            yield f"{local[:1]}@{domain}"


PASSES: dict[str, Callable[[KeyValues], Iterator[str]]] = {
    "national_id": lambda v: (i for i in v.ids if not i.startswith("last4:")),
    "identifier": lambda v: iter(v.scoped),
    "phone": lambda v: (p[-8:] for p in v.phones),
    "email": email_keys,
    "birth_date": lambda v: iter(v.births),
    "birth_date_name": lambda v: (f"{b} {n[:2]}" for b, n in product(v.births, v.names)),
    "birth_day_name": lambda v: (
        f"{n[:3]} {unordered_day(b)}" for n, b in product(v.names, v.births) if not b.endswith("-01-01")
    ),
    "birth_month_name": lambda v: (f"{n[:4]} {b[:7]}" for n, b in product(v.names, v.births)),
    "names": lambda v: name_pairs(v, sound),
    "names_spelled": lambda v: name_pairs(v, lambda name: name[:4]),
    "names_birth_year": lambda v: (
        f"{names} {y}" for names, y in product(name_pairs(v, lambda name: name[:3]), v.years)
    ),
    "name_postal_code": lambda v: (f"{sound(n)[:4]} {p}" for n, p in product(v.names, v.postal)),
    "name_city": lambda v: (f"{n[:4]} {c[:4]}" for n, c in product(v.names, v.cities)),
    "address": lambda v: (f"{home(a)} {c[:3]}" for a, c in product(v.addresses, v.cities or ("",)) if home(a)),
    "name_address": lambda v: (f"{n[:2]} {home(a)}" for n, a in product(v.names, v.addresses) if home(a)),
    "name_noted_year": lambda v: (f"{n[:4]} {y}" for n, y in product(v.names, {*v.years, *v.noted_years})),
}
PASS_NAMES = (*PASSES, "learned")


def columns_of(records: pa.Table, *names: str) -> list[list[list[str]]]:
    """The list columns as Python lists; an absent column is empty lists."""
    return [
        [(row or [])[:MOST_VALUES] for row in records[name].to_pylist()]
        if name in records.column_names
        else [[]] * records.num_rows
        for name in names
    ]


def surnames(values: list[str], former: list[str]) -> tuple[str, ...]:
    """Whole surnames and, of double ones, each part; former ones too."""
    parts = [part for value in values + former for part in (value.replace(" ", ""), *value.split(" ")) if len(part) > 1]
    return tuple(dict.fromkeys(parts))


def key_values(records: pa.Table) -> Iterator[KeyValues]:
    """What keys are made of, record by record."""
    columns = columns_of(
        records, "given_names", "family_names", "former_family_names", "birth_dates", "national_ids",
        "scoped_identifiers", "phones", "emails", "addresses", "cities", "postal_codes", "note_births",
    )  # fmt: skip
    for given, family, former, births, ids, scoped, phones, emails, addresses, cities, postal, noted in zip(
        *columns, strict=True
    ):
        full = tuple(birth for birth in births if len(birth) == 10)
        names = tuple(name for name in given if len(name) > 1)
        yield KeyValues(names, surnames(family, former), full, tuple(ids), tuple(scoped), tuple(phones), tuple(emails),
                        tuple(addresses), tuple(cities), tuple(postal), noted_years(noted))  # fmt: skip


def noted_years(spans: list[str]) -> tuple[str, ...]:
    """The years of spans such as "1950:1951".

    >>> noted_years(["1950:1951", "1951:1952"])
    ('1950', '1951', '1952')
    """
    years = {year for span in spans for year in range(int(span[:4]), int(span[5:9]) + 1)}
    return tuple(map(str, sorted(years)))


def key_hash(kind: str, text: str) -> int:
    """A positive 62-bit hash of a key: the same in every process, so that no text travels."""
    return int.from_bytes(hashlib.blake2b(f"{kind}|{text}".encode(), digest_size=8).digest(), "big") >> 2


def blocking_keys(records: pa.Table, passes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, key, pass) of every blocking key of a batch; pass numbers index ``PASS_NAMES``."""
    rows: list[int] = []
    keys: list[int] = []
    kinds: list[int] = []
    chosen = [(PASS_NAMES.index(name), name, PASSES[name]) for name in PASSES if name in passes]
    for row, values in enumerate(key_values(records)):
        for number, name, function in chosen:
            for text in set(function(values)):
                rows.append(row)
                keys.append(key_hash(name, text))
                kinds.append(number)
    if "learned" in passes and "record_vector" in records.column_names:
        for row, hashes in learned_keys(records["record_vector"].to_pylist()):
            rows += [row] * len(hashes)
            keys += hashes
            kinds += [len(PASSES)] * len(hashes)
    return np.array(rows, np.int64), np.array(keys, np.int64), np.array(kinds, np.int16)


def learned_keys(vectors: list[bytes | None]) -> Iterator[tuple[int, list[int]]]:
    """(row, keys) of the learned pass: bands of signs of random projections of the record vector.

    Source: Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002.
    """
    planes = np.random.default_rng(20_02).standard_normal((64, N_BANDS * BITS_IN_BAND))
    known = [row for row, vector in enumerate(vectors) if vector is not None and any(vector)]
    if not known:
        return
    matrix = np.frombuffer(b"".join(vectors[row] or b"" for row in known), np.int8).reshape(len(known), 64)
    bits = (matrix.astype(np.float64) @ planes > 0).reshape(len(known), N_BANDS, BITS_IN_BAND)
    numbers = (bits * (1 << np.arange(BITS_IN_BAND))).sum(2)
    for row, bands in zip(known, numbers.tolist(), strict=True):
        yield row, [key_hash("learned", f"{band} {number}") for band, number in enumerate(bands)]
