"""The golden records of a published run as FHIR Bulk Data: NDJSON files of Patient, Linkage and Provenance."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.errors import ContractFault, without_values
from siamese_er.exchange.resources import ExportRules, linkage, patient, provenance, retired_patient
from siamese_er.files import files_of
from siamese_er.schemas import CROSSWALK, ENTERPRISE_ID_HISTORY, GOLDEN_RECORDS, STRING, conform, table
from siamese_er.sources.inputs import jvm
from siamese_er.standardise import day_first_sources
from siamese_er.storage import RunFolder, previous_run

Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
TYPES = ("Patient", "Linkage", "Provenance")
RESOURCES = table(enterprise_id=STRING, **dict.fromkeys(TYPES, STRING))
RESOURCES_PER_FILE = 100_000


def export_fhir(spark: SparkSession, run_path: str, output: str, servers: Mapping[str, str]) -> dict[str, int]:
    """How many resources of each type were written; the files are named Patient.000.ndjson and so on.

    The same run gives the same files, byte for byte. manifest.json comes last: a folder without it is not whole.

    Raises: ContractFault where nothing is published, or the folder is not empty.
    """
    run = published_run(spark, run_path)
    if files_of(spark, output).names(output):
        raise ContractFault(f"--output {output}: the folder is not empty; name a new one")
    resources = golden_resources(spark, run, servers).persist()
    try:
        counts = resources.agg(*[F.count(kind).alias(kind) for kind in TYPES]).first()
        assert counts is not None
        written = {
            kind: write_ndjson(
                resources.select("enterprise_id", F.col(kind).alias("value")), kind, counts[kind], output
            )
            for kind in TYPES
        }
    finally:
        resources.unpersist()
    write_manifest(spark, run, output, written)
    return counts.asDict()


def published_run(spark: SparkSession, path: str) -> RunFolder:
    """The published run of an output folder, or the run whose own folder this is.

    Raises: ContractFault where it is neither.
    """
    try:
        run = previous_run(spark, path, path)
    except ContractFault:
        run = None
    if run is None:
        raise ContractFault(f"--run {path}: neither an output folder with a published run nor a run's own folder")
    return run


def golden_resources(spark: SparkSession, run: RunFolder, servers: Mapping[str, str]) -> DataFrame:
    """RESOURCES: the JSON of each golden record's Patient, Linkage and (of merges) Provenance, and of each ended id's
    Patient."""
    golden = conform(run.read_table(spark, "golden_records"), GOLDEN_RECORDS)
    crosswalk = conform(run.read_table(spark, "crosswalk"), CROSSWALK).where("valid_to is null")
    history = conform(run.read_table(spark, "enterprise_id_history"), ENTERPRISE_ID_HISTORY)
    members = crosswalk.groupBy("enterprise_id").agg(
        F.array_sort(F.collect_list(F.struct("source", "record_id"))).alias("members"),
        F.max("valid_from").alias("recorded"),
        F.bool_or(F.col("link_status") == "verified").alias("is_verified"),
    )
    merged = history.where("event = 'merged_into'")
    replaced = merged.groupBy(F.col("other_enterprise_id").alias("enterprise_id")).agg(
        F.array_sort(F.collect_set(F.col("enterprise_id"))).alias("replaced")
    )
    whole = golden.join(members, "enterprise_id").join(replaced, "enterprise_id", "left")
    living = crosswalk.select("enterprise_id").distinct()
    ended = history.where("event in ('merged_into', 'retired')").join(living, "enterprise_id", "left_anti")
    survivors = ended.groupBy("enterprise_id").agg(
        F.max_by("other_enterprise_id", F.struct("run_id", "other_enterprise_id")).alias("survivor")
    )
    rules = export_rules(spark, run, golden, servers)
    return whole.mapInArrow(golden_writer(rules), RESOURCES).unionByName(
        survivors.mapInArrow(retired_writer(), RESOURCES)
    )


def export_rules(spark: SparkSession, run: RunFolder, golden: DataFrame, servers: Mapping[str, str]) -> ExportRules:
    """How the run read dates, so that golden dates are read alike."""
    settings: dict[str, Any] = run.read_record(spark).get("config", {}).get("input", {})
    formats, is_day_first = tuple(settings.get("date_formats") or ()), settings.get("day_first")
    winner = F.col("provenance").getItem("birth_date")["source"]
    written = golden.select(winner.alias("source"), F.array_compact(F.array("birth_date")).alias("birth_date"))
    sources = day_first_sources(written) if is_day_first is None else frozenset()
    return ExportRules(dict(servers), formats, is_day_first, sources)


def golden_writer(rules: ExportRules) -> Batches:
    """A function over batches of golden records with their members that gives batches of RESOURCES."""

    @without_values("export FHIR")
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = []
            for golden in batch.to_pylist():
                key = golden["enterprise_id"]
                members = [(own["source"], own["record_id"]) for own in golden["members"]]
                merge = None
                if len(members) > 1:
                    merge = provenance(key, members, golden["recorded"], bool(golden["is_verified"]), rules)
                own = patient(golden, members, golden["replaced"] or [], rules)
                rows.append((key, own, linkage(key, members, rules), merge))
            yield resource_batch(rows)

    return write


def retired_writer() -> Batches:
    """A function over batches of ended ids and their survivors that gives batches of RESOURCES."""

    @without_values("export FHIR")
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = batch.to_pylist()
            yield resource_batch(
                [
                    (row["enterprise_id"], retired_patient(row["enterprise_id"], row["survivor"]), None, None)
                    for row in rows
                ]
            )

    return write


def resource_batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """RESOURCES of ids and resources as objects."""
    keys = [row[0] for row in rows]
    texts = [[None if row[n] is None else as_line(row[n]) for row in rows] for n in (1, 2, 3)]
    columns = [pa.array(column, pa.string()) for column in (keys, *texts)]
    return pa.RecordBatch.from_arrays(columns, names=RESOURCES.names)


def as_line(resource: Mapping[str, Any]) -> str:
    """One line of JSON."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


