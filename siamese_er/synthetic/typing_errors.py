"""What happens to a value between the person and the record: slips of hand, eye and ear, on text, digits and dates."""

from collections.abc import Callable
from random import Random

ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def keyboard_neighbours() -> dict[str, str]:
    """Each key of a QWERTY keyboard -> the letters around it (the same row and the two next to it)."""
    around: dict[str, str] = {}
    for r, row in enumerate(ROWS):
        for c, key in enumerate(row):
            near = [(r, c - 1), (r, c + 1), (r - 1, c), (r - 1, c + 1), (r + 1, c - 1), (r + 1, c)]
            keys = [ROWS[i][j] for i, j in near if 0 <= i < len(ROWS) and 0 <= j < len(ROWS[i])]
            around[key] = "".join(k for k in keys if k.isdigit() == key.isdigit())
    return around


NEIGHBOURS = keyboard_neighbours()
OCR = (
    ("rn", "m"), ("m", "rn"), ("cl", "d"), ("d", "cl"), ("l", "1"), ("o", "0"), ("i", "l"), ("l", "i"), ("s", "5"),
    ("b", "8"), ("g", "q"), ("vv", "w"), ("w", "vv"), ("h", "n"), ("n", "h"), ("u", "v"), ("c", "e"), ("e", "c"),
    ("nn", "m"), ("f", "t"), ("li", "h"), ("0", "o"), ("1", "l"), ("5", "s"), ("z", "2"), ("a", "o"), ("q", "g"),
)  # fmt: skip
PHONETIC = (
    ("ph", "f"), ("f", "ph"), ("ck", "k"), ("k", "c"), ("c", "k"), ("y", "i"), ("i", "y"), ("ie", "y"), ("ey", "y"),
    ("y", "ey"), ("sch", "sh"), ("ee", "ea"), ("ea", "ee"), ("v", "w"), ("w", "v"), ("z", "s"), ("s", "z"), ("th", "t"),
    ("t", "th"), ("ou", "u"), ("x", "ks"), ("oo", "u"), ("ai", "ay"), ("ay", "ai"), ("ei", "ie"), ("e", "a"),
    ("a", "e"), ("er", "or"), ("o", "au"), ("tz", "ts"), ("kn", "n"), ("wr", "r"), ("gh", ""), ("j", "g"), ("h", ""),
    ("mb", "m"), ("dge", "ge"), ("d", "t"), ("b", "p"), ("ll", "l"), ("l", "ll"), ("nn", "n"), ("n", "nn"),
    ("tt", "t"), ("ss", "s"), ("r", "rr"), ("e", ""), ("an", "en"), ("son", "sen"), ("ow", "au"),
)  # fmt: skip


def in_case_of(letter: str, model: str) -> str:
    """The letter, upper case if the model letter is."""
    return letter.upper() if model.isupper() else letter


def other_letter(random: Random, text: str, letter: str) -> str:
    """A letter to hit instead: a neighbour on the keyboard, or in other scripts another letter of the word."""
    near = NEIGHBOURS.get(letter.lower())
    if near and random.random() < 0.75:
        return in_case_of(random.choice(near), letter)
    if letter.isdigit():
        return random.choice("0123456789")
    return in_case_of(random.choice(LETTERS), letter) if letter.isascii() else random.choice(text)


def insert(random: Random, text: str) -> str:
    """One letter too many."""
    i = random.randrange(len(text) + 1)
    return text[:i] + other_letter(random, text, text[min(i, len(text) - 1)]).lower() + text[i:]


def delete(random: Random, text: str) -> str:
    """One letter lost."""
    i = random.randrange(len(text))
    return text[:i] + text[i + 1 :]


def substitute(random: Random, text: str) -> str:
    """One letter wrong."""
    i = random.randrange(len(text))
    return text[:i] + other_letter(random, text, text[i]) + text[i + 1 :]


def transpose(random: Random, text: str) -> str:
    """Two neighbouring letters swapped."""
    if len(text) < 2:
        return text
    i = random.randrange(len(text) - 1)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def repeat(random: Random, text: str) -> str:
    """One letter typed twice."""
    i = random.randrange(len(text))
    return text[: i + 1] + text[i:]


