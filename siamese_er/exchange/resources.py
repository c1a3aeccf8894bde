"""One golden record as FHIR R4 resources: Patient, Linkage, Provenance; pure functions, no Spark.

Source: HL7 FHIR R4 (4.0.1), Patient, Linkage, Provenance; US Core for race and ethnicity.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from siamese_er.exchange.elements import Resource, address, first, identifiers, names, telecoms, without_gaps
from siamese_er.fields.dates import standard_date
from siamese_er.fields.identifiers import birth_order
from siamese_er.fields.sex import standard_sex

SOURCE_SYSTEM = "urn:siamese-er:source:"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
MOTHERS_NAME = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
GENDERS = {"m": "male", "f": "female", "o": "other"}
FHIR_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
BCP_47 = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")


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


def patient(
    golden: Mapping[str, Any], members: Sequence[tuple[str, str]], replaced: Sequence[str], rules: ExportRules
) -> Resource:
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
    return without_gaps(
        {"resourceType": "Patient", "id": enterprise_id, "active": False, "link": [link] if survivor else []}
    )


def member_reference(source: str, record_id: str, servers: Mapping[str, str]) -> Resource:
    """A reference to a source record: by its identifier, and by its address where the source's server is known."""
    named = {"type": "Patient", "identifier": {"system": SOURCE_SYSTEM + quote(source, safe=""), "value": record_id}}
    if source not in servers or not FHIR_ID.fullmatch(record_id):
        return named
    base = servers[source].rstrip("/")
    return {"reference": f"{base}/Patient/{record_id}" if base else f"Patient/{record_id}", **named}


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
