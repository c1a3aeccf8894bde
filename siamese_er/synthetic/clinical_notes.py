"""Clinical notes: what lasts in a person's history, told again at each visit in the words of the source."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from zlib import crc32

from siamese_er.synthetic.knobs import Profile
from siamese_er.synthetic.note_wording import HouseStyle, accompanied, called, framed, heading, house_style
from siamese_er.synthetic.people import Person, holding
from siamese_er.synthetic.vocabulary import (
    ALLERGIES,
    CHILD_CONDITIONS,
    CLOSINGS,
    COMPLAINTS,
    CONDITIONS,
    EXAM,
    HABITS,
    IMAGES,
    OCCUPATIONS,
    ONE_SEX,
    PROCEDURES,
    RELATIVES,
)

SURGERY = ((0,), (0, 0, 1), (0, 1, 1, 2, 3))
Written = tuple[Person, str, date, str]
"""A person, the source, the day and the record_id of a record."""


@dataclass(frozen=True, slots=True)
class History:
    """What stays with a person from note to note."""

    conditions: tuple[str, ...]
    drugs: tuple[str, ...]
    procedures: tuple[str, ...]
    allergy: str
    work: str
    habits: tuple[str, ...]
    relative: str


def history(person: Person, day: date, random: Random) -> History:
    """A medical history that fits the person's age and sex."""
    age = day.year - person.born.year
    possible = CHILD_CONDITIONS if age < 16 else tuple(CONDITIONS)
    possible = tuple(name for name in possible if ONE_SEX.get(name, person.sex) == person.sex)
    n = random.choice((0, 1, 1) if age < 40 else (1, 2, 3, 4, 5))
    common = [1 / (rank + 3) for rank in range(len(possible))]
    conditions = tuple(dict.fromkeys(random.choices(possible, common, k=n)))
    drugs = tuple(random.choice(CONDITIONS[name][2].split("|")) for name in conditions)
    return History(
        conditions,
        drugs,
        tuple(random.sample(PROCEDURES, random.choice(SURGERY[(age >= 16) + (age >= 40)]))),
        random.choice(ALLERGIES),
        "attends school" if age < 19 else random.choice(OCCUPATIONS),
        () if age < 16 else tuple(random.sample(HABITS, 2)),
        f"{random.choice(RELATIVES)} has {random.choice(tuple(CONDITIONS))}",
    )


