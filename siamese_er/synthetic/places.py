"""Towns, streets and addresses in the manner of several countries."""

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from siamese_er.synthetic.knobs import Profile
from siamese_er.synthetic.names import ZipfList, in_half, name_lists, provider
from siamese_er.synthetic.wordlists import AU_STATES, CITY_ENDINGS, STREET_STEMS, UK_REGIONS, US_STATES

SUFFIXES = {
    "us": (("Street", "St"), ("Avenue", "Ave"), ("Road", "Rd"), ("Drive", "Dr"), ("Lane", "Ln"), ("Court", "Ct"),
           ("Boulevard", "Blvd"), ("Place", "Pl"), ("Circle", "Cir"), ("Way", "Way"), ("Terrace", "Ter")),
    "uk": (("Road", "Rd"), ("Street", "St"), ("Close", "Cl"), ("Avenue", "Ave"), ("Lane", "La"), ("Drive", "Dr"),
           ("Gardens", "Gdns"), ("Crescent", "Cres"), ("Way", "Way"), ("Court", "Ct"), ("Terrace", "Terr")),
    "au": (("Street", "St"), ("Place", "Pl"), ("Crescent", "Cres"), ("Circuit", "Cct"), ("Close", "Cl"),
           ("Avenue", "Ave"), ("Court", "Ct"), ("Drive", "Dr"), ("Parade", "Pde"), ("Road", "Rd")),
}  # fmt: skip
ABBREVIATIONS = {long: short for pairs in SUFFIXES.values() for long, short in pairs if long != short} | {
    "Apartment": "Apt", "North": "N", "South": "S", "East": "E", "West": "W", "Straße": "Str.", "Calle": "C/",
}  # fmt: skip
STATES = {"us": US_STATES, "uk": UK_REGIONS, "au": AU_STATES}
COUNTRY = {"us": "US", "uk": "GB", "au": "AU"}
HOUSE_NAMES = ("Rosebank Villa", "The Lodge", "Dunroamin", "Ivy Cottage", "Glenview", "Brentwood Village", "The Oaks")
UNITS = {"us": ("Apt ", "Unit ", "#", "Apartment "), "uk": ("Flat ",), "au": ("Unit ", "Flat ")}
NATIVE_STREETS = {
    "de_DE": ("{name}straße {n}", "{name}weg {n}", "Am {name} {n}"), "fr_FR": ("{n} rue {name}", "{n}, avenue {name}"),
    "es_ES": ("Calle {name} {n}", "Avenida {name}, {n}"), "es_MX": ("Calle {name} {n}", "Av. {name} #{n}"),
    "it_IT": ("Via {name} {n}", "Piazza {name}, {n}"), "pl_PL": ("ul. {name} {n}", "al. {name} {n}"),
    "pt_BR": ("Rua {name}, {n}", "Avenida {name}, {n}"), "nl_NL": ("{name}straat {n}", "{name}laan {n}"),
    "tr_TR": ("{name} Sokak No:{n}", "{name} Caddesi No:{n}"), "ru_RU": ("ул. {name}, д. {n}", "пр. {name}, д. {n}"),
    "uk_UA": ("вул. {name}, буд. {n}", "вулиця {name}, {n}"), "vi_VN": ("{n} Đường {name}",),
    "sv_SE": ("{name}vägen {n}",),
}  # fmt: skip
CITY_STARTS = ("North ", "East ", "West ", "South ", "New ", "Lake ", "Port ", "", "", "", "", "", "")


@dataclass(frozen=True, slots=True)
class Address:
    """One place to live; unit is None for a house."""

    line: str
    unit: str | None
    city: str
    state: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class City:
    """A town with its postal codes and streets."""

    name: str
    state: str
    postal_codes: tuple[str, ...]
    streets: tuple[str, ...]


def native_cities(locale: str) -> tuple[str, ...]:
    """Faker's towns of this locale; empty where it coins them."""
    try:
        lists: Any = provider("address", locale)
    except ModuleNotFoundError:
        return ()
    return tuple(str(name) for name in getattr(lists, "cities", None) or getattr(lists, "city_names", None) or ())


