"""The files of other data models among the input, and what they hold."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame, SparkSession

from siamese_er.config import InputSettings
from siamese_er.sources.fhir import read_fhir
from siamese_er.sources.fhir_files import parted_files
from siamese_er.sources.inputs import InputFile
from siamese_er.sources.omop import parted_databases, read_omop
from siamese_er.sources.rows import Foreign


def read_foreign(
    spark: SparkSession, files: Sequence[InputFile], settings: InputSettings
) -> tuple[list[InputFile], Foreign]:
    """The files that are tables of the contract, and what the FHIR exports and OMOP databases among the others hold."""
    others, databases = parted_databases(spark, files, settings.format == "omop")
    tables, resources = parted_files(spark, others)
    found = [read_omop(spark, database, settings) for database in databases]
    found += [read_fhir(spark, resources, settings)] if resources else []
    mappings = {path: mapping for own in found for path, mapping in own.mappings.items()}
    return tables, Foreign(
        records=united([own.records for own in found]),
        notes=united([own.notes for own in found]),
        quarantine=united([own.quarantine for own in found]),
        mappings=mappings,
    )


def united(frames: Sequence[DataFrame | None]) -> DataFrame | None:
    """All rows of the frames that are there; null where none is."""
    present = [frame for frame in frames if frame is not None]
    return reduce(DataFrame.unionByName, present) if present else None
