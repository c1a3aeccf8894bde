"""Quality gates of the config: what stops a run from being published."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from siamese_er.config import GateSettings

Status = Literal["passed", "failed", "off", "nothing to measure"]


@dataclass(frozen=True)
class Gate:
    """One gate of a run. ``limit`` is null where the config sets none, ``value`` where this run has nothing to measure."""

    name: str
    limit: float | None
    value: float | None
    status: Status
    told: str

    def described(self) -> dict[str, Any]:
        """For run.json."""
        return asdict(self)


def gates(settings: GateSettings, counts: Mapping[str, Any], figures: Mapping[str, float | None]) -> list[Gate]:
    """Every gate with its status.

    A gate without a limit is ``off``; one whose figure is null in this run (the first of all has no last run) passes as
    ``nothing to measure``.

    In: ``counts`` of run.json; ``figures``, the run's KPIs by name.
    """
    change = counts["changes"]
    missing = change["gone"] - counts["deleted_known"]
    known_before = change["gone"] + change["same"] + change["moved"]
    found = {name: figures.get(name) for name in FIGURES.values()}
    source, lacking, of_source = worst_source(counts["missing_by_source"], settings.few_missing_records)
    if found["missing_source_share"] is not None:
        found["missing_source_share"] = lacking / of_source

    def shown(name: str) -> float:
        return found[name] or 0.0

    told = {
        "max_missing_records_share": f"{missing} of {known_before} records of the previous run are missing",
        "max_missing_source_share": f"{lacking} of {of_source} records of the source {source!r} are missing; if it was retired"
        " on purpose, let this run pass with --set gates.max_missing_source_share=1",
        "max_cluster_size": f"the largest cluster has {counts['largest_cluster']} records",
        "max_review_share": f"{counts['review_queue']} questions for {counts['records']} records",
        "max_pair_volume_change": f"candidate pairs for each record are {shown('pair_volume_change'):.2f} times those of the"
        " last run",
        "max_drift": f"the greatest stability index against the last run is {shown('greatest_drift'):.3f}",
        "max_reference_drift": "the greatest stability index against the model's reference is"
        f" {shown('greatest_reference_drift'):.2f} times its limit",
        "min_precision": f"the precision on the pairs whose truth is known is {shown('known_precision'):.4f}",
    }
    return [gate(name, getattr(settings, name), found[figure], told[name]) for name, figure in FIGURES.items()]


def worst_source(missing: Mapping[str, Sequence[int]], few: int) -> tuple[str, int, int]:
    """The source that lacks the greatest share of its records, how many it lacks and had; those that lack few are left out.

    In: ``missing``: [missing, known before] by source. Where none is left: no name, 0 of 1.
    """
    many = [(name, lacking, known) for name, (lacking, known) in sorted(missing.items()) if lacking > few]
    return max(many, key=lambda one: one[1] / one[2], default=("", 0, 1))


FIGURES = {
    "max_missing_records_share": "missing_records_share",
    "max_missing_source_share": "missing_source_share",
    "max_cluster_size": "largest_cluster",
    "max_review_share": "review_share",
    "max_pair_volume_change": "pair_volume_change",
    "max_drift": "greatest_drift",
    "max_reference_drift": "greatest_reference_drift",
    "min_precision": "known_precision",
}
"""Gate -> the KPI that it looks at."""


def gate(name: str, limit: float | None, value: float | None, told: str) -> Gate:
    """A gate with its status: ``max_`` gates fail above their limit, ``min_`` gates below; a factor counts both ways."""
    if limit is None or value is None:
        return Gate(name, limit, value, "off" if limit is None else "nothing to measure", "")
    measured = max(value, 1 / value) if name == "max_pair_volume_change" and value else value
    fails = measured < limit if name.startswith("min_") else measured > limit
    if name == "max_pair_volume_change" and not value:
        fails = True  # no pairs at all, where the last run had some
    return Gate(name, limit, value, "failed" if fails else "passed", told)


def failed_gates(found: list[Gate]) -> list[str]:
    """One line for each gate that failed."""
    return [f"{each.name}: {each.told}" for each in found if each.status == "failed"]
