"""FHIR Bulk Data exports made of tables in the contract's columns, for tests and for trying public sets."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
GENDERS = {"F": "female", "M": "male"}
SYNTHEA = Path(__file__).parent / "data" / "synthea_patients.ndjson"
"""Four Patients as Synthea exported them (Apache-2.0): smart-on-fhir/sample-bulk-fhir-datasets, 10-patients, population
seed 54321, the first four lines of Patient.00.ndjson."""


def coded(code: str) -> dict:
    return {"coding": [{"system": V2_0203, "code": code}]}


def extension(name: str, text: str) -> dict:
    return {"url": US_CORE + name, "extension": [{"url": "text", "valueString": text}]}


def full(element: dict) -> dict:
    """The element without what is missing."""
    return {name: value for name, value in element.items() if value not in (None, "", [], {})}


def patient_of(row: pd.Series) -> dict:
    """A record as the Patient that a server of its source would export."""
    row = row.where(row.notna(), None)
    given = [name for name in (row.given_name, row.middle_name) if name]
    address = full({"line": [row.address_line] if row.address_line else [], "city": row.city, "state": row.state,
                    "postalCode": row.postal_code, "country": row.country})  # fmt: skip
    identifiers = [
        {"system": "http://hl7.org/fhir/sid/us-ssn", "type": coded("SS"), "value": row.national_id},
        {"system": f"https://{row.source}.example/mrn", "type": coded("MR"), "value": row.mrn},
    ]
    old = [{"use": "old", "family": row.former_family_name}] if row.former_family_name else []
    contacts = [{"system": system, "value": row[system]} for system in ("phone", "email") if row[system]]
    return full(
        {
            "resourceType": "Patient", "id": row.record_id,
            "meta": {"versionId": "1", "lastUpdated": pd.Timestamp(row.updated_at).strftime("%Y-%m-%dT%H:%M:%SZ")},
            "extension": [extension("race", row.race)] if row.race else [],
            "identifier": [own for own in identifiers if own["value"]],
            "name": [full({"use": "official", "family": row.family_name, "given": given,
                           "suffix": [row.name_suffix] if row.name_suffix else []}), *old],
            "telecom": contacts, "gender": GENDERS.get(row.sex, "unknown"), "birthDate": row.birth_date,
            "deceasedDateTime": row.death_date, "address": [address] if address else [],
            "multipleBirthBoolean": {"true": True, "false": False}.get(row.multiple_birth),
        }
    )  # fmt: skip


def documents_of(notes: pd.DataFrame) -> Iterable[tuple[dict, dict | None]]:
    """Each note as a DocumentReference, the text in it, or every third time in a Binary of its own."""
    for number, note in enumerate(notes.itertuples(index=False)):
        data = base64.b64encode(note.text.encode()).decode()
        binary = {"resourceType": "Binary", "id": f"b-{note.note_id}", "contentType": "text/plain", "data": data}
        attachment = {"contentType": "text/plain", "data": data}
        if is_apart := number % 3 == 0:
            attachment = {"contentType": "text/plain", "url": f"https://{note.source}.example/Binary/b-{note.note_id}"}
        document = {
            "resourceType": "DocumentReference", "id": note.note_id, "status": "current", "type": {"text": note.note_type},
            "subject": {"reference": f"Patient/{note.record_id}"}, "date": f"{note.note_date}T00:00:00Z",
            "content": [{"attachment": attachment}],
        }  # fmt: skip
        yield document, binary if is_apart else None


def write_lines(path: Path, resources: Iterable[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(resource) + "\n" for resource in resources))


def write_export(records: pd.DataFrame, notes: pd.DataFrame, folder: Path) -> None:
    """An export for each source, in a folder of its name."""
    for source, own in records.groupby("source"):
        write_lines(folder / source / "Patient.000.ndjson", [patient_of(row) for _, row in own.iterrows()])
        found = list(documents_of(notes[notes["source"] == source]))
        write_lines(folder / source / "DocumentReference.000.ndjson", [document for document, _ in found])
        write_lines(folder / source / "Binary.000.ndjson", [binary for _, binary in found if binary])


def other_hospital(patient: dict) -> dict:
    """A Synthea Patient as another hospital has it: numbers of its own, capitals, no maiden name, another phone."""
    copy = json.loads(json.dumps(patient))
    copy["id"] = f"z-{patient['id'][:8]}"
    copy["identifier"] = [
        own for own in copy["identifier"] if own.get("type", {}).get("text") == "Social Security Number"
    ]
    copy["name"] = [own | {"family": own["family"].upper()} for own in copy["name"][:1]]
    copy["telecom"] = [{"system": "phone", "value": "(555) 010-0199", "use": "mobile"}]
    return copy


def write_synthea(folder: Path) -> None:
    """Synthea's Patients as it wrote them, and the first three once more from another hospital."""
    lines = SYNTHEA.read_text(encoding="utf-8").splitlines()
    for source, patients in (
        ("synthea", lines),
        ("other", [json.dumps(other_hospital(json.loads(x))) for x in lines[:3]]),
    ):
        (folder / source).mkdir(parents=True)
        (folder / source / "Patient.000.ndjson").write_text("".join(f"{line}\n" for line in patients))
