"""Steps 2 to 4 over a whole table: vectors, blocks, pairs and their scores, and what the table taught on the way."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.block import (
    chunks,
    code_counts,
    dropped_blocks,
    group_count,
    groups_in,
    pair_tasks,
    part_count,
    places,
    places_in_files,
)
from siamese_er.config import MatchConfig, ModelSettings, ScoreSettings
from siamese_er.contexts import contexts, first_weights
from siamese_er.encode import counted_notes, encoding, kinds_of_device, latest_notes
from siamese_er.errors import ContractFault
from siamese_er.estimate import Meetings, table_meetings
from siamese_er.fields.note_tables import NoteTable
from siamese_er.intake import Alteration, Inputs
from siamese_er.labels import label_correction
from siamese_er.learned import learned_rows, note_rows
from siamese_er.linkage.keys import bits_of_table
from siamese_er.linkage.meetings import every_two
from siamese_er.linkage.vetoes import shows_households
from siamese_er.model import model_folder, pair_head
from siamese_er.neural.checkpoint import stored_card
from siamese_er.neural.head import HeadModel
from siamese_er.neural.note_models import note_model_digest
from siamese_er.note_memory import note_memory
from siamese_er.quality.blocking import pair_completeness
from siamese_er.rescore import Learned, scores, second_weighing
from siamese_er.score import (
    compared_pairs,
    first_scores,
    kept_pairs,
    pass_counts,
    random_levels,
    random_records,
    weighing,
)
from siamese_er.sources.truth import read_truth
from siamese_er.storage import ROWS_IN_FILE, WORK, KeyedRows, RunFolder
from siamese_er.task_rows import Tasks, file_tasks
from siamese_er.together import together
from siamese_er.worker_files import frame_of


class Clock(Protocol):
    """What counts the seconds of named steps."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Count the time of the body under a name."""

    def foresee(self, meetings: Meetings) -> dict[str, Any]:
        """Take an estimate of the pairs into account; what run.json says of it."""


@dataclass(frozen=True)
class Scoring:
    """``scores``: SCORES of all pairs. ``wrong_charts``: record_key of records whose notes contradict them."""

    scores: DataFrame
    wrong_charts: DataFrame
    with_households: bool


def head_of(model: str) -> HeadModel:
    """The pair head of a model folder. Raises: ContractFault where it was trained beside another encoder."""
    head = pair_head(model)
    if head.encoder_digest != (found := stored_card(model)["digest"]):
        raise ContractFault(f"model {model}: the head was trained beside another encoder than {found[:12]}")
    return head


def tasks_of(run: RunFolder, cut: DataFrame, counts: DataFrame, n_groups: int) -> Tasks:
    """The tasks of all pairs of a table whose CHUNKS and CODE_COUNTS are written in the run."""
    spark = cut.sparkSession
    meetings = every_two(n_groups, spark.sparkContext.defaultParallelism)
    files = [run.worker_folder(spark, name) for name in ("chunks", f"{WORK}/code_counts")]
    if files[0] is not None and files[1] is not None:
        return file_tasks(spark, files[0], files[1], meetings)
    return pair_tasks(cut, counts, meetings)


def levels_of_strangers(run: RunFolder, standardised: DataFrame, settings: ScoreSettings, n_records: int) -> np.ndarray:
    """`random_levels` of the records sampled from the run's table ``standardised``, of which few rows are read."""
    wanted = KeyedRows(random_records(standardised, settings), ("record_key",))
    return random_levels(frame_of(run.rows_among("standardised", wanted)), n_records)


def model_used(config: MatchConfig, head: HeadModel) -> dict[str, Any]:
    """What run.json says of the model."""
    return {"head_digest": head.digest, "encoder_digest": head.encoder_digest,
            "path": config.model.path or "shipped with the package",
            **towers_used(model_folder(config.model), config.model)}  # fmt: skip


