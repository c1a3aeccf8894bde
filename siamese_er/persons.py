"""Steps 7 to 9: clusters -> the people they are: ids, golden records, crosswalk, and what is to be asked about them."""

from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame

from siamese_er.config import MatchConfig
from siamese_er.intake import Inputs
from siamese_er.known import OF_GOLDEN, Known
from siamese_er.publish import written_table
from siamese_er.reached import (
    identified,
    near,
    published_walk,
    reached_by,
    walked,
    written_ids,
    written_proposals,
    written_walk,
    written_walk_history,
)
from siamese_er.regroup import Grouping
from siamese_er.review.answers import renewed_decisions
from siamese_er.review.asked import Told, people_of, written_answers, written_doubts, written_questions
from siamese_er.review.queue import review_queue
from siamese_er.scoring import Clock
from siamese_er.storage import RunFolder
from siamese_er.taken_over import people, written_people
from siamese_er.together import together

OF_BEFORE = (
    "crosswalk", "crosswalk_history", "enterprise_id_history", "decisions", "answers", "record_doubts", "questions",
)  # fmt: skip
"""What is read of the run before, in either mode."""


@dataclass(frozen=True)
class Decided:
    """What the steps before decided: STANDARDISED, standings (`decide.standings`), LINKS, the clusters, and record_key of
    suspected overlays (null: none) and of records whose notes contradict them.
    """

    standardised: DataFrame
    standing: DataFrame
    links: DataFrame
    grouping: Grouping
    overlaid: DataFrame | None
    wrong_charts: DataFrame


@dataclass(frozen=True)
class Persons:
    """``tables``: those of the contract and others beside them, written. CROSSWALK as written of the records that the run
    reaches (of a whole table all): ``walk``; of these and of those that are gone before the run: ``walk_before``, null
    where there was none.
    """

    tables: dict[str, DataFrame]
    walk: DataFrame
    walk_before: DataFrame | None


def persons(
    config: MatchConfig, run: RunFolder, before: RunFolder | None, known: Known | None, inputs: Inputs, decided: Decided,
    started: str, clock: Clock,
) -> Persons:  # fmt: skip
    """The people of all clusters; of a batch only those whom it reaches are made anew (`reached`)."""
    spark, grouping = decided.links.sparkSession, decided.grouping
    old = {name: before.optional_table(spark, name) if before else None for name in OF_BEFORE}
    with clock.step("identify"):
        memberships = grouping.grouped.select("record_key", "cluster_key")
        reached = reached_by(inputs, grouping, known, run)
        identity = identified(memberships, reached, old["crosswalk"], old["enterprise_id_history"], run.run_id,
                              config.identity, run.checkpoint)  # fmt: skip
        ids = run.checkpoint(identity.ids, "enterprise_ids")
    # a batch under another survivorship elects and asks anew about everybody, whomever it reaches
    shown = None if known is None or known.differs(config, OF_GOLDEN) or old["questions"] is None else reached
    shown_ids = ids if reached is None or shown is not None else ids.unionByName(reached.ids_of_others())
    with clock.step("survive"):
        about = near(decided.links, grouping.cuts, shown_ids, old["answers"], shown, run)
        found = people(
            config, run, shown, inputs, decided.standardised, about.links, grouping, shown_ids, decided.overlaid
        )
        renewed = renewed_decisions(run.read_table(spark, "decisions"), old["decisions"])
        own = walked(inputs.records, ids, decided.standing, about.links, run.run_id, started, old["crosswalk"], reached)
        own = own if reached is None else run.checkpoint(own, "reached_crosswalk")
        tables = together({name: partial(written_people, run, frame, name, shown) for name, frame in found.items()} | {
            "crosswalk": partial(written_walk, run, own, reached),
            "answers": partial(written_answers, run, about, old["answers"], renewed, shown),
        })  # fmt: skip
        own = tables["crosswalk"] if reached is None else own
    with clock.step("review"):
        told = Told(run.read_table(spark, "versions"), inputs.notes, decided.wrong_charts, decided.overlaid)
        doubted = people_of(run, tables, shown_ids, shown)
        tables |= together({
            "record_doubts": partial(written_doubts, run, told, shown_ids, doubted, old["record_doubts"], renewed, shown),
            "proposals": partial(written_proposals, run, inputs.records, own, about.links, config.sources, reached),
            "crosswalk_history": partial(
                written_walk_history, run, own, old["crosswalk"], old["crosswalk_history"], started, reached
            ),
            "enterprise_id_history": partial(written_ids, run, identity, reached),
        })  # fmt: skip
        walk = tables["crosswalk"] if shown is None else own
        asked = written_questions(config, run, about, doubted, tables["record_doubts"], tables["answers"], walk, shown)
        queue = review_queue(asked, config.review.capacity(inputs.n_records))
        tables |= {"questions": asked, "review_queue": written_table(run, queue, "review_queue")}
    return Persons(tables, published_walk(run, own, reached), old["crosswalk"] if reached is None else reached.had)
