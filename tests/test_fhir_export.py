"""FHIR out: what is written validates, is the same each time, and reads back as the golden records."""

import json
import re
from pathlib import Path

import pytest
from fhir.resources.R4B.linkage import Linkage
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.provenance import Provenance
from fhir_exports import SYNTHEA, write_export, write_synthea
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.config import InputSettings
from siamese_er.errors import ContractFault
from siamese_er.exchange.fhir_export import export_fhir
from siamese_er.exchange.resources import ExportRules, linkage, patient, provenance, retired_patient
from siamese_er.schemas import ENTERPRISE_ID_HISTORY, GOLDEN_FIELDS
from siamese_er.sources.records import read_records

CHECKOUT = Path(__file__).parents[1]
MODELS = {"Patient": Patient, "Linkage": Linkage, "Provenance": Provenance}
NOTHING = dict.fromkeys([*GOLDEN_FIELDS, "identifiers", "provenance", "alternates", "extra"])
MEMBERS = [("ehr", "1"), ("lab clinic", "a b")]
RULES = ExportRules({"ehr": "https://ehr.example/fhir/"})


def golden(**values):
    return NOTHING | {"enterprise_id": "0123ABCDEF"} | values


def resources(folder: Path) -> dict[str, list[dict]]:
    lines = [line for path in sorted(folder.glob("*.ndjson")) for line in path.read_text().splitlines()]
    found: dict[str, list[dict]] = {kind: [] for kind in MODELS}
    for line in lines:
        resource = json.loads(line)
        found[resource["resourceType"]].append(resource)
    return found


def valid(resource: dict) -> dict:
    """The resource as the FHIR library understands it."""
    return json.loads(MODELS[resource["resourceType"]].model_validate(resource).model_dump_json())


def test_patient_of_a_full_golden_record():
    record = golden(
        given_name="Ann",
        middle_name="Mary",
        family_name="Lee",
        name_suffix="Jr",
        former_family_name="Moreau",
        sex="F",
        birth_date="March 4, 1980",
        death_date="2023-02",
        phone="555-0101",
        address_line="12 Oak St",
        city="Boston",
        postal_code="02101",
        national_id="523-71-9846",
        mrn="M1",
        birth_order="2",
        language="en",
        race="white",
        mother_maiden_name="Dubois",
        alternates=[("phone", ["555-0102"]), ("given_name", ["Annie"])],
        identifiers=[
            {"system": "clinic north", "type": "MR", "value": "7"},
            {"system": None, "type": "chart", "value": "c"},
        ],
        provenance=[("mrn", {"source": "ehr", "record_id": "1", "rule": "majority"})],
    )

    made = patient(record, MEMBERS, ["OLD"], RULES)

    assert valid(made) == made
    assert (made["id"], made["active"], made["gender"], made["birthDate"]) == (
        "0123ABCDEF",
        True,
        "female",
        "1980-03-04",
    )
    assert made["deceasedDateTime"] == "2023-02"
    assert made["name"] == [
        {"use": "usual", "family": "Lee", "given": ["Ann", "Mary"], "suffix": ["Jr"]},
        {"given": ["Annie"]},
        {"use": "old", "family": "Moreau"},
    ]
    assert [own.get("system", own.get("assigner")) for own in made["identifier"]] == [
        "urn:siamese-er:enterprise-id",
        "urn:siamese-er:system:clinic%20north",
        None,
        None,
        {"display": "ehr"},
    ]
    assert [(own["type"], own["other"].get("reference")) for own in made["link"]] == [
        ("replaces", "Patient/OLD"),
        ("seealso", "https://ehr.example/fhir/Patient/1"),
        ("seealso", None),
    ]
    assert made["link"][2]["other"]["identifier"] == {"system": "urn:siamese-er:source:lab%20clinic", "value": "a b"}


def test_patient_without_values_says_nothing_about_them():
    made = patient(
        golden(birth_date="2000-13-01", sex="U", death_date="??", multiple_birth="maybe"), [("s", "1")], [], RULES
    )

    assert set(valid(made)) == {"resourceType", "id", "identifier", "active", "link", "deceasedBoolean"}


text = st.one_of(st.none(), st.text(max_size=12))
identifier = st.fixed_dictionaries(
    {"system": text, "type": text, "value": st.text(min_size=1, max_size=9).filter(str.strip)}
)


@given(
    values=st.fixed_dictionaries(dict.fromkeys(GOLDEN_FIELDS, text)),
    owned=st.lists(identifier, max_size=3),
    others=st.dictionaries(
        st.sampled_from(["phone", "given_name", "family_name", "mrn"]), st.lists(st.text(max_size=5))
    ),
)
def test_any_golden_record_makes_valid_resources(values, owned, others):
    made = patient(golden(**values, identifiers=owned, alternates=list(others.items())), MEMBERS, [], RULES)

    valid(json.loads(json.dumps(made, ensure_ascii=False).encode("utf-8", errors="replace")))


