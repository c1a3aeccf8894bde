"""What the source systems may want to do about one person's records: PROPOSALS, never commands.

A source's owner merges its own duplicates, or not; this program changes no source. The words are FHIR's
(``Patient.link.type``): a duplicate is ``replaced-by`` the record that stays, records of two sources ``seealso``
each other.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.config import SourceSettings
from siamese_er.schemas import KEY_SEPARATOR, PROPOSALS, conform

REPLACED_BY, SEE_ALSO = "replaced-by", "seealso"


def proposals(
    records: DataFrame, crosswalk: DataFrame, links: DataFrame, sources: dict[str, SourceSettings]
) -> DataFrame:
    """PROPOSALS of all people with several records.

    Of one person's records in one source, the most recently updated stays (ties: the smallest id) and each other one
    is ``replaced-by`` it. The records that stay, one a source, ``seealso`` that of the most trusted source (ties: the
    smallest name). Restricted records are in no proposal: it would tell one source of the other's.

    In:  RECORDS, CROSSWALK, LINKS.
    Out: match_probability: of the two records, null where they are joined over others or by people alone; basis:
         ``verified`` where a person joined the two, else ``auto``. proposal_id: the same for the same two records.
    """
    is_restricted = F.coalesce(F.lower(F.trim("sensitivity")) == "restricted", F.lit(False))
    several = crosswalk.groupBy("enterprise_id").agg(F.count("*").alias("n")).where("n > 1").select("enterprise_id")
    members = (
        crosswalk.join(several, "enterprise_id", "left_semi")
        .select("source", "record_id", "enterprise_id")
        .join(records.where(~is_restricted).select("source", "record_id", "updated_at"), ["source", "record_id"])
    )
    stays = F.first(F.struct("source", "record_id"))
    in_source = Window.partitionBy("enterprise_id", "source").orderBy(
        F.col("updated_at").desc_nulls_last(), "record_id"
    )
    placed = members.withColumns({"place": F.row_number().over(in_source), "other": stays.over(in_source)})
    trust = F.create_map(*[F.lit(part) for name, known in sources.items() for part in (name, -known.trust)])
    order = F.coalesce(F.try_element_at(trust, F.col("source")), F.lit(0)) if sources else F.lit(0)
    over_sources = Window.partitionBy("enterprise_id").orderBy(order, "source")
    heads = placed.where("place = 1").withColumns(
        {"place": F.row_number().over(over_sources), "other": stays.over(over_sources)}
    )
    found = [
        rows.where("place > 1").select(
            F.lit(kind).alias("kind"), "source", "record_id", "enterprise_id",
            F.col("other.source").alias("other_source"), F.col("other.record_id").alias("other_record_id"),
        )
        for kind, rows in ((REPLACED_BY, placed), (SEE_ALSO, heads))
    ]  # fmt: skip
    return conform(_with_links(found[0].unionByName(found[1]), links), PROPOSALS)


def _with_links(found: DataFrame, links: DataFrame) -> DataFrame:
    """The proposals with their ids and what links the two records."""
    own = F.concat_ws(KEY_SEPARATOR, "source", "record_id")
    other = F.concat_ws(KEY_SEPARATOR, "other_source", "other_record_id")
    keyed = found.withColumns({"left_key": F.least(own, other), "right_key": F.greatest(own, other)})
    linked = links.groupBy("left_key", "right_key").agg(
        F.max("match_probability").alias("match_probability"), F.bool_or("is_verified").alias("is_verified")
    )
    return keyed.join(linked, ["left_key", "right_key"], "left").withColumns(
        {
            "basis": F.when(F.col("is_verified"), "verified").otherwise("auto"),
            "proposal_id": F.substring(F.sha2(F.concat_ws("\x1e", "kind", own, other), 256), 1, 16),
        }
    )
