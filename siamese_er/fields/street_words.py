"""Abbreviations of addresses: street types, directions, units. Source: USPS Publication 28 (appendices B, C);
Royal Mail and AS 4590 usage for the United Kingdom and Australia; for other languages the dictionaries of libpostal
(MIT licence), of which the words in everyday use are here."""

STREET_TYPES = {
    short: full
    for full, shorts in {
        "alley": "aly ally", "approach": "app", "arcade": "arc", "avenue": "ave av aven avenu avn avnue",
        "bayou": "byu",
        "beach": "bch", "bend": "bnd", "boulevard": "blvd bvd boul boulv blv", "branch": "br", "bridge": "brg",
        "brook": "brk", "bypass": "byp", "camp": "cp", "canyon": "cyn", "causeway": "cswy cwy", "center": "ctr cntr",
        "centre": "cntre", "circle": "cir circ crcl", "circuit": "cct crct", "cliff": "clf", "close": "cl",
        "common": "cmn", "corner": "cor cnr", "court": "ct crt", "courts": "cts", "cove": "cv", "creek": "crk",
        "crescent": "cres cr crs cresc", "crossing": "xing crossg", "drive": "dr drv driv dve", "esplanade": "esp",
        "estate": "est", "expressway": "expy exp", "extension": "ext", "farm": "frm", "field": "fld", "fields": "flds",
        "flat": "flt", "freeway": "fwy frwy", "garden": "gdn", "gardens": "gdns", "gate": "ga", "glen": "gln",
        "green": "grn", "grove": "gr grv gro", "harbor": "hbr", "haven": "hvn", "heights": "hts ht",
        "highway": "hwy hiwy",
        "hill": "hl", "hills": "hls", "hollow": "holw", "island": "is", "junction": "jct jnc", "knoll": "knl",
        "lake": "lk", "lakes": "lks", "landing": "lndg", "lane": "ln", "loop": "lp", "manor": "mnr", "meadow": "mdw",
        "meadows": "mdws", "mews": "mws", "mill": "ml", "motorway": "mtwy", "mountain": "mtn", "orchard": "orch",
        "parade": "pde", "park": "pk prk", "parkway": "pkwy pky pkway pwy",
        "place": "pl", "plain": "pln", "plaza": "plz",
        "point": "pt", "port": "prt", "promenade": "prom", "quay": "qy", "ranch": "rnch", "ridge": "rdg",
        "river": "riv", "road": "rd", "route": "rte rt", "row": "rw", "shore": "shr", "spring": "spg",
        "springs": "spgs", "square": "sq sqr", "station": "sta stn", "street": "st str strt", "summit": "smt",
        "terrace": "ter tce terr", "trace": "trce", "track": "trk", "trail": "trl", "turnpike": "tpke",
        "valley": "vly", "view": "vw", "village": "vlg", "vista": "vis", "walk": "wlk wk", "way": "wy", "yard": "yd",
    }.items()
    for short in shorts.split()
}  # fmt: skip
DIRECTIONS = {
    "n": "north", "s": "south", "e": "east", "w": "west", "ne": "northeast", "nw": "northwest", "se": "southeast",
    "sw": "southwest", "nth": "north", "sth": "south", "so": "south",
}  # fmt: skip
ORDINALS = {
    "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th",
    "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th", "eleventh": "11th", "twelfth": "12th",
}  # fmt: skip
OTHER_WORDS = {"mt": "mount", "ft": "fort", "fl": "floor", "flr": "floor", "bldg": "building", "bld": "building",
               "co": "county", "trlr": "trailer", "hse": "house"}  # fmt: skip
FOREIGN_WORDS = {
    "strasse": "street", "straat": "street", "strada": "street", "avenida": "avenue", "avda": "avenue", "avd": "avenue",
    "avinguda": "avenue", "bulevar": "boulevard", "bulvar": "boulevard", "bulvari": "boulevard", "blvr": "boulevard",
    "bd": "boulevard", "cad": "caddesi", "cadde": "caddesi", "sok": "sokak", "sokagi": "sokak", "mah": "mahallesi",
    "mahalle": "mahallesi",
}  # fmt: skip
"""Street types of other languages, wherever they stand."""
OPENING = {
    short: word
    for word, shorts in {
        "rue": "r rua", "calle": "c cl cll", "allee": "all al alam alameda aleja aleje", "chemin": "ch che",
        "camino": "cno cmno caminho", "place": "pl pza plza pzza pca plaza piazza praca", "traverse":
        "tv trav trv trva travessa travesia traversa", "estrada": "est estr", "largo": "lg lgo", "impasse": "imp",
        "cours": "crs", "corso": "cso", "paseo": "po pso", "ronda": "rda", "callejon": "cjon", "carretera": "ctra",
        "rodovia": "rod", "beco": "bc", "via": "v", "viale": "vle", "vicolo": "vic vco vlo", "quai": "qu",
        "faubourg": "fg fbg", "residence": "res", "ulica": "ul ulitsa", "prospekt": "pr prosp", "pereulok": "per",
        "jalan": "jl jln",
    }.items()
    for short in shorts.split()
}  # fmt: skip
"""Street types of other languages that open the street's name. One word for all that an abbreviation may mean, as it is
only compared: "R. Lima" is Rua Lima in Lisbon, Rue Lima in Lyon."""
PARTICLES = frozenset({"des", "del", "della", "dell", "dos", "das", "los", "las"})
"""Longer words between a street's type and its name."""
DOTTED = {
    ("p", "za"): "piazza", ("p", "zza"): "piazza", ("c", "so"): "corso", ("v", "le"): "viale", ("l", "go"): "largo",
}  # fmt: skip
"""Italian types that open the street's name, written with a full stop inside: "P.za"."""
NUMBER_MARKS = frozenset({"no", "num", "nr", "nro", "numero", "n", "d", "dom"})
"""Words before a house number; those of one letter only in some addresses (``addresses.marked_number``)."""
WORDS = STREET_TYPES | DIRECTIONS | ORDINALS | OTHER_WORDS | FOREIGN_WORDS
FULL_TYPES = frozenset(STREET_TYPES.values())
UNITS = frozenset(
    {"apt", "apartment", "unt", "apart", "appt", "unit", "flat", "flt", "suite", "ste", "room", "rm", "u", "no", "num",
     "apto", "apartamento", "appartement", "whg", "wohnung", "dpto", "depto", "departamento", "interior", "lgh", "kv",
     "kvartira", "daire"}
)  # fmt: skip
