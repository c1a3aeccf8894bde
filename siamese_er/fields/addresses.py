"""Street addresses: "<number> <street words> [unit <x>]"; group addresses and post office boxes are no evidence."""

import re
from functools import lru_cache

from siamese_er.fields.street_words import DOTTED, FULL_TYPES, NUMBER_MARKS, OPENING, STREET_TYPES, UNITS, WORDS
from siamese_er.fields.text import CACHED_VALUES, PLACEHOLDER, Standard, ascii_words, is_placeholder

SLASHED = re.compile(r"^(\s*(?:unit|flat|apt|u)?\s*\d+[a-z]?)\s*/\s*(\d+[a-z]?)(?=\s+[a-z])", re.IGNORECASE)
HASH = re.compile(r"#\s*(?=\w)")
PO_BOX = re.compile(r"\b(?:p ?o|g ?p ?o|post office) ?(?:box|bx) (?:no |number )?([0-9a-z]+)\b|^box (\d+)$")
GLUED_PO_BOX = re.compile(r"\bpob(?:ox)? ?(\d+)\b")
IN_CARE = re.compile(r"^(?:c o|care of|in care of) .*(?:hospital|shelter|clinic|mission|prison|jail|center|centre)\b")
GROUP = re.compile(
    r"(?:general delivery|homeless|no (?:fixed|permanent) (?:abode|address)|nfa|nfpa|transient|undomiciled|no address"
    r"|address unknown|unknown address|bad address|return mail|do not mail|at hospital"
    r"|(?:the )?(?:[a-z]+ ){0,3}(?:homeless )?shelter)"
)
TEST = re.compile(r"\d+ test(?: (?:street|road|avenue|lane|drive|address))?|test address")
UNIT_VALUE = re.compile(r"\d+[a-z]?|[a-z]\d+|[a-z]|ph\d*")
NUMBER = re.compile(r"\d+[a-z]?")
BOXES = ("box", "bx", "pob")
"""What every post office box has of them."""
GLUED_STREET = ("strasse", "straat", "str")
OPENINGS = {**OPENING, "st": "saint"}
OPENED = frozenset(OPENING.values())
PASSING = {*OPENINGS, *UNITS, *NUMBER_MARKS, *(first for first, _ in DOTTED), *(w for w in WORDS if WORDS[w] != w)}
"""Words that another pass could read otherwise."""


def is_group_address(words: str) -> bool:
    """Whether these expanded ASCII words name a place where strangers live, or none at all."""
    return bool(GROUP.fullmatch(words) or IN_CARE.match(words))


def is_test_address(value: str) -> bool:
    """Whether this is the address of a test patient, such as "123 Test"."""
    return "test" in value.lower() and bool(TEST.fullmatch(expanded(ascii_words(value).split())))


def parted_units(tokens: list[str]) -> tuple[list[str], list[str]]:
    """The tokens without units, and the units' values in order."""
    street: list[str] = []
    units: list[str] = []
    position = 0
    while position < len(tokens):
        following = tokens[position + 1] if position + 1 < len(tokens) else ""
        if tokens[position] in UNITS and following in UNITS:
            pass  # "apt #": the second one names the unit
        elif tokens[position] in UNITS and UNIT_VALUE.fullmatch(following):
            units.append(tokens[position + 1])
            position += 1
        else:
            street.append(tokens[position])
        position += 1
    return street, units


def dots_joined(tokens: list[str]) -> list[str]:
    """The tokens with an Italian street type in one that a full stop parted: "p za" is "piazza".

    >>> dots_joined(["3", "p", "za", "navona"])
    ['3', 'piazza', 'navona']
    """
    for position in range(min(2, len(tokens) - 1)):
        pair = (tokens[position], tokens[position + 1])
        if pair in DOTTED and opens_name(tokens, position):
            return [*tokens[:position], DOTTED[pair], *tokens[position + 2 :]]
    return tokens


