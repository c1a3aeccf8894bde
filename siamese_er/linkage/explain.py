"""The explanation of a pair: what each comparison found and its weight; the weights sum to the match weight."""

import numpy as np
import pyarrow as pa

from siamese_er.linkage.compare import Compared
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.cosines import COSINES
from siamese_er.linkage.fellegi_sunter import TableFit
from siamese_er.linkage.keys import PASS_NAMES

TYPE = pa.struct(
    [("field", pa.string()), ("comparison", pa.string()), ("similarity", pa.float64()), ("weight", pa.float64())]
)


def evidence_arrays(
    compared: Compared, fit: TableFit, match_weights: np.ndarray, from_notes: np.ndarray | None = None
) -> pa.Array:
    """For each pair a list of (field, comparison, similarity, weight).

    A field's weight is its log2 m/u on this table; ``prior`` is the log2 odds that any two records match; ``context`` is
    what the head adds or takes, having seen all fields, the learned similarities and the table's statistics together;
    ``notes`` is ``from_notes``, what the notes add or take, nan for pairs about which they say nothing.
    """
    levels = compared.levels
    n = len(levels)
    weights = np.round(fit.weights()[np.arange(len(COMPARISONS)), levels], 5) if n else np.zeros((0, len(COMPARISONS)))
    prior = np.round(np.log2(fit.prior / (1 - fit.prior)), 5)
    from_notes = np.full(n, np.nan) if from_notes is None else from_notes
    noted = np.flatnonzero(~np.isnan(from_notes))
    context = match_weights - weights.sum(1) - prior - np.nan_to_num(from_notes)
    present = levels > 0
    row, column = np.nonzero(present)
    fields = np.array([c.name for c in COMPARISONS], dtype=object)
    labels = np.array([[*c.labels, *[""] * (9 - len(c.labels))] for c in COMPARISONS], dtype=object)
    extra = np.arange(n)
    places = np.concatenate([column, np.full(len(noted), 97), np.full(n, 98), np.full(n, 99)])
    order = np.lexsort((places, np.concatenate([row, noted, extra, extra])))
    none = np.full(n, np.nan)
    likeness = compared.cosines[noted, COSINES.index("cosine_note_terms")].astype(float)
    parts = {
        "field": np.concatenate(
            [fields[column], np.full(len(noted), "notes"), np.full(n, "prior"), np.full(n, "context")]
        ),
        "comparison": np.concatenate(
            [
                labels[column, levels[row, column]],
                np.full(len(noted), "notes"),
                np.full(n, "prior"),
                np.full(n, "pair_head"),
            ]
        ),
        "similarity": np.concatenate([compared.similarities[row, column].astype(float), likeness, none, none]),
        "weight": np.concatenate([weights[row, column], from_notes[noted], np.full(n, prior), context]),
    }
    offsets = np.concatenate([[0], np.cumsum(present.sum(1) + 2 + ~np.isnan(from_notes))])
    arrays = [pa.array(parts[field.name][order], field.type, from_pandas=True) for field in TYPE]
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(arrays, fields=list(TYPE))
    )


def named_lists(marks: np.ndarray, names: tuple[str, ...]) -> pa.Array:
    """(n, len(names)) bool -> for each row the list of the names that are set."""
    column = np.nonzero(marks)[1]
    offsets = np.concatenate([[0], np.cumsum(marks.sum(1))])
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(np.array(names, dtype=object)[column], pa.string())
    )


def pass_lists(masks: np.ndarray) -> pa.Array:
    """The names of the passes whose bits are set in each mask."""
    return named_lists((masks[:, None] >> np.arange(len(PASS_NAMES))) & 1 == 1, PASS_NAMES)
