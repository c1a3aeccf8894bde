"""What the desk shows of a cluster that is too large for it."""

from dataclasses import dataclass

from pyspark.sql import DataFrame

from siamese_er.review.cases import MOST_RECORDS, cases_of
from siamese_er.schemas import CROSSWALK, SCORED_PAIRS, STANDARDISED, no_rows


@dataclass
class Run:
    """A run folder of these tables."""

    tables: dict[str, DataFrame]
    run_id: str = "run1"

    def read_table(self, spark, name):
        return self.tables[name]


def test_a_large_cluster_is_answered_bit_by_bit(spark):
    names = [f"r{n:02}" for n in range(MOST_RECORDS + 5)]
    joined = names[:MOST_RECORDS]
    rows = [("s", name, "E1", "verified" if name in joined else "auto", *[None] * 4) for name in names]
    run = Run({
        "crosswalk": spark.createDataFrame(rows, CROSSWALK),
        "standardised": no_rows(spark, STANDARDISED), "scored_pairs": no_rows(spark, SCORED_PAIRS),
    })  # fmt: skip
    task = {
        "task_id": "t", "kind": "cluster", "left_source": "s", "left_record_id": "r00", "right_source": None,
        "right_record_id": None, "enterprise_ids": ["E1"], "match_probability": None, "reason": "large",
    }  # fmt: skip

    (case,) = cases_of(spark, run, [task])

    assert case.kind == "cluster"
    shown = [member.record_id for member in case.members]
    assert shown[:6] == ["r00", *names[MOST_RECORDS:]]
    assert (len(shown), case.n_not_shown) == (MOST_RECORDS, 5)