def marked_number(tokens: list[str]) -> list[str]:
    """The tokens without the first word that only says that a house number follows, where no other number could be it.

    Before the street's name any other number could, after it only one that comes before. A single letter is such a word only
    after a street's type that opens the line: "Via Roma n. 5", but "Block D 5".

    >>> marked_number(["mirova", "no", "5"]), marked_number(["12", "oak", "street", "no", "5"])
    (['mirova', '5'], ['12', 'oak', 'street', 'no', '5'])
    """
    if NUMBER_MARKS.isdisjoint(tokens):
        return tokens
    least = 1 if tokens[0] in OPENINGS or tokens[0] in OPENED else 2
    marks = [
        position
        for position, token in enumerate(tokens[:-1])
        if token in NUMBER_MARKS and NUMBER.fullmatch(tokens[position + 1]) and len(token) >= (least if position else 2)
    ]
    if not marks:
        return tokens
    named = {*(position + 1 for position in marks), *(i + 1 for i, token in enumerate(tokens) if token in UNITS)}
    others = tokens if marks[0] == 0 else tokens[: marks[0]]
    is_bare = any(any(map(str.isdigit, token)) for i, token in enumerate(others) if i not in named)
    return tokens if is_bare else tokens[: marks[0]] + tokens[marks[0] + 1 :]


def opens_name(tokens: list[str], position: int) -> bool:
    """Whether the token opens the street's name: first, or first after the number, with a name after it."""
    starts = position == 0 or (position == 1 and NUMBER.fullmatch(tokens[0]) is not None)
    following = tokens[position + 1 : position + 2]
    if not starts or not following:
        return False
    is_type = following[0] in STREET_TYPES or following[0] in FULL_TYPES
    if tokens[position] == "st":
        return not is_type
    is_letter = len(following[0]) == 1 and following[0].isalpha()  # "c/o", "12 C R 319"
    return not is_letter and (position == 0 or not is_type)  # "C. Lago 12", but "12 C Street"


def expanded(tokens: list[str]) -> str:
    """The street's tokens with types, directions and ordinals written out."""
    words = [WORDS.get(token, token) for token in tokens]
    for position, token in enumerate(tokens):
        if position < 2 and token in OPENINGS and opens_name(tokens, position):
            words[position] = OPENINGS[token]
        elif token.endswith(GLUED_STREET):
            words[position] = one_ending(words[position])
    return " ".join(words)


def one_ending(word: str) -> str:
    """A German or Dutch street's name with one ending for all its spellings; other words as they are.

    >>> one_ending("hauptstrasse"), one_ending("hauptstr"), one_ending("str")
    ('hauptstr', 'hauptstr', 'str')
    """
    return next(
        (word[: -len(end)] + "str" for end in GLUED_STREET if word.endswith(end) and len(word) > len(end) + 2), word
    )


@lru_cache(CACHED_VALUES)
def standard_address(value: str) -> Standard:
    """A street address in normal form; group addresses, post office boxes and placeholders lose their evidence.

    >>> standard_address("4/12 Smith St").value, standard_address("PO Box 9").value
    ('12 smith street unit 4', '')
    """
    if is_placeholder(value):
        return PLACEHOLDER
    text = value
    while (found := once_standard(text)).value not in ("", text):
        text = found.value
        if is_settled(text):
            break
    return found


def is_settled(text: str) -> bool:
    """Whether another pass, which costs as much as the first, surely finds the same."""
    return PASSING.isdisjoint(text.split()) and not any(box in text for box in BOXES)


def once_standard(value: str) -> Standard:
    """The address after one pass; what a unit leaves behind may read as another unit."""
    words = ascii_words(HASH.sub(" unit ", SLASHED.sub(r" unit \1 \2", value)))
    if PO_BOX.search(words) or GLUED_PO_BOX.search(words):
        return Standard(fault="group_address")
    street, units = parted_units(marked_number(dots_joined(words.split())))
    text = expanded(street)
    if is_group_address(text):
        return Standard(fault="group_address")
    if TEST.fullmatch(text):
        return PLACEHOLDER
    return Standard(" ".join([text, *(f"unit {unit}" for unit in units)]).strip())
