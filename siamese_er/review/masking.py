"""Values as a reviewer sees them before unmasking: enough to see agreement and the kind of a difference, not the person.

A masked value is as long as the value and keeps blanks and punctuation, so that a difference can be marked in its place.
What is shown is still about a patient: initials, years and regions stay protected.
"""

import hashlib
import secrets

SHOWN_WHOLE = frozenset({"sexes", "states", "countries", "suffixes", "birth_orders"})
SHOWN_FIRST = {
    "given_names": 1, "middle_names": 1, "family_names": 1, "former_family_names": 1, "maiden_names": 1,
    "birth_dates": 4, "invalid_birth_dates": 4, "death_dates": 4, "postal_codes": 3,
}  # fmt: skip
"""Characters left open at the start: an initial, a year, the first digits of a postal code; none of any other column."""
BULLET = "•"
_SESSION_KEY = secrets.token_bytes(16)


def masked(column: str, value: str) -> str:
    """The value with letters and digits hidden, as long as before.

    >>> masked("family_names", "o'neill"), masked("birth_dates", "1975-09-03"), masked("phones", "+18459404438")
    ("o'••••••", '1975-••-••', '+•••••••••••')
    """
    if column in SHOWN_WHOLE:
        return value
    n_open = SHOWN_FIRST.get(column, 0)
    return value[:n_open] + "".join(BULLET if character.isalnum() else character for character in value[n_open:])


def record_label(record_key: str) -> str:
    """A name for a record that holds within this session only: a hash of its key with a key that is never stored."""
    return hashlib.blake2b(record_key.encode(), key=_SESSION_KEY, digest_size=3).hexdigest()
