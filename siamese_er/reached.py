"""Steps 7 and 8 over a batch: only people whom it reaches get ids, rows of the crosswalk and proposals anew.

A batch reaches the records of the components that it touches, and those that are gone (`regroup`). A person who has one such
record has no other: of everyone else id, status, dates and proposals are as they were.
"""

from dataclasses import dataclass
from functools import cached_property, partial, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.components import Checkpoint
from siamese_er.config import IdentitySettings, SourceSettings
from siamese_er.identity import Identity, enterprise_ids
from siamese_er.intake import Inputs
from siamese_er.known import Known, only, without
from siamese_er.proposals import proposals
from siamese_er.publish import written_table
from siamese_er.regroup import Grouping
from siamese_er.schemas import CROSSWALK, CUTS, ENTERPRISE_IDS, KEY_SEPARATOR, LINKS, conform
from siamese_er.sources.records import parts_of
from siamese_er.storage import KeyedRows, RunFolder
from siamese_er.survivorship import crosswalk, crosswalk_history
from siamese_er.together import together


def keyed(walk: DataFrame) -> DataFrame:
    """CROSSWALK with record_key."""
    return walk.withColumn("record_key", F.concat_ws(KEY_SEPARATOR, "source", "record_id"))


def ids_of_walk(walk: DataFrame) -> DataFrame:
    """ENTERPRISE_IDS of records whose ids are as they were. In: CROSSWALK with record_key."""
    kept = F.lit(None).cast("string").alias("previous_enterprise_id")
    return conform(walk.select("record_key", "enterprise_id", kept), ENTERPRISE_IDS)


@dataclass(frozen=True)
class Reached:
    """``living``: record_key of the living records that a batch reaches, and what the run has of them: ranked ``versions``,
    STANDARDISED, GROUPED. CROSSWALK before the batch: ``had``, of these and of those that are gone, and ``others``, of all
    others, with record_key. ``run``: the run it adds to. All but the others are small.
    """

    living: DataFrame
    versions: DataFrame
    standardised: DataFrame
    grouped: DataFrame
    had: DataFrame
    others: DataFrame
    run: RunFolder

    @property
    def records(self) -> DataFrame:
        """RECORDS that are living."""
        found: DataFrame = parts_of(self.versions, False)["records"]
        return found

    def of(self, frame: DataFrame, *columns: str) -> DataFrame:
        """The rows all of whose ``columns`` (record keys) are living records that the batch reaches."""
        return only(frame, F.broadcast(self.living), *columns)

    def touching(self, frame: DataFrame) -> DataFrame:
        """The rows of whose left_key and right_key one at least is such a record."""
        found = frame
        for side in ("left", "right"):
            flag = self.living.select(F.col("record_key").alias(f"{side}_key"), F.lit(True).alias(f"{side}_reached"))
            found = found.join(F.broadcast(flag), f"{side}_key", "left")
        return found.where(F.coalesce("left_reached", "right_reached")).select(*frame.columns)

    def ids_of_others(self) -> DataFrame:
        """ENTERPRISE_IDS of all living records that the batch does not reach."""
        return ids_of_walk(self.others)

    @cached_property
    def had_ids(self) -> DataFrame:
        """enterprise_id of the people whom the batch reaches, as they were before it."""
        return self.had.select("enterprise_id").distinct()

    @cached_property
    def had_keys(self) -> DataFrame:
        """record_key of the records that are reached and were there before."""
        return keyed(self.had).select("record_key")

    def stale_people(self) -> list[KeyedRows]:
        """The rows of a table of the run before with the enterprise_id of a person whom the batch reaches."""
        return [KeyedRows(self.had_ids, ("enterprise_id",))]


def reached_by(inputs: Inputs, grouping: Grouping, known: Known | None, run: RunFolder) -> Reached | None:
    """What a batch reaches; null where all records are clustered anew. In: ``known``: what it adds to."""
    if grouping.touched is None or inputs.arrivals is None or known is None:
        return None
    living = grouping.touched.select("record_key")
    keys = living.union(inputs.arrivals.gone.select("record_key")).distinct()
    of_living = KeyedRows(living, ("record_key",))
    kept = {"before": known.run.rows_among("crosswalk", KeyedRows(keys, ("source", "record_id")))}
    kept |= {name: run.rows_among(name, of_living) for name in ("versions", "standardised", "memberships")}
    found = together({name: partial(run.checkpoint, rows, f"reached_{name}") for name, rows in kept.items()})
    had = conform(found["before"], CROSSWALK)
    others = without(keyed(conform(known.table("crosswalk"), CROSSWALK)), keys, "record_key")
    return Reached(living, found["versions"], found["standardised"], found["memberships"], had, others, known.run)


def identified(
    memberships: DataFrame, reached: Reached | None, before: DataFrame | None, past: DataFrame | None, run_id: str,
    settings: IdentitySettings, checkpoint: Checkpoint,
) -> Identity:  # fmt: skip
    """The ids of the records that are reached and their history (`identity.enterprise_ids`). ``reached``: null for all."""
    if reached is None:
        return enterprise_ids(memberships, before, past, run_id, settings, checkpoint)
    return enterprise_ids(reached.grouped, reached.had, past, run_id, settings, checkpoint)


