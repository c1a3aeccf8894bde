"""The whole run, in order: read, standardise, encode, block, score, decide, cluster, identify, survive, publish."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.block import chunks, code_counts, dropped_blocks, group_count, pair_tasks, part_count
from siamese_er.cluster import CONTRADICTIONS, cluster_metrics, clustered, clusters
from siamese_er.config import MatchConfig, ModelSettings
from siamese_er.decide import BALANCED_VETOES, banded, links, standings
from siamese_er.encode import embeddings
from siamese_er.errors import ContractFault, InvariantBroken
from siamese_er.gates import failed_gates
from siamese_er.identity import enterprise_ids
from siamese_er.intake import AS_READ, Alteration, Inputs, read_inputs, rows_on_disk, with_demo
from siamese_er.labels import label_correction
from siamese_er.linkage.vetoes import shows_households
from siamese_er.model import model_folder, pair_head
from siamese_er.neural.checkpoint import stored_card
from siamese_er.neural.note_models import note_model_digest
from siamese_er.publish import changes, publish, recorded_run, written_table
from siamese_er.quality.blocking import pair_completeness
from siamese_er.quality.evaluation import evaluate_run
from siamese_er.rescore import Learned, contexts, scores, second_weighing
from siamese_er.review.queue import review_queue
from siamese_er.schemas import KEY_SEPARATOR, SCORED_PAIRS, conform
from siamese_er.score import compared_pairs, first_scores, kept_pairs, pass_counts, weighing
from siamese_er.sources.inputs import readable_input
from siamese_er.sources.records import Reading, read_records
from siamese_er.sources.truth import read_truth
from siamese_er.standardise import fault_counts, standardised_records
from siamese_er.storage import WORK, RunFolder, new_run, output_lock, previous_run, unfinished_run
from siamese_er.summary import Summary
from siamese_er.survivorship import crosswalk, golden_records


@dataclass
class Clock:
    """Seconds of each step, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time of the body under a name."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - start, 2)


def match(spark: SparkSession, config: MatchConfig, alteration: Alteration = AS_READ) -> Summary:
    """Match the input of the config, publish the tables of the contract, and say what came out.

    An ``alteration`` of what was read, for ablations, must be given again where such a run is resumed.

    Raises: ContractFault (status 2), GateFailed (3, results kept), OutputInUse (2).
    """
    config = with_demo(config)
    clock = Clock()
    with output_lock(spark, config.run.output, config.run.lock_seconds) as lock:
        with readable_input(config.run.output):
            reading = read_records(spark, config.input)
        before = previous_run(spark, config.run.output, config.run.previous)
        same = {"config": shown(config), "input": reading.fingerprint, "mappings": reading.mappings,
                "versions": versions(), "previous_run_id": before.run_id if before else None}  # fmt: skip
        unfinished = unfinished_run(spark, config.run.output, same) if config.run.resume else None
        run = unfinished or new_run(spark, config.run.output)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        started = unfinished.read_record(spark)["started"] if unfinished else now
        record: dict[str, Any] = same | {"started": started, "resumed": run.is_resumed, "seconds": clock.seconds}
        with recorded_run(spark, run, record), readable_input(config.run.output):
            tables, gates = matched(spark, config, run, before, reading, alteration, record, clock)
            with clock.step("publish"):
                written = tables.keys() - {"enterprise_id_history"}
                publish(tables, run, record, written=written, dry_run=config.run.dry_run, failed_gates=gates, lock=lock)
            return Summary(record, run.path)


def shown(config: MatchConfig) -> dict[str, Any]:
    """The settings as run.json keeps them: all but the key of the enterprise ids, and whether to resume."""
    settings = config.model_dump(mode="json")
    del settings["run"]["resume"]
    settings["identity"]["key"] = "not shown"
    return settings


