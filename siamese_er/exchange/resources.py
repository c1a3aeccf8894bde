"""One golden record as FHIR R4 resources: Patient, Linkage, Provenance; pure functions, no Spark.

Source: HL7 FHIR R4 (4.0.1), Patient, Linkage, Provenance; US Core for race and ethnicity.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from siamese_er.fields.dates import standard_date
from siamese_er.fields.identifiers import birth_order, national_region
from siamese_er.fields.sex import standard_sex

Resource = dict[str, Any]
ENTERPRISE_SYSTEM = "urn:siamese-er:enterprise-id"
SOURCE_SYSTEM, OWN_SYSTEM = "urn:siamese-er:source:", "urn:siamese-er:system:"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
MOTHERS_NAME = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
IDENTIFIER_TYPES = frozenset(
    "AN BRN DL DR EI HC JHN MA MB MC MCN MCT MI MR NE NH NI NIIP PI PPN PRC PT RR SB SN SS TAX UDI WC XX".split()
)
GENDERS = {"m": "male", "f": "female", "o": "other"}
FHIR_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x1f]+")
BCP_47 = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class ExportRules:
    """How values are written.

    ``servers``: source = base address of the FHIR server that holds its records; empty for references relative to the
    golden records' own server. ``day_first``: sources whose dates are day/month/year; null in ``is_day_first`` asks them.
    """

    servers: Mapping[str, str] = field(default_factory=dict)
    date_formats: tuple[str, ...] = ()
    is_day_first: bool | None = None
    day_first: frozenset[str] = frozenset()


def patient(golden: Mapping[str, Any], members: Sequence[tuple[str, str]], replaced: Sequence[str], rules: ExportRules) -> Resource:  # fmt: skip
    """The golden Patient; its id is the enterprise id, and nothing is in it that no record said.

    In: a row of GOLDEN_RECORDS as dicts and lists, (source, record_id) of its records, the ids merged into this one.
    """
    resource: Resource = {
        "resourceType": "Patient",
        "id": golden["enterprise_id"],
        "extension": extensions(golden),
        "identifier": identifiers(golden),
        "active": True,
        "name": names(golden),
        "telecom": telecoms(golden),
        "gender": GENDERS.get(standard_sex(golden["sex"] or "").value),
        "birthDate": fhir_date(golden, "birth_date", rules),
        **deceased(golden, rules),
        "address": [own for own in [address(golden)] if own],
        **multiple_birth(golden),
        "communication": languages(golden),
        "link": [
            *({"other": {"reference": f"Patient/{own}", "type": "Patient"}, "type": "replaces"} for own in replaced),
            *({"other": member_reference(*member, rules.servers), "type": "seealso"} for member in members),
        ],
    }
    return without_gaps(resource)


def linkage(enterprise_id: str, members: Sequence[tuple[str, str]], rules: ExportRules) -> Resource:
    """The golden Patient as the source of truth of its records, for servers that hold the records themselves."""
    golden = {"type": "source", "resource": {"reference": f"Patient/{enterprise_id}", "type": "Patient"}}
    others = [{"type": "alternate", "resource": member_reference(*member, rules.servers)} for member in members]
    return {"resourceType": "Linkage", "id": f"linkage-{enterprise_id}", "active": True, "item": [golden, *others]}


def provenance(
    enterprise_id: str, members: Sequence[tuple[str, str]], recorded: str, is_verified: bool, rules: ExportRules
) -> Resource:
    """What was merged into a golden Patient, and when; the id is a function of the enterprise id and its records."""
    digest = hashlib.sha256("\x1e".join([enterprise_id, *("\x1f".join(member) for member in members)]).encode())
    reason = "a person decided" if is_verified else "matched automatically"
    return {
        "resourceType": "Provenance",
        "id": f"merge-{digest.hexdigest()[:32]}",
        "target": [{"reference": f"Patient/{enterprise_id}", "type": "Patient"}],
        "recorded": recorded,
        "reason": [{"text": reason}],
        "activity": {"coding": [{"system": LIFECYCLE, "code": "merge"}]},
        "agent": [
            {"type": {"coding": [{"system": PARTICIPANT, "code": "assembler"}]},
             "who": {"type": "Device", "display": "siamese_er"}}
        ],
        "entity": [{"role": "source", "what": member_reference(*member, rules.servers)} for member in members],
    }  # fmt: skip


def retired_patient(enterprise_id: str, survivor: str | None) -> Resource:
    """An enterprise id that ended: inactive, and replaced by the one it was merged into, if it was."""
    link = {"other": {"reference": f"Patient/{survivor}", "type": "Patient"}, "type": "replaced-by"}
    return without_gaps({"resourceType": "Patient", "id": enterprise_id, "active": False, "link": [link] if survivor else []})  # fmt: skip


def member_reference(source: str, record_id: str, servers: Mapping[str, str]) -> Resource:
    """A reference to a source record: by its identifier, and by its address where the source's server is known."""
    named = {"type": "Patient", "identifier": {"system": SOURCE_SYSTEM + quote(source, safe=""), "value": record_id}}
    if source not in servers or not FHIR_ID.fullmatch(record_id):
        return named
    base = servers[source].rstrip("/")
    return {"reference": f"{base}/Patient/{record_id}" if base else f"Patient/{record_id}", **named}


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
    return without_gaps(
        {"line": [line] if line else [], **{name: first(golden, own) for name, own in parts.items()}}
    )


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


