"""Steps 7 and 8 over a batch: only records that it reaches get ids and rows of the crosswalk anew.

A batch reaches the records of the components that it touches, and those that are gone (`regroup`). A person who has one such
record has no other: of everyone else id, status and dates are as they were.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.components import Checkpoint
from siamese_er.config import IdentitySettings
from siamese_er.identity import Identity, enterprise_ids
from siamese_er.intake import Inputs
from siamese_er.known import only, without
from siamese_er.regroup import Grouping
from siamese_er.schemas import CROSSWALK, ENTERPRISE_IDS, KEY_SEPARATOR, conform
from siamese_er.survivorship import crosswalk, crosswalk_history


def keyed(walk: DataFrame) -> DataFrame:
    """CROSSWALK with record_key."""
    return walk.withColumn("record_key", F.concat_ws(KEY_SEPARATOR, "source", "record_id"))


@dataclass(frozen=True)
class Reached:
    """``living``: record_key of the living records that a batch reaches, small. CROSSWALK before the batch: ``had``, of these
    and of those that are gone, and ``others``, of all others, with record_key.
    """

    living: DataFrame
    had: DataFrame
    others: DataFrame

    def of(self, frame: DataFrame, *columns: str) -> DataFrame:
        """The rows all of whose ``columns`` (record keys) are living records that the batch reaches."""
        return only(frame, F.broadcast(self.living), *columns)


def reached_by(inputs: Inputs, grouping: Grouping, before: DataFrame | None, checkpoint: Checkpoint) -> Reached | None:
    """What a batch reaches; null where all records are clustered anew. In: ``before``: CROSSWALK of the run it adds to."""
    if grouping.touched is None or inputs.arrivals is None or before is None:
        return None
    living = grouping.touched.select("record_key")
    keys = living.union(inputs.arrivals.gone.select("record_key")).distinct()
    rows = keyed(conform(before, CROSSWALK).where("valid_to is null"))
    had = checkpoint(only(rows, F.broadcast(keys), "record_key").select(*CROSSWALK.names), "reached_before")
    return Reached(living, had, without(rows, keys, "record_key"))


def identified(
    memberships: DataFrame, reached: Reached | None, before: DataFrame | None, past: DataFrame | None, run_id: str,
    settings: IdentitySettings, checkpoint: Checkpoint,
) -> Identity:  # fmt: skip
    """The ids of all records and their history (`identity.enterprise_ids`). In: as there; ``reached``: null for all."""
    if reached is None:
        return enterprise_ids(memberships, before, past, run_id, settings, checkpoint)
    found = enterprise_ids(reached.of(memberships, "record_key"), reached.had, past, run_id, settings, checkpoint)
    kept = reached.others.select(
        "record_key", "enterprise_id", F.lit(None).cast("string").alias("previous_enterprise_id")
    )
    return Identity(conform(found.ids.unionByName(kept), ENTERPRISE_IDS), found.history)


def walked(
    records: DataFrame, ids: DataFrame, standings: DataFrame, links: DataFrame, run_id: str, run_time: str,
    before: DataFrame | None, reached: Reached | None,
) -> DataFrame:  # fmt: skip
    """CROSSWALK of all records (`survivorship.crosswalk`). In: as there; ``reached``: null for all."""
    if reached is None:
        return crosswalk(records, ids, standings, links, run_id, run_time, before)
    own_records, own_ids, own_standings = (reached.of(frame, "record_key") for frame in (records, ids, standings))
    own_links = reached.of(links, "left_key", "right_key")
    fresh = crosswalk(own_records, own_ids, own_standings, own_links, run_id, run_time, reached.had)
    return conform(
        fresh.unionByName(reached.others.select(*CROSSWALK.names).withColumn("run_id", F.lit(run_id))), CROSSWALK
    )


def walk_history(
    walk: DataFrame, before: DataFrame | None, earlier: DataFrame | None, run_time: str, reached: Reached | None
) -> DataFrame:
    """CROSSWALK_HISTORY (`survivorship.crosswalk_history`). In: as there; ``reached``: null for all."""
    if reached is None:
        return crosswalk_history(walk, before, earlier, run_time)
    own = reached.of(keyed(walk), "record_key").select(*CROSSWALK.names)
    return crosswalk_history(own, reached.had, earlier, run_time)