def written_ids(run: RunFolder, identity: Identity, reached: Reached | None) -> DataFrame:
    """ENTERPRISE_ID_HISTORY, written."""
    name = "enterprise_id_history"
    if reached is None:
        return written_table(run, identity.history, name)
    return run.renew_table(name, reached.run.table(name), [], identity.events)


def published_walk(run: RunFolder, own: DataFrame, reached: Reached | None) -> DataFrame:
    """CROSSWALK as it is written of all records that are reached, and of those that were and are gone: of these no row.

    In: ``own``: `walked`, written by `written_walk`; ``reached``: null for all.
    """
    if reached is None:
        return own
    key = ("source", "record_id")
    keys = own.select(*key).union(reached.had.select(*key)).distinct()
    return run.checkpoint(run.rows_among("crosswalk", KeyedRows(keys, key)), "published_walk")


def walked(
    records: DataFrame, ids: DataFrame, standings: DataFrame, links: DataFrame, run_id: str, run_time: str,
    before: DataFrame | None, reached: Reached | None,
) -> DataFrame:  # fmt: skip
    """CROSSWALK of the records that are reached (`survivorship.crosswalk`).

    In: as there, but ``ids`` of these records alone; ``reached``: null for all.
    """
    if reached is None:
        return crosswalk(records, ids, standings, links, run_id, run_time, before)
    own_links = reached.of(links, "left_key", "right_key")
    return crosswalk(reached.records, ids, standings, own_links, run_id, run_time, reached.had)


def written_walk(run: RunFolder, own: DataFrame, reached: Reached | None) -> DataFrame:
    """CROSSWALK of all records, written. In: ``own``: `walked`."""
    if reached is None:
        return written_table(run, own, "crosswalk")
    stale = [KeyedRows(reached.had_keys, ("source", "record_id"))]
    return run.renew_table("crosswalk", reached.run.table("crosswalk"), stale, own, {"run_id": run.run_id})


def written_walk_history(
    run: RunFolder, own: DataFrame, before: DataFrame | None, earlier: DataFrame | None, run_time: str,
    reached: Reached | None,
) -> DataFrame:  # fmt: skip
    """CROSSWALK_HISTORY (`survivorship.crosswalk_history`), written. In: ``own``: `walked`; ``reached``: null for all."""
    name = "crosswalk_history"
    if reached is None or earlier is None:
        history = crosswalk_history(own, before if reached is None else reached.had, earlier, run_time)
        return run.write_table(history, name)
    ended = crosswalk_history(own, reached.had, None, run_time)
    return run.renew_table(name, reached.run.table(name), [], ended)


def written_proposals(
    run: RunFolder, records: DataFrame, own: DataFrame, links: DataFrame, sources: dict[str, SourceSettings],
    reached: Reached | None,
) -> DataFrame:  # fmt: skip
    """PROPOSALS of all people (`proposals.proposals`), written. In: ``own``: `walked`; ``reached``: null for all."""
    if reached is None:
        return run.write_table(proposals(records, own, links, sources), "proposals")
    fresh = proposals(reached.records, own, reached.of(links, "left_key", "right_key"), sources)
    return run.renew_table("proposals", reached.run.table("proposals"), reached.stale_people(), fresh)


@dataclass(frozen=True)
class Near:
    """What there is to ask about the people that are reached: LINKS and CUTS of their records with any other, and
    ENTERPRISE_IDS of both.
    """

    links: DataFrame
    cuts: DataFrame
    ids: DataFrame


def near(
    links: DataFrame,
    cuts: DataFrame,
    ids: DataFrame,
    answered: DataFrame | None,
    reached: Reached | None,
    run: RunFolder,
) -> Near:
    """What there is to ask about.

    In: LINKS and CUTS of all records, LINKS a table of that name in the run; ``ids``: ENTERPRISE_IDS of those reached;
    ``answered``: ANSWERS of the run before; ``reached``: null for all.
    """
    if reached is None:
        return Near(links, cuts, ids)
    sides = [KeyedRows(reached.living, (side,)) for side in ("left_key", "right_key")]
    own_links = conform(run.checkpoint(run.rows_among("links", *sides), "near_links"), LINKS)
    own_cuts = run.checkpoint(reached.touching(conform(cuts, CUTS)), "near_cuts")
    pairs = [own_links, own_cuts] + ([] if answered is None else [reached.touching(answered)])
    ends = reduce(DataFrame.union, (pair.select(F.explode(F.array("left_key", "right_key"))) for pair in pairs))
    keys = ends.toDF("record_key").distinct().join(F.broadcast(reached.living), "record_key", "left_anti")
    met = reached.run.rows_among("crosswalk", KeyedRows(keys, ("source", "record_id")))
    others = ids_of_walk(keyed(run.checkpoint(met, "met_before")))
    return Near(own_links, own_cuts, run.checkpoint(ids.unionByName(others), "near_ids"))