def fhir_date(golden: Mapping[str, Any], name: str, rules: ExportRules) -> str | None:
    """A date as precise as it was written; null where it is impossible, unreadable or has no year."""
    if not golden[name]:
        return None
    origin = dict(golden["provenance"] or {}).get(name)
    is_day_first = rules.is_day_first
    if is_day_first is None and origin and origin["source"] in rules.day_first:
        is_day_first = True
    found = standard_date(golden[name], rules.date_formats, is_day_first).value
    return found if found and not found.startswith("-") else None


def deceased(golden: Mapping[str, Any], rules: ExportRules) -> Resource:
    """When the patient died; else that, where a record says so."""
    if died := fhir_date(golden, "death_date", rules):
        return {"deceasedDateTime": died}
    is_dead = bool(golden["death_date"]) or dict(golden["extra"] or {}).get("deceased") == "true"
    return {"deceasedBoolean": True} if is_dead else {}


def multiple_birth(golden: Mapping[str, Any]) -> Resource:
    """The order of birth, else whether there were several."""
    if order := birth_order(golden["birth_order"] or "").value:
        return {"multipleBirthInteger": int(order)}
    said = (golden["multiple_birth"] or "").strip().lower()
    return {"multipleBirthBoolean": said == "true"} if said in ("true", "false") else {}


def languages(golden: Mapping[str, Any]) -> list[Resource]:
    """The language, coded where it is a BCP 47 code."""
    spoken = first(golden, "language")
    if not spoken:
        return []
    coded = {"coding": [{"system": "urn:ietf:bcp:47", "code": spoken}]}
    return [{"language": coded if BCP_47.fullmatch(spoken) else {"text": spoken}}]


def extensions(golden: Mapping[str, Any]) -> list[Resource]:
    """Race, ethnicity, mother's maiden name."""
    found: list[Resource] = [
        {"url": US_CORE + name, "extension": [{"url": "text", "valueString": text}]}
        for name in ("race", "ethnicity") if (text := first(golden, name))
    ]  # fmt: skip
    maiden = first(golden, "mother_maiden_name")
    return found + ([{"url": MOTHERS_NAME, "valueString": maiden}] if maiden else [])


def without_gaps(resource: Mapping[str, Any]) -> Resource:
    """The resource without elements that are null or empty, which FHIR does not allow."""
    return {name: value for name, value in resource.items() if not is_gap(value)}


def is_gap(value: Any) -> bool:
    """True for null and for empty texts, lists and objects."""
    return value is None or (isinstance(value, str | Iterable) and not value)