def respelled(random: Random, text: str, rules: tuple[tuple[str, str], ...]) -> str:
    """The text after one of the rules that apply to it; a plain substitution where none does."""
    lower = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)  # İ lowers to two
    for _ in range(12):
        old, new = random.choice(rules)
        i = lower.find(old, random.randrange(len(text)))
        if i >= 0:
            new = new.capitalize() if text[i].isupper() else new
            return text[:i] + new + text[i + len(old) :]
    return substitute(random, text)


def ocr(random: Random, text: str) -> str:
    """One letter or two misread."""
    return respelled(random, text, OCR)


def phonetic(random: Random, text: str) -> str:
    """One sound spelled otherwise."""
    return respelled(random, text, PHONETIC)


def truncate(random: Random, text: str) -> str:
    """The end cut off, at most two thirds."""
    return text[: max(1, random.randrange(len(text) // 3, len(text)))] if len(text) > 2 else text


def split(random: Random, text: str) -> str:
    """Two words out of one."""
    if len(text) < 4:
        return text
    i = random.randrange(2, len(text) - 1)
    return text[:i] + random.choice(" -") + text[i:]


def glue(random: Random, text: str) -> str:
    """One word out of two; a letter lost where there is one word."""
    return text.replace("-", " ").replace(" ", "", 1) if " " in text or "-" in text else delete(random, text)


TEXT_ERRORS: dict[str, Callable[[Random, str], str]] = {
    "insert": insert, "delete": delete, "substitute": substitute, "transpose": transpose, "repeat": repeat,
    "ocr": ocr, "phonetic": phonetic, "truncate": truncate, "split": split, "glue": glue,
}  # fmt: skip
"""Kind of error -> (random, non-empty text) -> the text with that error, once."""


def digit_error(random: Random, text: str) -> str:
    """A number with one digit wrong (60 %), two swapped, one lost or one too many."""
    where = [i for i, letter in enumerate(text) if letter.isdigit()]
    draw = random.random()
    if not where:
        return substitute(random, text)
    i = random.choice(where)
    if draw < 0.6:
        return text[:i] + str((int(text[i]) + random.randrange(1, 10)) % 10) + text[i + 1 :]
    if draw < 0.85 and len(where) > 1:
        k = random.randrange(len(where) - 1)
        a, b = where[k], where[k + 1]
        return text[:a] + text[b] + text[a + 1 : b] + text[a] + text[b + 1 :]
    return text[:i] + text[i + 1 :] if draw < 0.95 else text[:i] + random.choice("0123456789") + text[i:]


DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
Day = tuple[int, int, int]


def valid_day(year: int, month: int, day: int) -> Day:
    """The nearest date of this year that exists; 29 February is never used."""
    month = min(12, max(1, month))
    return year, month, min(DAYS[month - 1], max(1, day))


def date_error(random: Random, born: Day) -> Day:
    """A birth date mistaken as people do: day and month swapped, a digit, a day, a year or ten off; 3 % impossible."""
    year, month, day = born
    draw = random.random()
    if draw < 0.18 and day <= 12:
        return year, day, month
    if draw < 0.36:
        return valid_day(year, month, day + random.choice((-1, 1, -10, 10, 2, -2)))
    if draw < 0.50:
        return valid_day(year + random.choice((-1, 1)), month, day)
    if draw < 0.62:
        return valid_day(year + random.choice((-10, 10, -20, 100 if year < 1925 else 10)), month, day)
    if draw < 0.72:
        return valid_day(year, (month + random.choice((-1, 1, 5)) - 1) % 12 + 1, day)
    if draw < 0.80:
        tens, ones = divmod(day, 10)
        return valid_day(year, month, ones * 10 + tens)
    if draw < 0.88:
        return valid_day(year // 100 * 100 + year % 10 * 10 + year // 10 % 10, month, day)
    if draw < 0.97:
        return valid_day(year, month, random.randrange(1, 29))
    return year, month + 12 if draw < 0.985 else month, day + 31 if draw >= 0.985 else day
