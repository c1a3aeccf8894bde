"""How a person is written down: one record by one source on one day, with its conventions and its mistakes."""

from datetime import date, timedelta
from random import Random
from typing import Any

from siamese_er.synthetic import numbers
from siamese_er.synthetic.conventions import as_written
from siamese_er.synthetic.knobs import Profile, Source
from siamese_er.synthetic.people import Person, Society, holding
from siamese_er.synthetic.places import Address, abbreviated, one_line
from siamese_er.synthetic.spellings import latin, nicknames_of, respelled
from siamese_er.synthetic.typing_errors import TEXT_ERRORS, date_error, digit_error, valid_day

Values = dict[str, Any]
DIGITS = {"national_id", "mrn", "phone", "postal_code"}
UNTYPED = {"sex", "country", "multiple_birth", "birth_order", "updated_at", "race", "name_suffix"}
ALWAYS = ("given_name", "family_name", "birth_date", "updated_at", "multiple_birth")
LASTING = ("given_name", "family_name", "birth_date", "national_id")
NAME_FIELDS = ("given_name", "middle_name", "family_name", "former_family_name", "mother_maiden_name")
NEWBORN = ("Baby Boy", "BabyBoy", "BB", "Boy", "Infant Boy", "Baby")
UNKNOWN = ("Unknown", "UNK", "Test", "N/A", "Baby", "John Doe", "Unknown Male", "XXX")


