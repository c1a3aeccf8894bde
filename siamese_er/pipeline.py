"""The whole run, in order: read, standardise, encode, block, score, decide, cluster, identify, survive, publish."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.appraisal import appraised, judged
from siamese_er.cluster import KEEP_APART, Clustering, clustered
from siamese_er.config import DecideSettings, MatchConfig
from siamese_er.dated_care import dated_care, with_care_vetoes
from siamese_er.decide import BALANCED_VETOES, banded
from siamese_er.errors import InvariantBroken
from siamese_er.intake import AS_READ, Alteration, Inputs, read_inputs, rows_on_disk, with_demo
from siamese_er.interpreted import interpreted
from siamese_er.known import Known, known_run
from siamese_er.overlays import suspected_overlays, with_overlay_veto
from siamese_er.persons import Decided, Persons, persons
from siamese_er.progress import STEP_COSTS, Progress, Work, running_stage, seconds_before
from siamese_er.publish import changes, deleted_known, missing_by_source, publish, recorded_run
from siamese_er.regroup import Grouping, decided_anew, regrouped, whole_grouping
from siamese_er.rematch import reasons_to_learn, scored_batch, standardised_arrivals
from siamese_er.scoring import Scoring, scored, truth_of
from siamese_er.sources.inputs import bytes_on_disk, readable_input, stamps
from siamese_er.sources.records import Reading, read_records
from siamese_er.standardise import cleared, fault_counts, shared_values, whole_normal_forms
from siamese_er.storage import (
    ROWS_IN_FILE,
    KeyedRows,
    RunFolder,
    new_run,
    output_lock,
    previous_run,
    unfinished_run,
)
from siamese_er.summary import Summary
from siamese_er.taken_over import (
    moved_records,
    published_pairs,
    written_links,
    written_standings,
)
from siamese_er.threshold import device_margin, on_table, widened
from siamese_er.together import together
from siamese_er.versions import versions


def match(
    spark: SparkSession, config: MatchConfig, alteration: Alteration = AS_READ,
    tell: Callable[[str], None] | None = None,
) -> Summary:  # fmt: skip
    """Match the input of the config, publish the tables of the contract, and say what came out.

    An ``alteration`` of what was read, for ablations, must be given again where such a run is resumed. ``tell`` takes
    lines that say how far the run is, from another thread too.

    Raises: ContractFault (status 2), GateFailed (3, results kept), OutputInUse (2).
    """
    config = with_demo(config)
    clock = progress_of(spark, config, tell)
    with output_lock(spark, config.run.output, config.run.lock_seconds) as lock:
        with readable_input(config.run.output):
            reading = read_records(spark, config.input, allow_empty=config.run.mode == "incremental")
            beside = stamps(spark, paths_beside(config))
        before = previous_run(spark, config.run.output, config.run.previous)
        same = {"config": shown(config), "input": reading.fingerprint, "mappings": reading.mappings, "beside": beside,
                "versions": versions(), "previous_run_id": before.run_id if before else None}  # fmt: skip
        unfinished = unfinished_run(spark, config.run.output, same) if config.run.resume else None
        run = unfinished or new_run(spark, config.run.output)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        started = unfinished.read_record(spark)["started"] if unfinished else now
        record: dict[str, Any] = same | {"started": started, "resumed": run.is_resumed, "seconds": clock.seconds}
        n_bytes = sum(reading.fingerprint.values()) + (bytes_on_disk(spark, before.table("versions")) if before else 0)
        with recorded_run(spark, run, record), readable_input(config.run.output), interpreted(spark, n_bytes):
            outcome = matched(spark, config, run, before, reading, alteration, record, clock)
            if outcome is None:
                record["status"] = "unchanged"
                run.write_record(spark, record)
                return Summary(record, run.path)
            tables = outcome
            with clock.step("report"):
                gates = appraised(spark, config, run, before, tables, record)
            with clock.step("publish"):
                publish(tables, run, record, written=tables.keys(), dry_run=config.run.dry_run, failed_gates=gates, lock=lock,
                        hold=config.gates.hold)  # fmt: skip
            return Summary(record, run.path)


def paths_beside(config: MatchConfig) -> list[str]:
    """What a run reads beside the records. One that died is not gone on with where any of it was changed."""
    alone = (config.input.decisions, config.input.labels, config.input.truth)
    return [*config.input.notes, *(path for path in alone if path is not None)]


def progress_of(spark: SparkSession, config: MatchConfig, tell: Callable[[str], None] | None) -> Progress:
    """The clock of a run, which tells how far it is."""
    steps = [step for step in STEP_COSTS if step != "evaluate" or config.input.truth is not None]
    work = Work(spark.sparkContext.defaultParallelism, is_batch=config.run.mode == "incremental")
    return Progress(tell, lambda: running_stage(spark), steps, work)


def shown(config: MatchConfig) -> dict[str, Any]:
    """The settings as run.json keeps them: all but whether to resume, and of the key of the enterprise ids a digest.

    The digest tells whether two runs had one key: a run is not resumed under another.
    """
    settings = config.model_dump(mode="json")
    del settings["run"]["resume"]
    digest = hmac.new(config.identity.key.encode(), b"siamese_er identity key", "sha256").hexdigest()
    settings["identity"]["key"] = f"not shown, digest {digest[:16]}"
    return settings


def matched(
    spark: SparkSession, config: MatchConfig, run: RunFolder, before: RunFolder | None, reading: Reading,
    alteration: Alteration, record: dict[str, Any], clock: Progress,
) -> dict[str, DataFrame] | None:  # fmt: skip
    """The tables of the contract; null where a batch changes nothing."""
    known = known_run(spark, before) if config.run.mode == "incremental" else None
    with clock.step("read"):
        inputs = alteration.of_inputs(read_inputs(spark, config, run, reading, known))
        record["counts"] = inputs.counts
        earlier = seconds_before(before.read_record(spark) if before else None, config.run.mode, inputs.n_records)
        clock.work = replace(clock.work, n_records=inputs.n_records, before=earlier)
        if known is not None and nothing_new(config, known, run, inputs):
            return None
    scoring, standardised, learns = scoring_of(spark, config, run, before, known, inputs, alteration, record, clock)
    known = None if learns else known
    with clock.step("decide"):
        decide = decided_by(config, known, scoring.scores)
    margin = device_margin(record["encoded_on"]) if config.model.note_model else 0.0
    record["decide"] = {"shows_households": scoring.with_households, "threshold": decide.threshold()}
    record["decide"] |= {"device_margin": margin} if margin else {}
    decide = widened(decide, margin)
    with clock.step("decide"):
        moved = moved_records(config, run, known, inputs, record)
        said: dict[str, Callable[[], DataFrame]] = {
            "standing": partial(written_standings, run, known, moved, inputs.records, standardised, decide.preset)
        }
        if inputs.notes is not None and config.model.use_notes:
            said["care"] = partial(run.checkpoint, dated_care(standardised, inputs.notes), "dated_care")
        if inputs.counts["earlier_versions"]:
            said["overlaid"] = partial(suspected_overlays, inputs.records, inputs.history, standardised, config.input,
                                       config.standardise, run.checkpoint)  # fmt: skip
        of_records = together(said)
        standing, overlaid = of_records["standing"], of_records.get("overlaid")
        scores = scoring.scores
        if "care" in of_records:
            scores = with_care_vetoes(scores, of_records["care"], min(decide.review_threshold, decide.threshold()))
        if overlaid is not None:
            scores = with_overlay_veto(scores, overlaid)
        pairs = banded(scores, standing, inputs.decisions, decide, config.sources)
        published = published_pairs(run, pairs, known, moved)
        all_links = written_links(run, known, moved, published, inputs.decisions)
    with clock.step("cluster"):
        grouping = grouped(config, run, known, inputs, all_links, decide, moved)
    decided = Decided(standardised, standing, all_links, grouping, overlaid, scoring.wrong_charts)
    made = persons(config, run, before, known, inputs, decided, record["started"], clock)
    tables = made.tables | {"scored_pairs": published, "quarantine": inputs.quarantine, "standardised": standardised}
    counted(spark, run, inputs, tables, decided, made, record)
    if config.input.truth is not None:
        with clock.step("evaluate"):
            record |= judged(spark, run, truth_of(spark, config), record["started"])
    return tables


def decided_by(config: MatchConfig, known: Known | None, scores: DataFrame) -> DecideSettings:
    """The settings of the decision with this table's threshold; a batch keeps that of the run that it adds to."""
    if known is not None and not known.differs(config, ("decide",)):
        return config.decide.model_copy(update={"auto_threshold": known.record["decide"]["threshold"]})
    return on_table(config.decide, scores)


