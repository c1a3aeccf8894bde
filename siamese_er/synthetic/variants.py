"""Training pairs for the field encoder: a value, and the same value as somebody else wrote it."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product
from random import Random
from typing import Any
from zlib import crc32

from anyascii import anyascii
from faker.providers import address as places
from faker.providers import person
from nicknames import NickNamer

from siamese_er.synthetic.typing_errors import TEXT_ERRORS, digit_error, respelled

HELD_OUT_SHARE = 8  # one name in so many never enters training
ROMANISATIONS = (
    ("yu", "iu"), ("ya", "ia"), ("iu", "yu"), ("ia", "ya"), ("kh", "h"), ("zh", "j"), ("ch", "tch"), ("sh", "sch"),
    ("ts", "tz"), ("ou", "u"), ("u", "ou"), ("dj", "j"), ("j", "dj"), ("ae", "a"), ("oe", "o"), ("ue", "u"),
    ("a", "ae"), ("o", "oe"), ("u", "ue"), ("ei", "y"), ("iy", "y"), ("yy", "y"), ("skiy", "sky"), ("skyi", "sky"),
    ("q", "k"), ("k", "q"), ("x", "h"), ("c", "ts"), ("aa", "a"), ("ee", "i"), ("oo", "u"), ("w", "v"), ("mm", "m"),
    ("hs", "x"), ("ch", "q"), ("zh", "ch"), ("tz", "z"), ("ks", "x"), ("g", "h"), ("ss", "s"), ("e", "ye"), ("ye", "e"),
)  # fmt: skip
STREET_WORDS = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct", "place": "pl",
    "boulevard": "blvd", "square": "sq", "terrace": "ter", "highway": "hwy", "parkway": "pkwy", "circle": "cir",
    "close": "cl", "crescent": "cres", "way": "wy", "trail": "trl", "north": "n", "south": "s", "east": "e",
    "west": "w", "apartment": "apt", "suite": "ste", "unit": "u", "saint": "st", "mount": "mt",
}  # fmt: skip
NATIVE_STREETS = (
    "{name}strasse",
    "rue {name}",
    "calle {name}",
    "via {name}",
    "ulica {name}",
    "rua {name}",
    "{name}straat",
)
MAIL_WORDS = ("mail", "home", "family", "the", "real", "mr", "ms", "dr", "info", "x", "my", "its", "hello", "best")


def folded(text: str) -> str:
    """Lower-case ASCII letters, digits and single spaces, as the standardised fields hold them."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", anyascii(text).lower().replace("'", "")).split())


def is_held_out(name: str) -> bool:
    """True for the names kept for validation; a function of the name, so that no list leaks it."""
    return crc32(name.encode()) % HELD_OUT_SHARE == 0


def word_lists(provider: Any, prefixes: tuple[str, ...]) -> Iterator[str]:
    """Folded entries of the lists, over all of faker's locales, whose attribute starts with one of the prefixes."""
    for module in pkgutil.iter_modules(provider.__path__):
        words = importlib.import_module(f"{provider.__name__}.{module.name}").Provider
        for attribute in dir(words):
            values = getattr(words, attribute)
            if attribute.startswith(prefixes) and isinstance(values, (tuple, list, dict)):
                yield from (folded(value) for value in values if isinstance(value, str))


@lru_cache(maxsize=4)
def name_values(use: str, held_out: bool) -> tuple[str, ...]:
    """Distinct folded names of faker's 86 locales, sorted: use is given or family; held-out ones or all the others."""
    names = set(word_lists(person, ({"given": "first_", "family": "last_"}[use],)))
    return tuple(sorted(name for name in names if 1 < len(name) <= 24 and is_held_out(name) == held_out))


def coined(random: Random, names: tuple[str, ...]) -> str:
    """A name nobody listed: the head of one and the tail of another."""
    head, tail = random.choice(names), random.choice(names)
    joined = head[: random.randrange(1, len(head) + 1)] + tail[random.randrange(len(tail)) :]
    return joined[:20] if len(joined) > 2 else head


def name(random: Random, use: str) -> str:
    """A training name: listed (two in three), coined, or two surnames."""
    names, draw = name_values(use, False), random.random()
    if draw < 0.66:
        return random.choice(names)
    if draw < 0.88:
        return coined(random, names)
    return f"{random.choice(names)} {random.choice(names)}"


