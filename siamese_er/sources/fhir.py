"""FHIR R4 Bulk Data NDJSON: what the files hold as records, notes and quarantine (docs/fhir.md)."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from siamese_er.config import InputSettings
from siamese_er.sources.fhir_documents import document_notes
from siamese_er.sources.fhir_files import OF_NOTES, OF_PATIENTS, READ, FhirFile
from siamese_er.sources.fhir_lines import bad_lines, lines_of
from siamese_er.sources.fhir_patients import patient_rows
from siamese_er.sources.rows import Foreign


def read_fhir(spark: SparkSession, files: Sequence[FhirFile], settings: InputSettings) -> Foreign:
    """The patients and documents in these files; runs no job."""
    of_patients = lines_of(spark, files, OF_PATIENTS)
    has_documents = any(file.may_hold(frozenset({"DocumentReference"})) for file in files)
    of_notes = lines_of(spark, files, OF_NOTES) if has_documents else None
    of_all = lines_of(spark, files, READ)
    return Foreign(
        None if of_patients is None else patient_rows(of_patients, settings),
        None if of_notes is None else document_notes(of_notes, settings),
        None if of_all is None else bad_lines(of_all, ("Patient", "DocumentReference"), settings),
        {file.path: described(file) for file in files},
    )


def described(file: FhirFile) -> dict[str, object]:
    """The types in a file, fit to print and to keep in run.json."""
    name = "FHIR" if file.may_hold(READ) else "FHIR, not read"
    return {name: sorted(file.types) or ["no readable line"]}
