"""FHIR Bulk Data in: Patients, deletions, documents, and lines that are none."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.config import InputSettings
from siamese_er.schemas import KEY_SEPARATOR
from siamese_er.sources.fhir_files import first_types
from siamese_er.sources.fhir_text import read_attachment
from siamese_er.sources.inputs import HEAD_BYTES
from siamese_er.sources.notes import read_notes
from siamese_er.sources.records import read_records

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
ANN = {
    "resourceType": "Patient",
    "id": "a-1",
    "active": False,
    "meta": {
        "versionId": "3",
        "lastUpdated": "2024-01-02T03:04:05.678+02:00",
        "source": "urn:ehr#x1",
        "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}],
    },
    "contained": [{"resourceType": "Organization", "id": "o"}],
    "name": [
        {"use": "maiden", "family": "Moreau", "given": ["Ann"]},
        {"use": "anonymous", "family": "Anonymous"},
        {"use": "usual", "family": "Lee", "given": ["Annie"], "period": {"end": "2020"}},
        {"use": "official", "family": " Lee-Smith ", "given": ["Ann", "Mary", "Sue"], "suffix": ["Jr."]},
        {"use": "nickname", "given": ["Nan"]},
    ],
    "telecom": [
        {"system": "phone", "value": "555-0101", "use": "old"},
        {"system": "phone", "value": "tel:555-0102", "use": "mobile", "rank": 2},
        {"system": "sms", "value": "555-0103", "use": "mobile", "rank": 1},
        {"system": "email", "value": "ann@lee.example"},
        {"system": "fax", "value": "555-0199"},
    ],
    "address": [
        {"use": "old", "line": ["9 Elm St"], "city": "Salem", "period": {"end": "2019-01-01"}},
        {
            "use": "home",
            "line": ["12 Oak St", "Apt 4"],
            "city": "Boston",
            "state": "MA",
            "postalCode": "02101",
            "country": "US",
        },
    ],
    "identifier": [
        {
            "system": "http://hl7.org/fhir/sid/us-ssn",
            "type": {"coding": [{"system": V2_0203, "code": "SS"}]},
            "value": "523-71-9846",
        },
        {
            "system": "http://ehr",
            "type": {"coding": [{"system": "http://x", "code": "med"}, {"system": V2_0203, "code": "MR"}]},
            "value": "77",
        },
        {"type": {"coding": [{"system": V2_0203, "code": "MR"}]}, "value": "M9"},
        {"type": {"coding": [{"system": V2_0203, "code": "NI"}]}, "value": "N-5"},
        {"assigner": {"display": "Dr. Ray"}, "type": {"text": "chart"}, "value": "c8"},
        {"system": "http://empty"},
    ],
    "birthDate": "1980-05",
    "gender": "unknown",
    "deceasedDateTime": "2023-02-03T10:00:00Z",
    "multipleBirthInteger": 2,
    "communication": [
        {"language": {"coding": [{"code": "fr"}]}},
        {"language": {"coding": [{"code": "en"}]}, "preferred": True},
    ],
    "extension": [
        {"url": f"{US_CORE}birthsex", "valueCode": "F"},
        {
            "url": f"{US_CORE}race",
            "extension": [
                {"url": "ombCategory", "valueCoding": {"display": "White"}},
                {"url": "text", "valueString": "white"},
            ],
        },
        {
            "url": f"{US_CORE}ethnicity",
            "extension": [{"url": "ombCategory", "valueCoding": {"display": "Not Hispanic"}}],
        },
        {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Dubois"},
    ],
    "link": [{"type": "replaced-by", "other": {"reference": "Patient/a-2"}}],
}


def patient(record_id, version=None, updated=None, **elements):
    meta = {"versionId": version, "lastUpdated": updated}
    return {"resourceType": "Patient", "id": record_id, "meta": {k: v for k, v in meta.items() if v}, **elements}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def document(note_id, *attachments, subject="Patient/p", **elements):
    content = [{"attachment": attachment} for attachment in attachments]
    named = {"resourceType": "DocumentReference", "id": note_id, "subject": {"reference": subject}, "status": "current"}
    return named | {"content": content} | elements


def written(path: Path, *lines: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n")
    return path


def read(spark, *paths, **settings):
    return read_records(spark, InputSettings(records=tuple(map(str, paths)), **settings))


def keyed(records):
    return {row["record_key"].replace(KEY_SEPARATOR, ":"): row for row in records.collect()}


def bad(quarantine):
    return {(Path(row["source_path"]).name, row["position"]): row["reason"] for row in quarantine.collect()}


def test_every_element_of_a_patient_finds_its_column(spark, tmp_path):
    written(tmp_path / "Patient.000.ndjson", ANN)

    row = keyed(read(spark, tmp_path).records)["default:a-1"].asDict(recursive=True)

    assert {name: row[name] for name in ("given_name", "middle_name", "family_name", "former_family_name")} == {
        "given_name": ["Ann", "Nan", "Annie"],
        "middle_name": ["Mary Sue"],
        "family_name": ["Lee-Smith", "Lee"],
        "former_family_name": ["Moreau"],
    }
    assert (row["name_suffix"], row["full_name"], row["mother_maiden_name"]) == (["Jr."], [], ["Dubois"])
    assert (row["phone"], row["email"]) == (["555-0103", "555-0102", "555-0101"], ["ann@lee.example"])
    assert (row["address_line"], row["city"]) == (["12 Oak St Apt 4", "9 Elm St"], ["Boston", "Salem"])
    assert (row["state"], row["postal_code"], row["country"]) == (["MA"], ["02101"], ["US"])
    assert [tuple(own.values()) for own in row["identifiers"]] == [
        ("http://hl7.org/fhir/sid/us-ssn", "SS", "523-71-9846"),
        ("http://ehr", "MR", "77"),
        ("Dr. Ray", "chart", "c8"),
    ]
    assert (row["national_id"], row["mrn"]) == (["523-71-9846", "N-5"], ["M9"])
    assert (row["birth_date"], row["death_date"], row["sex"]) == (["1980-05"], ["2023-02-03"], ["F"])
    assert (row["multiple_birth"], row["birth_order"], row["language"]) == ("true", "2", "en")
    assert (row["race"], row["ethnicity"], row["sensitivity"]) == ("white", "Not Hispanic", "restricted")
    assert row["extra"] == {"active": "false", "links": "replaced-by Patient/a-2", "meta_source": "urn:ehr"}
    assert row["updated_at"].isoformat() == "2024-01-02T01:04:05.678000"


def test_a_bare_or_ill_formed_patient_is_a_record_without_what_cannot_be_read(spark, tmp_path):
    odd = patient("odd", name="Ann Lee", telecom=[None, 5, {"system": "phone"}], address={"city": "Boston"}, gender=1)
    text = patient("text", name=[{"text": "Ann Lee"}], address=[{"text": "12 Oak St, Boston"}])
    written(tmp_path / "p.ndjson", patient("bare"), odd, text, patient("old", name=[{"use": "old", "family": "Ray"}]))

    rows = keyed(read(spark, tmp_path).records)

    assert set(rows) == {"default:bare", "default:odd", "default:text", "default:old"}
    assert (rows["default:bare"]["given_name"], rows["default:bare"]["extra"]) == ([], None)
    assert (rows["default:odd"]["given_name"], rows["default:odd"]["city"]) == ([], ["Boston"])
    assert (rows["default:text"]["full_name"], rows["default:text"]["address_line"]) == (
        ["Ann Lee"],
        ["12 Oak St, Boston"],
    )
    assert (rows["default:old"]["family_name"], rows["default:old"]["former_family_name"]) == (["Ray"], [])


def test_the_last_version_is_the_record_and_deletions_end_it(spark, tmp_path):
    written(
        tmp_path / "Patient.ndjson",
        patient("x", "9", "2024-01-01T00:00:00Z", gender="male"),
        patient("x", "10", "2024-01-01T00:00:00Z", gender="female"),
        patient("x", "8", "2023-12-31T00:00:00Z", gender="other"),
        patient("gone", "1", "2024-01-01T00:00:00Z"),
        patient("back", "2", "2024-03-01T00:00:00Z"),
        patient("untimed", "7", "2099-01-01T00:00:00Z"),
    )
    entries = [{"request": {"method": "DELETE", "url": url}} for url in ("Patient/gone", "Patient/back", "Encounter/1")]
    deleted = {"resourceType": "Bundle", "type": "transaction", "meta": {"lastUpdated": "2024-02-01T00:00:00Z"}}
    final = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "https://s/Patient/untimed"}}]}
    written(tmp_path / "deleted" / "part.ndjson", deleted | {"entry": entries}, final)

    reading = read(spark, tmp_path)

    rows = keyed(reading.records)
    assert {key: row["sex"] for key, row in rows.items()} == {"default:x": ["female"], "default:back": []}
    assert set(keyed(reading.deleted)) == {"default:gone", "default:untimed"}
    assert reading.history.count() == 5
    assert reading.quarantine.count() == 0


def test_bad_lines_are_set_apart_with_their_place_and_nothing_of_them(spark, tmp_path):
    path = written(
        tmp_path / "Patient.ndjson",
        patient("good"),
        "",
        '{"resourceType": "Patient", "id": "SECRET',
        '{"name": "SECRET"}',
        '"SECRET"',
        {"resourceType": "Patient", "name": [{"family": "SECRET"}]},
        patient("SEC RET"),
        {"resourceType": "Bundle", "entry": [{"resource": patient("SECRET")}]},
        document("d", subject="Group/SECRET"),
        {"resourceType": "Encounter", "id": "e"},
    )
    with path.open("ab") as file:
        file.write(b'{"resourceType": "Patient", "id": "\xff"}\n')

    reading = read(spark, tmp_path)

    rows = [str(row.asDict()) for row in reading.quarantine.collect()]
    assert bad(reading.quarantine) == {
        ("Patient.ndjson", f"line {line}"): reason
        for line, reason in [
            (3, "unparsable_line"),
            (4, "missing_resource_type"),
            (5, "unparsable_line"),
            (6, "missing_record_id"),
            (7, "invalid_record_id"),
            (8, "unsupported_bundle"),
            (9, "missing_subject"),
            (11, "bad_encoding"),
        ]
    }
    assert not [row for row in rows if "SEC" in row]
    assert set(keyed(reading.records)) == {"default:good"}


def test_an_export_is_read_as_it_lies_beside_tables(spark, tmp_path):
    export = tmp_path / "north"
    manifest = {"transactionTime": "2024-01-01T00:00:00Z", "request": "x", "output": [{"type": "Patient", "url": "y"}]}
    written(export / "manifest.json", json.dumps(manifest, indent=1))
    written(export / "Patient" / "1.ndjson", patient("1"))
    written(export / "Observation.ndjson", {"resourceType": "Observation", "id": "o"})
    written(export / "log" / "error.ndjson", {"resourceType": "OperationOutcome"})
    written(tmp_path / "south" / "people.ndjson", '{"id": "1", "first_name": "Bo", "city": "Oslo"}')

    reading = read(spark, export, tmp_path / "south", source_from_path=True)

    assert set(keyed(reading.records)) == {"north:1", "people:1"}
    assert {Path(path).name: mapping.get("FHIR, not read") for path, mapping in reading.mappings.items()} == {
        "1.ndjson": None,
        "Observation.ndjson": ["Observation"],
        "error.ndjson": ["OperationOutcome"],
        "people.ndjson": None,
    }
    assert reading.quarantine.count() == 0


NOTE = b"Seen for cough.\nNo fever."
CDA = b"""<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Visit</title><component><structuredBody><component><section>
<title>History</title><text><paragraph>Cough <content>for days</content>.</paragraph><list><item>No fever</item></list></text>
<entry><observation><code displayName="hidden"/></observation></entry></section></component></structuredBody></component>
</ClinicalDocument>"""
WRAPPED = b"""<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text mediaType="text/plain" representation="B64">
%s</text></nonXMLBody></component></ClinicalDocument>"""


def test_notes_come_from_documents_and_binaries_of_the_same_export(spark, tmp_path):
    plain = {"contentType": "text/plain; charset=utf-8", "data": encoded(NOTE)}
    pdf = {"contentType": "application/pdf", "data": encoded(b"%PDF")}
    sha1 = base64.b64encode(hashlib.sha1(NOTE).digest()).decode()
    written(
        tmp_path / "DocumentReference.ndjson",
        document(
            "inline",
            pdf,
            {"contentType": "text/html", "data": encoded(b"<p>other</p>")},
            plain,
            date="2024-05-06T07:08:09Z",
            type={"coding": [{"code": "11506-3", "display": "Progress note"}]},
        ),
        document(
            "absolute",
            {"contentType": "text/plain", "url": "https://s/fhir/Binary/b1", "size": len(NOTE), "hash": sha1},
            subject="https://s/fhir/Patient/p/_history/2",
            context={"period": {"start": "2023"}},
        ),
        document("contained", {"url": "#c"}, contained=[{"resourceType": "Binary", "id": "c"} | plain]),
        document("error", plain, docStatus="entered-in-error"),
        document("old", plain, status="superseded"),
        document("twice", plain, meta={"versionId": "1"}),
        document("twice", plain, meta={"versionId": "2"}, status="entered-in-error"),
        document("gone", plain),
        document("unread", pdf),
        document("elsewhere", {"contentType": "text/plain", "url": "Binary/none"}),
        document("damaged", plain | {"size": 3}),
        document("broken", plain | {"data": "%%%"}),
        document("empty"),
    )
    written(tmp_path / "Binary.ndjson", {"resourceType": "Binary", "id": "b1"} | plain)
    written(
        tmp_path / "del.ndjson",
        {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "DocumentReference/gone"}}]},
    )
    written(tmp_path / "Patient.ndjson", patient("p"))

    notes = read(spark, tmp_path).documents.collect()

    by_id = {row["note_id"]: row for row in notes}
    assert {name for name, row in by_id.items() if row["text"] == NOTE.decode()} == {"inline", "absolute", "contained"}
    assert {name for name, row in by_id.items() if row["text"] is None} == {
        "unread",
        "elsewhere",
        "damaged",
        "broken",
        "empty",
    }
    assert len(notes) == len(by_id) == 8
    assert by_id["inline"].asDict() | {"text": ""} == {
        "record_key": f"default{KEY_SEPARATOR}p",
        "note_id": "inline",
        "note_date": "2024-05-06T07:08:09Z",
        "note_type": "Progress note",
        "text": "",
    }
    assert by_id["absolute"]["note_date"] == "2023"
    own, _ = read_notes(spark, InputSettings(records=("x",), notes=(str(tmp_path),), max_note_characters=100))
    assert own.where("text is not null").count() == 3


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        pytest.param("text/plain", "Señor\r\n\r\n\r\n\r\nRay  ".encode(), "Señor\n\nRay", id="plain"),
        pytest.param("text/plain; charset=ISO-8859-1", "Señor".encode("latin-1"), "Señor", id="charset given"),
        pytest.param("text/plain", "Señor".encode("cp1252"), "Señor", id="no charset and not UTF-8"),
        pytest.param(
            "TEXT/HTML",
            b"<html><head><title>t</title><style>x</style></head><body><h1>Visit</h1><p>a <b>b</b>"
            b"<br>c<!-- d --> e</p><script>f</script></body>",
            "Visit\n\na b\nc e",
            id="HTML as read",
        ),
        pytest.param(
            "application/rtf",
            rb"{\rtf1\ansi{\fonttbl\f0 Arial;}\f0 Cough\par No \b fever\b0 .}",
            "Cough\nNo fever.",
            id="RTF",
        ),
        pytest.param(
            "application/hl7-cda+xml", CDA, "History\n\nCough for days.\n\nNo fever", id="C-CDA sections alone"
        ),
        pytest.param("text/xml", WRAPPED % encoded(NOTE).encode(), NOTE.decode(), id="C-CDA around a plain text"),
        pytest.param(
            "text/xml",
            b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>x &e; y</a>',
            "x y",
            id="entities stay unread",
        ),
        pytest.param("text/html", b" ", None, id="blank"),
        pytest.param("text/xml", b"not markup", None, id="no XML"),
        pytest.param("image/png", b"x", None, id="another type"),
        pytest.param(None, b"x", None, id="no type"),
    ],
)
def test_read_attachment(content_type, content, text):
    found = read_attachment(content_type, encoded(content))

    assert found.text == text


@given(kind=st.sampled_from(["text/plain", "text/html", "text/rtf", "text/xml"]), content=st.binary(max_size=200))
def test_read_attachment_takes_any_bytes(kind, content):
    found = read_attachment(kind, encoded(content))

    assert found.n_bytes == len(content)
    assert found.text is None or found.text.strip()


@pytest.mark.parametrize(
    ("start", "types"),
    [
        pytest.param(b'{"id": 1, "resourceType": "Patient"}', {"Patient"}, id="type comes last"),
        pytest.param(
            b'{"contained": [{"resourceType": "Binary"}], "resourceType": "Patient"}\n{"resourceType"',
            {"Patient"},
            id="contained is not it",
        ),
        pytest.param(
            b'{"a": "\\"{", "contained": [{"resourceType": "Binary"}], "resourceType": "Bundle", "b": "'
            + b"x" * HEAD_BYTES,
            {"Bundle"},
            id="line longer than the head",
        ),
        pytest.param(b'{"id": "1", "name": "x"}', set(), id="plain JSON lines"),
        pytest.param(b'{"resourceType": 5}\n[]\n{', set(), id="no type"),
    ],
)
def test_first_types(start, types):
    assert first_types(start[:HEAD_BYTES]) == types
