"""How a source words its notes: what it says of the patient, its headings, and the sentences it puts into every note."""

from dataclasses import dataclass
from datetime import date
from random import Random

from siamese_er.synthetic.people import Person, holding

NOUNS = {
    "F": (("girl", "female"), ("woman", "female", "lady")), "M": (("boy", "male"), ("man", "male", "gentleman")),
}  # fmt: skip
AGES = (
    "{age}-year-old {noun}", "{age} y/o {noun}", "{age}-year old {noun}", "{age}yo {noun}", "{age} year-old {race} {noun}",
    "{age} y.o. {race} {noun}", "{noun} aged {age}", "{age}{letter}", "{age}-year-old {race} {noun}", "{age} yr old {noun}",
    "pleasant {age}-year-old {noun}",
)  # fmt: skip
ALONE = ("{age}{letter}", "{noun} aged {age}")  # forms that take no article
NAME_LINES = (
    "Patient: {given} {family}", "Name: {family}, {given}", "PATIENT NAME: {family}, {given}", "Patient: {family}, {given}",
)  # fmt: skip
BIRTH_LINES = ("DOB: {born:%m/%d/%Y}", "Date of birth: {born:%d %B %Y}", "DOB: {born:%Y-%m-%d}")
HOUSE_SENTENCES = (
    "This note was prepared with speech recognition and may contain errors of sound or spelling.",
    "Time spent on this visit, including chart review, was more than thirty minutes.",
    "The plan was explained and the patient agreed to it.",
    "Medications were reconciled with the list on file.",
    "Fall risk was screened at triage and precautions were taken.",
    "Vaccinations were checked against the registry.",
    "The interpreter service was offered.",
    "Hand hygiene was done before and after the examination.",
    "An advance directive was discussed and is kept on file.",
    "Interval history was taken from the patient, who is a good historian.",
    "Labs and images of this visit were looked at by the signing clinician.",
    "Nutrition and exercise were discussed at length.",
    "If symptoms get worse, call the clinic line or go to the nearest emergency department.",
    "No change in social circumstances was reported.",
    "The chart was reviewed before the visit.",
)
RELATED = (
    "{relative} ({age} years old) came along.", "{relative}, a {age}-year-old, waits outside.",
    "Lives with {relative}, {age} years old.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HouseStyle:
    """The habits of one source; shares are chances for one note."""

    headings: str
    """plain, capitals or markdown."""
    name_line: str | None
    birth_line: str | None
    says_age: float
    says_name: float
    phrases: tuple[str, ...]
    sentences: tuple[str, ...]
    bare: float
    """Notes that say nothing of a history."""
    recalls: float
    """Chance that a note tells each condition, drug or procedure of the history."""
    is_dated: bool


def house_style(random: Random) -> HouseStyle:
    """The habits of a source, drawn once for a table."""
    has_name_line = random.random() < 0.25
    return HouseStyle(
        headings=random.choice(("plain", "capitals", "markdown")),
        name_line=random.choice(NAME_LINES) if has_name_line else None,
        birth_line=random.choice(BIRTH_LINES) if random.random() < (0.5 if has_name_line else 0.08) else None,
        says_age=random.uniform(0.2, 0.95),
        says_name=random.choice((0.0, 0.0, 0.1, 0.4, 0.9)),
        phrases=tuple(random.sample(AGES, random.choice((1, 3, 5)))),
        sentences=tuple(random.sample(HOUSE_SENTENCES, random.choice((1, 2, 4)))),
        bare=random.choice((0.0, 0.1, 0.3, 0.6)),
        recalls=random.uniform(0.5, 1.0),
        is_dated=random.random() < 0.9,
    )


def years_old(person: Person, day: date) -> int:
    """Age on a day in whole years, never below 0."""
    born = person.born
    return max(0, day.year - born.year - ((day.month, day.day) < (born.month, born.day)))


def title_of(person: Person, random: Random) -> str:
    """Mr, or how a woman is addressed."""
    return "Mr" if person.sex == "M" else random.choice(("Ms", "Mrs", "Ms.", "Miss"))


def called(person: Person, day: date, style: HouseStyle, random: Random) -> str:
    """How a note speaks of the person: age and sex, title and name, or just `the patient`, as the source is used to."""
    age = years_old(person, day)
    if random.random() < style.says_age:
        if age < 2:
            months = max(1, (day - person.born).days // 31)
            return f"{months}-month-old {'girl' if person.sex == 'F' else 'boy'}"
        child, adult = NOUNS[person.sex]
        noun = random.choice(child if age < 16 else adult)
        phrase = random.choice(style.phrases)
        race = person.race if random.random() < 0.7 else "right-handed"
        written = phrase.format(age=age, noun=noun, race=race, letter=person.sex)
        return written if phrase in ALONE else f"a {written}" if random.random() < 0.3 else written
    if random.random() < style.says_name:
        given = f"{person.given} " if random.random() < 0.3 else ""
        return f"{title_of(person, random)} {given}{holding(person.families, day)}"
    return "the patient"


def heading(name: str, style: HouseStyle) -> str:
    """A section heading in the source's manner, on a line of its own where it is Markdown."""
    if style.headings == "markdown":
        return f"\n# {name}\n"
    return f"\n{name.upper()}: " if style.headings == "capitals" else f"\n{name}: "


def framed(text: str, person: Person, day: date, style: HouseStyle, random: Random) -> str:
    """The note with what the source puts above and below every note."""
    above = []
    if style.name_line:
        line = style.name_line.format(given=person.given, family=holding(person.families, day))
        above.append(line.upper() if style.headings == "capitals" else line)
    if style.birth_line and random.random() < 0.9:
        above.append(style.birth_line.format(born=person.born))
    if style.name_line and random.random() < 0.3:
        above.append(f"Age: {years_old(person, day)}  Sex: {person.sex}")
    return "\n".join((*above, text.strip(), *style.sentences))


def accompanied(relative: str, age: int, random: Random) -> str:
    """A sentence about a relative and the relative's age."""
    written = random.choice(RELATED).format(relative=f"the patient's {relative}", age=age)
    return written[0].upper() + written[1:]