def test_linkage_provenance_and_ended_ids_are_valid():
    made = [
        linkage("0123ABCDEF", MEMBERS, RULES),
        provenance("0123ABCDEF", MEMBERS, "2024-01-01T00:00:00+00:00", True, RULES),
        retired_patient("OLD", "0123ABCDEF"),
        retired_patient("GONE", None),
    ]

    assert [valid(own)["id"] for own in made] == ["linkage-0123ABCDEF", made[1]["id"], "OLD", "GONE"]
    assert made[1]["id"] == provenance("0123ABCDEF", MEMBERS, "2025-01-01T00:00:00+00:00", False, RULES)["id"]
    assert made[2]["link"] == [{"other": {"reference": "Patient/0123ABCDEF", "type": "Patient"}, "type": "replaced-by"}]


@pytest.fixture(scope="module")
def fhir_run(submit, made, tmp_path_factory):
    """jobs/match.py over FHIR exports of three sources and of Synthea: output folder, and folder of the exports."""
    folder = tmp_path_factory.mktemp("fhir")
    write_export(made.records, made.notes, folder / "export")
    write_synthea(folder / "export")
    made.truth.to_csv(folder / "truth.csv", index=False)
    flags = ["--input", folder / "export", "--output", folder / "out", "--truth", folder / "truth.csv"]
    told = submit(CHECKOUT / "jobs" / "match.py", *flags, "--set", "input.source_from_path=true", cwd=folder)
    assert told.returncode == 0, told.stderr[-3000:]
    return folder


def test_a_fhir_export_reads_as_the_tables_it_was_made_of(spark, fhir_run, made):
    reading = read_records(spark, InputSettings(records=(str(fhir_run / "export"),), source_from_path=True))
    records = {(row["source"], row["record_id"]): row for row in reading.records.collect()}
    notes = {row["note_id"]: (row["record_key"].split("\x1f")[0], row["text"]) for row in reading.documents.collect()}

    names = [
        "given_name",
        "middle_name",
        "family_name",
        "birth_date",
        "death_date",
        "national_id",
        "phone",
        "email",
        "city",
    ]
    for row in made.records.to_dict("records"):
        own = records[row["source"], row["record_id"]]
        assert {name: (own[name] or [None])[0] for name in names} == {name: row[name] or None for name in names}
    assert len(records) == len(made.records) + 7
    assert {key: source for key, (source, _) in notes.items()} == dict(
        zip(made.notes.note_id, made.notes.source, strict=True)
    )
    kept = [re.sub(r"\s+", " ", text).strip() for _, text in notes.values()]
    assert sorted(kept) == sorted(re.sub(r"\s+", " ", text).strip() for text in made.notes.text)


def test_ndjson_to_golden_patients_end_to_end(spark, fhir_run, made, tmp_path):
    run = fhir_run / "out" / json.loads((fhir_run / "out" / "current.json").read_text())["path"]
    record = json.loads((run / "run.json").read_text())

    counts = export_fhir(spark, str(fhir_run / "out"), str(tmp_path / "a"), {"ehr": ""})
    export_fhir(spark, str(run), str(tmp_path / "b"), {"ehr": ""})

    found = resources(tmp_path / "a")
    assert counts == {kind: len(own) for kind, own in found.items()}
    assert all(valid(own) == own for own in found["Patient"] + found["Linkage"])
    assert all(valid(own)["id"] == own["id"] for own in found["Provenance"])
    crosswalk = spark.read.parquet(str(run / "crosswalk")).toPandas()
    of_patient = {own["id"]: {link["other"]["identifier"]["value"] for link in own["link"]} for own in found["Patient"]}
    assert of_patient == crosswalk.groupby("enterprise_id")["record_id"].agg(set).to_dict()
    merges = {own["target"][0]["reference"].removeprefix("Patient/") for own in found["Provenance"]}
    assert merges == {key for key, records in of_patient.items() if len(records) > 1}
    assert merges
    assert record["metrics"]["precision"] > 0.95
    assert record["metrics"]["recall"] > 0.8
    assert record["counts"]["notes"] == len(made.notes)
    assert [path.name for path in sorted((tmp_path / "a").glob("[!.]*"))] == [
        "Linkage.000.ndjson",
        "Patient.000.ndjson",
        "Provenance.000.ndjson",
        "manifest.json",
    ]
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    with pytest.raises(ContractFault, match="not empty"):
        export_fhir(spark, str(fhir_run / "out"), str(tmp_path / "a"), {})


