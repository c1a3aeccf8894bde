"""Models beside each other on simulated tables that no training saw; no patient's table is needed, and no run."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from siamese_er.head_check import evidence_of, simulated_records
from siamese_er.model import pair_head
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.head import probabilities
from siamese_er.quality.calibration import brier_score, calibration_error
from siamese_er.quality.thresholds import best_f1, curve_of, recall_at_precision
from siamese_er.table_scores import scored_table

FIRST_SEED = 8_000_000
"""Tables of no training, and not those that `head_check` guards adaptation with."""


def compared_models(models: Mapping[str, str], n_tables: int = 4) -> pd.DataFrame:
    """For each model (name -> folder) figures of its scored pairs over the same simulated tables, best F1 first.

    ``best_f1`` and ``recall_at_precision_0.999`` are those of the best threshold over all tables (pairs, before
    clusters; true pairs that blocking lost count as missed); ``log_loss`` is in nats a scored pair. Every second table
    has notes.
    """
    tables = [simulated_records(FIRST_SEED + number) for number in range(n_tables)]
    rows = []
    for name, folder in models.items():
        head, encoder = pair_head(folder), load_encoder(folder, "cpu")
        chances, truths = [], []
        for table in tables:
            found = scored_table(evidence_of(table, [encoder]), head)
            chances.append(probabilities(found.weights))
            truths.append(table.entities[found.evidence.left] == table.entities[found.evidence.right])
        n_true = sum(int((sizes * (sizes - 1) // 2).sum()) for sizes in (_sizes(table.entities) for table in tables))
        rows.append({"model": name} | _figures(np.concatenate(chances), np.concatenate(truths), n_true))
    return pd.DataFrame(rows).sort_values(["best_f1", "model"], ascending=[False, True], ignore_index=True)


def _sizes(entities: np.ndarray) -> np.ndarray:
    return np.unique(entities, return_counts=True)[1]


def _figures(chances: np.ndarray, is_true: np.ndarray, n_true: int) -> dict[str, float | None]:
    curve = curve_of(list(chances), list(is_true))
    kept = np.clip(chances, 1e-9, 1 - 1e-9)
    return {
        "scored_pairs": len(chances),
        "best_f1": best_f1(curve, n_true)[0],
        "recall_at_precision_0.999": recall_at_precision(curve, n_true, 0.999),
        "log_loss": float(-np.log(np.where(is_true, kept, 1 - kept)).mean()) if len(kept) else None,
        "brier": brier_score(curve),
        "calibration_error": calibration_error(curve),
    }
