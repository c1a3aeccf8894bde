"""FHIR Patient resources -> records with their versions.

Source: HL7 FHIR R4 (4.0.1), Patient, HumanName, ContactPoint, Address, Identifier; US Core for race, ethnicity, birth sex.
"""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.config import InputSettings
from siamese_er.schemas import IDENTIFIERS
from siamese_er.sources import fhir_lines as fhir
from siamese_er.sources.columns import once, present
from siamese_er.sources.fhir_details import (
    EXTENSION,
    MOTHERS_NAME,
    death_dates,
    extension_texts,
    extra,
    sexes,
    single_columns,
)
from siamese_er.sources.fhir_lines import CODED, Lines, all_texts, listed, ordered, parsed, part, said
from siamese_er.sources.rows import completed

PERIOD = "struct<start:string,end:string>"
NAME = f"struct<use:string,text:string,family:string,given:array<string>,suffix:array<string>,period:{PERIOD}>"
TELECOM = f"struct<system:string,value:string,use:string,rank:string,period:{PERIOD}>"
ADDRESS = (
    "struct<use:string,text:string,line:array<string>,city:string,district:string,state:string,postalCode:string,"
    f"country:string,period:{PERIOD}>"
)
IDENTIFIER = f"struct<system:string,value:string,type:{CODED},assigner:struct<display:string>>"

ANONYMOUS, FORMER = "anonymous", ("maiden", "old")
NAME_RANKS = {"official": 0, "usual": 1, "temp": 3, "nickname": 4, "old": 5, "maiden": 6}
ADDRESS_RANKS = {"home": 0, "work": 2, "temp": 3, "billing": 4, "old": 5}
TELECOM_RANKS = {"mobile": 0, "home": 0, "work": 2, "temp": 3, "old": 5}
ENDED = 10  # an element whose period has an end comes behind all that have none
NATIONAL_SYSTEMS = (
    "http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1",
    "https://fhir.nhs.uk/id/nhs-number", "urn:oid:2.16.840.1.113883.2.1.4.1",
)  # fmt: skip
NATIONAL_TYPES = r"^(SS|NI|NN[A-Z]{2,3})$"
OWN_SYSTEM = "urn:siamese-er:system:"  # what `exchange.resources` writes before a scope that is no URI
ENTERPRISE_SYSTEM = "urn:siamese-er:enterprise-id"  # repeats Patient.id in golden records


def patient_rows(lines: Lines, settings: InputSettings) -> DataFrame:
    """Every version of every Patient, and a row with ``deleted`` for each that a Bundle deletes.

    Out: RECORDS with ``notes`` (none), ``version_id`` and ``is_final``; see `records.ranked_versions`.
    """
    patients = lines.of("Patient").where(part("id").rlike(f"^{fhir.ID}$"))
    read = with_elements(patients)
    columns = (
        name_columns() | contact_columns() | identifier_columns() | single_columns()
        | {"sex": sexes(), "birth_date": present(F.array(part("birthDate"))), "death_date": death_dates()}
        | fhir.version_columns(F.col("meta"))
        | {"source": fhir.source_of(settings), "record_id": part("id"), "extra": extra(), "is_final": F.lit(False)}
    )  # fmt: skip
    living = completed(read.select(*[column.alias(name) for name, column in columns.items()]))
    deleted = fhir.tombstones(lines, "Patient", settings).withColumnRenamed("resource_id", "record_id")
    gone = completed(deleted.withColumns({"deleted": F.lit("true"), "version_id": F.lit(None).cast("bigint")}))
    return living.unionByName(gone)


def with_elements(patients: DataFrame) -> DataFrame:
    """The lines with their repeating elements parsed, in the order in which their values count."""
    return patients.withColumns(
        {
            "meta": parsed("meta", fhir.META),
            "names": ordered(
                F.filter(listed("name", NAME), lambda name: ~said(name["use"], (ANONYMOUS,))), ranked(NAME_RANKS, 2)
            ),
            "telecoms": ordered(
                ordered(listed("telecom", TELECOM), lambda t: F.coalesce(t["rank"].try_cast("int"), F.lit(99))),
                ranked(TELECOM_RANKS, 1),
            ),
            "addresses": ordered(listed("address", ADDRESS), ranked(ADDRESS_RANKS, 1)),
            "own_identifiers": F.filter(
                listed("identifier", IDENTIFIER),
                lambda own: own["value"].isNotNull() & ~said(own["system"], (ENTERPRISE_SYSTEM,)),
            ),
            "extensions": listed("extension", EXTENSION),
        }
    )


def ranked(ranks: dict[str, int], unsaid: int) -> Callable[[Column], Column]:
    """A function: the rank of an element by its use, behind the others where its period has ended."""

    def rank(element: Column) -> Column:
        by_use = F.lit(unsaid)
        for use, place in ranks.items():
            by_use = F.when(element["use"] == use, F.lit(place)).otherwise(by_use)
        return by_use + F.when(element["period"]["end"].isNotNull(), ENDED).otherwise(0)

    return rank


