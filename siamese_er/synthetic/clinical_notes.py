"""Clinical notes: what lasts in a person's history, told again at each visit in the words of the source."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from zlib import crc32

from siamese_er.synthetic.knobs import Profile
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

NOUNS = {
    "F": (("girl", "female"), ("woman", "female", "lady")), "M": (("boy", "male"), ("man", "male", "gentleman")),
}  # fmt: skip
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


def called(person: Person, day: date, random: Random) -> str:
    """How a note speaks of the person: age and sex (60 %), title and surname (20 %) or just `the patient`."""
    age = (day - person.born).days // 365
    draw = random.random()
    if draw < 0.6:
        if age < 2:
            return f"{max(1, (day - person.born).days // 30)}-month-old {'girl' if person.sex == 'F' else 'boy'}"
        child, adult = NOUNS[person.sex]
        noun = child if age < 16 else adult
        return random.choice((f"{age}-year-old", f"{age} y/o", f"{age}-year old")) + f" {random.choice(noun)}"
    if draw < 0.8:
        return f"{'Ms' if person.sex == 'F' else 'Mr'} {holding(person.families, day)}"
    return "the patient"


def wording(source: str) -> int:
    """Which of three ways to name a condition a source prefers: in full, short or plain."""
    return crc32(source.encode()) % 3


def worded(conditions: tuple[str, ...], way: int) -> str:
    """The conditions as a list in the source's words."""
    names = [name if way == 0 else CONDITIONS[name][way - 1] for name in conditions]
    return ", ".join(names) or "none of note"


def emergency(person: Person, past: History, day: date, way: int, random: Random) -> str:
    """An emergency department note."""
    complaint, outcome = random.choice(tuple(COMPLAINTS.items()))
    return (
        f"EMERGENCY DEPARTMENT NOTE\nHPI: {called(person, day, random)} presents with {complaint}. "
        f"PMH: {worded(past.conditions, way)}. PSH: {', '.join(past.procedures) or 'none'}. "
        f"Meds: {'; '.join(past.drugs) or 'none'}. Allergies: {past.allergy}.\n{random.choice(EXAM)}\n"
        f"Course: {outcome}. {CLOSINGS[0]}"
    )


def discharge(person: Person, past: History, day: date, way: int, random: Random) -> str:
    """A discharge summary."""
    complaint, outcome = random.choice(tuple(COMPLAINTS.items()))
    stay = day - timedelta(days=random.randrange(1, 9))
    return (
        f"DISCHARGE SUMMARY\nAdmitted {stay.isoformat()}, discharged {day.isoformat()}.\n"
        f"{called(person, day, random).capitalize()} with a history of {worded(past.conditions, way)}, admitted for "
        f"{complaint}; {outcome}. Previous surgery: {', '.join(past.procedures) or 'none'}. "
        f"Social history: {', '.join((past.work, *past.habits))}. Family history: {past.relative}.\n"
        f"{random.choice(EXAM)}\nDischarge medications: {'; '.join(past.drugs) or 'none'}.\n{CLOSINGS[2]}"
    )


def letter(person: Person, past: History, day: date, way: int, random: Random) -> str:
    """A letter of a general practitioner or clinic."""
    complaint, outcome = random.choice(tuple(COMPLAINTS.items()))
    return (
        f"Dear colleague,\n{CLOSINGS[4]} I saw {called(person, day, random)} today for {complaint}: {outcome}. "
        f"As you know the background is {worded(past.conditions, 2 if way == 0 else 0)}"
        f"{', with ' + ' and '.join(past.procedures) + ' in the past' if past.procedures else ''}. "
        f"Current treatment is {', '.join(past.drugs) or 'nil'}; {past.allergy}. {past.work.capitalize()}; "
        f"{', '.join(past.habits) or 'lives with parents'}. {past.relative.capitalize()}.\n{EXAM[1]}\nYours sincerely"
    )


def radiology(person: Person, past: History, day: date, way: int, random: Random) -> str:
    """A radiology report."""
    study, finding = random.choice(IMAGES)
    reason = worded(past.conditions[:2], way)
    after = f" Changes after {past.procedures[0]}." if past.procedures else ""
    return (
        f"EXAMINATION: {study}\nINDICATION: {called(person, day, random)}, history of {reason}.\nCOMPARISON: none.\n"
        f"FINDINGS: {finding}{after}\nIMPRESSION: no acute abnormality. {CLOSINGS[3]}"
    )


KINDS = {"ED note": emergency, "discharge summary": discharge, "clinic letter": letter, "radiology report": radiology}


def kinds_of(source: str) -> tuple[str, ...]:
    """The kinds of note that a source writes, the frequent ones more than once."""
    names = tuple(KINDS)
    start = crc32(source.encode()) % len(names)
    return (names[start], names[start], *names)


def notes_of(written: list[Written], profile: Profile, random: Random) -> list[tuple[str, ...]]:
    """Rows of notes (source, record_id, note_id, note_date, note_type, text) for a share of the records.

    A person's history is drawn once, so it recurs in all their notes; sentences that belong to the template recur in
    everybody's. A note may begin with a copy of the person's last one, or be about somebody else (wrong chart).
    """
    histories: dict[int, History] = {}
    last: dict[int, tuple[date, str]] = {}
    rows: list[tuple[str, ...]] = []
    for owner, source, day, record_id in written:
        if random.random() >= profile.notes_share:
            continue
        n_visits = 1 + min(5, int(random.expovariate(1 / max(0.05, profile.visits - 1)) + 0.5))
        for k in range(n_visits):
            person = random.choice(written)[0] if random.random() < profile.wrong_chart else owner
            seen = max(person.born, day - timedelta(days=int(random.expovariate(1 / 90)) * (n_visits - 1 - k)))
            if id(person) not in histories:
                histories[id(person)] = history(person, seen, random)
            kind = random.choice(kinds_of(source))
            text = KINDS[kind](person, histories[id(person)], seen, wording(source), random)
            earlier = last.get(id(person))
            if earlier and earlier[0] <= seen and random.random() < profile.copy_forward:
                text = f"{text}\nCopied from the last note: {earlier[1][:400]}"
            else:
                last[id(person)] = (seen, text)
            rows.append((source, record_id, f"n{len(rows):07d}", seen.isoformat(), kind, text))
    return rows