class Scribe:
    """Writes records as the profile says."""

    def __init__(self, profile: Profile, society: Society, random: Random) -> None:
        self.profile, self.society, self.random = profile, society, random
        self.optional = [name for name in profile.columns if name not in ALWAYS]
        self.nothing: dict[int, tuple[str, ...]] = {}
        self.believed: dict[tuple[int, str], Values] = {}
        typed = [name for name in profile.columns if name not in UNTYPED]
        self.error_fields = typed
        self.error_weights = [profile.error_fields.get(name, 1.0) for name in typed]
        self.kinds = list(profile.error_kinds) or list(TEXT_ERRORS)
        self.kind_weights = [profile.error_kinds.get(kind, 1.0) for kind in self.kinds]
        self.missing = [(name, profile.missing[name]) for name in profile.columns if profile.missing.get(name)]
        self.replaced = [(name, profile.replaced[name]) for name in profile.columns if profile.replaced.get(name)]

    def shows(self, trait: str, factor: float) -> bool:
        """True with the profile's rate of this trait of noise."""
        return self.random.random() < self.profile.noise.get(trait, 0.0) * factor

    def write(self, person: Person, source: Source, day: date, is_clean: bool) -> Values:
        """The record's values as the source would write them; None where it has none."""
        factor = 0.0 if is_clean else source.noise
        address = holding(person.addresses, day)
        values = self.facts(person, source, day, address)
        values.update(self.believed.get((id(person), source.name), {}))
        if factor:
            self.vary_names(values, person, factor)
            self.vary_rest(values, person, source, address, factor)
            self.replace(values, factor)
            self.mistype(values, factor)
            if self.shows("lasting", factor):
                self.believed[id(person), source.name] = self.lasting(values)
        self.leave_out(values, person, source, factor)
        return as_written(values, self.profile, source, address.country)

    def lasting(self, values: Values) -> Values:
        """Values that this source will go on believing: its mistakes are copied from visit to visit."""
        kept = {name: values[name] for name in LASTING if values[name]}
        born = kept.get("birth_date")
        if born and (len(born) < 3 or valid_day(*born) != born):
            del kept["birth_date"]
        return kept

    def without(self, person: Person) -> tuple[str, ...]:
        """The fields that this person has in no record."""
        names = self.nothing.get(id(person))
        if names is None:
            names = tuple(name for name, rate in self.profile.never.items() if self.random.random() < rate)
            self.nothing[id(person)] = names
        return names

    def leave_out(self, values: Values, person: Person, source: Source, factor: float) -> None:
        """Fields that the source lacks or did not ask for, or that the person never had, in place."""
        for name, rate in self.missing:
            if self.random.random() < rate * source.missing:
                values[name] = None
        for name in (*source.lacks, *self.without(person)):
            values[name] = None
        if self.shows("sparse", factor):
            for name in self.optional:
                if self.random.random() < 0.8:
                    values[name] = None

    def facts(self, person: Person, source: Source, day: date, address: Address) -> Values:
        """The truth of that day, as this table's columns hold it."""
        random, profile = self.random, self.profile
        family = holding(person.families, day)
        line = one_line(address, random)
        mrn = person.mrns.get(source.name)
        if mrn is None or random.random() < profile.mrn_renewed:
            mrn = person.mrns[source.name] = str(random.randrange(100_000, 10_000_000))
        values: Values = {
            "given_name": person.given, "middle_name": person.middle, "family_name": family,
            "name_suffix": person.suffix,
            "former_family_name": person.families[0][1] if family != person.families[0][1] else None,
            "mother_maiden_name": person.mother_maiden,
            "birth_date": (person.born.year, person.born.month, person.born.day),
            "death_date": person.died.isoformat() if person.died and person.died <= day else None,
            "sex": person.sex, "national_id": (person.guarantor or person).national_id, "mrn": mrn,
            "phone": holding(person.phones, day), "email": holding(person.emails, day), "address_line": line,
            "city": address.city, "state": address.state, "postal_code": address.postal_code,
            "country": address.country,
            "multiple_birth": "true" if person.birth_order else "false",
            "birth_order": str(person.birth_order) if person.birth_order else None,
            "updated_at": f"{day.isoformat()} {random.randrange(24):02d}:{random.randrange(60):02d}:00",
            "race": person.race,
        }  # fmt: skip
        if person.guarantor is not None and random.random() < 0.5:
            values["national_id"] = person.national_id
        if person.named_on is not None and day < person.named_on:
            self.unnamed(values, person)
        if not source.romanised or not profile.locales:
            return values
        for name in NAME_FIELDS:
            values[name] = values[name] and latin(values[name])
        return values

    def unnamed(self, values: Values, person: Person) -> None:
        """A newborn's placeholder name, in place; twins get A or B."""
        label = self.random.choice(NEWBORN)
        if person.sex == "F":
            label = label.replace("Boy", "Girl").replace("BB", "BG")
        if person.mother_given and self.random.random() < 0.2:
            label = f"{latin(person.mother_given)}s{'girl' if person.sex == 'F' else 'boy'}"
        if person.birth_order:
            label += " " + ("AB"[person.birth_order - 1] if self.random.random() < 0.7 else str(person.birth_order))
        values.update(given_name=label, middle_name=None, national_id=None)

    def vary_names(self, values: Values, person: Person, factor: float) -> None:
        """Nicknames, initials, dropped and swapped names, in place."""
        random, shows = self.random, self.shows
        given, middle, family = values["given_name"], values["middle_name"], values["family_name"]
        if shows("nickname", factor) and (short := nicknames_of(given.lower())):
            given = random.choice(short).title()
        if shows("transliterated", factor):
            given = respelled(random, given)
        if shows("transliterated", factor):
            family = respelled(random, family)
        if middle and shows("middle_initial", factor):
            middle = middle[0] + random.choice(("", "."))
        if middle and shows("middle_joined", factor):
            given, middle = f"{given} {middle}", None
        if shows("initial_only", factor):
            given = given[0]
        parts = family.replace("-", " ").split(" ")
        if len(parts) > 1 and shows("surname_part_dropped", factor):
            family = random.choice((parts[0], parts[0], parts[-1]))
        elif len(parts) > 1 and shows("hyphen_changed", factor):
            family = random.choice(("-", " ", "", " y ")).join(parts)
        if shows("placeholder_name", factor):
            given, middle = random.choice(UNKNOWN), None
        if middle and shows("swapped_middle", factor):
            given, middle = middle, given
        if shows("swapped_names", factor):
            given, family = family, given
        if self.profile.noise.get("shifted_names") and shows("shifted_names", factor):
            further = middle or random.choice(self.society.people).given
            given, family = random.choice(((family, further), (further, given)))
        if shows("suffix_dropped", factor):
            values["name_suffix"] = None
        elif values["name_suffix"] and random.random() < 0.1:
            family = f"{family} {values['name_suffix']}"
        if not (given + family).isascii() and shows("without_diacritics", factor) and max(given) < "\u0370":
            given, family = latin(given), latin(family)
        values.update(given_name=given, middle_name=middle, family_name=family)

    def vary_rest(self, values: Values, person: Person, source: Source, address: Address, factor: float) -> None:
        """Dates, ids, sex, phone and address that differ without a slip of the hand, in place."""
        random, shows = self.random, self.shows
        year, month, day = values["birth_date"]
        if shows("birth_date_error", factor):
            values["birth_date"] = date_error(random, (year, month, day))
        if shows("january_first", factor):
            values["birth_date"] = (year, 1, 1)
        if shows("default_birth_date", factor):
            values["birth_date"] = random.choice(
                ((1900, 1, 1), (1900, 1, 1), (1901, 1, 1), (1970, 1, 1), (1111, 11, 11))
            )
        if shows("partial_birth_date", factor):
            values["birth_date"] = (year,) if random.random() < 0.6 else (year, month)
        if values["national_id"] and shows("id_last_four", factor):
            values["national_id"] = values["national_id"][-4:]
        if shows("id_placeholder", factor):
            values["national_id"] = random.choice(numbers.PLACEHOLDER_IDS)
        if shows("sex_wrong", factor):
            values["sex"] = {"M": "F", "F": "M"}[person.sex] if random.random() < 0.7 else "U"
        if shows("other_phone", factor):
            values["phone"] = numbers.phone(random, address.country)
        if address.unit and shows("unit_dropped", factor):
            values["address_line"] = address.line
        if source.abbreviates or shows("street_abbreviated", factor):
            values["address_line"] = abbreviated(values["address_line"])
        if shows("post_office_box", factor):
            values["address_line"] = f"PO Box {random.randrange(1, 3000)}"

    def replace(self, values: Values, factor: float) -> None:
        """Fields that hold somebody else's value outright, in place."""
        random = self.random
        for name, rate in self.replaced:
            if random.random() >= rate * factor:
                continue
            other = random.choice(self.society.people)
            home = other.addresses[0][1]
            born = other.born
            values[name] = {
                "given_name": other.given, "middle_name": other.middle, "family_name": other.families[0][1],
                "birth_date": (born.year, born.month, born.day), "sex": other.sex,
                "national_id": numbers.national_id(random, self.profile.id_kind), "phone": other.phones[0][1],
                "email": other.emails[0][1], "address_line": home.line, "city": home.city, "state": home.state,
                "postal_code": home.postal_code,
            }.get(name, values[name])  # fmt: skip

    def mistype(self, values: Values, factor: float) -> None:
        """One or several slips in fields chosen by weight, in place; none in a clean record."""
        random, profile = self.random, self.profile
        if not self.error_fields or random.random() >= (1 - profile.clean_share) * factor:
            return
        n = 1
        while n < profile.max_errors and random.random() < profile.more_errors:
            n += 1
        for name in random.choices(self.error_fields, self.error_weights, k=n):
            value = values[name]
            if value is None:
                continue
            kind = random.choices(self.kinds, self.kind_weights)[0]
            if kind == "emptied":
                values[name] = None
            elif name == "birth_date":
                values[name] = (
                    date_error(random, value) if len(value) == 3 and value[1] <= 12 and value[2] <= 28 else value
                )
            elif name in DIGITS and value:
                values[name] = digit_error(random, value)
            elif value:
                values[name] = TEXT_ERRORS[kind](random, value) or None


def record_days(n: int, person: Person, society: Society, random: Random) -> list[date]:
    """The days on which a person's n records were written, in order; a newborn's first one soon after birth."""
    first = max(society.first_day, person.born)
    days = sorted(society.day(first, society.last_day) for _ in range(n))
    if person.named_on is not None and n > 1:
        days[0] = min(days[0], person.born + timedelta(days=random.randrange(3)))
    return days