def write_ndjson(resources: DataFrame, kind: str, n_resources: int, output: str) -> list[str]:
    """The names of the files written: KIND.000.ndjson and on, each by ascending enterprise id.

    Which file a resource goes to is a hash of its id and of nothing else.
    """
    spark = resources.sparkSession
    n_files = max(1, math.ceil(n_resources / RESOURCES_PER_FILE))
    parts = f"{output.rstrip('/')}/_{kind}"
    lines = resources.where("value is not null").repartition(n_files, "enterprise_id")
    lines.sortWithinPartitions("enterprise_id").select("value").write.text(parts)
    root = jvm(spark).org.apache.hadoop.fs.Path(parts)
    system = root.getFileSystem(spark._jsc.hadoopConfiguration())
    names = []
    for part in sorted(name for name in files_of(spark, parts).names(parts) if name.startswith("part-")):
        name = f"{kind}.{int(part.split('-')[1]):03d}.ndjson"
        source = jvm(spark).org.apache.hadoop.fs.Path(f"{parts}/{part}")
        if system.getFileStatus(source).getLen():
            system.rename(source, jvm(spark).org.apache.hadoop.fs.Path(f"{output.rstrip('/')}/{name}"))
            names.append(name)
    system.delete(root, True)
    return names


def write_manifest(spark: SparkSession, run: RunFolder, output: str, written: Mapping[str, list[str]]) -> None:
    """Write manifest.json, which lists the files as a Bulk Data export does."""
    manifest = {
        "transactionTime": run.read_record(spark).get("started"),
        "request": f"urn:siamese-er:run:{run.run_id}",
        "requiresAccessToken": False,
        "output": [{"type": kind, "url": name} for kind, names in written.items() for name in names],
        "error": [],
    }
    files_of(spark, output).replace_text(f"{output.rstrip('/')}/manifest.json", json.dumps(manifest, indent=2) + "\n")
