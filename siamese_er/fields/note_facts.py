"""Identity facts that a clinical note states about its patient: birth year, sex, name. Precision before recall."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from siamese_er.fields.names import family_name, given_name, split_full_name
from siamese_er.fields.note_text import RELATIVES, Statement, statements
from siamese_er.fields.sex import SEXES

OLDEST = 115
WIDEST = 5  # years between the first and last birth year that one note may leave open
MALE = "man|male|gentleman|boy"
FEMALE = "woman|female|lady|girl"
NOUN = f"(?P<noun>{MALE}|{FEMALE}|patient|person|individual|infant|newborn|child|baby|veteran|resident)"
AGE = re.compile(
    r"(?<![\d./-])(?P<n>\d{1,3})[\s-]*(?:(?P<unit>year|yr|month|mo|week|wk|day)s?[\s-]*(?:old|of[\s-]age)"
    r"|y\.?/?o(?:ld)?\.?(?P<letter>[MF])?|m/o)(?=$|[\s,.;:)(])", re.IGNORECASE,
)  # fmt: skip
SHORT_AGE = re.compile(r"(?<![\d./-])(?P<n>\d{2})\s?(?:y\.?/?o?\s?)?(?P<letter>[MF])\b(?=,? (?:with|w/|who|p/w|h/o|s/p|here"
                       r"|present|admitted|seen))")  # fmt: skip
STATED_AGE = re.compile(
    r"\b(?:(?<!at )(?<!when )aged |age:\s*)(?P<n>\d{1,3})\b(?!\s*(?:months|weeks|days|-|to ))", re.IGNORECASE
)
BEHIND_AGE = re.compile(rf"(?:,?[\s-]+[\w/-]+){{0,5}}?[\s-]+{NOUN}\b", re.IGNORECASE)
GOES_ON = re.compile(
    r"\s+(?:with|w/|who|presents|presenting|seen|admitted|referred|here|in for|known)\b|,", re.IGNORECASE
)
BEFORE_AGE = re.compile(r"(?:^|[:(,]|\b(?:is|this|pleasant|patient)(?: an?)?)\s*$", re.IGNORECASE)
NOT_PATIENT = re.compile(
    r"\b(?:has|have|had|with|her|his|their|my|two|three|by|at|since|from|until|to|when|as|ages?|of|for|and|than|or)"
    r"(?: an?| the)?\s*$", re.IGNORECASE,
)  # fmt: skip
SEX_STATED = re.compile(
    rf"\b(?P<sex>male|female) patient\b|^(?:sex|gender)\s*:\s*(?P<code>male|female|m|f)\b"
    rf"|\b(?:patient|pt) is an? (?:[\w-]+ ){{0,6}}?(?P<being>{MALE}|{FEMALE})\b"
    rf"|\bthis (?:[\w-]+ ){{0,3}}?(?P<this>gentleman|lady|{MALE}|{FEMALE})\b", re.IGNORECASE,
)  # fmt: skip
BIRTH_DATE = re.compile(
    r"\b(?:DOB|D\.O\.B\.?|date of birth|born(?: on)?)\s*[:=]?\s*(?P<date>\d{4}-\d{1,2}-\d{1,2}"
    r"|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{1,2}\.? [A-Za-z]{3,9}\.?,? \d{4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}|\d{4}\b)",
    re.IGNORECASE,
)  # fmt: skip
WORD = r"[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*"
TITLED = re.compile(rf"\b(?P<title>Mr|Mrs|Ms|Miss|MR|MRS|MS)\.? (?P<name>{WORD}(?: {WORD}){{0,3}})")
INTRODUCED = re.compile(rf"^(?P<name>{WORD}(?: {WORD}){{1,3}}) is an? (?:[a-z-]+ ){{0,3}}$")
NAME_LINE = re.compile(r"^(?:patient(?:'s)?(?: name)?|name|pt(?: name)?)\s*:\s*(?P<name>.+)$", re.IGNORECASE)
NAME_ENDS = re.compile(
    r"\s*(?:[;(|.]\s*|,?\s+)(?:DOB|D\.O\.B|date|born|MRN|NHS|age|sex|aged|\d|\().*$|[.;]$", re.IGNORECASE
)
NO_NAME = frozenset(
    {"patient", "male", "female", "man", "woman", "unknown", "not", "none", "denies", "reports", "states",
     "presents", "the", "this", "is", "was", "as", "see", "per", "name", "age", "sex", "date", "of", "and", "no",
     "yes", "alert", "mother", "father", "baby", "stable", "history"}
)  # fmt: skip
CLINICIAN_BEFORE = re.compile(
    r"(?:\b(?:by|with|under|dear|from|to|surgeon|consultant|nurse|doctor|dr|per|signed|attending|and|sister|therapist)\W*)$",
    re.IGNORECASE,
)
CLINICIAN_BEHIND = re.compile(
    r",?\s+(?:MD|RN|NP|PA|DO|FRCS|MBBS|PhD|consultant|surgeon|nurse|therapist|physician)\b|'s|’s"
)
PARTICLES = frozenset({"de", "del", "la", "da", "do", "dos", "van", "von", "der", "den", "di", "bin", "al", "el", "y"})
TITLES = frozenset({"Mr", "Mrs", "Ms", "Miss", "Dr", "MR", "MRS", "MS", "DR"})
TITLE_SEX = {"mr": "m", "mrs": "f", "ms": "f", "miss": "f"}


class NoteFacts(NamedTuple):
    """What one note states; empty = nothing."""

    births: tuple[tuple[int, int], ...] = ()
    """First and last possible birth year."""
    sexes: tuple[str, ...] = ()
    """m or f."""
    names: tuple[str, ...] = ()
    """Normal forms "given|family"; the given name may be empty."""


def sex_of(word: str) -> str:
    """m, f or nothing for a noun such as "gentleman"."""
    word = word.lower()
    return {"gentleman": "m", "lady": "f"}.get(word, SEXES.get(word, ""))


def birth_years(n: int, unit: str, note_date: str | None) -> tuple[int, int] | None:
    """First and last birth year of somebody ``n`` units old on a day; None where the day or the age says nothing.

    >>> birth_years(67, "year", "2018-03-01"), birth_years(3, "month", "2018-03-01"), birth_years(67, "year", None)
    ((1950, 1951), (2017, 2017), None)
    """
    found = re.match(r"(\d{4})(?:-(\d{2}))?", note_date or "")
    if found is None:
        return None
    year, month = int(found[1]), int(found[2] or 0)
    if unit in ("", "year", "yr"):
        return (year - n - 1, year - n) if n <= OLDEST else None
    months = {"month": n, "mo": n}.get(unit, n // (30 if unit == "day" else 4))
    if months > 36:
        return None
    first = 12 * year + (month or 1) - 1 - months - 1
    last = 12 * year + (month or 12) - 1 - months
    return first // 12, last // 12


def ages(text: str) -> Iterator[tuple[int, int, str, str]]:
    """(position, number, unit, sex or nothing) of each age in a statement that is the patient's own."""
    for found in AGE.finditer(text):
        before, behind = text[: found.start()], text[found.end() :]
        noun = BEHIND_AGE.match(behind)
        if noun and RELATIVES.search(noun[0]):
            noun = None
        is_person = noun or found["letter"] or GOES_ON.match(behind)
        is_person = is_person or (BEFORE_AGE.search(before) and not behind.strip(" .;)"))
        if is_person and not NOT_PATIENT.search(before):
            letter = found["letter"]
            sex = letter.lower() if letter else sex_of(noun["noun"]) if noun else ""
            yield found.start(), int(found["n"]), (found["unit"] or ("mo" if "m/o" in found[0] else "")).lower(), sex
    for found in SHORT_AGE.finditer(text):
        if "o" in found[0].lower() or BEFORE_AGE.search(text[: found.start()]):
            yield found.start(), int(found["n"]), "", found["letter"].lower()
    for found in STATED_AGE.finditer(text):
        noun = re.search(f"\\b(?:{MALE}|{FEMALE})\\b,? (?:is )?$", text[: found.start()], re.IGNORECASE)
        yield found.start(), int(found["n"]), "", sex_of(noun[0].strip(", ").split()[0]) if noun else ""


