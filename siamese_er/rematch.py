"""Steps 1 to 4 over a batch: its records against all that is known, by the measure that an earlier run learned.

Pairs of two records that did not change keep their scores. What a whole run would do otherwise: m, u and the table's
shape move a little with every batch; a block that grew past its limit still holds its old pairs; a new record is a
rival or a witness of old pairs, too. How much that is, is measured (``docs/identity.md``).
"""

from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.batch_chunks import (
    batch_tasks,
    group_counts,
    number_after,
    part_count_of,
    partners,
    sent_partners,
    without_records,
)
from siamese_er.batch_files import held_codes, partner_tasks
from siamese_er.block import chunks, code_counts, codes_held, dropped_blocks, part_count, places
from siamese_er.config import MatchConfig
from siamese_er.contexts import contexts, weights_around
from siamese_er.encode import encoding, kinds_of_device
from siamese_er.estimate import batch_meetings
from siamese_er.intake import Inputs
from siamese_er.known import OF_READING, OF_SCORES, Known, only, without
from siamese_er.learned import described, learned_of, note_table_of
from siamese_er.linkage.vetoes import shows_households
from siamese_er.model import model_folder
from siamese_er.neural.kept_notes import NoteMemory
from siamese_er.rescore import scores
from siamese_er.schemas import FIRST_WEIGHTS, PLACES, SCORES, STANDARDISED, conform
from siamese_er.score import Weighing, compared_pairs, first_scores, kept_pairs, pass_counts
from siamese_er.scoring import Clock, Scoring, head_of, model_used, wrong_charts
from siamese_er.standardise import standardised_batch
from siamese_er.storage import WORK, KeyedRows, RunFolder
from siamese_er.task_rows import Tasks
from siamese_er.together import together


def reasons_to_learn(
    known: Known, config: MatchConfig, n_changed: int, n_records: int, versions: Any, *, has_notes: bool
) -> list[str]:
    """Why all known records must be matched anew rather than the batch alone; empty: the batch is enough."""
    reasons = [f"settings of {name} are other ones" for name in known.differs(config, OF_SCORES)]
    then, now = known.record["config"]["input"], config.model_dump(mode="json")["input"]
    reasons += [f"input.{name} is another" for name in OF_READING if then.get(name) != now[name]]
    head, model = head_of(model_folder(config.model)), known.record["model"]
    if (head.digest, head.encoder_digest) != (model["head_digest"], model["encoder_digest"]):
        reasons.append("the model is another")
    elif model_used(config, head).get("note_model_digest") != model.get("note_model_digest"):
        reasons.append("the note model is another")
    if known.record["versions"].get("siamese_er") != versions["siamese_er"]:
        reasons.append("the version of siamese_er is another")
    blocking = config.blocking.of_table(has_notes=has_notes and config.model.use_notes)
    if set(blocking.passes) - set(known.record["learned"]["passes"]):
        reasons.append("there are notes, and were none when the table was last learned")
    if "learned_bits" not in known.record["learned"]:
        reasons.append("the run before did not keep the bits of the learned pass")
    n_since = known.record["learned"]["n_changed_since"] + n_changed
    if n_since > config.run.relearn_share * n_records:
        reasons.append(f"{n_since} of {n_records} records came or changed since the table was last learned")
    return reasons


def held_by_others(run: RunFolder, table: DataFrame, cut: str) -> DataFrame:
    """HELD_CODES of the run's ``table`` of all chunks beside a checkpoint of some."""
    spark = table.sparkSession
    whole, some = run.worker_folder(spark, "chunks"), run.worker_folder(spark, f"{WORK}/{cut}")
    return codes_held(table) if whole is None or some is None else held_codes(spark, some, whole)


def partner_tasks_of(
    run: RunFolder, rest: DataFrame, fresh: DataFrame, counts: DataFrame, n_new: int, n_known: int
) -> Tasks:
    """Tasks of `partners` of the batch whose chunks and counts are checkpoints of the run; ``rest``: CHUNKS of the others."""
    spark = rest.sparkSession
    whole = run.worker_folder(spark, "chunks")
    of_fresh, of_counts = (run.worker_folder(spark, f"{WORK}/{name}") for name in ("fresh_chunks", "fresh_counts"))
    if whole is None or of_fresh is None or of_counts is None:
        return sent_partners(rest, fresh, counts, n_new, n_known)
    return partner_tasks(spark, of_fresh, of_counts, whole, n_new, n_known)


def standardised_arrivals(known: Known, inputs: Inputs, config: MatchConfig, run: RunFolder) -> DataFrame:
    """STANDARDISED of all living records: the known rows, and those of changed records made anew."""
    assert inputs.arrivals is not None
    changed, gone = inputs.arrivals.changed, inputs.arrivals.gone
    before = conform(known.table("standardised"), STANDARDISED)
    kept = without(before, changed.union(gone), "record_key")
    fresh = standardised_batch(inputs.records, only(inputs.records, F.broadcast(changed), "record_key"), kept,
                               config.input, config.standardise, run.checkpoint)  # fmt: skip
    fresh = run.checkpoint(fresh, "fresh_standardised")
    return run.renew_table(
        "standardised", known.run.table("standardised"), [KeyedRows(changed.union(gone), ("record_key",))], fresh
    )