def scored(
    spark: SparkSession, config: MatchConfig, run: RunFolder, standardised: DataFrame, inputs: Inputs,
    alteration: Alteration, record: dict[str, Any], clock: Clock,
    before: RunFolder | None,
) -> Scoring:  # fmt: skip
    """The scores of all candidate pairs; what the next run needs is kept, blocking, fit and counts go into the record.

    ``before``: the run whose vectors of notes may be taken over (`note_memory`).
    """
    model = model_folder(config.model)
    head = head_of(model)
    with clock.step("encode"):
        counted = table_notes(inputs, standardised, config)
        record["encoded_on"] = kinds_of_device(spark, config.model.device)
        record["model"] = model_used(config, head)
        memory = note_memory(spark, config, before, record["model"], record["versions"], record["encoded_on"])
        own = encoding(standardised, inputs.notes, model, config.model, config.notes, counted, memory)
        n_groups = group_count(inputs.n_records, spark.sparkContext.defaultParallelism, config.blocking)
        n_parts = part_count(inputs.n_records)
        blocking = config.blocking.of_table(has_notes=inputs.notes is not None and config.model.use_notes)
        rows = own.rows if own.with_notes else run.table_files(spark, "standardised")
        bits = bits_of_table(inputs.n_records)
        made = chunks(rows, blocking, n_groups, n_parts, own.encoded, own.profile,
                      learned_bits=bits)  # fmt: skip
        cut = together({
            "chunks": partial(run.write_table, made, "chunks"),
            "note_counts": partial(run.write_table, note_rows(spark, counted), "note_counts"),
        })["chunks"]  # fmt: skip
    with clock.step("block"):
        n_groups = groups_in(cut) if run.is_resumed else n_groups
        record["estimate"] = clock.foresee(table_meetings(cut, blocking, n_parts))
        cut_files = run.worker_folder(spark, "chunks")
        coded = code_counts(cut, config.blocking, n_parts, config.identity.key)
        found_places = places(cut) if cut_files is None else places_in_files(spark, cut_files)
        kept: dict[str, Any] = together({
            "counts": partial(run.checkpoint, coded, "code_counts"),
            "places": partial(run.write_table, found_places, "places"),
            "strangers": partial(levels_of_strangers, run, standardised, config.score, inputs.n_records),
        })  # fmt: skip
        counts, placed, strangers = kept["counts"], kept["places"], kept["strangers"]
        dropped = dropped_blocks(counts)
    with clock.step("compare"):
        tasks = tasks_of(run, cut, counts, n_groups)
        found_pairs = compared_pairs(tasks, inputs.n_records, model, config.blocking.max_block_size)
        looked_at = run.checkpoint(found_pairs, "compared_pairs", ROWS_IN_FILE)
        compared = kept_pairs(looked_at)
    with clock.step("score"):
        counted_pairs: dict[str, Any] = together({
            "by_pass": partial(pass_counts, looked_at),
            "weighing": partial(weighing, compared, strangers, inputs.n_records, config.score, head),
        })  # fmt: skip
        by_pass, found = counted_pairs["by_pass"], counted_pairs["weighing"]
        seen = alteration.of_pairs
        pairs = run.table_files(spark, f"{WORK}/compared_pairs") if seen is None else seen(compared)
        run.checkpoint(first_scores(pairs, found, model, config.notes), "first_scores")
    with clock.step("rescore"):
        of_first = run.table_files(spark, f"{WORK}/first_scores")
        in_context = together({
            "contexts": partial(run.checkpoint, contexts(of_first, n_parts), "contexts"),
            "first_weights": partial(run.write_table, first_weights(of_first, n_parts), "first_weights"),
        })["contexts"]  # fmt: skip
        second = second_weighing(in_context, inputs.n_records, config.score, head)
        learned, correction = Learned(found.fit, found.shape, second, config.notes.most_bits), None
        if inputs.labels is not None:
            taught = label_correction(inputs.labels, config.labels, run, standardised, in_context, learned, head)
            correction, record["labels"] = taught.correction, taught.report
        of_contexts = run.table_files(spark, f"{WORK}/contexts")
        result = together({
            "scores": partial(run.checkpoint, scores(of_contexts, learned, model, config.score, correction), "scores"),
            "learned": partial(run.write_table, learned_rows(spark, learned, correction), "learned"),
        })["scores"]  # fmt: skip
    record |= {
        "candidate_pairs": sum(by_pass["pairs_by_first_pass"].values()), **by_pass, "dropped_blocks": dropped,
        "weighing": found.described() | second.described(), "n_scored_pairs": result.count(),
        "learned": {"run_id": run.run_id, "n_changed_since": 0, "passes": list(blocking.passes),
                    "learned_bits": bits},
    }  # fmt: skip
    if config.input.truth is not None:
        record["blocking"] = pair_completeness(truth_of(spark, config), compared)
    return Scoring(result, wrong_charts(placed), shows_households(found.shape))


def table_notes(inputs: Inputs, standardised: DataFrame, config: MatchConfig) -> NoteTable:
    """What recurs in the notes of the table's records."""
    if inputs.notes is None or not config.model.use_notes:
        return NoteTable()
    own = latest_notes(inputs.notes).join(standardised.select("record_key"), "record_key", "left_semi")
    return counted_notes(own, config.notes)


def wrong_charts(placed: DataFrame) -> DataFrame:
    """record_key of the records whose notes contradict them. In: PLACES."""
    return placed.where(F.col("wrong_chart")).select("record_key")


def towers_used(model: str, settings: ModelSettings) -> dict[str, Any]:
    """What run.json says of towers that are not the model's shared ones; empty for the default."""
    used: dict[str, Any] = {}
    if settings.towers == "per_source":
        n_copies = len(stored_card(model).get("copies", {}))
        used = {"towers": "per_source", "tower_copies": n_copies}
        if not n_copies:
            used["warning"] = "per_source, but the model has no adapted copies: all sources share the towers"
    if settings.note_model is not None:
        used["note_model_digest"] = note_model_digest(settings.note_model)
    return used


def truth_of(spark: SparkSession, config: MatchConfig) -> DataFrame:
    """The truth table of the config."""
    assert config.input.truth is not None
    return read_truth(spark, config.input.truth)