@lru_cache(maxsize=1)
def city_values() -> tuple[str, ...]:
    """Folded city names: those of faker's lists, and names with the usual endings."""
    cities = set(word_lists(places, ("cities", "city_names", "towns", "states", "departments")))
    endings = ("ville", "ton", " city", "burg", "port", "field", " springs", "mouth", " falls", "land", "chester")
    starts = ("north ", "new ", "east ", "lake ", "port ", "saint ", "")
    for i, (start, ending) in enumerate(product(starts, endings)):
        cities |= {start + root + ending for root in name_values("family", False)[i::97]}
    return tuple(sorted(city for city in cities if len(city) > 2))


def address(random: Random) -> str:
    """A folded address line: number, street, at times a unit."""
    street, number = name(random, "family"), str(int(10 ** random.uniform(0.3, 4.3)))
    if random.random() < 0.3:
        street = f"{random.choice(('north', 'south', 'east', 'west', 'old', 'mount', 'saint'))} {street}"
    if random.random() < 0.25:
        line = random.choice(NATIVE_STREETS).format(name=street)
        line = f"{line} {number}" if random.random() < 0.6 else f"{number} {line}"
    else:
        line = f"{number} {street} {random.choice(list(STREET_WORDS)[:17])}"
    if random.random() < 0.25:
        line += f" {random.choice(('apartment', 'unit', 'suite', 'flat'))} {random.randrange(1, 900)}"
    return line


def email(random: Random) -> str:
    """The local part of an e-mail address, folded as standardised ones are: lower case, with dots."""
    given, family = name(random, "given").split()[0], name(random, "family").split()[-1]
    number = random.choice(("", "", str(random.randrange(1, 100)), str(random.randrange(1940, 2012))))
    dot = random.choice((".", "", "_", "-"))
    pattern = random.choice(
        (given + dot + family, given[0] + dot + family, given + dot + family[0], family + dot + given, given,
         family + given[0], random.choice(MAIL_WORDS) + dot + given, family + dot + random.choice(MAIL_WORDS))
    )  # fmt: skip
    return pattern + number


def city(random: Random) -> str:
    """A folded city name."""
    return random.choice(city_values())


VALUES: dict[str, Callable[[Random], str]] = {
    "given": lambda random: name(random, "given"),
    "family": lambda random: name(random, "family"),
    "address": address,
    "city": city,
    "email": email,
}
"""Field kind -> (random) -> a clean value."""


def mistyped(random: Random, text: str) -> str:
    """The text with one slip, folded again; unchanged where the slip leaves nothing."""
    slip = TEXT_ERRORS[random.choice(tuple(TEXT_ERRORS))]
    return folded(slip(random, text)) or text


def other_name(random: Random, text: str, use: str) -> str:
    """The same name written differently on purpose: nickname, romanisation, one of two parts, another order."""
    parts = text.split()
    if use == "given" and random.random() < 0.5:
        nicknames = sorted(nicknamer().nicknames_of(parts[0]))
        if nicknames:
            return folded(random.choice(nicknames))
    if len(parts) > 1:
        ways = (parts[0], parts[-1], " ".join(reversed(parts)), "".join(parts))
        return random.choice(ways)
    return folded(respelled(random, text, ROMANISATIONS)) or text


@lru_cache(maxsize=1)
def nicknamer() -> NickNamer:
    """The nickname table of the nicknames package."""
    return NickNamer()


def other_address(random: Random, text: str) -> str:
    """The same address in other words: abbreviated or spelled out, unit dropped, a digit wrong."""
    words, draw = text.split(), random.random()
    if draw < 0.6:
        long = {short: word for word, short in STREET_WORDS.items()}
        swaps = STREET_WORDS if random.random() < 0.7 else long
        words = [swaps.get(word, word) for word in words]
    elif draw < 0.8 and len(words) > 4:
        words = words[:-2]
    elif draw < 0.9:
        return folded(digit_error(random, text)) or text
    else:
        words = [word for word in words if word not in STREET_WORDS] or words
    return " ".join(words)


def variant(random: Random, kind: str, text: str) -> str:
    """The value as another hand wrote it: 15 % identical, else one to three changes."""
    if random.random() < 0.15:
        return text
    changed = text
    if kind in ("given", "family") and random.random() < (0.6 if " " in text else 0.25):
        changed = other_name(random, changed, kind)
    elif kind == "address" and random.random() < 0.6:
        changed = other_address(random, changed)
    elif kind == "email":
        slip = TEXT_ERRORS[random.choice(("insert", "delete", "substitute", "transpose", "repeat", "truncate", "ocr"))]
        changed = slip(random, changed).lower().replace(" ", "") or text
    if kind != "email" and (changed == text or random.random() < 0.4):
        changed = mistyped(random, changed)
    if kind != "email" and random.random() < 0.25:
        changed = mistyped(random, changed)
    return changed
