"""Street addresses: "<number> <street words> [unit <x>]"; group addresses and post office boxes are no evidence."""

import re
from functools import lru_cache

from siamese_er.fields.street_words import FULL_TYPES, STREET_TYPES, UNITS, WORDS
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
PASSING = {"st", *UNITS, *(word for word, whole in WORDS.items() if word != whole)}
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


def is_saint(tokens: list[str], position: int) -> bool:
    """Whether "st" here opens the street's name: first after the number, with a name after it."""
    starts = position == 0 or (position == 1 and NUMBER.fullmatch(tokens[0]) is not None)
    following = tokens[position + 1 : position + 2]
    return starts and bool(following) and following[0] not in STREET_TYPES and following[0] not in FULL_TYPES


def expanded(tokens: list[str]) -> str:
    """The street's tokens with types, directions and ordinals written out."""
    words = [
        "saint" if token == "st" and is_saint(tokens, position) else WORDS.get(token, token)
        for position, token in enumerate(tokens)
    ]
    return " ".join(words)


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
    street, units = parted_units(words.split())
    text = expanded(street)
    if is_group_address(text):
        return Standard(fault="group_address")
    if TEST.fullmatch(text):
        return PLACEHOLDER
    return Standard(" ".join([text, *(f"unit {unit}" for unit in units)]).strip())
