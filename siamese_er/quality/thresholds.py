"""What a threshold on the match probability could reach: oracle figures over the scored pairs.

They take a *curve*: a table with one row for each distinct ``probability``, ``n_pairs`` scored so and ``n_true`` of
them true pairs. Recall is over all true pairs, so that pairs which blocking or the floor lost count as missed. "Oracle"
means that the threshold is chosen on the truth: the figures bound what any threshold could do, no run can promise them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def curve_of(probability: Sequence[float], is_true: Sequence[bool]) -> pd.DataFrame:
    """The curve of pairs that fit in memory, from the lowest probability to the highest."""
    pairs = pd.DataFrame({"probability": np.asarray(probability, float), "is_true": np.asarray(is_true, int)})
    return pairs.groupby("probability").is_true.agg(n_pairs="size", n_true="sum").reset_index()


def precision_and_recall(curve: pd.DataFrame, true_pairs: int) -> pd.DataFrame:
    """``threshold``, ``precision`` and ``recall`` of linking all pairs at or above it, from the highest downwards.

    >>> precision_and_recall(curve_of([.9, .8, .8, .1], [1, 1, 0, 1]), 4)["recall"].tolist()
    [0.25, 0.5, 0.75]
    """
    falling = curve.sort_values("probability", ascending=False)
    found = falling.n_true.cumsum()
    return pd.DataFrame(
        {
            "threshold": falling.probability,
            "precision": found / falling.n_pairs.cumsum(),
            "recall": found / max(true_pairs, 1),
        }
    ).reset_index(drop=True)


def recall_at_precision(curve: pd.DataFrame, true_pairs: int, precision: float) -> float:
    """Best recall of all thresholds whose precision is at least ``precision``; 0 when none is.

    >>> recall_at_precision(curve_of([.9, .8, .7], [1, 0, 1]), 4, .999)
    0.25
    """
    points = precision_and_recall(curve, true_pairs)
    reached = points.recall[points.precision >= precision]
    return float(reached.max()) if len(reached) else 0.0


def best_f1(curve: pd.DataFrame, true_pairs: int) -> tuple[float, float | None]:
    """Highest pairwise F1 of all thresholds, and the highest threshold that reaches it; (0, null) without true pairs.

    F1 of the pairs themselves, before clustering closes them transitively.

    >>> best_f1(curve_of([.9, .8, .7], [1, 0, 1]), 2)
    (0.8, 0.7)
    """
    if not len(curve) or not true_pairs:
        return 0.0, None
    points = precision_and_recall(curve, true_pairs)
    f1: pd.Series = 2 * points.precision * points.recall / np.maximum(points.precision + points.recall, 1e-12)
    best = int(f1.to_numpy().argmax())
    return float(f1[best]), float(points.threshold[best])


def threshold_figures(curve: pd.DataFrame, true_pairs: int) -> dict[str, object]:
    """Recall at precision .999, .995 and .99, and the best F1, by the names that ``jobs/evaluate.py`` prints."""
    figures: dict[str, object] = {
        f"recall_at_precision_{precision}": recall_at_precision(curve, true_pairs, precision) if true_pairs else 0.0
        for precision in (0.999, 0.995, 0.99)
    }
    figures["best_f1"], figures["best_f1_threshold"] = best_f1(curve, true_pairs)
    return figures
