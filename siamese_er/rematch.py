"""Steps 1 to 4 over a batch: its records against all that is known, by the measure that an earlier run learned.

Pairs of two records that did not change keep their scores. What a whole run would do otherwise: m, u and the table's
shape move a little with every batch; a block that grew past its limit still holds its old pairs; a new record is a
rival or a witness of old pairs, too. How much that is, is measured (``docs/identity.md``).
"""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.batch_blocks import (
    batch_tasks,
    dropped_blocks,
    group_counts,
    key_sizes,
    keys_of,
    live_keys,
    with_frequencies,
)
from siamese_er.batch_pairs import batch_pairs
from siamese_er.config import MatchConfig
from siamese_er.encode import embeddings, encoding, kinds_of_device
from siamese_er.estimate import batch_meetings
from siamese_er.intake import Inputs
from siamese_er.known import OF_READING, OF_SCORES, Known, only, without
from siamese_er.learned import described, learned_of, note_table_of
from siamese_er.linkage.vetoes import shows_households
from siamese_er.model import model_folder
from siamese_er.rescore import contexts, scores
from siamese_er.schemas import BLOCKING_KEYS, EMBEDDINGS, FIRST_WEIGHTS, SCORES, STANDARDISED, conform
from siamese_er.score import Weighing, first_scores, kept_pairs, pass_counts
from siamese_er.scoring import Clock, Scoring, head_of, model_used, wrong_charts
from siamese_er.standardise import standardised_batch
from siamese_er.storage import RunFolder


def reasons_to_learn(known: Known, config: MatchConfig, n_changed: int, n_records: int, versions: Any) -> list[str]:
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
    n_since = known.record["learned"]["n_changed_since"] + n_changed
    if n_since > config.run.relearn_share * n_records:
        reasons.append(f"{n_since} of {n_records} records came or changed since the table was last learned")
    return reasons


def standardised_arrivals(known: Known, inputs: Inputs, config: MatchConfig, run: RunFolder) -> DataFrame:
    """STANDARDISED of all living records: the known rows, and those of changed records made anew."""
    assert inputs.arrivals is not None
    changed, gone = inputs.arrivals.changed, inputs.arrivals.gone
    before = conform(known.table("standardised"), STANDARDISED)
    kept = without(before, changed.union(gone), "record_key")
    fresh = standardised_batch(inputs.records, only(inputs.records, F.broadcast(changed), "record_key"), kept,
                               config.input, config.standardise, run.checkpoint)  # fmt: skip
    fresh = run.checkpoint(fresh, "fresh_standardised")
    return run.write_table(kept.unionByName(fresh), "standardised")


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
    with clock.step("encode"):
        counts = run.write_table(known.table("note_counts"), "note_counts")
        own_notes = None if inputs.notes is None else only(inputs.notes, F.broadcast(changed), "record_key")
        fresh_records = only(standardised, F.broadcast(changed), "record_key")
        of_notes = note_table_of(counts)
        fresh = embeddings(encoding(fresh_records, own_notes, model, config.model, config.notes, of_notes))
        fresh = run.checkpoint(fresh, "fresh_embeddings")
        now = kinds_of_device(known.spark, config.model.device)
        record["encoded_on"] = sorted({*known.record.get("encoded_on", ["cpu"]), *now})
        before = conform(known.table("embeddings"), EMBEDDINGS)
        vectors = run.write_table(without(before, stale, "record_key").unionByName(fresh), "embeddings")
    with clock.step("block"):
        fresh_keys = run.checkpoint(keys_of(fresh_records.join(fresh, "record_key"), config.blocking), "fresh_keys")
        before = known_keys(known, config)
        keys = run.write_table(without(before, stale, "record_key").unionByName(fresh_keys), "record_keys")
        touched = run.checkpoint(keys.join(fresh_keys.select("key").distinct(), "key", "left_semi"), "touched_keys")
        sizes = run.checkpoint(key_sizes(touched), "key_sizes")
        n_changed = inputs.counts["delivered"]["changed"]
        record["estimate"] = clock.foresee(batch_meetings(sizes, fresh_keys, config.blocking, n_changed))
        dropped = dropped_blocks(sizes, config.blocking, config.identity.key)
        payload = run.checkpoint(_payload(standardised, vectors, touched, sizes, changed, config), "payload")
    with clock.step("compare"):
        held = {row["is_new"]: row["n"] for row in payload.groupBy("is_new").agg(F.count("*").alias("n")).collect()}
        parallelism = known.spark.sparkContext.defaultParallelism
        groups = group_counts(held.get(True, 0), held.get(False, 0), parallelism, config.blocking)
        pairs = batch_pairs(batch_tasks(payload, *groups), inputs.n_records, model, config.blocking.max_block_size)
        compared = run.checkpoint(pairs, "compared_pairs")
        by_pass = pass_counts(compared)
    with clock.step("score"):
        measure = Weighing(learned.fit, learned.shape)
        first = run.checkpoint(first_scores(kept_pairs(compared), measure, model, config.notes), "first_scores")
        before = conform(known.table("first_weights"), FIRST_WEIGHTS)
        kept = without(before, stale, "left_key", "right_key")
        weights = run.write_table(kept.unionByName(conform(first, FIRST_WEIGHTS)), "first_weights")
    with clock.step("rescore"):
        in_context = run.checkpoint(contexts(first, weights), "contexts")
        found = run.checkpoint(scores(in_context, learned, model, config.score, correction), "fresh_scores")
        result = without(known.scores(), stale, "left_key", "right_key").unionByName(conform(found, SCORES))
        result = run.checkpoint(result, "scores")
    record |= {
        "model": model_used(config, head),
        "candidate_pairs": sum(by_pass["pairs_by_first_pass"].values()), **by_pass, "dropped_blocks": dropped,
        "weighing": described(learned), "n_scored_pairs": found.count(),
        "learned": {"run_id": known.record["learned"]["run_id"],
                    "n_changed_since": known.record["learned"]["n_changed_since"] + n_changed},
    }  # fmt: skip
    return Scoring(result, wrong_charts(vectors), shows_households(learned.shape))


def known_keys(known: Known, config: MatchConfig) -> DataFrame:
    """BLOCKING_KEYS of all known records: as the last batch kept them, or made now after a run of the whole table."""
    kept = known.run.optional_table(known.spark, "record_keys")
    if kept is not None:
        return conform(kept, BLOCKING_KEYS)
    records = conform(known.table("standardised"), STANDARDISED)
    return keys_of(records.join(conform(known.table("embeddings"), EMBEDDINGS), "record_key"), config.blocking)


def _payload(
    standardised: DataFrame, vectors: DataFrame, touched: DataFrame, sizes: DataFrame, changed: DataFrame,
    config: MatchConfig,
) -> DataFrame:  # fmt: skip
    """The records of the touched blocks as `batch_blocks.batch_tasks` takes them, with their live keys and ``is_new``."""
    held = live_keys(touched, sizes, config.blocking)
    own = only(standardised, held, "record_key")
    flags = F.broadcast(changed.withColumn("is_new", F.lit(True)))
    return (
        with_frequencies(own, standardised)
        .join(held, "record_key")
        .join(vectors, "record_key")
        .join(flags, "record_key", "left")
        .withColumn("is_new", F.coalesce("is_new", F.lit(False)))
    )
