"""What the notes add: a run matched again without notes, with notes alone, and with notes of other records."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from siamese_er.config import GateSettings, MatchConfig
from siamese_er.errors import ContractFault, without_values
from siamese_er.intake import Alteration, Inputs
from siamese_er.linkage.compare import PAIR_FACTS, Compared
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.cosines import COSINES
from siamese_er.pipeline import match
from siamese_er.quality.evaluation import PAIR_COLUMNS, labelled
from siamese_er.quality.intervals import RESAMPLES, entity_pairs, resampled, with_intervals
from siamese_er.quality.runs import optional_table
from siamese_er.schemas import COMPARED_PAIRS, RECORDS, conform
from siamese_er.score import compared_of, rows_of_bytes
from siamese_er.storage import previous_run

WITHHELD = {
    "identifiers": ("national_id", "mrn", "identifiers"),
    "addresses": ("address_line", "city", "state", "postal_code", "country"),
    "contacts": ("phone", "email"),
}
NOT_WITHHELD = ("record_key", "source", "record_id", "updated_at", "extra")
BASELINE, NOTES_ONLY, BOTH, SHUFFLED = "demographics only", "notes only", "both", "notes shuffled"
SEED = 20


def notes_ablation(
    spark: SparkSession, run_dir: str, truth: DataFrame, withhold: Sequence[str] = (), n_resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Rows ``demographics only``, ``notes only``, ``both`` and ``notes shuffled``; columns as ``with_intervals`` says.

    The runs are made anew from the input and settings that run.json names, each with one change, under ``ablation`` in
    the output folder; nothing that is published changes. ``both`` is the run itself where nothing is withheld.
    ``withhold`` names groups of WITHHELD or columns of RECORDS, which all four rows then lack.

    Raises: ContractFault where the run has no run.json or was made without notes, or a name of ``withhold`` is unknown.
    """
    run = previous_run(spark, run_dir, run_dir)
    record = run.read_record(spark) if run else {}
    if run is None or "config" not in record:
        raise ContractFault(f"--run {run_dir}: run.json does not tell how the run was made")
    config = MatchConfig.model_validate(record["config"])
    if not record["counts"]["notes"] or not config.model.use_notes:
        raise ContractFault(f"--run {run_dir}: the run had no notes; there is nothing to leave out")
    columns = withheld_columns(withhold)
    found: dict[str, np.ndarray] = {}
    for name, (changed, alteration) in variants(config, columns).items():
        if name == BOTH and not columns:
            path = run.path
        else:
            folder = "_".join(["ablation/all_columns" if not columns else "ablation/without", *sorted(withhold)])
            output = f"{run.output}/{folder}/{name.replace(' ', '_')}"
            path = match(spark, rerun(changed, output), alteration).path
        found[name] = figures_by_entity(spark, path, truth, n_resamples)
    return with_intervals(found, BASELINE)


def figures_by_entity(spark: SparkSession, path: str, truth: DataFrame, n_resamples: int) -> np.ndarray:
    """The figures of one run and of its resamples, see ``intervals.resampled``."""
    with labelled(spark, path, truth) as (records, _):
        scored_pairs = optional_table(spark, path, "scored_pairs", PAIR_COLUMNS)
        return resampled(entity_pairs(records, scored_pairs), n_resamples, SEED)


