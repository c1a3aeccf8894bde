"""Households of a society: couples, parents and children, twins, namesakes, room-mates."""

from datetime import date, timedelta

from siamese_er.synthetic import numbers
from siamese_er.synthetic.people import HISPANIC, NEAR_TWIN_NAMES, Household, Person, Society


def latest_birth(society: Society) -> date:
    """The last day on which somebody of this table can be born, other than children of its families."""
    return society.last_day - timedelta(days=60)


def born_any_time(society: Society) -> date:
    """A birth date in the profile's years."""
    first, last = society.profile.birth_years
    return society.day(date(first, 1, 1), min(date(last, 12, 28), latest_birth(society)))


def born_adult(society: Society) -> date:
    """A birth date of somebody at least 19 years old, if the profile's years allow it."""
    born = born_any_time(society)
    latest = society.last_day.year - 19
    return (
        born
        if born.year <= latest
        else born.replace(year=society.random.randrange(latest - 25, latest), day=min(born.day, 28))
    )


def born_parent(society: Society) -> date:
    """A birth date of an adult; of a young one, somebody who may have had children within the years of the table."""
    if not society.happens("young"):
        return born_adult(society)
    return society.last_day - timedelta(days=society.random.randrange(20 * 365, 42 * 365))


def locale_of(society: Society) -> str:
    """One of the table's locales, by weight."""
    return society.random.choices(society.locales, society.locale_weights)[0]


def stranger(society: Society) -> Person:
    """Somebody who lives alone; at times a namesake of somebody else, perhaps with the same birth date."""
    locale = locale_of(society)
    model = society.random.choice(society.people) if society.people and society.happens("namesake") else None
    if model is None:
        family, sex, born = society.family_name(locale), society.random.choice("MF"), born_any_time(society)
        person = society.person(society.household(), locale, family, sex, born)
        if sex == "F" and society.random.random() < 0.4:
            society.marry(person, society.family_name(locale))
        return person
    born = model.born if society.happens("namesake_birth_date") else born_any_time(society)
    person = society.person(society.household(), model.locale, model.families[0][1], model.sex, born)
    person.given, person.families = model.given, list(model.families[:1])
    person.emails = [(date.min, society.email(person.given, person.families[0][1]))]
    return person


def spouse(society: Society, partner: Person) -> Person:
    """A partner in the same home, of similar age, who mostly takes the partner's surname."""
    random = society.random
    years = random.choice((0, 0, 1, 1, 2, 3, 4, -1, -2, -4, -6))
    born = (
        partner.born
        if society.happens("spouse_birth_date")
        else partner.born + timedelta(days=365 * years + random.randrange(300))
    )
    sex = {"M": "F", "F": "M"}[partner.sex] if random.random() < 0.95 else partner.sex
    own = society.family_name(partner.locale)
    person = society.person(
        partner.household, partner.locale, own, sex, min(born, society.last_day - timedelta(days=60))
    )
    if partner.locale not in HISPANIC and not society.happens("spouse_keeps_name"):
        society.marry(person, partner.families[0][1])
    return person


def child_family(parent: Person, other: Person | None) -> str:
    """The child's surname: the first parent's, or for Spanish speakers the first of each."""
    family = parent.families[0][1]
    if parent.locale in HISPANIC and other is not None:
        return f"{family.split(' ')[0]} {other.families[0][1].split(' ')[0]}"
    return family


def child(society: Society, parent: Person, other: Person | None, born: date, sex: str) -> Person:
    """A child at home: surname of the family, perhaps the parent's given name (Jr) or a parent's id on its records."""
    random = society.random
    person = society.person(parent.household, parent.locale, child_family(parent, other), sex, born)
    mother = next((p for p in (other, parent) if p is not None and p.sex == "F"), None)
    if mother is not None:
        person.mother_maiden, person.mother_given = mother.families[0][1], mother.given
    if sex == parent.sex and society.happens("junior"):
        person.given, person.suffix = parent.given, "Jr"
        parent.suffix = parent.suffix or "Sr"
        person.middle = parent.middle if random.random() < 0.5 else person.middle
    if society.happens("guarantor_id") and born.year > society.last_day.year - 22:
        person.guarantor = parent
    if born.year > society.last_day.year - 16 and society.happens("shared_phone"):
        person.phones = list(parent.phones)
    if born >= society.first_day and society.happens("newborn"):
        person.named_on = born + timedelta(days=random.randrange(3, 60))
        if society.happens("named_late"):
            person.named_on += timedelta(days=random.randrange(60, 700))
    return person


