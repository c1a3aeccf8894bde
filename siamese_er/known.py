"""What a finished run keeps for the next one: tables of its folder, beside those of the contract."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from siamese_er.config import MatchConfig
from siamese_er.errors import ContractFault
from siamese_er.schemas import SCORES, conform, keys_of_sides
from siamese_er.storage import RunFolder

KEPT = (
    "versions", "notes", "standardised", "chunks", "places", "first_weights", "learned", "note_counts",
    "memberships", "cuts", "decisions", "answers",
)  # fmt: skip
"""Tables that an incremental run reads of the one before it: what was delivered, and what was found out about it."""

OF_SCORES = ("standardise", "model", "notes", "blocking", "score", "labels")
OF_READING = ("columns", "date_formats", "day_first", "default_region", "max_note_characters")
OF_CLUSTERS = ("decide", "cluster", "sources")
OF_GOLDEN = ("survivorship",)


@dataclass(frozen=True)
class Known:
    """The previous run, seen as what is known: its kept tables and its run.json."""

    spark: SparkSession
    run: RunFolder
    record: dict[str, Any]

    def table(self, name: str) -> DataFrame:
        """A table of that run, of the contract or kept."""
        return self.run.read_table(self.spark, name)

    def scores(self) -> DataFrame:
        """SCORES of that run: its scored_pairs under record keys."""
        return conform(self.table("scored_pairs").withColumns(keys_of_sides()), SCORES)

    def differs(self, config: MatchConfig, sections: tuple[str, ...]) -> list[str]:
        """Those of the sections of the config that are not as in that run."""
        now, then = config.model_dump(mode="json"), self.record.get("config", {})
        return [name for name in sections if now[name] != then.get(name)]


def known_run(spark: SparkSession, before: RunFolder | None) -> Known | None:
    """What is known from the previous run; null where there is none.

    Raises: ContractFault if that run keeps no tables for the next (an older version made it).
    """
    if before is None:
        return None
    for name in KEPT:
        try:
            before.read_table(spark, name)
        except ContractFault:
            raise ContractFault(
                f"--mode incremental: run {before.run_id} keeps no table {name}; run once with --mode full"
            ) from None
    return Known(spark, before, before.read_record(spark))


def without(frame: DataFrame, keys: DataFrame, *columns: str) -> DataFrame:
    """The rows none of whose ``columns`` (record keys) is among ``keys``, a small table with record_key."""
    for column in columns:
        frame = frame.join(F.broadcast(keys.select(F.col("record_key").alias(column))), column, "left_anti")
    return frame


def only(frame: DataFrame, keys: DataFrame, *columns: str) -> DataFrame:
    """The rows all of whose ``columns`` (record keys) are among ``keys``, a table with record_key."""
    for column in columns:
        frame = frame.join(keys.select(F.col("record_key").alias(column)), column, "left_semi")
    return frame