def versions() -> dict[str, str]:
    """Versions of what the results depend on."""
    names = ("siamese_er", "pyspark", "torch", "transformers", "pandas", "pyarrow", "numpy", "rapidfuzz")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def scored(
    spark: SparkSession, config: MatchConfig, run: RunFolder, standardised: DataFrame, inputs: Inputs,
    alteration: Alteration, record: dict[str, Any], clock: Clock,
) -> tuple[DataFrame, DataFrame, bool]:  # fmt: skip
    """SCORES of all candidate pairs, as a checkpoint; the records whose notes contradict them; whether homes show.

    Blocking, fit and counts go into the record.
    """
    model = model_folder(config.model)
    head = pair_head(model)
    if head.encoder_digest != (found_digest := stored_card(model)["digest"]):
        raise ContractFault(f"model {model}: the head was trained beside another encoder than {found_digest[:12]}")
    with clock.step("encode"):
        vectors = run.checkpoint(
            embeddings(standardised, inputs.notes, model, config.model, config.notes), "embeddings"
        )
    with clock.step("block"):
        n_groups = group_count(inputs.n_records, spark.sparkContext.defaultParallelism, config.blocking)
        n_parts = part_count(inputs.n_records)
        cut = run.checkpoint(
            chunks(standardised.join(vectors, "record_key"), config.blocking, n_groups, n_parts), "chunks"
        )
        counts = run.checkpoint(code_counts(cut, config.blocking, n_parts, config.identity.key), "code_counts")
        dropped = dropped_blocks(counts)
    with clock.step("compare"):
        tasks = pair_tasks(cut, counts, n_groups)
        compared = run.checkpoint(
            compared_pairs(tasks, inputs.n_records, model, config.blocking.max_block_size), "compared_pairs"
        )
        by_pass = pass_counts(compared)
        compared = kept_pairs(compared)
    with clock.step("score"):
        found = weighing(compared, standardised, inputs.n_records, config.score, head)
        first = run.checkpoint(first_scores(alteration.of_pairs(compared), found, model, config.notes), "first_scores")
    with clock.step("rescore"):
        in_context = run.checkpoint(contexts(first), "contexts")
        second = second_weighing(in_context, inputs.n_records, config.score, head)
        learned, correction = Learned(found.fit, found.shape, second, config.notes.most_bits), None
        if inputs.labels is not None:
            taught = label_correction(inputs.labels, config.labels, run, standardised, in_context, learned, head)
            correction, record["labels"] = taught.correction, taught.report
        result = run.checkpoint(scores(in_context, learned, model, config.score, correction), "scores")
    record |= {
        "model": {"head_digest": head.digest, "encoder_digest": head.encoder_digest,
                  "path": config.model.path or "shipped with the package",
                  **towers_used(model, config.model)},
        "candidate_pairs": sum(by_pass["pairs_by_first_pass"].values()), **by_pass, "dropped_blocks": dropped,
        "weighing": found.described() | second.described(), "n_scored_pairs": rows_on_disk(spark, f"{run.path}/{WORK}/scores"),
    }  # fmt: skip
    if config.input.truth is not None:
        record["blocking"] = pair_completeness(truth_of(spark, config), compared)
    return result, vectors.where("wrong_chart").select("record_key"), shows_households(found.shape)


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