class Country:
    """The towns and streets that one table knows."""

    def __init__(self, profile: Profile, rng: np.random.Generator, random: Random) -> None:
        self.profile = profile
        self.random = random
        self.locale = next(iter(profile.locales))
        native = profile.address_style == "native"
        self.style = profile.address_style if not native else "us"
        self.states = random.sample(STATES[self.style], random.choice((1, 2, 3, 5, 8)))
        self.native_streets = NATIVE_STREETS.get(self.locale) if native else None
        self.country = self.locale[-2:] if native and "_" in self.locale else COUNTRY[self.style]
        family = [name for name in name_lists("en_US")["family"] if in_half(name, profile.name_half)]
        if self.native_streets:
            family = [name for name in name_lists(self.locale)["family"] if in_half(name, profile.name_half)]
            self.stems = family
        else:
            self.stems = [*STREET_STEMS, *family]
        towns = native_cities(self.locale) if native else ()
        names = list(dict.fromkeys(towns)) or [self.coined_city(family) for _ in range(profile.n_cities)]
        random.shuffle(names)
        cities = [self.city(name) for name in names[: profile.n_cities]]
        self.cities = ZipfList(cities, profile.city_exponent, rng)

    def coined_city(self, family: list[str]) -> str:
        """An English-sounding town."""
        random = self.random
        stem = random.choice(family if random.random() < 0.6 else STREET_STEMS)
        return random.choice(CITY_STARTS) + stem + (random.choice(CITY_ENDINGS) if random.random() < 0.6 else "")

    def postal_code(self, area: str) -> str:
        """One postal code of the town whose area prefix this is."""
        random = self.random
        if self.style == "uk":
            inward = "".join(random.choices("ABDEFGHJLNPQRSTUWXYZ", k=2))
            return f"{area}{random.randrange(1, 20)} {random.randrange(1, 10)}{inward}"
        return area + f"{random.randrange(100):02d}"[: (4 if self.style == "au" else 5) - len(area)]

    def city(self, name: str) -> City:
        """A town with one to eight postal codes and its own streets."""
        random = self.random
        state = random.choice(self.states)
        area = (
            "".join(random.choices("ABCDEGHKLMNPRSTW", k=random.choice((1, 2))))
            if self.style == "uk"
            else str(random.randrange(100, 999))
        )
        codes = tuple(self.postal_code(area) for _ in range(random.randrange(1, 40 if self.style == "uk" else 9)))
        n_streets = min(self.profile.streets_per_city, 10 + 20_000 // self.profile.n_cities)
        return City(name, state, codes, tuple(random.choices(self.stems, k=n_streets)))

    def unit(self) -> str | None:
        """A flat's number, a house's name or, mostly, nothing."""
        random = self.random
        if random.random() < 0.2:
            number = random.randrange(1, 60)
            return random.choice(UNITS[self.style]) + f"{number}{random.choice(('', '', 'A', 'B', 'C'))}"
        return random.choice(HOUSE_NAMES) if self.style != "us" and random.random() < 0.15 else None

    def address(self) -> Address:
        """A house or a flat somewhere in this table's country."""
        random = self.random
        city: City = self.cities.draw(random)
        k = random.randrange(len(city.streets))
        name, n = city.streets[k], 1 + int(random.expovariate(1 / (400 if self.style == "us" else 40)))
        place = self.profile.place_constant or (city.name, city.state, city.postal_codes[k % len(city.postal_codes)])
        if self.native_streets:
            line = self.native_streets[k % len(self.native_streets)].format(name=name, n=n)
            return Address(line, None, *place, self.country)
        kinds = SUFFIXES[self.style]
        return Address(f"{n} {name} {kinds[k % len(kinds)][0]}", self.unit(), *place, self.country)


def one_line(address: Address, random: Random) -> str:
    """Street and unit as one text; the unit goes first in UK and AU addresses."""
    if address.unit is None:
        return address.line
    return f"{address.line} {address.unit}" if address.country == "US" else f"{address.unit}, {address.line}"


def abbreviated(line: str) -> str:
    """The line with street types and directions abbreviated."""
    return " ".join(ABBREVIATIONS.get(word, word) for word in line.split(" "))