def nothing_new(config: MatchConfig, known: Known, run: RunFolder, inputs: Inputs) -> bool:
    """Whether a batch has neither a record, a note nor a decision that is not known; counts what it changes."""
    assert inputs.arrivals is not None
    n_gone = inputs.arrivals.counts["removed"]
    inputs.counts["delivered"] |= {"changed": inputs.arrivals.changed.count(), "gone": n_gone}
    if inputs.arrivals.is_news:
        return False
    given = run.read_table(known.spark, "decisions")
    return config.input.decisions is None or decided_anew(known, given).isEmpty()


def scoring_of(
    spark: SparkSession, config: MatchConfig, run: RunFolder, before: RunFolder | None, known: Known | None,
    inputs: Inputs, alteration: Alteration, record: dict[str, Any], clock: Progress,
) -> tuple[Scoring, DataFrame, bool]:  # fmt: skip
    """The scores of all pairs, STANDARDISED, and whether all records were matched anew rather than a batch."""
    reasons = ["nothing is known yet"]
    if known is not None:
        n_changed = inputs.counts["delivered"]["changed"]
        reasons = reasons_to_learn(known, config, n_changed, inputs.n_records, record["versions"],
                                   has_notes=inputs.notes is not None)  # fmt: skip
        record["matched_anew"] = reasons
    with clock.step("standardise"):
        if known is not None and not reasons:
            standardised = standardised_arrivals(known, inputs, config, run)
        else:
            standardised = standardised_table(run, inputs, config)
        faults = [row.asDict() for row in fault_counts(standardised).collect()]
        record["value_faults"] = sorted(faults, key=lambda fault: (fault["column"], fault["reason"]))
    if known is not None and not reasons:
        return scored_batch(known, config, run, standardised, inputs, record, clock), standardised, False
    return scored(spark, config, run, standardised, inputs, alteration, record, clock, before), standardised, True


