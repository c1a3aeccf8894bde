"""The run.json of a small run, as far as key figures, gates and report read it."""

from typing import Any

from siamese_er.config import GateSettings
from siamese_er.gates import failed_gates, gates
from siamese_er.kpis import kpis

COUNTS = {
    "records": 200, "earlier_versions": 4, "deleted": 1, "quarantined": 6, "quarantined_records": 5,
    "candidate_pairs": 1000, "links": 40, "pairs_by_band": {"auto": 40, "review": 20, "no": 10}, "links_cut": 2,
    "clusters": 170, "largest_cluster": 4, "golden_records": 170, "review_queue": 8,
    "changes": {"new": 0, "gone": 0, "moved": 0, "same": 0, "ids_new": 170, "ids_gone": 0}, "deleted_known": 0,
    "missing_by_source": {},
}  # fmt: skip
METRICS = {
    "precision": 0.9, "recall": 0.75, "f1": 0.8182, "b_cubed_precision": 0.95, "b_cubed_recall": 0.9, "b_cubed_f1": 0.92,
    "calibration_error": 0.02, "recall_at_precision_0.999": 0.7, "entities": 160, "entities_in_several_clusters": 8,
    "records_without_truth": 0, "true_pairs": 48, "linked_pairs": 40, "correct_pairs": 36, "false_links": 4,
}  # fmt: skip
LABELS = {
    "pairs": 90, "known": 80, "not_compared": 5, "is_weighted": False, "used": 75, "matches": 40, "no_matches": 35,
    "groups": 30, "folds": 5, "log_loss_before": 0.41, "log_loss_after": 0.32, "standard_error": 0.02, "accepted": True,
    "reason": None,
}  # fmt: skip
SUBGROUP = {
    "subgroup": "F", "n_records": 120, "precision": 0.9, "precision_low": 0.8, "precision_high": 0.95, "recall": 0.7,
    "recall_low": 0.6, "recall_high": 0.8, "f1": 0.79, "warning": None,
}  # fmt: skip


def record_of(with_truth: bool = False, settings: GateSettings = GateSettings(), **changes: Any) -> dict[str, Any]:  # noqa: B008
    """A record with its key figures and gates; ``changes`` replace entries before those are worked out."""
    record: dict[str, Any] = {
        "run_id": "20260101T000000000Z-abcdef", "started": "2026-01-01T00:00:00+00:00", "previous_run_id": None,
        "config": {"run": {"mode": "full"}}, "counts": COUNTS, "candidate_pairs": 1000,
        "pairs_by_first_pass": {"names": 600, "phone": 400}, "pairs_by_pass": {"names": 600, "phone": 700},
        "dropped_blocks": {"phone": {"n_blocks": 3, "n_records": 900, "n_pairs": 150_000, "largest_block": 500,
                                     "largest_blocks": {"00c0ffee00c0ffee": 500, "deadbeefdeadbeef": 200}}},
        "decide": {"threshold": 0.96}, "seconds": {"read": 2.0, "score": 3.0},
        "versions": {"siamese_er": "0.1.0", "pyspark": "4.3.0"}, "model": {"head_digest": "a" * 64, "encoder_digest": "b" * 64},
        "value_faults": [{"column": "phone", "reason": "placeholder", "n": 7}],
        "aggregates": {
            "score": [{"lowest": 0.0, "band": "no", "n": 10, "expected": 0.2},
                      {"lowest": 0.5, "band": "review", "n": 20, "expected": 11.0},
                      {"lowest": 0.999, "band": "auto", "n": 40, "expected": 39.5}],
            "levels": {"given_name": {"equal": 50, "close": 10}}, "missing": {"given_names": 2, "phones": 90},
            "cluster_sizes": [{"records": "1", "n": 145}, {"records": "2", "n": 25}],
            "review_reasons": [{"reason": "likely, but not certain", "n": 8}], "link_status": {"auto": 55, "singleton": 145},
        },
        "drift": [{"measure": "score", "against": "reference", "index": 0.2, "limit": 0.1, "warns": True},
                  {"measure": "missing phones", "against": "last run", "index": None, "limit": None, "warns": False}],
        "warnings": ["drift: score"], "status": "published",
    } | changes  # fmt: skip
    if with_truth:
        reliability = [{"lowest": 0.1, "highest": 0.9, "n_pairs": 30, "mean_probability": 0.6, "share_true": 0.5}]
        record |= {"metrics": METRICS, "blocking": {"pair_completeness": 0.96, "true_pairs_blocked": 46, "true_pairs": 48},
                   "evaluation": {"reliability": reliability, "by": {"sex": [SUBGROUP]}}}  # fmt: skip
    record["kpis"] = kpis(record, {}, [])
    found = gates(settings, record["counts"], record["kpis"])
    record |= {"gates": [gate.described() for gate in found], "failed_gates": failed_gates(found)}
    return record
