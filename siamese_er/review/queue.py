"""QUESTIONS: what a person should look at, each once, and of them REVIEW_QUEUE, the most valuable; ids and words, no values."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.linkage.care import CARE_VETOES
from siamese_er.linkage.vetoes import CONTRADICTIONS
from siamese_er.review.record_doubts import OVERLAID
from siamese_er.schemas import (
    ANSWERS,
    CLUSTERS,
    CUTS,
    ENTERPRISE_IDS,
    KEY_SEPARATOR,
    LINKS,
    QUESTIONS,
    RECORD_DOUBTS,
    REVIEW_QUEUE,
    conform,
    no_rows,
)

CUT_REASONS = {
    "bridge": "a strong link, but the groups around it do not match",
    "veto": "a strong link, but records of the two groups contradict each other",
    "size": "a strong link, but the cluster would grow past its limit",
    "no_match": "a strong link, but a person keeps records of the two groups apart",
}
MOST_UNCERTAIN = 0.25
CHANGED_EVIDENCE = 0.05  # probability by which an answered pair must have moved to be asked again
AGAIN = "; new evidence since a person kept these apart"
RECORD_AGAIN = "; new evidence since a person answered"
OF_RECORD = 0.1  # uncertainty of a record in doubt that is not suspected to hold two people


def questions(
    links: DataFrame,
    cuts: DataFrame,
    ids: DataFrame,
    clusters: DataFrame,
    max_cluster_size: int,
    goldens: DataFrame | None = None,
    in_doubt: DataFrame | None = None,
    answered: DataFrame | None = None,
    crosswalk: DataFrame | None = None,
    others: DataFrame | None = None,
) -> DataFrame:
    """QUESTIONS: pairs of clusters that may be one person, clusters that may be several, records in doubt.

    Two clusters are asked about once, by their best pair; a pair inside one cluster is not asked. A pair between
    clusters that a person keeps apart is asked again only where it is not among those ``answered``, or its probability
    moved by more than `CHANGED_EVIDENCE` since. A cluster all of whose records people's matches join is not asked about,
    nor is a record whose doubt a person answered and that is as it was then.
    The priority is the
    uncertainty, p(1 - p), times the records that the answer moves; a link that the guard refused, and a pair with a veto of
    dated care, count as wholly uncertain (.25), whatever their own probability.

    In:  LINKS, CUTS, ENTERPRISE_IDS, CLUSTERS; ``goldens``: GOLDEN_RECORDS, for clusters with several national ids;
         ``in_doubt``: RECORD_DOUBTS; ``answered``: ANSWERS; ``crosswalk``: CROSSWALK; ``others``: CLUSTERS about which
         nothing is asked but with those of ``clusters``, to which pairs lead.
    Out: task_id is a hash of the keys of the question; kind is pair, cluster or record; right_source and
         right_record_id are null for a cluster and for a single record.
    """
    settled = no_rows(links.sparkSession, ANSWERS) if answered is None else conform(answered, ANSWERS)
    doubtful = clusters if crosswalk is None else _unconfirmed(clusters, crosswalk, links, ids)
    sized = clusters if others is None else clusters.unionByName(others)
    found = _pair_questions(doubts(links, cuts), links, ids, sized, settled).unionByName(
        _cluster_questions(ids, doubtful, goldens, max_cluster_size, contradicted(links, ids))
    )
    if in_doubt is not None:
        found = found.unionByName(_record_questions(ids, in_doubt))
    named = found.select(
        F.substring(F.sha2(F.concat_ws("\x1e", "kind", "left_key", "right_key"), 256), 1, 16).alias("task_id"),
        "kind",
        *_source_and_id("left"),
        *_source_and_id("right"),
        "enterprise_ids",
        "match_probability",
        "reason",
        F.round(F.col("uncertainty") * F.col("n_records"), 6).alias("priority"),
        F.get("enterprise_ids", 0).alias("first_id"),
        F.get("enterprise_ids", 1).alias("second_id"),
    )
    return conform(named, QUESTIONS)


def review_queue(asked: DataFrame, capacity: int | None = None) -> DataFrame:
    """REVIEW_QUEUE: the questions of the highest priority (ties by task), at most ``capacity``, null for all. In: QUESTIONS."""
    if capacity is not None:
        asked = asked.orderBy(F.desc("priority"), "task_id").limit(capacity)
    return conform(asked, REVIEW_QUEUE)


def _source_and_id(side: str) -> list[Column]:
    parts = F.split(F.col(f"{side}_key"), KEY_SEPARATOR, 2)
    return [F.get(parts, 0).alias(f"{side}_source"), F.get(parts, 1).alias(f"{side}_record_id")]


def _with_ids(pairs: DataFrame, ids: DataFrame) -> DataFrame:
    """The pairs with left_id and right_id, the enterprise ids of their records."""
    of = conform(ids, ENTERPRISE_IDS).select("record_key", "enterprise_id")
    return pairs.join(of.toDF("left_key", "left_id"), "left_key").join(of.toDF("right_key", "right_id"), "right_key")


def between(pairs: DataFrame, ids: DataFrame) -> DataFrame:
    """The pairs whose records have two enterprise ids, with these as first_id < second_id."""
    return (
        _with_ids(pairs, ids)
        .where(F.col("left_id") != F.col("right_id"))
        .withColumns({"first_id": F.least("left_id", "right_id"), "second_id": F.greatest("left_id", "right_id")})
    )


def within(pairs: DataFrame, ids: DataFrame) -> DataFrame:
    """enterprise_id of each of the pairs whose records have one enterprise id."""
    inside = _with_ids(pairs, ids).where(F.col("left_id") == F.col("right_id"))
    return inside.select(F.col("left_id").alias("enterprise_id"))


def doubts(links: DataFrame, cuts: DataFrame) -> DataFrame:
    """left_key, right_key, match_probability, reason, uncertainty, is_cut of pairs that a person should look at."""
    held_back = F.concat(
        F.lit("likely, held back by: "), F.replace(F.array_join("vetoes", ", "), F.lit("_"), F.lit(" "))
    )
    alarming = F.arrays_overlap("vetoes", F.array(*map(F.lit, CARE_VETOES)))
    asked = (
        conform(links, LINKS)
        .where("band = 'review' and is_verified is null")
        .select(
            *_ordered_keys(),
            "match_probability",
            F.when(F.size("vetoes") > 0, held_back).otherwise(F.lit("likely, but not certain")).alias("reason"),
            F.when(alarming, MOST_UNCERTAIN)
            .otherwise(F.col("match_probability") * (1 - F.col("match_probability")))
            .alias("uncertainty"),
            F.lit(False).alias("is_cut"),
        )
    )
    reasons = F.create_map(*[F.lit(text) for pair in CUT_REASONS.items() for text in pair])
    refused = conform(cuts, CUTS).select(
        *_ordered_keys(),
        "match_probability",
        F.coalesce(F.try_element_at(reasons, F.col("reason")), F.col("reason")).alias("reason"),
        F.lit(MOST_UNCERTAIN).alias("uncertainty"),
        F.lit(True).alias("is_cut"),
    )
    return asked.unionByName(refused)


def _pair_questions(
    open_doubts: DataFrame, links: DataFrame, ids: DataFrame, clusters: DataFrame, answered: DataFrame
) -> DataFrame:
    """One question for each two clusters with a doubt between them that nobody answered."""
    parted = between(links.where("not is_verified").select("left_key", "right_key"), ids)
    kept_apart = parted.select("first_id", "second_id", F.lit(True).alias("is_parted")).distinct()
    seen = answered.select("left_key", "right_key", F.struct("match_probability").alias("seen"))
    moved = F.abs(F.col("match_probability") - F.col("seen.match_probability")) > CHANGED_EVIDENCE
    is_settled = F.col("is_parted") & F.col("seen").isNotNull() & ~F.coalesce(moved, F.lit(False))
    best = Window.partitionBy("first_id", "second_id").orderBy(
        F.desc("is_cut"), F.desc_nulls_last("match_probability"), "left_key", "right_key", "reason"
    )
    sizes = clusters.select("enterprise_id", "n_records")
    reason = F.when(F.col("is_parted"), F.concat("reason", F.lit(AGAIN))).otherwise(F.col("reason"))
    return (
        between(open_doubts, ids)
        .join(kept_apart, ["first_id", "second_id"], "left")
        .join(seen, ["left_key", "right_key"], "left")
        .where(~F.coalesce(is_settled, F.lit(False)))
        .withColumn("place", F.row_number().over(best))
        .where("place = 1")
        .join(sizes.toDF("first_id", "n_first"), "first_id", "left")
        .join(sizes.toDF("second_id", "n_second"), "second_id", "left")
        .select(
            F.lit("pair").alias("kind"),
            "left_key",
            "right_key",
            F.array("first_id", "second_id").alias("enterprise_ids"),
            "match_probability",
            reason.alias("reason"),
            F.coalesce("uncertainty", F.lit(MOST_UNCERTAIN)).alias("uncertainty"),
            (F.coalesce("n_first", F.lit(1)) + F.coalesce("n_second", F.lit(1))).alias("n_records"),
        )
    )


def contradicted(links: DataFrame, ids: DataFrame) -> DataFrame:
    """enterprise_id of the clusters that hold a pair which a contradiction kept from a link, and nobody settled."""
    tells = F.arrays_overlap("vetoes", F.array(*map(F.lit, (*CONTRADICTIONS, *CARE_VETOES))))
    pairs = conform(links, LINKS).where(tells & F.col("is_verified").isNull() & (F.col("band") != "auto"))
    return within(pairs.select("left_key", "right_key"), ids).distinct()


def _unconfirmed(clusters: DataFrame, crosswalk: DataFrame, links: DataFrame, ids: DataFrame) -> DataFrame:
    """CLUSTERS without those whose records people's matches join, all of them; so many matches as that takes at least."""
    matches = links.where("is_verified").select(*_ordered_keys()).distinct()
    matched = within(matches, ids).groupBy("enterprise_id").agg(F.count("*").alias("n_matches"))
    by_people = (
        crosswalk.where("link_status = 'verified'").groupBy("enterprise_id").agg(F.count("*").alias("n_verified"))
    )
    joined = clusters.join(by_people, "enterprise_id", "left").join(matched, "enterprise_id", "left")
    n_verified, n_matches = (F.coalesce(F.col(name), F.lit(0)) for name in ("n_verified", "n_matches"))
    return joined.where((n_verified < F.col("n_records")) | (n_matches < F.col("n_records") - 1))


