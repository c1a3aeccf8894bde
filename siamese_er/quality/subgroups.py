"""The pairwise figures of parts of the population: whether a run serves some patients worse than others.

Counts alone reach the driver, and a subgroup of fewer than ten records shows none of its figures: with few people, a
figure is about persons.
"""

import pandas as pd
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
DERIVED = ("source", "source_pair", "entity_size", "age_band")
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
    """Pairwise precision, recall and F1 of each subgroup.

    A pair belongs to the subgroups of both its records, so that a false link between two subgroups counts in each of
    them; with ``per_pair`` the groups are the unordered pairs of values instead, as "clinic - hospital".

    In:  labelled records with ``subgroup``.
    Out: one row for each ``subgroup`` with ``n_records``, ``true_pairs``, ``linked_pairs``, ``correct_pairs``,
         ``precision``, ``recall``, ``f1``; all null where fewer than ten records are behind them, and where undefined.

    Raises: ContractFault when there are too many subgroups for a table.
    """
    n_records = records.groupBy("subgroup").count().limit(MAX_VALUES + 1).toPandas().set_index("subgroup")["count"]
    if len(n_records) > MAX_VALUES:
        raise ContractFault(f"--by: more than {MAX_VALUES} distinct values; this column identifies rather than groups")
    kinds = {"true_pairs": ("entity",), "linked_pairs": ("cluster",), "correct_pairs": ("cluster", "entity")}
    counts = {name: pairs_by_subgroups(records, *unit) for name, unit in kinds.items()}
    if per_pair:
        groups = [(low, high) for low in sorted(n_records.index) for high in sorted(n_records.index) if low <= high]
        return pd.DataFrame([_figures_of_pair(counts, n_records, low, high) for low, high in groups])
    return pd.DataFrame([_figures_of_value(counts, n_records, value) for value in sorted(n_records.index)])


def _figures_of_value(counts: dict[str, pd.DataFrame], n_records: pd.Series, value: str) -> dict[str, object]:
    chosen = {name: pairs.n_pairs[(pairs.low == value) | (pairs.high == value)].sum() for name, pairs in counts.items()}
    return _figures(value, int(n_records[value]), chosen)


def _figures_of_pair(counts: dict[str, pd.DataFrame], n_records: pd.Series, low: str, high: str) -> dict[str, object]:
    chosen = {name: pairs.n_pairs[(pairs.low == low) & (pairs.high == high)].sum() for name, pairs in counts.items()}
    smaller = min(int(n_records[low]), int(n_records[high]))
    total = int(n_records[list({low, high})].sum()) if smaller >= SMALLEST_CELL else smaller
    return _figures(f"{low} - {high}", total, chosen)


def _figures(subgroup: str, n_records: int, counts: dict[str, float]) -> dict[str, object]:
    if n_records < SMALLEST_CELL:
        names = ("n_records", *counts, "precision", "recall", "f1")
        return {"subgroup": subgroup} | dict.fromkeys(names)
    numbers = {name: int(count) for name, count in counts.items()}
    precision = ratio(numbers["correct_pairs"], numbers["linked_pairs"])
    recall = ratio(numbers["correct_pairs"], numbers["true_pairs"])
    f1 = (
        ratio(2 * numbers["correct_pairs"], numbers["linked_pairs"] + numbers["true_pairs"])
        if recall is not None
        else None
    )
    figures = {"precision": precision, "recall": recall, "f1": f1}
    return {"subgroup": subgroup, "n_records": n_records} | numbers | figures
