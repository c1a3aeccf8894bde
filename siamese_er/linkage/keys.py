"""Blocking keys of records: what two records must share to be looked at as a pair. One function for each pass.

To add a pass, write a function from the standardised values of a batch to hashed keys, add it to PASSES and to
``config.PassName``. A missing value gives no key: absence is not agreement. Each distinct text of a batch is cut and
hashed once; keys of several texts mix their hashes, so that no key is ever spelled out.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jellyfish
import numpy as np
import pyarrow as pa

from siamese_er.fields.nickname_groups import formal_names
from siamese_er.fields.street_words import FOREIGN_WORDS, OPENING, PARTICLES
from siamese_er.linkage.held import (
    Held,
    Texts,
    concatenated,
    expanded,
    mixed,
    product,
    text_hashes,
    texts_of,
    unordered_pairs,
    unordered_product,
)

MOST_VALUES = 3  # values of one column that make keys; a record with dozens of addresses must not make thousands
MOST_NAMES = 6
LEADING_WORDS = {*OPENING.values(), *FOREIGN_WORDS.values(), *PARTICLES}
"""What may stand before a street's name."""
N_BANDS, LEAST_BITS, SPREAD = 6, 14, 17


@lru_cache(maxsize=200_000)
def sound(name: str) -> str:
    """Metaphone of a name without spaces; the name itself where it has no sound (digits)."""
    return jellyfish.metaphone(name.replace(" ", ""))[:6] or name


def home(address: str) -> str:
    """First number and first longer word of an address line, or the next one where that word is only a street's type.

    >>> home("12 oak street unit 4"), home("calle mayor 12"), home("12 avenue b")
    ('12 oak', '12 mayor', '12 avenu')
    """
    words = address.split(" ")
    number = next((word for word in words if word.isdigit()), "")
    longer = [word for word in words if word.isalpha() and len(word) > 2]
    named = (word for word in longer if word not in LEADING_WORDS)
    street = next(named, longer[0] if longer else "")
    return f"{number} {street[:5]}" if number and street else ""


def unordered_day(birth: str) -> str:
    """Month and day in ascending order, equal for a date and its day/month swap; empty for the first of January."""
    return "" if birth.endswith("-01-01") else "".join(sorted((birth[5:7], birth[8:10])))


def local_part(email: str) -> str:
    """What stands before the @, where it is longer than two letters."""
    local = email.partition("@")[0]
    return local if len(local) > 2 else ""


def domain_with_initial(email: str) -> str:
    """The domain with an initial: that of one family or employer is rare enough to pair by."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}@{domain}" if domain else ""


def first(n_letters: int) -> Callable[[str], str]:
    """A function that cuts a text after so many letters."""
    return lambda text: text[:n_letters]


def longer_words(name: str) -> list[str]:
    """The words of a name, initials left out."""
    return [word for word in name.split(" ") if len(word) > 1]


def surname_words(name: str) -> list[str]:
    """A surname in one word and, of a double one, each part."""
    return [word for word in (name.replace(" ", ""), *longer_words(name)) if len(word) > 1]


def formal_words(name: str) -> list[str]:
    """What the words of a given name may be short for, no word twice."""
    return list(dict.fromkeys(formal for word in longer_words(name) for formal in formal_names(word)))


def years_of(span: str) -> list[str]:
    """The years of a span.

    >>> years_of("1950:1951")
    ['1950', '1951']
    """
    return [str(year) for year in range(int(span[:4]), int(span[5:9]) + 1)]


class KeyValues:
    """The standardised values of a batch that keys are made of, `Texts` each."""

    def __init__(self, records: pa.Table) -> None:
        def of(name: str) -> Texts:
            return texts_of(records, name, MOST_VALUES)

        self.ids, self.scoped, self.phones, self.emails = map(
            of, ("national_ids", "scoped_identifiers", "phones", "emails")
        )
        self.addresses, self.cities, self.postal = map(of, ("addresses", "cities", "postal_codes"))
        self.births = of("birth_dates").where(lambda birth: len(birth) == 10)
        self.noted_years = expanded([(of("note_births"), years_of)])
        given = of("given_names")
        surnames = [(of(name), surname_words) for name in ("family_names", "former_family_names")]
        self.names = expanded([(given, longer_words), *surnames], MOST_NAMES)
        """Every part of every name, whichever field it stands in: names change places and stick together."""
        self.surnames = expanded(surnames, MOST_NAMES)
        self.formal_names = expanded([(given, formal_words)])
        own_years, noted = self.births.hashed(first(4)), self.noted_years.hashed()
        self.years = concatenated(own_years, noted.but_of(own_years.rows))
        """Birth years: the record's own, or those that its notes leave possible."""
        self.homes = self.addresses.hashed(home)

    def named(self, n_letters: int) -> Held:
        """The first letters of the parts of names."""
        return self.names.hashed(first(n_letters))

    def name_pairs(self, form: Callable[[str], str]) -> Held:
        """Two parts of the names in either order: equal when the names changed places."""
        return unordered_pairs(self.names.hashed(form), MOST_NAMES)

    def nicknamed_pairs(self, form: Callable[[str], str]) -> Held:
        """The same and, with each part of a surname, what a given name may be short for.

        So Bill Lee meets William Lee, and Bob Lee meets Rob Lee. A formal name makes no further keys.
        """
        formal = unordered_product(self.formal_names.hashed(form), self.surnames.hashed(form))
        return concatenated(self.name_pairs(form), formal)

    def towns(self) -> Held:
        """The first letters of cities; 0 for each home without one."""
        known = self.cities.hashed(first(3))
        rows = np.setdiff1d(self.homes.rows, known.rows)
        return concatenated(known, Held(rows, np.zeros(len(rows), np.uint64)))