def scored_batch(
    known: Known, config: MatchConfig, run: RunFolder, standardised: DataFrame, inputs: Inputs,
    record: dict[str, Any], clock: Clock,
) -> Scoring:  # fmt: skip
    """The scores of all pairs: the known ones, and those of every pair with a changed record, found and scored now."""
    assert inputs.arrivals is not None
    changed = inputs.arrivals.changed
    stale = changed.union(inputs.arrivals.gone)
    model = model_folder(config.model)
    head = head_of(model)
    learned, correction = learned_of(run.write_table(known.table("learned"), "learned"), config.notes.most_bits)
    blocking = config.blocking.model_copy(update={"passes": tuple(known.record["learned"]["passes"])})
    before, n_changed = known.table("chunks"), inputs.counts["delivered"]["changed"]
    n_parts, parallelism = part_count_of(before), known.spark.sparkContext.defaultParallelism
    n_new, n_known = group_counts(n_changed, inputs.n_records - n_changed, parallelism, blocking)
    with clock.step("encode"):
        counts = run.write_table(known.table("note_counts"), "note_counts")
        own_notes = None if inputs.notes is None else only(inputs.notes, F.broadcast(changed), "record_key")
        fresh_records = only(standardised, F.broadcast(changed), "record_key")
        own = encoding(fresh_records, own_notes, model, config.model, config.notes, note_table_of(counts),
                       NoteMemory(config.identity.key.encode()))  # fmt: skip
        bits = known.record["learned"]["learned_bits"]
        cut = chunks(own.rows, blocking, n_new, n_parts, own.encoded, own.profile,
                     learned_bits=bits, first_chunk=number_after(before))  # fmt: skip
        fresh = run.checkpoint(cut, "fresh_chunks")
        now = kinds_of_device(known.spark, config.model.device)
        record["encoded_on"] = sorted({*known.record.get("encoded_on", ["cpu"]), *now})
    with clock.step("block"):
        placed = conform(known.table("places"), PLACES)
        cleaned = without_records(before, placed, stale, n_parts, run.checkpoint)
        of_stale, of_cleaned = [KeyedRows(stale, ("record_key",))], [KeyedRows(cleaned.chunks, ("chunk",))]
        renewed = cleaned.rewritten.unionByName(fresh)
        kept = together({
            "places": partial(run.renew_table, "places", known.run.table("places"), of_stale, places(fresh)),
            "chunks": partial(run.renew_table, "chunks", known.run.table("chunks"), of_cleaned, renewed),
        })  # fmt: skip
        placed, table = kept["places"], kept["chunks"]
        held = held_by_others(run, table, "fresh_chunks")
        of_fresh = run.checkpoint(code_counts(fresh, blocking, n_parts, config.identity.key, held), "fresh_counts")
        record["estimate"] = clock.foresee(batch_meetings(fresh, of_fresh, blocking, n_parts))
        dropped = dropped_blocks(of_fresh)
        meeting = partner_tasks_of(run, cleaned.rest, fresh, of_fresh, n_new, n_known)
        near = run.checkpoint(partners(meeting, n_new, blocking, n_parts), "partners")
        held = held_by_others(run, table, "partners")
        of_near = run.checkpoint(code_counts(near, blocking, n_parts, config.identity.key, held), "partner_counts")
    with clock.step("compare"):
        tasks = batch_tasks(fresh, of_fresh, near, of_near, n_new)
        pairs = compared_pairs(tasks, inputs.n_records, model, blocking.max_block_size)
        compared = run.checkpoint(pairs, "compared_pairs")
        by_pass = pass_counts(compared)
    with clock.step("score"):
        measure = Weighing(learned.fit, learned.shape)
        first = run.checkpoint(first_scores(kept_pairs(compared), measure, model, config.notes), "first_scores")
        of_pairs = [KeyedRows(stale, (side,)) for side in ("left_key", "right_key")]
        weights = run.renew_table(
            "first_weights", known.run.table("first_weights"), of_pairs, conform(first, FIRST_WEIGHTS)
        )
    with clock.step("rescore"):
        in_context = run.checkpoint(contexts(first, part_count(n_changed), weights_around(first, weights)), "contexts")
        found = run.checkpoint(scores(in_context, learned, model, config.score, correction), "fresh_scores")
        result = without(known.scores(), stale, "left_key", "right_key").unionByName(conform(found, SCORES))
    record |= {
        "model": model_used(config, head),
        "candidate_pairs": sum(by_pass["pairs_by_first_pass"].values()), **by_pass, "dropped_blocks": dropped,
        "weighing": described(learned), "n_scored_pairs": found.count(),
        "learned": known.record["learned"]
        | {"n_changed_since": known.record["learned"]["n_changed_since"] + n_changed},
    }  # fmt: skip
    return Scoring(result, wrong_charts(placed), shows_households(learned.shape))