def test_a_synthea_export_becomes_golden_patients(spark, fhir_run, tmp_path):
    own = [json.loads(line) for line in SYNTHEA.read_text(encoding="utf-8").splitlines()]
    export_fhir(spark, str(fhir_run / "out"), str(tmp_path / "a"), {})
    golden = {record: found for found in resources(tmp_path / "a")["Patient"] for record in record_ids(found)}

    for exported in own:
        found = golden[exported["id"]]
        assert valid(found) == found
        name, written = found["name"][0], exported["name"][0]
        assert (name["family"].upper(), name["given"]) == (written["family"].upper(), written["given"])
        assert found["birthDate"] == exported["birthDate"]
        assert found.get("deceasedDateTime", "")[:10] == exported.get("deceasedDateTime", "")[:10]
        assert {own["value"] for own in exported["identifier"]} <= {own["value"] for own in found["identifier"]}
        assert found["address"][0]["line"] == exported["address"][0]["line"]
        maiden = {name["family"] for name in exported["name"] if name["use"] == "maiden"}
        assert maiden <= {name["family"] for name in found["name"] if name.get("use") in {"maiden", "old"}}
    twice = [record_ids(golden[exported["id"]]) for exported in own]
    assert twice == [{p["id"], f"z-{p['id'][:8]}"} for p in own[:3]] + [{own[3]["id"]}]


def record_ids(patient: dict) -> set[str]:
    return {link["other"]["identifier"]["value"] for link in patient.get("link", [])}


def test_golden_patients_read_back_as_the_golden_records(spark, fhir_run, tmp_path):
    run = fhir_run / "out" / json.loads((fhir_run / "out" / "current.json").read_text())["path"]
    written = {row["enterprise_id"]: row for row in spark.read.parquet(str(run / "golden_records")).collect()}
    export_fhir(spark, str(run), str(tmp_path / "a"), {})

    reading = read_records(spark, InputSettings(records=(str(tmp_path / "a"),)))

    read = {row["record_id"]: row for row in reading.records.collect()}
    assert set(read) == set(written)
    assert reading.quarantine.count() == 0
    same = set(GOLDEN_FIELDS) - {"sex", "multiple_birth", "birth_order", "race", "ethnicity", "language", "birth_date"}
    same -= {"national_id"}
    for key, row in written.items():
        own = read[key]
        for name in sorted(same):
            assert (own[name] or [None])[0] == row[name], name
        assert re.sub(r"\W", "", row["national_id"] or "") in {
            "",
            *(re.sub(r"\W", "", value) for value in own["national_id"]),
        }
        assert own["birth_date"][:1] == (
            [row["birth_date"]] if re.fullmatch(r"\d{4}-\d\d-\d\d", row["birth_date"] or "") else own["birth_date"][:1]
        )
        assert (own["sex"] or [" "])[0][0].upper() == (row["sex"] or " ")[0].upper()
        assert own["race"] == row["race"]
        assert own["identifiers"] == row["identifiers"]
        assert own["phone"] == [value for value in [row["phone"], *row["alternates"].get("phone", [])] if value]


def test_ids_that_ended_point_to_their_survivors(spark, fhir_run, tmp_path):
    run = fhir_run / "out" / json.loads((fhir_run / "out" / "current.json").read_text())["path"]
    survivor = spark.read.parquet(str(run / "golden_records")).first()["enterprise_id"]
    events = [
        ("OLD1", "merged_into", survivor, "r2", ""),
        ("OLD2", "merged_into", "OLD1", "r1", ""),
        ("OLD3", "retired", None, "r1", ""),
    ]
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("golden_records", "crosswalk", "run.json"):
        (copy / name).symlink_to(run / name)
    spark.createDataFrame(events, ENTERPRISE_ID_HISTORY).write.parquet(str(copy / "enterprise_id_history"))

    export_fhir(spark, str(copy), str(tmp_path / "out"), {})

    links = {
        own["id"]: [(link["type"], link["other"].get("reference")) for link in own.get("link", [])]
        for own in resources(tmp_path / "out")["Patient"]
        if not own["active"] or own["id"] == survivor
    }
    assert links["OLD1"] == [("replaced-by", f"Patient/{survivor}")]
    assert links["OLD2"] == [("replaced-by", "Patient/OLD1")]
    assert links["OLD3"] == []
    assert links[survivor][0] == ("replaces", "Patient/OLD1")


def test_the_job_tells_what_it_wrote_and_what_is_wrong(submit, fhir_run, tmp_path):
    job = CHECKOUT / "jobs" / "export_fhir.py"

    done = submit(
        job,
        "--run",
        fhir_run / "out",
        "--output",
        tmp_path / "a",
        "--server",
        "ehr=https://e/fhir",
        "lab=",
        cwd=tmp_path,
    )
    wrong = submit(job, "--run", tmp_path / "none", "--output", tmp_path / "b", cwd=tmp_path)

    assert done.returncode == 0, done.stderr[-2000:]
    links = [link["other"].get("reference", "") for own in resources(tmp_path / "a")["Patient"] for link in own["link"]]
    assert {reference.rpartition("/")[0] for reference in links} == {"https://e/fhir/Patient", "Patient", ""}
    assert wrong.returncode == 2
    assert "neither an output folder" in wrong.stderr
