"""The pairwise figures of parts of the population: whether a run serves some patients worse than others.

Counts alone reach the driver, and a subgroup of fewer than ten records shows none of its figures: with few people, a
figure is about persons.
"""

import pandas as pd
import scipy  # its parts are imported where they are used: no run without truth waits for them
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from siamese_er.errors import ContractFault
from siamese_er.quality.clusters import ratio
from siamese_er.quality.counts import pairs_among

SMALLEST_CELL = 10
"""Records; the figures of a smaller subgroup are null."""
MAX_VALUES = 100
"""Distinct values of a column; one with more identifies people, it does not group them."""
GOLDEN_COLUMNS = ("sex", "race", "ethnicity", "language", "country", "state")
MISSING = "(missing)"
DERIVED = ("source", "source_pair", "entity_size", "age_band", "pattern")
_KEYS = ("record_id", "record_key", "entity_id", "entity", "cluster", "enterprise_id")


def entity_size(records: DataFrame) -> DataFrame:
    """The records with ``subgroup``: the band of their entity's number of records."""
    sizes = records.groupBy("entity").agg(F.count(F.lit(1)).alias("n_in_entity"))
    size = F.col("n_in_entity")
    band = F.when(size == 1, "1").when(size == 2, "2").when(size <= 5, "3-5").otherwise("6+")
    return records.join(sizes, on="entity", how="inner").withColumn("subgroup", band)


def age_band(birth_date: Column, year: int) -> Column:
    """Age in completed or running years at the end of ``year``, in bands; null without a four-digit year of birth."""
    age_years = year - F.regexp_extract(birth_date.cast("string"), r"(1[89]\d\d|20\d\d)", 1).try_cast("int")
    bands = F.when(age_years < 1, "0").when(age_years < 18, "1-17").when(age_years < 40, "18-39")
    return F.when(age_years < 0, None).otherwise(bands.when(age_years < 65, "40-64").when(age_years >= 65, "65+"))


def with_subgroup(records: DataFrame, column: str, golden_records: DataFrame | None, year: int) -> DataFrame:
    """The labelled records with ``subgroup``, the text by which they are grouped; a missing value is a group too.

    A column of the truth is taken from there, else from the golden record that the run gave the record: then a record
    merged into the wrong patient counts with that patient's value.

    Raises: ContractFault when the column is neither, or is a key.
    """
    if column == "entity_size":
        return entity_size(records)
    if column in ("source", "source_pair"):
        return records.withColumn("subgroup", F.col("source"))
    needed = "birth_date" if column == "age_band" else column
    golden_columns = (*GOLDEN_COLUMNS, "birth_date") if column == "age_band" else GOLDEN_COLUMNS
    if needed not in records.columns:
        if golden_records is None or needed not in golden_columns or needed not in golden_records.columns:
            raise ContractFault(
                f"--by {column}: not a column of the truth nor one of {', '.join(DERIVED + GOLDEN_COLUMNS)}"
            )
        records = records.join(golden_records.select("enterprise_id", needed), on="enterprise_id", how="left")
    elif needed in _KEYS:
        raise ContractFault(f"--by {column}: a key, not a subgroup")
    value = age_band(F.col(needed), year) if column == "age_band" else F.col(needed).cast("string")
    return records.withColumn("subgroup", F.coalesce(value, F.lit(MISSING)))


def pairs_by_subgroups(records: DataFrame, *unit: str) -> pd.DataFrame:
    """Number of unordered record pairs within one unit (cluster, entity or both), by the subgroups of both records.

    Out: ``low``, ``high`` (subgroups, low <= high), ``n_pairs``.
    """
    in_unit = F.sum("n").over(Window.partitionBy(*unit))
    counts = records.groupBy(*unit, "subgroup").agg(F.count(F.lit(1)).alias("n")).withColumn("n_in_unit", in_unit)
    counts = counts.where(F.col("n_in_unit") > 1)
    left = counts.select(*unit, F.col("subgroup").alias("low"), F.col("n").alias("n_low"))
    right = counts.select(*unit, F.col("subgroup").alias("high"), F.col("n").alias("n_high"))
    n_pairs = F.when(F.col("low") == F.col("high"), pairs_among(F.col("n_low"))).otherwise(
        F.col("n_low") * F.col("n_high")
    )
    return (
        left.join(right, on=list(unit), how="inner")
        .where(F.col("low") <= F.col("high"))
        .groupBy("low", "high")
        .agg(F.sum(n_pairs).alias("n_pairs"))
        .toPandas()
    )


