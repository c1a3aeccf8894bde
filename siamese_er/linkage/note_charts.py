"""Pairs of a record whose chart holds a note of somebody else, as far as the notes can tell."""

import numpy as np
import pyarrow as pa

from siamese_er.fields.note_own import OWN_COLUMNS, clears, own_facts, read_facts

CHARTS = ("wrong_chart_sides", "cleared_sides")  # only vetoes look


def chart_sides(records: pa.Table, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, len(CHARTS)) of 0..2: sides with a note that contradicts its own record, by whether the other clears it.

    The other record clears it where everything that the note says against its own record is true of the other: then the
    record errs, not the note. In: STANDARDISED columns and ``chart_facts``; without that column nothing is known, so 0.
    """
    result = np.zeros((len(left), len(CHARTS)), np.int8)
    if "chart_facts" not in records.column_names:
        return result
    marked = records["chart_facts"].is_valid().to_numpy()
    pairs = np.flatnonzero(marked[left] | marked[right])
    if not len(pairs):
        return result
    rows = np.unique(np.concatenate([left[pairs], right[pairs]]))
    chosen = records.select([*OWN_COLUMNS, "chart_facts"]).take(pa.array(rows))
    stated = [None if cell is None else read_facts(cell) for cell in chosen["chart_facts"].to_pylist()]
    own = own_facts(chosen.to_pandas(), range(len(rows)))
    places = np.searchsorted(rows, np.column_stack([left[pairs], right[pairs]]))
    for pair, (a, b) in zip(pairs, places, strict=True):
        for side, other in ((a, b), (b, a)):
            facts = stated[side]
            if facts is not None:
                result[pair, int(clears(facts, own[side], own[other]))] += 1
    return result