def matched(
    spark: SparkSession, config: MatchConfig, run: RunFolder, before: RunFolder | None, reading: Reading,
    alteration: Alteration, record: dict[str, Any], clock: Clock,
) -> tuple[dict[str, DataFrame], list[str]]:  # fmt: skip
    """The tables of the contract and the gates that failed."""
    with clock.step("read"):
        inputs = alteration.of_inputs(read_inputs(spark, config, run, reading))
    with clock.step("standardise"):
        standardised = run.write_table(
            standardised_records(inputs.records, config.input, config.standardise), "standardised"
        )
        record["value_faults"] = [row.asDict() for row in fault_counts(standardised).collect()]
    scores_found, wrong_charts, with_households = scored(
        spark, config, run, standardised, inputs, alteration, record, clock
    )
    decide = config.decide.on_table(with_households)
    record["decide"] = {"shows_households": with_households, "threshold": decide.threshold()}
    with clock.step("decide"):
        standing = run.checkpoint(standings(inputs.records, standardised), "standings")
        pairs = run.checkpoint(banded(scores_found, standing, inputs.decisions, decide, config.sources), "banded")
    with clock.step("cluster"):
        all_links = links(pairs)
        kept_apart = BALANCED_VETOES if config.decide.preset == "balanced" else CONTRADICTIONS
        grouped = clustered(
            inputs.records.select("record_key"), all_links, config.cluster, run.checkpoint, kept_apart,
            decide.threshold(),
        )  # fmt: skip
    with clock.step("identify"):
        old_crosswalk = before.read_table(spark, "crosswalk") if before else None
        old_history = before.read_table(spark, "enterprise_id_history") if before else None
        identity = enterprise_ids(
            grouped.memberships, old_crosswalk, old_history, run.run_id, config.identity, run.checkpoint
        )
        ids = run.checkpoint(identity.ids, "enterprise_ids")
    with clock.step("survive"):
        walk = written_table(
            run, crosswalk(inputs.records, ids, standing, all_links, run.run_id, record["started"], old_crosswalk),
            "crosswalk",
        )  # fmt: skip
        goldens = written_table(
            run,
            golden_records(inputs.records, standardised, ids, config.survivorship, config.sources),
            "golden_records",
        )
        earlier = (
            standardised_records(inputs.history, config.input, config.standardise)
            if inputs.counts["earlier_versions"]
            else None
        )
        groups = written_table(
            run, clusters(cluster_metrics(grouped.memberships, all_links, standardised, earlier), ids), "clusters"
        )
        queue = written_table(
            run,
            review_queue(
                all_links,
                grouped.cuts,
                ids,
                groups,
                config.cluster.max_cluster_size,
                goldens,
                wrong_charts,
                config.review.capacity(inputs.n_records),
            ),
            "review_queue",
        )
        best = written_table(run, scored_pairs(pairs), "scored_pairs")
    tables = {
        "crosswalk": walk, "scored_pairs": best, "golden_records": goldens, "clusters": groups,
        "review_queue": queue, "quarantine": inputs.quarantine, "enterprise_id_history": identity.history,
        "standardised": standardised,
    }  # fmt: skip
    gates = counted(spark, config, run, inputs, tables, pairs, grouped.cuts, old_crosswalk, record)
    if config.input.truth is not None:
        with clock.step("evaluate"):
            record["metrics"] = evaluate_run(spark, run.path, truth_of(spark, config))
    return tables, gates


def scored_pairs(pairs: DataFrame) -> DataFrame:
    """SCORED_PAIRS of the banded scores; pairs that only people's decisions brought in have no score and stay out."""
    columns: dict[str, Column] = {}
    for side in ("left", "right"):
        parts = F.split(F.col(f"{side}_key"), KEY_SEPARATOR, 2)
        columns |= {f"{side}_source": F.get(parts, 0), f"{side}_record_id": F.get(parts, 1)}
    return conform(pairs.where(F.col("match_probability").isNotNull()).withColumns(columns), SCORED_PAIRS)


def counted(
    spark: SparkSession, config: MatchConfig, run: RunFolder, inputs: Inputs, tables: dict[str, DataFrame], pairs: DataFrame,
    cuts: DataFrame, old_crosswalk: DataFrame | None, record: dict[str, Any],
) -> list[str]:  # fmt: skip
    """The counts of the run into the record, with its invariants checked; the gates that failed."""
    walk = tables["crosswalk"]
    in_clusters = walk.agg(F.count("*").alias("n"), F.count_distinct("source", "record_id").alias("n_distinct")).first()
    if in_clusters is None or not in_clusters["n"] == in_clusters["n_distinct"] == inputs.n_records:
        raise InvariantBroken(f"{inputs.n_records} records, but the crosswalk has {in_clusters}")
    bands = {row["band"]: row["n"] for row in pairs.groupBy("band").agg(F.count("*").alias("n")).collect()}
    sizes = tables["clusters"].agg(F.count("*").alias("n"), F.max("n_records").alias("largest")).first()
    change = changes(walk, old_crosswalk)
    assert sizes is not None
    record["counts"] = inputs.counts | {
        "candidate_pairs": record["candidate_pairs"], "links": bands.get("auto", 0), "pairs_by_band": bands,
        "links_cut": cuts.count(), "clusters": sizes["n"],
        "largest_cluster": sizes["largest"], "golden_records": rows_on_disk(spark, run.table("golden_records")),
        "review_queue": rows_on_disk(spark, run.table("review_queue")), "changes": change,
    }  # fmt: skip
    return failed_gates(config, record["counts"], change)
