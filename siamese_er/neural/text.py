"""Standardised values as arrays of character codes: text fields byte by byte, coded fields slot by slot."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FIELD_KINDS = ("given", "family", "address", "city", "email")
"""Text fields in the order of EMBEDDINGS.field_vectors; "email" is the part before the @."""

FIELD_COLUMNS = {
    "given": "given_names", "family": "family_names", "address": "addresses", "city": "cities", "email": "emails",
}  # fmt: skip
TEXT_LENGTHS = {"given": 32, "family": 32, "address": 48, "city": 32, "email": 32}  # characters; the rest is cut
CODED_FIELDS = {
    "birth_dates": 8, "sexes": 1, "national_ids": 12, "phones": 10, "postal_codes": 8,
}  # fmt: skip
"""STANDARDISED column = slots of its first value; phones and ids end in the last slot, others start in the first."""

ALIGNED_AT_END = frozenset({"phones", "national_ids"})
N_SYMBOLS = 39  # blank, 26 letters, 10 digits, space, anything else
_SYMBOLS = np.full(256, N_SYMBOLS - 1, dtype=np.uint8)
_SYMBOLS[0] = 0
_SYMBOLS[ord("a") : ord("z") + 1] = np.arange(1, 27)
_SYMBOLS[ord("A") : ord("Z") + 1] = np.arange(1, 27)
_SYMBOLS[ord("0") : ord("9") + 1] = np.arange(27, 37)
_SYMBOLS[ord(" ")] = 37


def text_codes(values: Sequence[str], length: int) -> NDArray[np.uint8]:
    """Symbols of each value's first ``length`` bytes, (n, length); 0 fills up behind the end.

    >>> text_codes(["ab 1"], 6).tolist()
    [[1, 2, 37, 28, 0, 0]]
    """
    joined = b"".join(value.encode("utf-8", "replace")[:length].ljust(length, b"\0") for value in values)
    return _SYMBOLS[np.frombuffer(joined, dtype=np.uint8)].reshape(len(values), length)


def coded_slots(column: str, values: Sequence[str]) -> NDArray[np.uint8]:
    """Symbols of coded values without their punctuation, (n, slots); 0 where a slot is empty, as in a partial date.

    >>> coded_slots("birth_dates", ["1980-03"]).tolist()
    [[28, 36, 35, 27, 27, 30, 0, 0]]
    """
    slots = CODED_FIELDS[column]
    bare = ["".join(filter(str.isalnum, value)) for value in values]
    if column in ALIGNED_AT_END:
        bare = [value[-slots:].rjust(slots, "\0") for value in bare]
    return text_codes(bare, slots)
