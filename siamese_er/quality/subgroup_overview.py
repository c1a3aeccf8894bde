"""Precision and recall of the subgroups of several columns at once, for the report of a run."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.quality.subgroups import SMALLEST_CELL, pair_figures, pairs_by_subgroups, with_subgroup

MOST_SUBGROUPS = 30
"""Subgroups shown of one column: those with the most records."""
SEPARATOR = "\x1f"
UNITS = {"true_pairs": ("entity",), "linked_pairs": ("cluster",), "correct_pairs": ("cluster", "entity")}


def subgroup_overview(
    records: DataFrame, golden_records: DataFrame | None, columns: Sequence[str], year: int, everyone: Mapping[str, int]
) -> dict[str, list[dict[str, Any]]]:
    """Column -> a row for each subgroup: ``subgroup``, ``n_records`` and what `pair_figures` gives, as ``subgroups.py``.

    Four jobs however many columns there are. Subgroups of fewer than ten records are left out with their names.

    In: labelled records; ``everyone``, the true, linked and correct pairs of all of them.
    """
    stacked = reduce(DataFrame.unionByName, [of_column(records, golden_records, column, year) for column in columns])
    counted = stacked.groupBy("by", "subgroup").agg(F.count("*").alias("n")).where(F.col("n") >= SMALLEST_CELL)
    sizes = [row.asDict() for row in counted.orderBy(F.desc("n"), "subgroup").limit(MOST_SUBGROUPS * 10).collect()]
    pairs = {name: pairs_by_subgroups(stacked, "by", *unit) for name, unit in UNITS.items()}
    return {
        column: [
            row_of(size["subgroup"], size["n"], pairs, everyone)
            for size in sorted(
                [size for size in sizes if size["by"] == column][:MOST_SUBGROUPS],
                key=lambda size: str(size["subgroup"]),
            )
        ]
        for column in columns
    }


def of_column(records: DataFrame, golden_records: DataFrame | None, column: str, year: int) -> DataFrame:
    """The records with the column's name as ``by``, and ``subgroup``: column and value."""
    grouped = with_subgroup(records, column, golden_records, year)
    name = F.concat(F.lit(f"{column}{SEPARATOR}"), F.col("subgroup")).alias("subgroup")
    return grouped.select(F.lit(column).alias("by"), name, "entity", "cluster")


def row_of(
    subgroup: str, n_records: int, pairs: Mapping[str, pd.DataFrame], everyone: Mapping[str, int]
) -> dict[str, Any]:
    """The figures of one subgroup: of all pairs with a record in it."""
    chosen = {
        name: int(found.n_pairs[(found.low == subgroup) | (found.high == subgroup)].sum())
        for name, found in pairs.items()
    }
    value = subgroup.partition(SEPARATOR)[2]
    return {"subgroup": value, "n_records": n_records} | pair_figures(chosen, dict(everyone), n_records)
