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
    labels = np.array([[*c.labels, *[""] * (9 - len(c.labels))] for c in COMPARISONS], dtype=object)
    n_labels = labels.shape[1]
    extra = np.arange(n)
    places = np.concatenate([column, np.full(len(noted), 97), np.full(n, 98), np.full(n, 99)])
    order = np.lexsort((places, np.concatenate([row, noted, extra, extra])))
    none = np.full(n, np.nan)
    likeness = compared.cosines[noted, COSINES.index("cosine_note_terms")].astype(float)
    parts = {
        "similarity": np.concatenate([compared.similarities[row, column].astype(float), likeness, none, none]),
        "weight": np.concatenate([weights[row, column], from_notes[noted], np.full(n, prior), context]),
    }
    offsets = np.concatenate([[0], np.cumsum(present.sum(1) + 2 + ~np.isnan(from_notes))])
    others = np.concatenate([np.full(len(noted), 0), np.full(n, 1), np.full(n, 2)])
    texts = {
        "field": ([c.name for c in COMPARISONS] + ["notes", "prior", "context"], column, len(COMPARISONS)),
        "comparison": ([*labels.ravel(), "notes", "prior", "pair_head"], column * n_labels + levels[row, column],
                       labels.size),
    }  # fmt: skip
    arrays = [
        pa.array(vocabulary, pa.string()).take(pa.array(np.concatenate([of_fields, others + n_known])[order]))
        for vocabulary, of_fields, n_known in texts.values()
    ]
    arrays += [pa.array(parts[name][order], pa.float64(), from_pandas=True) for name in ("similarity", "weight")]
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