def standardised_table(run: RunFolder, inputs: Inputs, config: MatchConfig) -> DataFrame:
    """STANDARDISED of all records, written; only those that lose what too many people share are written twice."""
    forms = whole_normal_forms(inputs.records, config.input, config.standardise, inputs.record_files)
    written = run.checkpoint(forms, "normal_forms", ROWS_IN_FILE)
    shared = shared_values(written, config.standardise, run.checkpoint)
    stale = [KeyedRows(shared.select("record_key"), ("record_key",))]
    return run.renew_table("standardised", run.table("work/normal_forms"), stale, cleared(written, shared, "inner"))


def grouped(
    config: MatchConfig, run: RunFolder, known: Known | None, inputs: Inputs, all_links: DataFrame,
    decide: DecideSettings, moved: DataFrame | None,
) -> Grouping:  # fmt: skip
    """The clusters of all records: of a whole table, or those that a batch touches beside those it does not."""
    apart = BALANCED_VETOES if config.decide.preset == "balanced" else KEEP_APART

    def cluster(keys: DataFrame, among: DataFrame) -> Clustering:
        settings = config.cluster.of_preset(config.decide.preset)
        return clustered(keys, among, settings, run.checkpoint, apart, decide.threshold())

    if known is None or moved is None:
        return whole_grouping(cluster(inputs.records.select("record_key"), all_links), run)
    return regrouped(known, moved, cluster, run)


def counted(
    spark: SparkSession, run: RunFolder, inputs: Inputs, tables: dict[str, DataFrame], decided: Decided, made: Persons,
    record: dict[str, Any],
) -> None:  # fmt: skip
    """The counts of the run into the record, with its invariants checked."""
    n_in_clusters, versions = rows_on_disk(spark, run.table("crosswalk")), run.read_table(spark, "versions")
    own_walk, before = made.walk, made.walk_before
    both = F.count("*").alias("n"), F.count_distinct("source", "record_id").alias("n_distinct")
    found: dict[str, Any] = together({
        "own": own_walk.agg(*both).first,
        "bands": decided.links.groupBy("band").agg(F.count("*").alias("n")).collect,
        "sizes": tables["clusters"].agg(F.count("*").alias("n"), F.max("n_records").alias("largest")).first,
        "change": partial(changes, own_walk, before),
        "deleted": partial(deleted_known, versions, before),
        "missing": partial(missing_by_source, own_walk, versions, before),
        "links_cut": decided.grouping.cuts.count,
    })  # fmt: skip
    own, sizes = found["own"], found["sizes"]
    if own["n"] != own["n_distinct"] or n_in_clusters != inputs.n_records:
        raise InvariantBroken(f"{inputs.n_records} records, but the crosswalk has {n_in_clusters} and of these {own}")
    found["change"]["same"] += n_in_clusters - own["n"]
    bands = {row["band"]: row["n"] for row in found["bands"]}
    record["counts"] = inputs.counts | {
        "candidate_pairs": record["candidate_pairs"], "links": bands.get("auto", 0), "pairs_by_band": bands,
        "links_cut": found["links_cut"], "clusters": sizes["n"],
        "largest_cluster": sizes["largest"], "golden_records": rows_on_disk(spark, run.table("golden_records")),
        "review_queue": rows_on_disk(spark, run.table("review_queue")), "changes": found["change"],
        "deleted_known": found["deleted"], "missing_by_source": found["missing"],
    }  # fmt: skip