def _ordered_keys() -> list[Column]:
    return [F.least("left_key", "right_key").alias("left_key"), F.greatest("left_key", "right_key").alias("right_key")]


def _cluster_questions(
    ids: DataFrame, clusters: DataFrame, goldens: DataFrame | None, max_cluster_size: int, contradicting: DataFrame
) -> DataFrame:
    """One question for each cluster that may hold several people, in the name of its smallest record.

    What makes one record doubtful by itself is asked about the record.
    A cluster of one person and a mistyped id is common, so the less sure its weakest link, the sooner it is asked.
    """
    doubtful = conform(clusters, CLUSTERS).withColumn("has_id_conflict", F.lit(False))
    if goldens is not None:
        conflicts = goldens.select(
            "enterprise_id", F.array_contains("conflicts", "national_id").alias("has_id_conflict")
        )
        doubtful = doubtful.drop("has_id_conflict").join(conflicts, "enterprise_id", "left")
    marks = contradicting.select("enterprise_id", F.lit(True).alias("is_contradicted"))
    doubtful = doubtful.join(marks, "enterprise_id", "left")
    is_large = F.col("n_records") > max_cluster_size
    has_id_conflict = F.col("has_id_conflict") & (F.col("n_records") > 1)
    reasons = (
        F.when(has_id_conflict, "its records have different national ids"),
        F.when(
            F.col("is_contradicted") & ~F.coalesce(has_id_conflict, F.lit(False)),
            "two of its records contradict each other",
        ),
        F.when(is_large, "it is larger than the limit"),
    )
    p = F.coalesce("min_link_probability", F.lit(1.0))
    first_keys = ids.groupBy("enterprise_id").agg(F.min("record_key").alias("left_key"))
    return (
        doubtful.withColumn("reason", F.concat_ws("; ", *reasons))
        .where(F.col("reason") != "")
        .join(first_keys, "enterprise_id")
        .select(
            F.lit("cluster").alias("kind"),
            "left_key",
            F.lit(None).cast("string").alias("right_key"),
            F.array("enterprise_id").alias("enterprise_ids"),
            F.col("min_link_probability").alias("match_probability"),
            "reason",
            F.when(is_large, MOST_UNCERTAIN).otherwise(F.greatest(p * (1 - p), F.lit(0.01))).alias("uncertainty"),
            "n_records",
        )
    )


def _record_questions(ids: DataFrame, in_doubt: DataFrame) -> DataFrame:
    """One question for each record whose doubt nobody answered, or which is no longer as it was when somebody did."""
    is_answered = F.coalesce(F.col("answered") == F.col("evidence"), F.lit(False))
    again = F.when(F.col("answered").isNotNull(), F.concat("reason", F.lit(RECORD_AGAIN)))
    asked = conform(in_doubt, RECORD_DOUBTS).where(F.col("evidence").isNotNull() & ~is_answered)
    return asked.join(conform(ids, ENTERPRISE_IDS), "record_key").select(
        F.lit("record").alias("kind"),
        F.col("record_key").alias("left_key"),
        F.lit(None).cast("string").alias("right_key"),
        F.array("enterprise_id").alias("enterprise_ids"),
        F.lit(None).cast("double").alias("match_probability"),
        F.coalesce(again, "reason").alias("reason"),
        F.when(F.contains("reason", F.lit(OVERLAID)), MOST_UNCERTAIN).otherwise(OF_RECORD).alias("uncertainty"),
        F.lit(1).alias("n_records"),
    )
