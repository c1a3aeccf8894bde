"""People as they are: strangers and families, twins, namesakes, movers; before anybody writes them down."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import TypeVar

import numpy as np
from anyascii import anyascii

from siamese_er.synthetic import numbers
from siamese_er.synthetic.knobs import Profile
from siamese_er.synthetic.names import ZipfList, coined_surname, family_form, table_names
from siamese_er.synthetic.places import Address, Country

NEAR_TWIN_NAMES = {
    "M": [("Aiden", "Jaiden"), ("Jayden", "Kayden"), ("Daniel", "David"), ("Marco", "Mario"), ("Eric", "Derek"),
          ("Ethan", "Nathan"), ("Julian", "Julius"), ("Jon", "John"), ("Christian", "Christopher")],
    "F": [("Maria", "Marie"), ("Anna", "Hannah"), ("Ella", "Bella"), ("Taylor", "Tyler"), ("Lena", "Elena"),
          ("Mia", "Maya"), ("Julia", "Juliana"), ("Sara", "Sarai"), ("Emily", "Emma"), ("Karen", "Karin")],
    "FM": [("Roberta", "Robert"), ("Michelle", "Michael"), ("Paula", "Paul"), ("Daniela", "Daniel"),
           ("Andrea", "Andreas"), ("Christina", "Christian"), ("Alexandra", "Alexander"), ("Victoria", "Victor")],
}  # fmt: skip
T = TypeVar("T")
DOMAINS = ("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "mail.example", "posteo.example")
RACES = ("white", "black", "asian", "hispanic", "native", "other")
HISPANIC = ("es_ES", "es_MX")


@dataclass(slots=True)
class Household:
    """People who live together; addresses in order of time, each with the day from which it holds."""

    number: int
    addresses: list[tuple[date, Address]]
    phone: str
    email: str | None = None


@dataclass(slots=True, eq=False)
class Person:
    """One person; ``families`` and ``addresses`` in order of time, each with the day from which it holds."""

    locale: str
    sex: str
    given: str
    middle: str | None
    families: list[tuple[date, str]]
    born: date
    household: Household
    addresses: list[tuple[date, Address]]
    phones: list[tuple[date, str]]
    emails: list[tuple[date, str]]
    national_id: str
    race: str
    suffix: str | None = None
    mother_maiden: str | None = None
    mother_given: str | None = None
    died: date | None = None
    birth_order: int | None = None
    named_on: date | None = None
    guarantor: "Person | None" = None
    mrns: dict[str, str] = field(default_factory=dict)


def holding(states: list[tuple[date, T]], day: date) -> T:
    """The state that holds on this day; the first one before any."""
    current = states[0][1]
    for since, value in states[1:]:
        if since <= day:
            current = value
    return current


class Society:
    """Makes people, household by household, as the profile says."""

    def __init__(self, profile: Profile, rng: np.random.Generator, random: Random) -> None:
        self.profile, self.random = profile, random
        self.country = Country(profile, rng, random)
        size, exponent, half = profile.name_list_size, profile.zipf_exponent, profile.name_half
        self.names = {locale: table_names(locale, half, size, exponent, rng) for locale in profile.locales}
        self.locales = list(profile.locales)
        self.locale_weights = list(profile.locales.values())
        self.last_day = date(profile.last_year, 12, 28)
        self.first_day = self.last_day - timedelta(days=max(30, int(profile.years * 365)))
        self.people: list[Person] = []
        self.n_households = 0
        self.group_homes: list[Address] = [self.country.address() for _ in range(3)]
        n_coined = min(size, 1000) if profile.coined_share else 1
        self.coined = ZipfList([coined_surname(random, half) for _ in range(n_coined)], exponent, rng)

    def happens(self, trait: str) -> bool:
        """True with the profile's rate of this family trait; a trait that the profile lacks draws no random number."""
        return trait in self.profile.family and self.random.random() < self.profile.family[trait]

    def lives(self, event: str) -> bool:
        """True with the profile's rate of this event of life; an event that the profile lacks draws no random number."""
        return event in self.profile.life and self.random.random() < self.profile.life[event]

    def day(self, first: date, last: date) -> date:
        """A day between two, the earlier if they are out of order."""
        return first + timedelta(days=self.random.randrange(max(1, (last - first).days)))

    def family_name(self, locale: str) -> str:
        """A surname (masculine form); two of them for Spanish speakers."""
        random = self.random
        if random.random() < self.profile.coined_share:
            return str(self.coined.draw(random))
        pool = self.names[locale]["family"]
        name = str(pool.draw(random))
        if locale in HISPANIC and random.random() < 0.85:
            return f"{name} {pool.draw(random)}"
        if random.random() < 0.02 and name.isascii():
            return f"{name}-{pool.draw(random)}"
        return name

    def household(self) -> Household:
        """A new home; sometimes in a shelter, dormitory or nursing home that many share."""
        random = self.random
        home = random.choice(self.group_homes) if self.happens("group_address") else self.country.address()
        addresses = [(date.min, home)]
        while self.lives("moved") and len(addresses) < 4:
            addresses.append((self.day(self.first_day, self.last_day), self.country.address()))
        addresses[1:] = sorted(addresses[1:], key=lambda item: item[0])
        self.n_households += 1
        return Household(self.n_households, addresses, numbers.phone(random, self.country.country))

    def email(self, given: str, family: str) -> str:
        """An address made of the name, mostly."""
        random = self.random
        first = anyascii(given).lower().replace(" ", "").replace("'", "") or "x"
        last = anyascii(family).lower().replace(" ", "").replace("'", "") or "y"
        local = random.choice((f"{first}.{last}", f"{first[0]}{last}", f"{first}{last[0]}{random.randrange(100)}",
                               f"{last}{random.randrange(1000)}", f"{first}_{last}{random.randrange(30)}"))  # fmt: skip
        return f"{local}@{random.choice(DOMAINS)}"

    def person(self, household: Household, locale: str, family: str, sex: str, born: date) -> Person:
        """A person with all that is theirs alone."""
        random, profile = self.random, self.profile
        names = self.names[locale][sex]
        given = names.draw(random)
        middle = names.draw(random) if random.random() < profile.middle_share else None
        middle = None if middle == given else middle
        phone = household.phone if self.happens("shared_phone") else numbers.phone(random, self.country.country)
        if self.people and self.happens("recycled_phone"):
            phone = random.choice(self.people).phones[0][1]
        written = family_form(family, locale, sex)
        email = self.email(given, written)
        if household.email and self.happens("shared_email"):
            email = household.email
        household.email = household.email or email
        number = numbers.national_id(random, profile.id_kind)
        if self.people and random.random() < profile.id_shared:
            number = random.choice(self.people).national_id
        person = Person(locale, sex, given, middle, [(date.min, written)], born, household, list(household.addresses),
                        [(date.min, phone)], [(date.min, email)], number, random.choice(RACES))  # fmt: skip
        self.live(person)
        self.people.append(person)
        return person

    def live(self, person: Person) -> None:
        """What happens to a person within the years of the table: new phone, new e-mail, own home, death."""
        random = self.random
        if self.lives("phone_changed"):
            day = self.day(self.first_day, self.last_day)
            person.phones.append((day, numbers.phone(random, self.country.country)))
        if self.lives("email_changed"):
            person.emails.append(
                (self.day(self.first_day, self.last_day), self.email(person.given, person.families[0][1]))
            )
        if (self.last_day.year - person.born.year) > 18 and self.lives("moved"):
            day = self.day(self.first_day, self.last_day)
            person.addresses.append((day, self.country.address()))
            person.addresses[1:] = sorted(person.addresses[1:], key=lambda item: item[0])
            if self.lives("phone_moves"):
                person.phones = sorted([*person.phones, (day, numbers.phone(random, self.country.country))])
        if self.lives("died"):
            person.died = self.day(max(self.first_day, person.born), self.last_day)

    def marry(self, person: Person, family: str) -> None:
        """The person takes this surname within the years of the table, or did so before them."""
        day = self.day(self.first_day, self.last_day) if self.lives("married") else date(1, 1, 2)
        new = family_form(family, person.locale, person.sex)
        if self.random.random() < 0.1 and " " not in person.families[0][1]:
            new = f"{person.families[0][1]}-{new}"
        person.families.append((day, new))
