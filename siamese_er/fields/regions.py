"""Cities, states, postal codes and countries."""

import re
from functools import lru_cache

from siamese_er.fields.text import CACHED_VALUES, PLACEHOLDER, Standard, ascii_words, is_placeholder

STATES = {
    "alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
    "connecticut": "ct", "delaware": "de", "district of columbia": "dc", "washington dc": "dc", "florida": "fl",
    "georgia": "ga", "hawaii": "hi", "idaho": "id", "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks",
    "kentucky": "ky", "louisiana": "la", "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi",
    "minnesota": "mn", "mississippi": "ms", "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv",
    "new hampshire": "nh", "new jersey": "nj", "new mexico": "nm", "new york": "ny", "north carolina": "nc",
    "north dakota": "nd", "ohio": "oh", "oklahoma": "ok", "oregon": "or", "pennsylvania": "pa", "rhode island": "ri",
    "south carolina": "sc", "south dakota": "sd", "tennessee": "tn", "texas": "tx", "utah": "ut", "vermont": "vt",
    "virginia": "va", "washington": "wa", "washington state": "wa", "west virginia": "wv", "wisconsin": "wi",
    "wyoming": "wy", "puerto rico": "pr", "guam": "gu", "american samoa": "as", "us virgin islands": "vi",
    "virgin islands": "vi", "northern mariana islands": "mp", "new south wales": "nsw", "victoria": "vic",
    "queensland": "qld", "south australia": "sa", "western australia": "wa", "tasmania": "tas",
    "northern territory": "nt", "australian capital territory": "act", "ontario": "on", "quebec": "qc",
    "british columbia": "bc", "alberta": "ab", "manitoba": "mb", "saskatchewan": "sk", "nova scotia": "ns",
    "new brunswick": "nb", "newfoundland and labrador": "nl", "prince edward island": "pe",
}  # fmt: skip
COUNTRIES = {
    "us": "usa u s a|u s|united states|united states of america|america|estados unidos",
    "gb": "gbr uk|u k|united kingdom|great britain|england|scotland|wales|northern ireland|britain",
    "au": "aus australia", "ca": "can canada", "nz": "nzl new zealand", "ie": "irl ireland|republic of ireland",
    "de": "deu germany|deutschland", "at": "aut austria|osterreich", "ch": "che switzerland|schweiz|suisse",
    "fr": "fra france", "es": "esp spain|espana", "pt": "prt portugal", "it": "ita italy|italia",
    "nl": "nld netherlands|the netherlands|holland|nederland", "be": "bel belgium|belgie|belgique",
    "lu": "lux luxembourg",
    "dk": "dnk denmark|danmark", "se": "swe sweden|sverige", "no": "nor norway|norge", "fi": "fin finland|suomi",
    "is": "isl iceland", "pl": "pol poland|polska", "cz": "cze czechia|czech republic", "sk": "svk slovakia",
    "hu": "hun hungary", "ro": "rou romania", "bg": "bgr bulgaria", "gr": "grc greece", "tr": "tur turkey|turkiye",
    "ua": "ukr ukraine|ukraina", "ru": "rus russia|russian federation", "by": "blr belarus", "rs": "srb serbia",
    "hr": "hrv croatia", "si": "svn slovenia", "ba": "bih bosnia and herzegovina|bosnia", "al": "alb albania",
    "lt": "ltu lithuania", "lv": "lva latvia", "ee": "est estonia", "mx": "mex mexico", "br": "bra brazil|brasil",
    "ar": "arg argentina", "cl": "chl chile", "co": "col colombia", "pe": "per peru", "ve": "ven venezuela",
    "ec": "ecu ecuador", "bo": "bol bolivia", "uy": "ury uruguay", "py": "pry paraguay", "gt": "gtm guatemala",
    "hn": "hnd honduras", "sv": "slv el salvador", "ni": "nic nicaragua", "cr": "cri costa rica", "pa": "pan panama",
    "cu": "cub cuba", "do": "dom dominican republic|republica dominicana", "ht": "hti haiti", "jm": "jam jamaica",
    "pr": "pri puerto rico", "cn": "chn china|peoples republic of china", "tw": "twn taiwan", "hk": "hkg hong kong",
    "jp": "jpn japan", "kr": "kor south korea|korea|republic of korea", "vn": "vnm vietnam|viet nam",
    "th": "tha thailand", "ph": "phl philippines", "my": "mys malaysia", "sg": "sgp singapore", "id": "idn indonesia",
    "in": "ind india", "pk": "pak pakistan", "bd": "bgd bangladesh", "lk": "lka sri lanka", "np": "npl nepal",
    "af": "afg afghanistan", "ir": "irn iran", "iq": "irq iraq", "sy": "syr syria", "lb": "lbn lebanon",
    "il": "isr israel", "sa": "sau saudi arabia", "ae": "are united arab emirates|uae", "eg": "egy egypt",
    "ma": "mar morocco", "dz": "dza algeria", "tn": "tun tunisia", "ng": "nga nigeria", "gh": "gha ghana",
    "ke": "ken kenya", "et": "eth ethiopia", "so": "som somalia", "za": "zaf south africa", "zw": "zwe zimbabwe",
}  # fmt: skip
COUNTRY_CODES = {
    name: code for code, names in COUNTRIES.items() for name in [names[:3], *names[4:].split("|")]
}  # fmt: skip
CITY_WORDS = {"st": "saint", "ft": "fort", "mt": "mount", "ste": "sainte", "pt": "port", "hts": "heights",
              "spgs": "springs", "jct": "junction", "n": "north", "s": "south", "e": "east", "w": "west"}  # fmt: skip