def name_columns() -> dict[str, Column]:
    """The name columns. The second and later given names of a name are its middle name.

    Families of old and maiden names are former ones, unless there is no other. Names with neither part count by their
    text, where no name of the patient has parts.
    """
    names = F.col("names")
    current = F.filter(names, lambda name: ~said(name["use"], FORMER))
    former = F.filter(names, lambda name: said(name["use"], FORMER))
    families, old = (all_texts(part_of, lambda name: name["family"]) for part_of in (current, former))
    given = all_texts(names, lambda name: F.get(present(name["given"]), F.lit(0)))
    is_whole = (F.size(families) + F.size(old) + F.size(given)) == 0
    texts = all_texts(names, lambda name: name["text"])
    return {
        "given_name": given,
        "middle_name": all_texts(names, lambda name: F.concat_ws(" ", F.slice(present(name["given"]), 2, 20))),
        "family_name": F.when(F.size(families) > 0, families).otherwise(old),
        "former_family_name": F.when(F.size(families) > 0, F.array_except(old, families)).otherwise(
            F.array().cast("array<string>")
        ),
        "name_suffix": all_texts(current, lambda name: F.concat_ws(" ", present(name["suffix"]))),
        "full_name": F.when(is_whole, texts).otherwise(F.array().cast("array<string>")),
        "mother_maiden_name": extension_texts(MOTHERS_NAME),
    }


def contact_columns() -> dict[str, Column]:
    """Phones, e-mail addresses and postal addresses, what holds now before what is over."""
    telecoms, addresses = F.col("telecoms"), F.col("addresses")

    def values(*systems: str) -> Column:
        of_system = F.filter(telecoms, lambda telecom: said(telecom["system"], systems))
        return all_texts(of_system, lambda telecom: F.regexp_replace(telecom["value"], "^(?i)(tel|sms|mailto):", ""))

    def line(address: Column) -> Column:
        lines = F.concat_ws(" ", present(address["line"]))
        is_all = address["city"].isNull() & address["postalCode"].isNull()
        return F.coalesce(F.nullif(lines, F.lit("")), F.when(is_all, address["text"]))

    return {
        "phone": values("phone", "sms"),
        "email": values("email"),
        "address_line": all_texts(addresses, line),
        "city": all_texts(addresses, lambda address: address["city"]),
        "state": all_texts(addresses, lambda address: address["state"]),
        "postal_code": all_texts(addresses, lambda address: address["postalCode"]),
        "country": all_texts(addresses, lambda address: address["country"]),
    }


def identifier_columns() -> dict[str, Column]:
    """National ids, medical record numbers without a system, and all identifiers that have a scope.

    The scope is the system; where there is none, the assigner's name. A national id without a system is in the column
    of national ids alone.
    """

    def read(item: Column) -> Column:
        codings = F.coalesce(item["type"]["coding"], F.array())
        ranked = ordered(codings, lambda coding: F.when(coding["system"].endswith("v2-0203"), 0).otherwise(1))
        code = F.coalesce(F.get(ranked, F.lit(0))["code"], item["type"]["text"])
        own = F.when(
            item["system"].startswith(OWN_SYSTEM),
            F.try_url_decode(F.substring(item["system"], len(OWN_SYSTEM) + 1, 500)),
        )
        system = F.nullif(F.trim(F.coalesce(own, item["system"])), F.lit(""))
        is_national = F.coalesce(F.lower(system).isin(*NATIONAL_SYSTEMS), F.lit(False)) | F.coalesce(
            code.rlike(NATIONAL_TYPES), F.lit(False)
        )
        is_bare_mrn = system.isNull() & F.coalesce(code == "MR", F.lit(False))
        return F.struct(
            F.coalesce(system, F.when(~is_bare_mrn & ~is_national, item["assigner"]["display"])).alias("system"),
            code.alias("type"), F.trim(item["value"]).alias("value"),
            is_national.alias("is_national"), is_bare_mrn.alias("is_bare_mrn"),
        )  # fmt: skip

    items = F.transform(F.col("own_identifiers"), lambda item: once(item, read))
    scoped = F.filter(items, lambda item: ~item["is_bare_mrn"] & ~(item["is_national"] & item["system"].isNull()))
    plain = F.transform(scoped, lambda item: F.struct(item["system"], item["type"], item["value"]))
    return {
        "identifiers": F.array_distinct(F.filter(plain, lambda item: item["value"] != "")).cast(IDENTIFIERS),
        "national_id": all_texts(F.filter(items, lambda item: item["is_national"]), lambda item: item["value"]),
        "mrn": all_texts(F.filter(items, lambda item: item["is_bare_mrn"]), lambda item: item["value"]),
    }
