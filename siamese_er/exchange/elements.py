"""Names, contacts and identifiers of a golden record as FHIR R4 elements; pure functions, no Spark.

Source: HL7 FHIR R4 (4.0.1), HumanName, ContactPoint, Address, Identifier; HL7 v2 table 0203 for identifier types.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from siamese_er.fields.identifiers import national_region

Resource = dict[str, Any]
ENTERPRISE_SYSTEM = "urn:siamese-er:enterprise-id"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
IDENTIFIER_TYPES = frozenset(
    [
        "AN",
        "BRN",
        "DL",
        "DR",
        "EI",
        "HC",
        "JHN",
        "MA",
        "MB",
        "MC",
        "MCN",
        "MCT",
        "MI",
        "MR",
        "NE",
        "NH",
        "NI",
        "NIIP",
        "PI",
        "PPN",
        "PRC",
        "PT",
        "RR",
        "SB",
        "SN",
        "SS",
        "TAX",
        "UDI",
        "WC",
        "XX",
    ]
)
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x1f]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
OWN_SYSTEM = "urn:siamese-er:system:"


def values(golden: Mapping[str, Any], name: str) -> list[str]:
    """The winning value of a field and its alternates, without repetition, blanks and control characters."""
    alternates = dict(golden["alternates"] or {}).get(name) or []
    texts = (" ".join(CONTROL.sub(" ", text).split()) for text in (golden[name], *alternates) if text)
    return list(dict.fromkeys(text for text in texts if text))


def first(golden: Mapping[str, Any], name: str) -> str | None:
    """The winning value of a field, without control characters."""
    return next(iter(values({**golden, "alternates": None}, name)), None)


def names(golden: Mapping[str, Any]) -> list[Resource]:
    """The name to use, then every other given and family name by itself, then former family names."""
    given, family = values(golden, "given_name"), values(golden, "family_name")
    main = {
        "family": first(golden, "family_name"),
        "given": [text for text in (first(golden, "given_name"), first(golden, "middle_name")) if text],
        "suffix": [text for text in [first(golden, "name_suffix")] if text],
    }
    usual = without_gaps(main)
    others: list[Resource] = [{"given": [text]} for text in given if text not in usual.get("given", [])]
    others += [{"family": text} for text in family if text != usual.get("family")]
    others += [{"use": "old", "family": text} for text in values(golden, "former_family_name")]
    return [{"use": "usual", **usual}, *others] if usual else others


def telecoms(golden: Mapping[str, Any]) -> list[Resource]:
    """Phones and e-mail addresses, the winning one of each first."""
    found = [
        {"system": system, "value": value, "rank": place}
        for system in ("phone", "email") for place, value in enumerate(values(golden, system), 1)
    ]  # fmt: skip
    return found


def address(golden: Mapping[str, Any]) -> Resource:
    """The address of the winning parts; empty where there is none."""
    line = first(golden, "address_line")
    parts = {"city": "city", "state": "state", "postalCode": "postal_code", "country": "country"}
    return without_gaps({"line": [line] if line else [], **{name: first(golden, own) for name, own in parts.items()}})


def identifiers(golden: Mapping[str, Any]) -> list[Resource]:
    """The enterprise id, the united identifiers, and the national ids and record numbers that are not among them."""
    found: list[Resource] = [{"use": "official", "system": ENTERPRISE_SYSTEM, "value": golden["enterprise_id"]}]
    national = set()
    for own in golden["identifiers"] or []:
        system, kind = own["system"] or "", own["type"] or ""
        if national_region(system, kind):
            national.add(bare(own["value"]))
        scope = system if URI.fullmatch(system) else OWN_SYSTEM + quote(system, safe="") if system.strip() else None
        found.append(without_gaps({"type": identifier_type(kind), "system": scope, "value": own["value"].strip()}))
    found += [
        {"type": identifier_type("NI"), "value": value}
        for value in values(golden, "national_id") if bare(value) not in national
    ]  # fmt: skip
    origin = dict(golden["provenance"] or {}).get("mrn")
    assigner = {"display": origin["source"]} if origin else None
    main = first(golden, "mrn")
    return found + [
        without_gaps({"type": identifier_type("MR"), "value": value, "assigner": assigner if value == main else None})
        for value in values(golden, "mrn")
    ]


def identifier_type(kind: str) -> Resource | None:
    """A CodeableConcept of the identifier's type: coded where HL7's table 0203 has it, else as written."""
    if kind in IDENTIFIER_TYPES or re.fullmatch(r"NN[A-Z]{2,3}", kind):
        return {"coding": [{"system": V2_0203, "code": kind}]}
    return {"text": kind.strip()} if kind.strip() else None


def bare(text: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]+", "", text).casefold()


def without_gaps(resource: Mapping[str, Any]) -> Resource:
    """The resource without elements that are null or empty, which FHIR does not allow."""
    return {name: value for name, value in resource.items() if not is_gap(value)}


def is_gap(value: Any) -> bool:
    """True for null and for empty texts, lists and objects."""
    return value is None or (isinstance(value, str | Iterable) and not value)
