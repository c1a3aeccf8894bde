"""Quality gates of the config: what stops a run from being published."""

from typing import Any

from siamese_er.config import MatchConfig


def failed_gates(config: MatchConfig, counts: dict[str, Any], change: dict[str, int]) -> list[str]:
    """One line for each quality gate of the config that failed."""
    gates = config.gates
    known_before = change["gone"] + change["same"] + change["moved"]
    failed = []
    if known_before and change["gone"] > gates.max_missing_records_share * known_before:
        failed.append(
            f"max_missing_records_share: {change['gone']} of {known_before} records of the previous run are missing"
        )
    if gates.max_cluster_size is not None and counts["largest_cluster"] > gates.max_cluster_size:
        failed.append(f"max_cluster_size: the largest cluster has {counts['largest_cluster']} records")
    if gates.max_review_share is not None and counts["review_queue"] > gates.max_review_share * counts["records"]:
        failed.append(f"max_review_share: {counts['review_queue']} questions for {counts['records']} records")
    return failed