ZIP = re.compile(r"(\d{5})(?:\d{4})?")
ZIP_PLUS_FOUR = re.compile(r"(\d{5})[- ]\d{4}")
NO_CODE = re.compile(r"0+|9{4,}")


@lru_cache(CACHED_VALUES)
def standard_city(value: str) -> Standard:
    """A city in lower-case words, its first word and directions written out.

    >>> standard_city("St. Louis").value
    'saint louis'
    """
    if is_placeholder(value) or ascii_words(value) in ("no fixed abode", "homeless", "no city"):
        return PLACEHOLDER
    first, *rest = ascii_words(value).split()
    words = [CITY_WORDS.get(first, first) if rest else first, *rest]
    if len(words) > 1 and words[-1] in ("hts", "spgs", "jct"):
        words[-1] = CITY_WORDS[words[-1]]
    return Standard(" ".join(words))


@lru_cache(CACHED_VALUES)
def standard_state(value: str) -> Standard:
    """A state's postal letters (US, AU, CA) in lower case, else its words."""
    words = ascii_words(value)
    state = STATES.get(words) or (words.replace(" ", "") if len(words) <= 5 else words)
    return PLACEHOLDER if is_placeholder(value) or is_placeholder(state) or state == "zz" else Standard(state)


@lru_cache(CACHED_VALUES)
def standard_postal_code(value: str, region: str = "US") -> Standard:
    """A postal code in lower-case letters and digits; ZIP+4 loses its last four digits.

    >>> standard_postal_code("02139-4307").value, standard_postal_code("E5 0UE").value
    ('02139', 'e50ue')
    """
    text = value.strip()
    if is_placeholder(text):
        return PLACEHOLDER
    code = ascii_words(text).replace(" ", "")
    if found := ZIP.fullmatch(code) if region == "US" else ZIP_PLUS_FOUR.fullmatch(text):
        code = found[1]
    return PLACEHOLDER if NO_CODE.fullmatch(code) or is_placeholder(code) else Standard(code)


@lru_cache(CACHED_VALUES)
def standard_country(value: str) -> Standard:
    """The ISO 3166 alpha-2 code in lower case of a common name or alpha-3 code, else the words."""
    if is_placeholder(value) and ascii_words(value) != "na":
        return PLACEHOLDER
    words = ascii_words(value)
    return Standard(COUNTRY_CODES.get(words, words))