def withheld_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of RECORDS that groups and columns name. Raises: ContractFault for unknown names."""
    known = {name: (name,) for name in RECORDS.names if name not in NOT_WITHHELD} | WITHHELD
    if unknown := [name for name in names if name not in known]:
        raise ContractFault(f"--withhold {', '.join(unknown)}: neither {', '.join(WITHHELD)} nor a column of records")
    return tuple(dict.fromkeys(column for name in names for column in known[name]))


def variants(config: MatchConfig, columns: tuple[str, ...]) -> dict[str, tuple[MatchConfig, Alteration]]:
    """Name of each row -> the settings and the alteration of its run.

    ``notes only``: blocking sees the demographics and proposes the same pairs, and the table's statistics are the same;
    then every field, learned vector and fact of a pair but those of its notes is masked as missing, before the head sees
    it. Without a floor, so that all pairs can be ranked.
    """
    no_notes = config.model_copy(update={"model": config.model.model_copy(update={"use_notes": False})})
    no_floor = config.model_copy(update={"score": config.score.model_copy(update={"floor": 0.0})})

    def withheld(inputs: Inputs) -> Inputs:
        return without_columns(inputs, columns)

    return {
        BASELINE: (no_notes, Alteration(withheld)),
        NOTES_ONLY: (no_floor, Alteration(withheld, notes_alone)),
        BOTH: (config, Alteration(withheld)),
        SHUFFLED: (config, Alteration(lambda inputs: with_notes_of_others(withheld(inputs)))),
    }


def rerun(config: MatchConfig, output: str) -> MatchConfig:
    """The settings of a run of the ablation: its own folder, published there, no gates."""
    run = {"output": output, "previous": None, "dry_run": False, "resume": False}
    changed = {
        "run": config.run.model_copy(update=run),
        "input": config.input.model_copy(update={"truth": None}),
        "gates": GateSettings(max_missing_records_share=1.0),
    }
    return config.model_copy(update=changed)


def without_columns(inputs: Inputs, columns: tuple[str, ...]) -> Inputs:
    """The inputs with some columns of RECORDS missing from every record."""
    kinds = {name: RECORDS[name].dataType.simpleString() for name in columns}
    empty = {name: (F.array() if kind.startswith("array") else F.lit(None)).cast(kind) for name, kind in kinds.items()}
    altered = {name: getattr(inputs, name).withColumns(empty) for name in ("records", "history")}
    return replace(inputs, **altered, record_files=None)


def with_notes_of_others(inputs: Inputs) -> Inputs:
    """The inputs with the notes of each record that has some given to another one, by a seeded hash.

    Keys are sorted in one task; no record keeps its own, where two or more have notes.
    """
    if inputs.notes is None:
        return inputs
    order = Window.orderBy(F.xxhash64(F.lit(SEED), F.col("record_key")), "record_key")
    whole = order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    keys = inputs.notes.select("record_key").distinct()
    others = keys.select(
        "record_key", F.coalesce(F.lead("record_key").over(order), F.first("record_key").over(whole)).alias("other")
    )
    given = inputs.notes.join(others, on="record_key", how="inner").withColumn("record_key", F.col("other"))
    return replace(inputs, notes=given.drop("other"))


def notes_alone(compared: DataFrame) -> DataFrame:
    """COMPARED_PAIRS in which everything that did not come from the notes of both records is missing."""

    @without_values("notes alone")
    def masked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found = masked_fields(compared_of(batch))
            parts = (found.similarities, found.rarities, found.cosines, found.facts)
            measures = np.concatenate([part.astype(np.float16) for part in parts], axis=1)
            columns = {name: batch.column(name) for name in COMPARED_PAIRS.names}
            columns |= {"levels": rows_of_bytes(found.levels), "measures": rows_of_bytes(measures)}
            yield pa.RecordBatch.from_arrays(list(columns.values()), list(columns))

    return conform(conform(compared, COMPARED_PAIRS).mapInArrow(masked, COMPARED_PAIRS), COMPARED_PAIRS)


def masked_fields(compared: Compared) -> Compared:
    """The evidence with all but what notes alone tell missing: comparisons, cosines and facts that are not of notes."""
    of_fields = np.array(["note" not in comparison.name for comparison in COMPARISONS])
    of_vectors = np.array(["note" not in name for name in COSINES])
    of_facts = np.array(["note" not in name for name in PAIR_FACTS])
    unknown = np.array([-1.0 if name == "year_gap" else 0.0 for name in PAIR_FACTS], np.float32)
    return Compared(
        np.where(of_fields, 0, compared.levels).astype(np.int8),
        np.where(of_fields, 0, compared.similarities).astype(np.float32),
        np.where(of_fields, 0, compared.rarities).astype(np.float32),
        np.where(of_vectors, np.nan, compared.cosines).astype(np.float32),
        np.where(of_facts, unknown, compared.facts).astype(np.float32),
    )
