"""Names that say something other than a name: placeholders, test patients, newborns before they are named."""

import re
from functools import lru_cache
from typing import NamedTuple

from siamese_er.fields.text import CACHED_VALUES, MISSING_WORDS, REPEATED_X

NAME_PLACEHOLDERS = MISSING_WORDS | frozenset(
    {
        "fnu", "lnu", "nfn", "nln", "nmn", "nlu", "no name", "noname", "no first name", "no last name",
        "no given name", "no surname", "no family name", "first name unknown", "last name unknown", "name unknown",
        "unknown name", "unnamed", "anonymous", "anon", "unidentified", "unknown unknown", "test", "testing",
        "testpatient", "test patient", "patient test", "test test", "patient", "trauma", "confidential",
        "withheld", "nfn nln", "firstname", "lastname", "surname", "first name", "last name", "given name",
        "family name", "john doe", "jane doe", "unknown male", "unknown female", "male unknown", "female unknown",
        "mickey mouse", "minnie mouse", "donald duck", "xyz", "household",
    }
)  # fmt: skip
RELATIONS = frozenset(
    {
        "aunt", "auntie", "brother", "caregiver", "cousin", "daughter", "father", "fiance", "fiancee", "foster child",
        "granddaughter", "grandchild", "grandfather", "grandma", "grandmother", "grandpa", "grandson", "guardian",
        "half brother", "half sister", "husband", "mother", "nephew", "niece", "roommate", "self", "sibling", "sister",
        "spouse", "stepbrother", "stepdaughter", "stepfather", "stepmother", "stepsister", "stepson", "uncle", "wife",
        "woman", "adult", "adult male", "adult female", "person", "friend", "gent", "gentleman", "gentlemen", "grandparent",
        "inmate", "neighbor", "neighbour", "parent", "partner", "prisoner",
        "abuela", "abuelo", "conyuge", "cunada", "cunado", "esposa", "esposo", "hermana", "hermano", "nieta", "nieto",
        "padre", "sobrina", "sobrino", "suegra", "suegro",
        "bruder", "ehefrau", "ehemann", "mutter", "schwester", "vater",
        "epouse", "epoux", "frere", "soeur",
    }
)  # fmt: skip
"""Words for a relative or for anybody, written where the name should stand, in English, Spanish, German and French. Left out
is what people are called somewhere: Son, Man, Lady, Mom, Tia, Primo, Nina, Mari."""
DWELLERS = frozenset({"occupant", "resident", "respondent", "householder", "tenant", "lodger", "boarder", "applicant"})
NO_FAMILIES = frozenset(
    {
        "apellido", "brother", "daughter", "female", "granddaughter", "grandfather", "grandmother", "grandson", "mother",
        "nachname", "no apellido", "sin apellido", "sister", "stepdaughter", "stepson", "wife",
    }
)  # fmt: skip
"""What no family is called but for a few people; they lose this evidence, and no more."""
IN_LAW = re.compile(r"(?:mother|father|sister|brother|son|daughter) in law")
SOMEBODY = re.compile(
    r"(?:the )?(?:lady|man|woman|gentleman|person|guy|child|kid) (?:in|from|at|on|next|up|down|who|of)(?: .*)?"
)
PLACEHOLDER_TOKENS = frozenset({"fnu", "lnu", "nfn", "nln", "nmn", "unknown", "unk", "unidentified"})
DOE_GIVEN = frozenset({"john", "jane", "jon", "janie", "johnny", "baby", "unknown", "jonathan"})
TEST_PAIRS = frozenset(
    {
        ("mickey", "mouse"), ("minnie", "mouse"), ("donald", "duck"), ("daisy", "duck"), ("daffy", "duck"),
        ("bugs", "bunny"), ("santa", "claus"), ("test", "patient"), ("patient", "test"), ("test", "test"),
    }
)  # fmt: skip
DOUBTFUL_FAMILIES = frozenset({"doe", "trauma"}) | {family for _, family in TEST_PAIRS}
TEST_WORDS = frozenset({"testpatient", "test patient", "patient test", "test test"}) | {" ".join(p) for p in TEST_PAIRS}
TEST_NAME = re.compile(r"z{2,} ?(?:test|patient|do not use).*|z{3,}.*|(?:x+|q+)test.*|test ?(?:patient)? ?\d+")
ORDERS = {"one": "1", "two": "2", "three": "3", "four": "4", "first": "1", "second": "2", "third": "3", "fourth": "4"}
ORDERS |= {letter: str(number) for number, letter in enumerate("abcdefgh", start=1)}
ORDERS |= {str(number): str(number) for number in range(1, 10)}
NUMERAL = r"(?P<order>[a-h]|[1-9]|one|two|three|four|first|second|third|fourth)"
ORDER = rf"(?: {NUMERAL})"
GLUED_ORDER = r"(?P<order>[a-h]|[1-9])"
CORE = r"(?:baby|bby|bb|bg|newborn|nb|neonate|infant|inf|twin|twins|triplet|trip|quad|boy|girl|male|female)"
STRONG = r"(?:baby|bby|bb|bg|newborn|nb|neonate|infant)"
CHILD = r"(?:boy|girl|baby|newborn|infant|twin)"
CORES = rf"{CORE}(?: ?{CORE})*"
NAMELESS = re.compile(rf"(?:the )?{CORES}{ORDER}?")
NAMELESS_GLUED = re.compile(rf"(?:(?:baby|bb|bby) ?(?:boy|girl)?|twin){GLUED_ORDER}|{CORES}(?P<digit>[1-9])")
ORDER_FIRST = re.compile(rf"{NUMERAL} {CORES}")
OF_MOTHER = re.compile(
    rf"(?:{CORES}{ORDER}? of|b o|g o|(?:son|daughter|child) of|(?:hij[oa]|filh[oa]|bebe|rn) d[eao]) (?P<mother>[a-z]{{2,}}).*"
)
A_CHILD = re.compile(
    r"(?:female|male|girl|boy) child|child (?:[fm]|female|male|girl|boy)|(?:son|daughter|child) of|hij[oa](?: de)?|rn"
    r"|recien nacid[oa]|recem nascid[oa]|neugeborenes?|nouveau ?ne|sohn|tochter"
    r"|(?:youngest|oldest|eldest)(?: (?:boy|child|daughter|girl|kid|one|son))?"
)
"""A child that has no name yet, or whose name nobody wrote, in words other than `NAMELESS` has: "Son of", "Hija", "RN".
As a newborn and not as anybody, so that two such twins are not taken for one."""
WITH_NAME = re.compile(rf"(?:{STRONG}(?: ?(?:boy|girl|male|female|twin))?|boy|girl|twin){ORDER}? [a-z].*")
MOTHERS = re.compile(rf"(?P<mother>[a-z]{{3,}})s ?(?:baby ?)?(?:boy|girl|baby|twin){ORDER}?")
MOTHERS_CHILD = re.compile(rf"(?P<mother>[a-z]{{3,}})s (?:{CHILD} ?)*(?:son|daughter|{CHILD}){ORDER}?")
NEWBORN_FORMS = (NAMELESS, NAMELESS_GLUED, A_CHILD, OF_MOTHER, ORDER_FIRST, WITH_NAME, MOTHERS_CHILD, MOTHERS)


