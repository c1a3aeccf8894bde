"""What FHIR Patient resources say beside names, contacts and identifiers: sex, death, births, language, extensions, links.

Source: HL7 FHIR R4 (4.0.1), Patient; US Core for race, ethnicity and birth sex.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from siamese_er.sources.columns import present
from siamese_er.sources.fhir_lines import CODED, all_texts, listed, ordered, parsed, part

INNER = "array<struct<url:string,valueString:string,valueCoding:struct<code:string,display:string>>>"
EXTENSION = f"struct<url:string,valueString:string,valueCode:string,extension:{INNER}>"
LINK = "struct<type:string,other:struct<reference:string,identifier:struct<system:string,value:string>>>"
COMMUNICATION = f"struct<language:{CODED},preferred:string>"
MOTHERS_NAME = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
CONFIDENTIAL = ("R", "V")  # v3-Confidentiality: restricted, very restricted


def extension_texts(url: str) -> Column:
    """The texts of one extension: its value, or the ``text`` in it, or the names of its codings."""

    def text_of(extension: Column) -> Column:
        inner = F.coalesce(extension["extension"], F.array())
        words = F.get(F.filter(inner, lambda own: own["url"] == "text"), F.lit(0))["valueString"]
        names = F.concat_ws(", ", F.transform(inner, lambda own: own["valueCoding"]["display"]))
        return F.coalesce(extension["valueString"], extension["valueCode"], words, names)

    return all_texts(F.filter(F.col("extensions"), lambda extension: extension["url"] == url), text_of)


def sexes() -> Column:
    """The administrative gender; where it is unknown or absent, US Core's birth sex or sex."""
    gender = F.nullif(part("gender"), F.lit("unknown"))
    birth_sexes = F.concat(extension_texts(f"{US_CORE}birthsex"), extension_texts(f"{US_CORE}sex"))
    return F.when(gender.isNotNull(), F.array(gender)).otherwise(F.slice(birth_sexes, 1, 1))


def death_dates() -> Column:
    """The day in deceasedDateTime, as precise as it is."""
    return present(F.array(F.regexp_replace(part("deceasedDateTime"), "T.*$", "")))


def single_columns() -> dict[str, Column]:
    """The columns with one value. ``multipleBirthInteger`` is a birth order, and says that there were several."""
    order = part("multipleBirthInteger")
    security = F.coalesce(F.col("meta.security"), F.array())
    is_restricted = F.exists(
        security, lambda label: label["system"].endswith("Confidentiality") & label["code"].isin(*CONFIDENTIAL)
    )
    spoken = ordered(
        listed("communication", COMMUNICATION), lambda own: F.when(own["preferred"] == "true", 0).otherwise(1)
    )

    def spoken_language(own: Column) -> Column:
        return F.coalesce(F.get(own["language"]["coding"], F.lit(0))["code"], own["language"]["text"])

    return {
        "multiple_birth": F.coalesce(part("multipleBirthBoolean"), F.when(order.isNotNull(), F.lit("true"))),
        "birth_order": order,
        "sensitivity": F.when(F.coalesce(is_restricted, F.lit(False)), F.lit("restricted")),
        "race": F.get(extension_texts(f"{US_CORE}race"), F.lit(0)),
        "ethnicity": F.get(extension_texts(f"{US_CORE}ethnicity"), F.lit(0)),
        "language": F.get(all_texts(spoken, spoken_language), F.lit(0)),
    }


def extra() -> Column:
    """What rides along: ``active`` where it is false, ``deceased`` where there is no date, ``links`` to other Patients
    ("replaced-by Patient/1"), ``managing_organization``, ``meta_source``. Null where there is none of it."""

    def link_text(link: Column) -> Column:
        named = F.concat_ws("|", link["other"]["identifier"]["system"], link["other"]["identifier"]["value"])
        return F.concat_ws(" ", link["type"], F.coalesce(link["other"]["reference"], named))

    links = F.transform(listed("link", LINK), link_text)
    organization = parsed("managingOrganization", "struct<reference:string,display:string>")
    entries = {
        "active": F.when(part("active") == "false", F.lit("false")),
        "deceased": F.when(part("deceasedBoolean") == "true", F.lit("true")),
        "links": F.nullif(F.array_join(F.array_sort(links), "; "), F.lit("")),
        "managing_organization": F.coalesce(organization["display"], organization["reference"]),
        "meta_source": F.regexp_replace(F.col("meta.source"), "#.*$", ""),
    }
    pairs = [F.struct(F.lit(key).alias("key"), value.alias("value")) for key, value in entries.items()]
    known = F.filter(F.array(*pairs), lambda entry: entry["value"].isNotNull())
    return F.when(F.size(known) > 0, F.map_from_entries(known))