def subgroup_figures(records: DataFrame, per_pair: bool = False) -> pd.DataFrame:
    """Pairwise precision, recall and F1 of each subgroup, with 95 % Wilson intervals.

    A pair belongs to the subgroups of both its records, so that a false link between two subgroups counts in each of
    them; with ``per_pair`` the groups are the unordered pairs of values instead, as "clinic - hospital".

    In:  labelled records with ``subgroup``.
    Out: one row for each ``subgroup`` with ``n_records`` and what ``pair_figures`` gives; all null where fewer than ten
         records are behind them.

    Raises: ContractFault when there are too many subgroups for a table.
    """
    n_records = records.groupBy("subgroup").count().limit(MAX_VALUES + 1).toPandas().set_index("subgroup")["count"]
    if len(n_records) > MAX_VALUES:
        raise ContractFault(f"--by: more than {MAX_VALUES} distinct values; this column identifies rather than groups")
    kinds = {"true_pairs": ("entity",), "linked_pairs": ("cluster",), "correct_pairs": ("cluster", "entity")}
    counts = {name: pairs_by_subgroups(records, *unit) for name, unit in kinds.items()}
    everyone = {name: int(pairs.n_pairs.sum()) for name, pairs in counts.items()}
    values = sorted(n_records.index)
    groups = [(low, high) for low in values for high in values if low <= high] if per_pair else [(v, v) for v in values]
    rows = []
    for low, high in groups:
        chosen = {name: _among(pairs, low, high, per_pair) for name, pairs in counts.items()}
        smaller = min(int(n_records[low]), int(n_records[high]))
        total = int(n_records[list({low, high})].sum()) if smaller >= SMALLEST_CELL else smaller
        name = f"{low} - {high}" if per_pair else low
        rows.append({"subgroup": name, "n_records": _shown(total)} | pair_figures(chosen, everyone, total))
    return pd.DataFrame(rows)


def _shown(n_records: int) -> int | None:
    return n_records if n_records >= SMALLEST_CELL else None


def _among(pairs: pd.DataFrame, low: str, high: str, per_pair: bool) -> int:
    is_low, is_high = pairs.low == low, pairs.high == high
    return int(pairs.n_pairs[is_low & is_high if per_pair else is_low | is_high].sum())


def wilson(part: int, whole: int) -> tuple[float | None, float | None]:
    """The 95 % Wilson interval of a share; null where the whole is 0.

    Pairs of one entity depend on each other: where entities have more than two records, the interval is too narrow.
    """
    if not whole:
        return None, None
    found = scipy.stats.binomtest(part, whole).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def pair_figures(counts: dict[str, int], everyone: dict[str, int], n: int) -> dict[str, object]:
    """The figures of one subgroup from its ``true_pairs``, ``linked_pairs`` and ``correct_pairs``; null for small ``n``.

    Out: the counts; ``precision``, ``recall`` with ``_low`` and ``_high``; ``f1``; ``warning``, which names the figures
    that are worse than the figure of ``everyone`` by more than the interval, null where none is.
    """
    wholes = {"precision": "linked_pairs", "recall": "true_pairs"}
    names = [f"{figure}{end}" for figure in wholes for end in ("", "_low", "_high")]
    if n < SMALLEST_CELL:
        return dict.fromkeys([*counts, *names, "f1", "warning"])
    found: dict[str, object] = {}
    worse = []
    for figure, whole in wholes.items():
        low, high = wilson(counts["correct_pairs"], counts[whole])
        found |= {figure: ratio(counts["correct_pairs"], counts[whole]), f"{figure}_low": low, f"{figure}_high": high}
        of_all = ratio(everyone["correct_pairs"], everyone[whole])
        if high is not None and of_all is not None and high < of_all:
            worse.append(f"lower {figure}")
    both = counts["linked_pairs"] + counts["true_pairs"]
    found["f1"] = ratio(2 * counts["correct_pairs"], both) if counts["true_pairs"] else None
    return {**counts, **found, "warning": ", ".join(worse) or None}