def name_words(written: str) -> list[str]:
    """The leading words that can be parts of a name: capitals (or a script without any) and particles between them."""
    words: list[str] = []
    for word in written.split():
        is_capital = word[0] == word[0].upper() and word.lower() not in NO_NAME
        if not is_capital and word not in PARTICLES:
            break
        words.append(word)
    while words and words[-1] in PARTICLES:
        words.pop()
    return words


def standard_name(written: str) -> str:
    """ "given|family" in normal form; empty where there is no family name."""
    given, _, family, _ = split_full_name(written)
    if written.split()[0].lower() in PARTICLES:
        given, family = "", written
    family = family_name(family).name
    return f"{given_name(given).name if given else ''}|{family}" if len(family) > 1 else ""


def titled_names(text: str) -> Iterator[tuple[int, str, str]]:
    """(position, sex, name) of each Mr, Mrs, Ms or Miss who is no clinician."""
    if text.isupper():
        return
    for found in TITLED.finditer(text):
        words = name_words(found["name"])
        end = found.start("name") + len(" ".join(words))
        if (
            not words
            or words[-1].endswith(("'s", "’s"))
            or CLINICIAN_BEFORE.search(text[: found.start()])
            or CLINICIAN_BEHIND.match(text[end:])
        ):
            continue
        yield found.start(), TITLE_SEX[found["title"].lower()], standard_name(" ".join(words))