def twin(society: Society, first: Person, parent: Person, other: Person | None) -> Person:
    """A second child of the same birth (5 % born after midnight), at times with a name close to the first one's."""
    random = society.random
    sex = first.sex if random.random() < 0.65 else {"M": "F", "F": "M"}[first.sex]
    born = first.born + timedelta(days=int(random.random() < 0.05))
    person = society.person(first.household, first.locale, child_family(parent, other), sex, born)
    first.birth_order, person.birth_order = 1, 2
    person.mother_maiden, person.mother_given = first.mother_maiden, first.mother_given
    person.named_on = first.named_on
    if random.random() < 0.6:
        person.phones, person.addresses = list(first.phones), list(first.addresses)
    if society.happens("near_twin_names"):
        if first.locale.startswith(("en", "es", "de", "it", "fr", "pt")):
            pairs = NEAR_TWIN_NAMES["FM" if sex != first.sex else sex]
            names = random.choice(pairs)
            first.given, person.given = names if first.sex == "F" or sex == first.sex else names[::-1]
        else:
            near = [name for name in society.names[first.locale][sex].values if name[:2] == first.given[:2]]
            person.given = random.choice([name for name in near if name != first.given] or [person.given])
    while person.given == first.given:
        person.given = society.names[first.locale][sex].draw(random) if random.random() < 0.9 else first.given + "a"
    return person


def family(society: Society) -> None:
    """Parents (two in three homes), their children, and at times a grandparent.

    The children are one to three years apart, seldom less: half-siblings and fostered children.
    """
    random = society.random
    locale = locale_of(society)
    sex = "M" if random.random() < 0.75 else "F"
    parent = society.person(society.household(), locale, society.family_name(locale), sex, born_parent(society))
    other = spouse(society, parent) if random.random() < 0.7 else None
    n_children = random.choice((0, 1, 1, 2, 2, 3, 4))
    born = parent.born + timedelta(days=365 * random.randrange(19, 36) + random.randrange(365))
    given = set()
    for _ in range(n_children):
        if born > society.last_day - timedelta(days=30):
            break
        first = child(society, parent, other, born, random.choice("MF"))
        while first.given in given and first.suffix is None and random.random() < 0.97:
            first.given = society.names[locale][first.sex].draw(random)
        given.add(first.given)
        if society.happens("twins"):
            twin(society, first, parent, other)
        born += timedelta(
            days=random.randrange(20, 330) if society.happens("close_births") else random.randrange(330, 1300)
        )
    if random.random() < 0.1 and parent.born.year > 1900 + 25:
        elder_born = parent.born - timedelta(days=365 * random.randrange(20, 36) + random.randrange(365))
        society.person(parent.household, locale, parent.families[0][1], parent.sex, elder_born)


def roommates(society: Society) -> None:
    """Two to four unrelated people behind one door."""
    home: Household = society.household()
    age = born_adult(society)
    for _ in range(society.random.randrange(2, 5)):
        locale = locale_of(society)
        born = min(age + timedelta(days=society.random.randrange(-1000, 1000)), latest_birth(society))
        person = society.person(
            home,
            locale,
            society.family_name(locale),
            society.random.choice("MF"),
            min(born, society.last_day - timedelta(days=60)),
        )
        person.phones[0] = (date.min, numbers.phone(society.random, society.country.country))


def settle(society: Society, n_people: int) -> list[Person]:
    """Exactly this many people, whole households at a time (the last one cut)."""
    while len(society.people) < n_people:
        if society.random.random() >= society.profile.household_share:
            stranger(society)
        elif society.happens("roommates"):
            roommates(society)
        else:
            family(society)
    return society.people[:n_people]