PASSES: dict[str, Callable[[KeyValues], Held]] = {
    "national_id": lambda v: v.ids.hashed(lambda value: "" if value.startswith("last4:") else value),
    "identifier": lambda v: v.scoped.hashed(),
    "phone": lambda v: v.phones.hashed(lambda phone: phone[-8:]),
    "email": lambda v: concatenated(v.emails.hashed(local_part), v.emails.hashed(domain_with_initial)),
    "birth_date": lambda v: v.births.hashed(),
    "birth_date_name": lambda v: product(v.births.hashed(), v.named(2)),
    "birth_day_name": lambda v: product(v.named(3), v.births.hashed(unordered_day)),
    "birth_month_name": lambda v: product(v.named(4), v.births.hashed(first(7))),
    "names": lambda v: v.nicknamed_pairs(sound),
    "names_spelled": lambda v: v.name_pairs(first(4)),
    "names_birth_year": lambda v: product(v.nicknamed_pairs(first(3)), v.years),
    "name_postal_code": lambda v: product(v.names.hashed(lambda name: sound(name)[:4]), v.postal.hashed()),
    "name_city": lambda v: product(v.named(4), v.cities.hashed(first(4))),
    "address": lambda v: product(v.homes, v.towns()),
    "name_address": lambda v: product(v.named(2), v.homes),
    "name_noted_year": lambda v: product(v.named(4), concatenated(v.years, v.noted_years.hashed())),
}
PASS_NAMES = (*PASSES, "learned")


def bits_of_table(n_records: int) -> int:
    """How many bits a band of the learned pass has in a table of so many records: one record for each of its values.

    Beyond 2**SPREAD records, five bits for three doublings: vectors crowd where names are common, so a bit more leaves
    some 70 % of the pairs and not half. So a record meets about as many others in a large table as in a small one.
    """
    bits = (n_records - 1).bit_length()
    return max(LEAST_BITS, bits + 2 * max(bits - SPREAD, 0) // 3)


def blocking_keys(
    records: pa.Table, passes: tuple[str, ...], learned_bits: int = LEAST_BITS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, key, pass) of every blocking key of a batch, pass by pass; pass numbers index ``PASS_NAMES``.

    In: ``learned_bits``: those of a band of the learned pass, one number for all batches of a table (`bits_of_table`).

    A key is a positive 62-bit hash, the same in every process. No record has one twice.
    """
    values = KeyValues(records)
    found = [(name, PASSES[name](values)) for name in PASSES if name in passes]
    if "learned" in passes and "record_vector" in records.column_names:
        found.append(("learned", learned_bands(records["record_vector"].to_pylist(), learned_bits)))
    salts = text_hashes(list(PASS_NAMES))
    rows, keys, kinds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int16)]
    for name, held in found:
        number = PASS_NAMES.index(name)
        salted = Held(held.rows, mixed(held.hashes, np.broadcast_to(salts[number], held.hashes.shape)) >> np.uint64(2))
        own = salted.once()
        rows.append(own.rows)
        keys.append(own.hashes.astype(np.int64))
        kinds.append(np.full(len(own.rows), number, np.int16))
    return np.concatenate(rows), np.concatenate(keys), np.concatenate(kinds)


def learned_bands(vectors: list[bytes | None], n_bits: int) -> Held:
    """What the learned pass hashes: bands of ``n_bits`` signs of random projections of the record vector.

    Source: Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002.
    """
    planes = np.random.default_rng(20_02).standard_normal((64, N_BANDS * n_bits))
    known: Any = [row for row, vector in enumerate(vectors) if vector is not None and any(vector)]
    matrix = np.frombuffer(b"".join(vectors[row] or b"" for row in known), np.int8).reshape(len(known), 64)
    bits = (matrix.astype(np.float64) @ planes > 0).reshape(len(known), N_BANDS, n_bits)
    numbers = (bits * (1 << np.arange(n_bits))).sum(2) + (np.arange(N_BANDS) << n_bits)
    return Held(np.repeat(np.array(known, np.int64), N_BANDS), numbers.ravel().astype(np.uint64))
