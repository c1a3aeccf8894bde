"""A whole table held in memory, from standardised records to the evidence of its candidate pairs: training and tests."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from siamese_er.linkage.compare import Compared, compare
from siamese_er.linkage.comparisons import FREQUENCY_COLUMNS
from siamese_er.linkage.features import TableShape, table_shape
from siamese_er.linkage.fellegi_sunter import TableFit, counted_patterns, fit
from siamese_er.linkage.keys import bits_of_table, blocking_keys
from siamese_er.linkage.pairs import candidate_pairs, live_keys
from siamese_er.linkage.values import value_column


@dataclass(frozen=True)
class TableEvidence:
    """The candidate pairs of one table, what comparing them found, and how its random pairs agree."""

    left: np.ndarray
    right: np.ndarray
    pass_mask: np.ndarray
    compared: Compared
    random_levels: np.ndarray
    n_records: int


def arrow_table(standardised: pd.DataFrame) -> pa.Table:
    """Standardised records as Arrow; list columns stay lists of strings."""
    strings = pa.list_(pa.string())
    columns = {
        name: pa.array(
            standardised[name].tolist(), pa.string() if name in ("record_key", "source", "record_id") else strings
        )
        for name in standardised.columns
    }
    return pa.table(columns)


def with_frequencies(records: pa.Table) -> pa.Table:
    """The records with ``<column>_n``: for each value, how many values of the table equal it."""
    for name in FREQUENCY_COLUMNS:
        column = value_column(records[name])
        counts = np.bincount(column.codes, minlength=len(column.values))[column.codes]
        lists = pa.ListArray.from_arrays(pa.array(column.offsets, pa.int32()), pa.array(counts, pa.int64()))
        records = records.append_column(f"{name}_n", lists)
    return records


def random_pairs(n_records: int, n_chosen: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(left, right) rows of all pairs among ``n_chosen`` records drawn at random."""
    chosen = np.random.default_rng(seed).permutation(n_records)[:n_chosen]
    left, right = np.triu_indices(len(chosen), 1)
    return chosen[left], chosen[right]


def table_evidence(
    records: pa.Table, passes: tuple[str, ...], max_block_size: int, n_random: int = 400, seed: int = 0
) -> TableEvidence:
    """The evidence of all candidate pairs of a table held in memory."""
    records = with_frequencies(records)
    rows, keys, kinds = blocking_keys(records, passes, bits_of_table(records.num_rows))
    _, back, counts = np.unique(keys, return_inverse=True, return_counts=True)
    alive = live_keys(keys, counts[back], max_block_size)
    left, right, mask = candidate_pairs(rows[alive], keys[alive], kinds[alive], records.num_rows)
    random_left, random_right = random_pairs(records.num_rows, n_random, seed)
    random_levels = compare(records, random_left, random_right, records.num_rows).levels
    return TableEvidence(
        left, right, mask, compare(records, left, right, records.num_rows), random_levels, records.num_rows
    )


def table_fit(evidence: TableEvidence, model_m: np.ndarray, model_u: np.ndarray) -> tuple[TableFit, TableShape]:
    """The Fellegi-Sunter fit and the shape of a table, both without labels."""
    levels, counts = counted_patterns(evidence.compared.levels)
    found = fit(levels, counts, evidence.random_levels, evidence.n_records, model_m, model_u)
    return found, table_shape(levels, counts, found)
