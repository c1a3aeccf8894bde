"""Labelled pairs of this run's records, joined with what comparing found, and the correction they teach."""

from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from siamese_er.compared import compared_of
from siamese_er.config import LabelSettings
from siamese_er.linkage.components import component_labels
from siamese_er.linkage.features import feature_names, features
from siamese_er.linkage.label_fit import LabelFit, LabelledPairs, fit_labels, group_columns
from siamese_er.neural.head import HeadModel
from siamese_er.rescore import Learned, weighed
from siamese_er.storage import RunFolder

MOST_SHARING = 20  # labelled records; a phone or an address of more is an institution's, not a household's
MOST_VALUES = 20  # values of one record that can tie it to others
HOUSEHOLD_COLUMNS = ("phones", "emails", "addresses", "national_ids", "scoped_identifiers")


def label_correction(
    labels: DataFrame, settings: LabelSettings, run: RunFolder, standardised: DataFrame, in_context: DataFrame,
    learned: Learned, head: HeadModel,
) -> LabelFit:  # fmt: skip
    """What LABELS teach, with the report for run.json; the correction is null where the head stays.

    In: LABELS, STANDARDISED, CONTEXTS. At most ``max_labels`` pairs reach the
    driver, those with the smallest hash of their keys, as levels and measures; no values do.
    """
    counts = label_counts(labels, standardised)
    joined = labels.join(in_context, on=["left_key", "right_key"], how="inner")
    chosen = run.checkpoint(
        joined.orderBy(F.xxhash64("left_key", "right_key"), "left_key", "right_key").limit(settings.max_labels),
        "labelled_pairs",
    )
    table = chosen.orderBy("left_key", "right_key").toArrow().combine_chunks()
    counts["not_compared"] = counts["known"] - joined.count()
    names = feature_names()
    evidence = features(compared_of(table), learned.fit, learned.shape)
    pairs = LabelledPairs(
        weighed(table, learned, head).weights,
        evidence[:, group_columns(names)],
        table["is_match"].to_numpy().astype(bool),
        table["weight"].to_numpy(),
        pair_groups(table, shared_values(chosen, standardised)),
    )
    fit = fit_labels(pairs, group_columns(names), settings.min_of_each)
    report = counts | {"is_weighted": bool(len(pairs.weights) and (pairs.weights != 1).any())} | fit.report
    return LabelFit(fit.correction, report)


def label_counts(labels: DataFrame, standardised: DataFrame) -> dict[str, Any]:
    """``pairs`` labelled, ``known``: those whose two records are both in this run."""
    keys = standardised.select("record_key")
    known = labels
    for side in ("left", "right"):
        known = known.join(keys.withColumnRenamed("record_key", f"{side}_key"), f"{side}_key", "left_semi")
    return {"pairs": labels.count(), "known": known.count()}


def shared_values(chosen: DataFrame, standardised: DataFrame) -> pa.Table:
    """record_key and ``value``: hashes of what ties the records of the chosen pairs to a person or a household.

    Phones, e-mails, addresses, ids, and family name with birth date; at most MOST_VALUES of a record.
    """
    keys = chosen.select(F.explode(F.array("left_key", "right_key")).alias("record_key")).distinct()
    ties = [hashed_values(name) for name in HOUSEHOLD_COLUMNS]
    named = F.xxhash64(F.lit("born"), F.get("family_names", F.lit(0)), F.get("birth_dates", F.lit(0)))
    born = F.when((F.size("family_names") > 0) & (F.size("birth_dates") > 0), F.array(named)).otherwise(
        F.array().cast("array<bigint>")
    )
    values = F.slice(F.array_sort(F.array_distinct(F.concat(*ties, born))), 1, MOST_VALUES)
    found = standardised.join(keys, on="record_key", how="left_semi")
    return found.select("record_key", F.explode(values).alias("value")).toArrow()


def hashed_values(name: str) -> Column:
    """The values of a list column as hashes; equal values of different columns differ."""
    return F.transform(name, lambda value: F.xxhash64(F.lit(name), value))


def pair_groups(pairs: pa.Table, shared: pa.Table) -> np.ndarray:
    """A number for each pair; equal numbers share a record, a person or a household, directly or by way of others."""
    keys = np.concatenate([pairs[name].to_numpy(zero_copy_only=False) for name in ("left_key", "right_key")])
    records, codes = np.unique(keys.astype(str), return_inverse=True)
    left, right = np.split(codes, 2)
    owner = np.searchsorted(records, shared["record_key"].to_numpy(zero_copy_only=False).astype(str))
    values, value, sharing = np.unique(shared["value"].to_numpy(), return_inverse=True, return_counts=True)
    ties = sharing[value] <= MOST_SHARING
    nodes = len(records) + value[ties]
    labels = component_labels(
        len(records) + len(values), np.concatenate([left, owner[ties]]), np.concatenate([right, nodes])
    )
    return labels[left]
