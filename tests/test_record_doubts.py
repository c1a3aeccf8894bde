"""Questions about one record: an answer holds until the record, its history or its notes say something else."""

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, IntegerType, StructField, StructType

from siamese_er.review.queue import RECORD_AGAIN, questions
from siamese_er.review.record_doubts import OVERLAID, TWO_IDS, WRONG_CHART, reasons_for_doubt, record_doubts
from siamese_er.schemas import (
    CLUSTERS,
    CUTS,
    DECISIONS,
    ENTERPRISE_IDS,
    GOLDEN_RECORDS,
    LINKS,
    NOTES,
    RECORD_DOUBTS,
    no_rows,
)
from siamese_er.sources.records import VERSIONS

ANSWER, NEW_ANSWER = "2026-01-01", "2026-02-01"
FIRST = (("ann",), ("a note",), WRONG_CHART, None)
ANSWERED = (*FIRST[:3], ANSWER)
AGAIN = WRONG_CHART + RECORD_AGAIN
EDITED = (("bob", "ann"), *ANSWERED[1:])
CASES = {
    "nothing changed": ([FIRST, ANSWERED, ANSWERED], [WRONG_CHART, None, None]),
    "answer withdrawn": ([FIRST, ANSWERED, FIRST], [WRONG_CHART, None, WRONG_CHART]),
    "record edited": ([FIRST, ANSWERED, EDITED], [WRONG_CHART, None, AGAIN]),
    "an earlier version came": ([FIRST, ANSWERED, (("ann", "bob"), *ANSWERED[1:])], [WRONG_CHART, None, AGAIN]),
    "note gone": ([FIRST, ANSWERED, (("ann",), (), *ANSWERED[2:])], [WRONG_CHART, None, AGAIN]),
    "another note": ([FIRST, ANSWERED, (("ann",), ("a note", "more"), *ANSWERED[2:])], [WRONG_CHART, None, AGAIN]),
    "edited before the answer came": ([FIRST, EDITED, EDITED], [WRONG_CHART, AGAIN, AGAIN]),
    "answered anew": ([FIRST, EDITED, (*EDITED[:3], NEW_ANSWER)], [WRONG_CHART, AGAIN, None]),
    "another doubt": (
        [FIRST, ANSWERED, (*ANSWERED[:2], OVERLAID, ANSWER)],
        [WRONG_CHART, None, OVERLAID + RECORD_AGAIN],
    ),
    "the doubt went and came back": ([ANSWERED, (*ANSWERED[:2], None, ANSWER), ANSWERED], [None, None, None]),
    "deleted and sent again": ([ANSWERED, ((None,), (), None, ANSWER), ANSWERED], [None, None, WRONG_CHART]),
    "a decision before any question": ([ANSWERED, ANSWERED, EDITED], [None, None, AGAIN]),
}
"""For each record what it says in three runs (versions, notes, doubt, moment of the answer), and what is asked."""


@pytest.fixture(scope="module")
def asked(spark):
    """What is asked about each record in each run; null where nothing is."""

    def version(key, rank, given_name):
        values = {"record_key": key, "given_name": [given_name]}
        return (*(values.get(name) for name in VERSIONS.names), rank, given_name is None)

    ranked = StructType(
        [*VERSIONS.fields, StructField("rank", IntegerType()), StructField("is_deleted", BooleanType())]
    )
    ids = spark.createDataFrame([(key, key, None) for key in CASES], ENTERPRISE_IDS)
    found, earlier, given = {key: [] for key in CASES}, None, []
    for run in range(3):
        told = {key: runs[run] for key, (runs, _) in CASES.items()}
        versions = [version(key, rank, name) for key, one in told.items() for rank, name in enumerate(one[0], 1)]
        notes = [(key, text, None, None, text) for key, one in told.items() for text in one[1]]
        reasons = [(key, one[2]) for key, one in told.items() if one[2]]
        decisions = [(key, key, "match", None, one[3], None) for key, one in told.items() if one[3]]
        doubts = record_doubts(
            spark.createDataFrame(reasons, "record_key string, reason string"), spark.createDataFrame(versions, ranked),
            spark.createDataFrame(notes, NOTES), earlier, spark.createDataFrame(decisions, DECISIONS),
            spark.createDataFrame([one for one in decisions if one not in given], DECISIONS),
        )  # fmt: skip
        earlier, given = spark.createDataFrame(doubts.collect(), RECORD_DOUBTS), decisions
        queue = questions(
            no_rows(spark, LINKS), no_rows(spark, CUTS), ids, no_rows(spark, CLUSTERS), 100, in_doubt=earlier
        )
        reasons = {row["left_source"]: row["reason"] for row in queue.collect()}
        for key in CASES:
            found[key].append(reasons.get(key))
    return found


@pytest.mark.parametrize("case", CASES)
def test_an_answer_about_a_record_holds_until_its_evidence_changes(asked, case):
    assert asked[case] == CASES[case][1]


def test_reasons_for_doubt_of_a_record_alone(spark):
    keys = {name: spark.createDataFrame([(name,)], "record_key string") for name in ("chart", "overlaid")}
    ids = [("alone", "E1", None), ("one", "E2", None), ("two", "E2", None)]
    clusters = [("E1", 1, 1, None, None, True, False), ("E2", 2, 1, 0.9, 1.0, True, False)]
    goldens = [
        [{"enterprise_id": id_, "conflicts": ["national_id"]}.get(name) for name in GOLDEN_RECORDS.names]
        for id_ in ("E1", "E2")
    ]

    found = reasons_for_doubt(
        keys["chart"], keys["overlaid"], spark.createDataFrame(ids, ENTERPRISE_IDS),
        spark.createDataFrame(clusters, CLUSTERS), spark.createDataFrame(goldens, GOLDEN_RECORDS),
    ).orderBy(F.col("record_key"))  # fmt: skip

    assert [tuple(row) for row in found.collect()] == [
        ("alone", TWO_IDS), ("chart", WRONG_CHART), ("overlaid", OVERLAID),
    ]  # fmt: skip