def recalled(past: History, style: HouseStyle, random: Random) -> History:
    """What one note tells of a history: each part by chance, and nothing at all in some notes."""
    if random.random() < style.bare:
        return replace(past, conditions=(), drugs=(), procedures=(), habits=(), work="work as before")

    def some(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(value for value in values if random.random() < style.recalls)

    told = [pair for pair in zip(past.conditions, past.drugs, strict=True) if random.random() < style.recalls]
    conditions, drugs = tuple(name for name, _ in told), tuple(drug for _, drug in told)
    return replace(past, conditions=conditions, drugs=drugs, procedures=some(past.procedures), habits=some(past.habits))


def wording(source: str) -> int:
    """Which of three ways to name a condition a source prefers: in full, short or plain."""
    return crc32(source.encode()) % 3


def sentence(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def worded(conditions: tuple[str, ...], way: int) -> str:
    """The conditions as a list in the source's words."""
    names = [name if way == 0 else CONDITIONS[name][way - 1] for name in conditions]
    return ", ".join(names) or "none of note"


@dataclass(frozen=True, slots=True)
class Visit:
    """What a note is about and how its source words it."""

    person: Person
    past: History
    day: date
    way: int
    style: HouseStyle
    random: Random

    def called(self) -> str:
        """How the note speaks of the person."""
        return called(self.person, self.day, self.style, self.random)

    def headed(self, name: str, text: str) -> str:
        """A section."""
        return heading(name, self.style) + text


def emergency(visit: Visit) -> str:
    """An emergency department note."""
    past, random = visit.past, visit.random
    complaint, outcome = random.choice(tuple(COMPLAINTS.items()))
    return "".join((
        "EMERGENCY DEPARTMENT NOTE",
        visit.headed("HPI", f"{visit.called()} presents with {complaint}."),
        visit.headed("PMH", f"{worded(past.conditions, visit.way)}."),
        visit.headed("PSH", f"{', '.join(past.procedures) or 'none'}."),
        visit.headed("Medications", f"{'; '.join(past.drugs) or 'none'}. Allergies: {past.allergy}."),
        visit.headed("Exam", random.choice(EXAM)),
        visit.headed("Course", f"{outcome}. {CLOSINGS[0]}"),
    ))  # fmt: skip


def discharge(visit: Visit) -> str:
    """A discharge summary."""
    past, random = visit.past, visit.random
    complaint, outcome = random.choice(tuple(COMPLAINTS.items()))
    stay = visit.day - timedelta(days=random.randrange(1, 9))
    return "".join((
        f"DISCHARGE SUMMARY\nAdmitted {stay.isoformat()}, discharged {visit.day.isoformat()}.",
        visit.headed("History", f"{sentence(visit.called())} with a history of {worded(past.conditions, visit.way)}, "
                                f"admitted for {complaint}; {outcome}."),
        visit.headed("Previous surgery", f"{', '.join(past.procedures) or 'none'}."),
        visit.headed("Social history", f"{', '.join((past.work, *past.habits))}."),
        visit.headed("Family history", f"{past.relative}."),
        visit.headed("Examination", random.choice(EXAM)),
        visit.headed("Discharge medications", f"{'; '.join(past.drugs) or 'none'}.\n{CLOSINGS[2]}"),
    ))  # fmt: skip


def letter(visit: Visit) -> str:
    """A letter of a general practitioner or clinic."""
    past, random = visit.past, visit.random
    complaint, outcome = random.choice(tuple(COMPLAINTS.items()))
    return (
        f"Dear colleague,\n{CLOSINGS[4]} I saw {visit.called()} today for {complaint}: {outcome}. "
        f"As you know the background is {worded(past.conditions, 2 if visit.way == 0 else 0)}"
        f"{', with ' + ' and '.join(past.procedures) + ' in the past' if past.procedures else ''}. "
        f"Current treatment is {', '.join(past.drugs) or 'nil'}; {past.allergy}. {past.work.capitalize()}; "
        f"{', '.join(past.habits) or 'lives with parents'}. {sentence(past.relative)}.\n{EXAM[1]}\nYours sincerely"
    )


def radiology(visit: Visit) -> str:
    """A radiology report."""
    past, random = visit.past, visit.random
    study, finding = random.choice(IMAGES)
    reason = worded(past.conditions[:2], visit.way)
    after = f" Changes after {past.procedures[0]}." if past.procedures else ""
    return "".join((
        visit.headed("Examination", study), visit.headed("Indication", f"{visit.called()}, history of {reason}."),
        visit.headed("Comparison", "none."), visit.headed("Findings", f"{finding}{after}"),
        visit.headed("Impression", f"no acute abnormality. {CLOSINGS[3]}"),
    ))  # fmt: skip


def clinic(visit: Visit) -> str:
    """A visit note in sections."""
    past, random = visit.past, visit.random
    complaint, outcome = random.choice(tuple(COMPLAINTS.items()))
    spoken = visit.called()
    opening = f"{sentence(spoken)} came in."
    if spoken[0].isdigit() or spoken.startswith("a "):
        is_named = random.random() < visit.style.says_name
        subject = f"{visit.person.given} {holding(visit.person.families, visit.day)}" if is_named else "Patient"
        opening = f"{subject} is a {spoken.removeprefix('a ')}."
    return "".join((
        visit.headed("Chief Complaint", complaint),
        visit.headed("History of Present Illness", f"{opening} Known: {worded(past.conditions, visit.way)}. {outcome}."),
        visit.headed("Social History", "\n".join(f"{sentence(habit)}." for habit in (past.work, *past.habits))),
        visit.headed("Allergies", f"{past.allergy}."),
        visit.headed("Medications", "\n".join(f"- {drug}" for drug in past.drugs) or "none"),
        visit.headed("Family History", f"{past.relative}.") if random.random() < 0.4 else "",
        visit.headed("Plan", random.choice(CLOSINGS)),
    ))  # fmt: skip


KINDS = {"ED note": emergency, "discharge summary": discharge, "clinic letter": letter, "radiology report": radiology,
         "visit note": clinic}  # fmt: skip


def kinds_of(source: str) -> tuple[str, ...]:
    """The kinds of note that a source writes, the frequent ones more than once."""
    names = tuple(KINDS)
    start = crc32(source.encode()) % len(names)
    return (names[start], names[start], *names)


class Chronicler:
    """Writes notes: one history for each person, one style for each source, family history shared in a household."""

    def __init__(self, profile: Profile, random: Random) -> None:
        self.profile, self.random = profile, random
        self.histories: dict[int, History] = {}
        self.families: dict[int, str] = {}
        self.styles: dict[str, HouseStyle] = {}
        self.last: dict[int, tuple[date, str]] = {}

    def history(self, person: Person, day: date) -> History:
        """The person's history; half of the people tell the same of a relative as others of their household."""
        if id(person) not in self.histories:
            drawn = history(person, day, self.random)
            shared = self.families.setdefault(person.household.number, drawn.relative)
            if self.random.random() < 0.5:
                drawn = replace(drawn, relative=shared)
            self.histories[id(person)] = drawn
        return self.histories[id(person)]

    def style(self, source: str) -> HouseStyle:
        """The habits of a source."""
        if source not in self.styles:
            self.styles[source] = house_style(self.random)
        return self.styles[source]

    def note(self, person: Person, source: str, day: date, kind: str) -> str:
        """One note; it may go on with a copy of the person's last one."""
        style, random = self.style(source), self.random
        told = recalled(self.history(person, day), style, random)
        text = KINDS[kind](Visit(person, told, day, wording(source), style, random))
        if random.random() < 0.08:
            text += "\n" + accompanied(random.choice(RELATIVES), random.randrange(3, 90), random)
        text = framed(text, person, day, style, random)
        earlier = self.last.get(id(person))
        if earlier and earlier[0] <= day and random.random() < self.profile.copy_forward:
            return f"{text}\nCopied from the last note: {earlier[1][:400]}"
        self.last[id(person)] = (day, text)
        return text


def notes_of(written: list[Written], profile: Profile, random: Random) -> list[tuple[str | None, ...]]:
    """Rows of notes (source, record_id, note_id, note_date, note_type, text) for a share of the records.

    A person's history is drawn once, so it recurs in all their notes; sentences that belong to the template or the
    source recur in everybody's. A note may be about somebody else (wrong chart); a tenth of the sources date none.
    """
    chronicler = Chronicler(profile, random)
    rows: list[tuple[str | None, ...]] = []
    for owner, source, day, record_id in written:
        if random.random() >= profile.notes_share:
            continue
        n_visits = 1 + min(5, int(random.expovariate(1 / max(0.05, profile.visits - 1)) + 0.5))
        for k in range(n_visits):
            person = random.choice(written)[0] if random.random() < profile.wrong_chart else owner
            seen = max(person.born, day - timedelta(days=int(random.expovariate(1 / 90)) * (n_visits - 1 - k)))
            kind = random.choice(kinds_of(source))
            text = chronicler.note(person, source, seen, kind)
            note_date = seen.isoformat() if chronicler.style(source).is_dated else None
            rows.append((source, record_id, f"n{len(rows):07d}", note_date, kind, text))
    return rows
