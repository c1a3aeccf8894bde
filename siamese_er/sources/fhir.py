"""FHIR R4 Bulk Data NDJSON: what the files hold as records, notes and quarantine (docs/fhir.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from siamese_er.config import InputSettings
from siamese_er.sources.fhir_documents import document_notes
from siamese_er.sources.fhir_files import OF_NOTES, OF_PATIENTS, READ, FhirFile
from siamese_er.sources.fhir_lines import bad_lines, lines_of
from siamese_er.sources.fhir_patients import patient_rows


@dataclass(frozen=True)
class FhirReading:
    """What FHIR files hold; null where no file can hold such a thing.

    ``patients``: every version of every Patient, as of `patient_rows`. ``notes``: NOTES, text null where a document has
    none that can be read. ``quarantine``: QUARANTINE. ``mappings``: for each file the types of its first lines.
    """

    patients: DataFrame | None
    notes: DataFrame | None
    quarantine: DataFrame | None
    mappings: dict[str, dict[str, object]]


def read_fhir(spark: SparkSession, files: Sequence[FhirFile], settings: InputSettings) -> FhirReading:
    """The patients and documents in these files; runs no job."""
    of_patients = lines_of(spark, files, OF_PATIENTS)
    has_documents = any(file.may_hold(frozenset({"DocumentReference"})) for file in files)
    of_notes = lines_of(spark, files, OF_NOTES) if has_documents else None
    of_all = lines_of(spark, files, READ)
    return FhirReading(
        None if of_patients is None else patient_rows(of_patients, settings),
        None if of_notes is None else document_notes(of_notes, settings),
        None if of_all is None else bad_lines(of_all, ("Patient", "DocumentReference"), settings),
        {file.path: described(file) for file in files},
    )


def described(file: FhirFile) -> dict[str, object]:
    """The types in a file, fit to print and to keep in run.json."""
    name = "FHIR" if file.may_hold(READ) else "FHIR, not read"
    return {name: sorted(file.types) or ["no readable line"]}