class Newborn(NamedTuple):
    """What a temporary newborn name still tells; empty text where it does not."""

    order: str
    mother: str


@lru_cache(CACHED_VALUES)
def newborn(words: str) -> Newborn | None:
    """What a newborn's temporary given name tells, or None where the words are a name.

    Source: the naming patterns of Adelman et al., Pediatrics 136(2), 2015 (nondistinct and mother-derived names).

    >>> newborn("baby boy a"), newborn("wendysgirl"), newborn("sofia")
    (Newborn(order='1', mother=''), Newborn(order='', mother='wendy'), None)
    """
    for form in NEWBORN_FORMS:
        if found := form.fullmatch(words):
            parts = found.groupdict()
            order = parts.get("order") or parts.get("digit") or ""
            return Newborn(ORDERS.get(order, ""), parts.get("mother") or "")
    return None


def newborn_marks(found: Newborn) -> list[str]:
    """ "newborn", "newborn:<order>" and "mother:<given name>", as far as they are known."""
    marks = ["newborn"]
    if found.order:
        marks.append(f"newborn:{found.order}")
    if found.mother:
        marks.append(f"mother:{found.mother}")
    return marks


def is_name_placeholder(words: str) -> bool:
    """Whether these ASCII words stand for a missing name ("unk", "fnu", "xxx", "zztest two")."""
    return words in NAME_PLACEHOLDERS or words in DWELLERS or is_test_name(words) or bool(REPEATED_X.fullmatch(words))


def is_somebody(words: str) -> bool:
    """Whether these ASCII words of a given name say how somebody is related or found, and not what they are called.

    >>> is_somebody("granddaughter"), is_somebody("lady in the"), is_somebody("lady"), is_somebody("sister mary")
    (True, True, False, False)
    """
    return words in RELATIONS or any(form.fullmatch(words) for form in (IN_LAW, SOMEBODY))


def is_no_family(words: str) -> bool:
    """Whether these ASCII words in the place of a family name are a relation or the name of the column."""
    return words in NO_FAMILIES or bool(IN_LAW.fullmatch(words))


def is_test_name(words: str) -> bool:
    """Whether these ASCII words alone name a test patient ("zztest", "test patient", "mickey mouse")."""
    return words in TEST_WORDS or bool(TEST_NAME.fullmatch(words))


def is_no_one(given: str, family: str) -> bool:
    """Whether given and family name together stand for nobody: John Doe, Trauma Alpha."""
    if family == "doe":
        return given in DOE_GIVEN
    return given == "trauma" or family == "trauma"


def is_test_pair(given: str, family: str) -> bool:
    """Whether given and family name together are a test patient: Test Patient, Mickey Mouse."""
    return (given, family) in TEST_PAIRS
