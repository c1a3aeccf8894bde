"""What there is to ask after a run: doubts, answers and questions, of a batch only about the people whom it reaches.

A question is about one or two people. It is asked anew where a batch reaches one of them, and is as it was where it does not;
so are the doubts about a record, and what people answered.
"""

from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.config import MatchConfig
from siamese_er.reached import Near, Reached
from siamese_er.review.answers import answers
from siamese_er.review.queue import questions
from siamese_er.review.record_doubts import reasons_for_doubt, record_doubts
from siamese_er.storage import KeyedRows, RunFolder
from siamese_er.together import together


@dataclass(frozen=True)
class Told:
    """What tells of records in doubt: ranked versions of all records, NOTES (null: none), record_key of those whose notes
    contradict them, and of suspected overlays (null: none).
    """

    versions: DataFrame
    notes: DataFrame | None
    wrong_charts: DataFrame
    overlaid: DataFrame | None


def written_answers(
    run: RunFolder, about: Near, earlier: DataFrame | None, renewed: DataFrame, reached: Reached | None
) -> DataFrame:
    """ANSWERS, written. In: ``earlier``: ANSWERS of the run before; ``renewed``: DECISIONS; ``reached``: null for all."""
    if reached is None or earlier is None:
        return run.write_table(answers(about.links, about.cuts, about.ids, earlier, renewed), "answers")
    fresh = answers(about.links, about.cuts, about.ids, reached.touching(earlier), renewed)
    stale = [KeyedRows(reached.had_keys, (side,)) for side in ("left_key", "right_key")]
    return run.renew_table("answers", reached.run.table("answers"), stale, fresh)


def written_doubts(
    run: RunFolder, told: Told, ids: DataFrame, people: dict[str, DataFrame], earlier: DataFrame | None,
    renewed: DataFrame, reached: Reached | None,
) -> DataFrame:  # fmt: skip
    """RECORD_DOUBTS of all records, written.

    In: ``ids``: ENTERPRISE_IDS of the records that are reached; ``people``: CLUSTERS and GOLDEN_RECORDS of their people, by
    name; ``earlier``: RECORD_DOUBTS of the run before; ``renewed``: DECISIONS; ``reached``: null for all.
    """
    versions, notes, wrong_charts, overlaid = told.versions, told.notes, told.wrong_charts, told.overlaid
    if reached is not None:
        versions, wrong_charts = reached.versions, reached.of(wrong_charts, "record_key")
        notes = None if notes is None else reached.of(notes, "record_key")
        overlaid = None if overlaid is None else reached.of(overlaid, "record_key")
    reasons = reasons_for_doubt(wrong_charts, overlaid, ids, people["clusters"], people["golden_records"])
    then = earlier if earlier is None or reached is None else reached.of(earlier, "record_key")
    decisions = run.read_table(ids.sparkSession, "decisions")
    if reached is not None:
        decisions, renewed = (reached.of(frame, "left_key", "right_key") for frame in (decisions, renewed))
    doubts = record_doubts(reasons, versions, notes, then, decisions, renewed)
    if reached is None or earlier is None:
        return run.write_table(doubts, "record_doubts")
    stale = [KeyedRows(reached.had_keys, ("record_key",))]
    return run.renew_table("record_doubts", reached.run.table("record_doubts"), stale, doubts)


def people_of(
    run: RunFolder, tables: dict[str, DataFrame], ids: DataFrame, reached: Reached | None
) -> dict[str, DataFrame]:
    """CLUSTERS and GOLDEN_RECORDS of the people that are reached, by name. In: of all, and the ids of their records."""
    names = ("clusters", "golden_records")
    if reached is None:
        return {name: tables[name] for name in names}
    own = KeyedRows(ids.select("enterprise_id").distinct(), ("enterprise_id",))
    return together({name: partial(run.checkpoint, run.rows_among(name, own), f"reached_{name}") for name in names})


def written_questions(
    config: MatchConfig, run: RunFolder, about: Near, people: dict[str, DataFrame],
    in_doubt: DataFrame, settled: DataFrame, walk: DataFrame, reached: Reached | None,
) -> DataFrame:  # fmt: skip
    """QUESTIONS about all people, written.

    In: ``people``: `people_of`; RECORD_DOUBTS, ANSWERS; ``walk``: CROSSWALK of the
    records that are reached; ``reached``: null for all.
    """
    size = config.cluster.max_cluster_size
    if reached is None:
        found = questions(
            about.links, about.cuts, about.ids, people["clusters"], size, people["golden_records"], in_doubt, settled, walk
        )  # fmt: skip
        return run.write_table(found, "questions")
    own = F.broadcast(people["clusters"].select("enterprise_id"))
    met = about.ids.select("enterprise_id").distinct().join(own, "enterprise_id", "left_anti")
    others = run.checkpoint(run.rows_among("clusters", KeyedRows(met, ("enterprise_id",))), "met_clusters")
    found = questions(
        about.links, about.cuts, about.ids, people["clusters"], size, people["golden_records"],
        reached.of(in_doubt, "record_key"), reached.touching(settled), walk, others,
    )  # fmt: skip
    stale = [KeyedRows(reached.had_ids, (name,)) for name in ("first_id", "second_id")]
    return run.renew_table("questions", reached.run.table("questions"), stale, found)
