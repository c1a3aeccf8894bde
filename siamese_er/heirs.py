"""Where an enterprise id that ended leads to."""

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.components import Checkpoint, local_checkpoint

ENDS = ("merged_into", "retired")


def heirs(history: DataFrame, checkpoint: Checkpoint = local_checkpoint) -> DataFrame:
    """enterprise_id, heir_id of every id that ended: the living id that it was merged into, over any number of merges.

    Where that id was split later, its records may be under another one by now: ``crosswalk_history`` knows each record.

    heir_id is null where the way ends at an id that was retired with its last record. An id that lost records to
    another but lives on is its own heir and has no row. Pointers are doubled, so rounds grow with the logarithm of the
    longest chain of merges.

    In: ENTERPRISE_ID_HISTORY; an id ends at most once.
    """
    ended = history.where(F.col("event").isin(*ENDS)).select(
        "enterprise_id", F.col("other_enterprise_id").alias("heir_id")
    )
    ended = checkpoint(ended, "heirs_0")
    n_rounds = 0
    while True:
        onward = ended.toDF("heir_id", "next_id").withColumn("is_ended", F.lit(True))
        stepped = ended.join(onward, "heir_id", "left")
        if not stepped.where("is_ended").head(1):
            return ended
        n_rounds += 1
        following = F.when(F.col("is_ended"), F.col("next_id")).otherwise(F.col("heir_id"))
        ended = checkpoint(stepped.select("enterprise_id", following.alias("heir_id")), f"heirs_{n_rounds}")


def heir_of(history: pd.DataFrame, enterprise_id: str) -> str | None:
    """`heirs` of one id, from the rows of a history at hand; the id itself while it lives."""
    ended = history[history["event"].isin(ENDS)].set_index("enterprise_id")["other_enterprise_id"].to_dict()
    found: str | None = enterprise_id
    while found is not None and found in ended:
        found = ended[found]
    return found
