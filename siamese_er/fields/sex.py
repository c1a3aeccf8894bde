"""Sex: m, f or o; unknown is missing."""

from siamese_er.fields.text import MISSING, Standard, ascii_words

MALE = {"m", "male", "man", "boy", "1", "masculino", "hombre", "homme", "masculin", "mannlich", "maennlich", "mann",
        "masc", "mal", "varon"}  # fmt: skip
FEMALE = {"f", "female", "woman", "girl", "2", "femenino", "mujer", "femme", "feminin", "weiblich", "frau", "fem", "w",
          "feminino", "femal"}  # fmt: skip
OTHER = {"o", "other", "x", "a", "ambiguous", "intersex", "nonbinary", "non binary", "nb", "diverse", "divers", "d",
         "indeterminate", "otro", "autre", "i", "undifferentiated", "un", "transgender", "9 other"}  # fmt: skip
UNKNOWN = {"u", "0", "9", "3", "n", "unknown", "ask", "asku", "ns", "not specified"}
SEXES = dict.fromkeys(MALE, "m") | dict.fromkeys(FEMALE, "f") | dict.fromkeys(OTHER, "o")


def standard_sex(value: str) -> Standard:
    """m, f or o of HL7, FHIR, ISO 5218 (1, 2) and written codes; unknown is missing without a fault."""
    words = ascii_words(value)
    if words in SEXES:
        return Standard(SEXES[words])
    return MISSING
