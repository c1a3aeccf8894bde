"""What a reviewer needs for a question: its records, the scored pairs among them, and what is left to answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType

from siamese_er.errors import ContractFault
from siamese_er.review.ledger import answered_tasks
from siamese_er.schemas import KEY_SEPARATOR, STANDARD_COLUMNS, table
from siamese_er.storage import RunFolder, current_run

MOST_RECORDS = 12
"""Records shown of one question; a reviewer cannot compare more, and the driver holds no more."""
MOST_CASES = 500
SHOWN_COLUMNS = tuple(name for name in STANDARD_COLUMNS if name not in ("name_marks", "value_faults"))
Kind = Literal["pair", "cluster", "record"]
WANTED = table(task_id=StringType(), record_key=StringType(), enterprise_id=StringType(), place=IntegerType())


@dataclass(frozen=True)
class Member:
    """One record of a question: where it is from, whose it is now, and its standardised values by column."""

    record_key: str
    enterprise_id: str
    values: dict[str, tuple[str, ...]]

    @property
    def source(self) -> str:
        """The system of origin."""
        return self.record_key.partition(KEY_SEPARATOR)[0]

    @property
    def record_id(self) -> str:
        """The id in that system."""
        return self.record_key.partition(KEY_SEPARATOR)[2]


@dataclass(frozen=True)
class Evidence:
    """What one comparison found; weight in bits; similarity is null for prior, context and the like."""

    field: str
    comparison: str
    similarity: float | None
    weight: float


@dataclass(frozen=True)
class PairScore:
    """A scored pair among the records of a question."""

    left_key: str
    right_key: str
    match_probability: float
    match_weight: float
    band: str
    vetoes: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class ReviewCase:
    """A question with all that is shown for it; ``asked`` holds the keys of its pair, or of its one record."""

    task_id: str
    run_id: str
    reason: str
    match_probability: float | None
    asked: tuple[str, ...]
    members: tuple[Member, ...]
    pairs: tuple[PairScore, ...]
    n_not_shown: int
    kind: Kind = "pair"

    @property
    def is_pair(self) -> bool:
        """Whether two records are asked about; else a cluster or one record is."""
        return self.kind == "pair"

    @property
    def asked_pair(self) -> PairScore | None:
        """The score of the pair in question; null where nothing scored it."""
        return next((pair for pair in self.pairs if {pair.left_key, pair.right_key} == set(self.asked)), None)


def open_cases(spark: SparkSession, output: str, decisions: str | None = None, most: int = 50) -> list[ReviewCase]:
    """The most urgent questions of the published run that nobody answered since, with their records and scores.

    All tables are of one run, whatever is published meanwhile. At most ``most`` (and 500) questions of 12 records each
    reach the driver.

    Raises: ContractFault if nothing is published in ``output`` or the run keeps no standardised records.
    """
    run = published_run(spark, output)
    done = answered_tasks(decisions, run.read_record(spark).get("started", "")) if decisions else set()
    queue = run.read_table(spark, "review_queue").orderBy(F.desc("priority"), "task_id")
    rows = queue.limit(min(most, MOST_CASES) + len(done)).collect()
    tasks = [row.asDict() for row in rows if row["task_id"] not in done][: min(most, MOST_CASES)]
    return cases_of(spark, run, tasks)


def published_run(spark: SparkSession, output: str) -> RunFolder:
    """The published run of an output folder. Raises: ContractFault where there is none."""
    run = current_run(spark, output)
    if run is None:
        raise ContractFault(f"nothing is published in {output}: match first, or name another folder")
    return run


def cases_of(spark: SparkSession, run: RunFolder, tasks: Sequence[dict[str, Any]]) -> list[ReviewCase]:
    """The cases of some rows of REVIEW_QUEUE (or rows of its columns), in their order.

    After the asked records come those that no person's match joins yet: a cluster with more than are shown is answered
    bit by bit.
    """
    if not tasks:
        return []
    crosswalk = run.read_table(spark, "crosswalk")
    key = F.concat_ws(KEY_SEPARATOR, "source", "record_id").alias("record_key")
    ids = spark.createDataFrame(
        [(task["task_id"], one, asked_keys(task)) for task in tasks for one in task["enterprise_ids"]],
        "task_id string, enterprise_id string, asked array<string>",
    )
    is_joined = (F.col("link_status") == "verified").alias("is_joined")
    found = ids.join(crosswalk.select(key, "enterprise_id", is_joined), "enterprise_id")
    first = F.coalesce(F.nullif(F.array_position("asked", F.col("record_key")), F.lit(0)), F.lit(9))
    shown = found.groupBy("task_id").agg(
        F.slice(F.array_sort(F.collect_list(F.struct(first.alias("place"), "is_joined", "record_key", "enterprise_id"))), 1,
                MOST_RECORDS).alias("shown"), F.count("*").alias("n"),
    )  # fmt: skip
    rows = {row["task_id"]: row for row in shown.collect()}
    wanted = [
        (task_id, one["record_key"], one["enterprise_id"], place)
        for task_id, row in rows.items()
        for place, one in enumerate(row["shown"])
    ]
    members = _members(spark, run, wanted)
    pairs = _pairs(run.read_table(spark, "scored_pairs"), spark.createDataFrame(wanted, WANTED))
    return [
        ReviewCase(
            task["task_id"], run.run_id, task["reason"], task["match_probability"], asked_keys(task),
            tuple(members.get(task["task_id"], ())), tuple(pairs.get(task["task_id"], ())),
            rows[task["task_id"]]["n"] - len(rows[task["task_id"]]["shown"]) if task["task_id"] in rows else 0,
            task["kind"],
        )
        for task in tasks
    ]  # fmt: skip


def asked_keys(task: dict[str, Any]) -> tuple[str, ...]:
    """The record keys that a question names: two, or one where its right side is null."""
    sides = [(task[f"{side}_source"], task[f"{side}_record_id"]) for side in ("left", "right")]
    return tuple(f"{source}{KEY_SEPARATOR}{record_id}" for source, record_id in sides if record_id is not None)


def _members(spark: SparkSession, run: RunFolder, wanted: list[tuple[str, str, str, int]]) -> dict[str, list[Member]]:
    keys = spark.createDataFrame(sorted({(row[1],) for row in wanted}), "record_key string")
    standardised = run.read_table(spark, "standardised").join(F.broadcast(keys), "record_key", "left_semi")
    values = {
        row["record_key"]: {name: tuple(row[name] or ()) for name in SHOWN_COLUMNS}
        for row in standardised.select("record_key", *SHOWN_COLUMNS).collect()
    }
    members: dict[str, list[Member]] = {}
    for task_id, key, enterprise_id, _ in wanted:
        members.setdefault(task_id, []).append(Member(key, enterprise_id, values.get(key, {})))
    return members


def _pairs(scored_pairs: DataFrame, wanted: DataFrame) -> dict[str, list[PairScore]]:
    """The scored pairs of which both records are shown, by question, likeliest first."""
    keyed = scored_pairs.withColumns(
        {f"{side}_key": F.concat_ws(KEY_SEPARATOR, f"{side}_source", f"{side}_record_id") for side in ("left", "right")}
    )
    left = F.broadcast(wanted.select("task_id", F.col("record_key").alias("left_key")))
    right = F.broadcast(wanted.select("task_id", F.col("record_key").alias("right_key")))
    rows = keyed.join(left, "left_key").join(right, ["task_id", "right_key"]).orderBy(
        "task_id", F.desc("match_probability"), "left_key", "right_key"
    )  # fmt: skip
    pairs: dict[str, list[PairScore]] = {}
    for row in rows.collect():
        evidence = tuple(Evidence(*one) for one in row["evidence"])
        pairs.setdefault(row["task_id"], []).append(
            PairScore(row["left_key"], row["right_key"], row["match_probability"], row["match_weight"], row["band"],
                      tuple(row["vetoes"]), evidence)
        )  # fmt: skip
    return pairs