def introduced(before_age: str) -> str:
    """The name of somebody introduced as "Ann Smith is a" before an age; empty where a word is none of a name."""
    found = INTRODUCED.match(before_age)
    words = found["name"].split() if found else []
    is_name = bool(words) and len(name_words(" ".join(words))) == len(words) and words[0].rstrip(".") not in TITLES
    return standard_name(" ".join(words)) if is_name else ""


def line_name(text: str) -> str:
    """The name of a line such as "Patient: Smith, Ann"; empty where it holds anything but a whole name."""
    found = NAME_LINE.match(text)
    if not found:
        return ""
    written = NAME_ENDS.sub("", found["name"]).strip()
    bare = written.replace(",", " ").replace(".", " ")
    words = bare.split()
    if not 2 <= len(words) <= 5 or len(name_words(bare)) < len(words) or any(mark.isdigit() for mark in written):
        return ""
    return standard_name(written)


def statement_facts(statement: Statement, note_date: str | None) -> tuple[list[tuple[int, int]], list[str], list[str]]:
    """(births, sexes, names) of one statement; what stands behind a relative is theirs."""
    text = statement.text
    if statement.is_of_family:
        return [], [], []
    relative = RELATIVES.search(text)
    end = relative.start() if relative else len(text)
    births, sexes, names = [], [], []
    for position, n, unit, sex in ages(text):
        if position < end:
            births.append(birth_years(n, unit, note_date))
            sexes.append(sex)
            names.append(introduced(text[:position]))
    for found in BIRTH_DATE.finditer(text):
        year = int(re.findall(r"\d{4}", found["date"])[0])
        if found.start() < end and 1850 < year < 2100:
            births.append((year, year))
    for found in SEX_STATED.finditer(text):
        if found.start() < end:
            sexes.append(sex_of(next(word for word in found.groupdict().values() if word)))
    for position, sex, name in titled_names(text):
        if position < end:
            sexes.append(sex)
            names.append(name)
    names.append("" if relative else line_name(text))
    return [birth for birth in births if birth], [sex for sex in sexes if sex], [name for name in names if name]


def note_facts(text: str, note_date: str | None) -> NoteFacts:
    """The facts of one note, distinct and sorted.

    A note that speaks of both sexes, or leaves more than WIDEST years open, tells several people apart from none, and
    that fact is dropped. Without a date an age says nothing.

    >>> note_facts("Mr Alvarez is a 67-year-old man. His mother, 90 years old, lives.", "2018-03-01")
    NoteFacts(births=((1950, 1951),), sexes=('m',), names=('|alvarez',))
    """
    births: set[tuple[int, int]] = set()
    sexes: set[str] = set()
    names: set[str] = set()
    for statement in statements(text):
        found = statement_facts(statement, note_date)
        births.update(found[0])
        sexes.update(found[1])
        names.update(found[2])
    if births and max(last for _, last in births) - min(first for first, _ in births) > WIDEST:
        births = set()
    return NoteFacts(tuple(sorted(births)), tuple(sorted(sexes)) if len(sexes) == 1 else (), tuple(sorted(names)))
