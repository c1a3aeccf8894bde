"""Which doubts people have answered: a question between two clusters returns only where its evidence changed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.review.queue import between, doubts
from siamese_er.schemas import ANSWERS, DECISIONS, conform


def renewed_decisions(decisions: DataFrame, earlier: DataFrame | None) -> DataFrame:
    """DECISIONS that the run before did not have, or had with another answer or date."""
    now = conform(decisions, DECISIONS)
    if earlier is None:
        return now
    same = ["left_key", "right_key", "decision", "decided_at"]
    then = earlier.select(*[F.col(name).alias(f"then_{name}") for name in same])
    is_same = [F.col(name).eqNullSafe(F.col(f"then_{name}")) for name in same]
    return now.join(then, is_same[0] & is_same[1] & is_same[2] & is_same[3], "left_anti")


def answers(
    links: DataFrame, cuts: DataFrame, ids: DataFrame, earlier: DataFrame | None, renewed: DataFrame
) -> DataFrame:
    """ANSWERS: the doubts between two clusters that a person keeps apart, with the probability the person saw.

    A new or renewed no_match answers every doubt that there is between the two clusters at that time; all others keep
    what was answered before.

    In: LINKS, CUTS, ENTERPRISE_IDS; ANSWERS of the run before, null for none; ``renewed``: DECISIONS.
    """
    parted = between(links.where("not is_verified").select("left_key", "right_key"), ids)
    fresh = parted.join(renewed.select("left_key", "right_key"), ["left_key", "right_key"], "left_semi")
    sides = ["first_id", "second_id"]
    open_doubts = between(doubts(links, cuts), ids).join(fresh.select(*sides).distinct(), sides, "left_semi")
    best = open_doubts.groupBy("left_key", "right_key").agg(F.max("match_probability").alias("match_probability"))
    if earlier is not None:
        still = between(conform(earlier, ANSWERS), ids).join(parted.select(*sides).distinct(), sides, "left_semi")
        best = best.unionByName(
            still.join(best, ["left_key", "right_key"], "left_anti").select(
                "left_key", "right_key", "match_probability"
            )
        )
    return conform(best, ANSWERS)
