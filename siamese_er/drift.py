"""Whether a table has come to look unlike another: the population stability index of what a run counts.

A *profile* is what is compared, counts alone: measure -> category -> count. Measures are ``score`` (scored pairs by
probability), ``levels of FIELD`` (pairs at or above .5 with both sides present, by level of the comparison) and
``missing COLUMN`` (records without and with a value). Nothing in it tells of a single record.

The same profile of simulated tables, pooled, is the model's *reference* (``reference.json`` beside the model, made by
``jobs/drift_reference.py``): with it stands, for each measure, how far the simulated tables themselves lie from it. A
real table farther away than all of them is unlike anything that the model was trained and calibrated on.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from siamese_er.linkage.comparisons import COMPARISONS

Counts = Mapping[str, float]
Profile = dict[str, dict[str, int]]

SCORE_EDGES = (*(round(0.05 * i, 2) for i in range(20)), 0.99, 0.999)
"""Lower edges of the bins of match probabilities; the last bin ends at 1."""
LOWEST_COMPARED = 0.05
"""Bins of lower probabilities are not compared: how many pairs are kept near 0 is the floor's choice."""
LIKELY = 0.5
"""Match probability from which on a pair's levels are counted."""
FEWEST = 50
"""Counts behind a measure; with fewer its index is null."""
FEWEST_TABLES = 20
"""Simulated tables behind a limit of the reference; with fewer it is null."""
MISSING_COLUMNS = tuple(dict.fromkeys(comparison.column for comparison in COMPARISONS))
REFERENCE = "reference.json"
CHANCE = 0.001


@dataclass(frozen=True)
class Drift:
    """One measure of a run against another profile; ``index`` is null where either side has too few counts.

    ``limit`` is what it may be before it is warned of; null where nothing was compared.
    """

    measure: str
    against: str
    index: float | None
    limit: float | None

    @property
    def warns(self) -> bool:
        """Whether the index is beyond its limit."""
        return self.index is not None and self.limit is not None and self.index > self.limit

    def described(self) -> dict[str, Any]:
        """For run.json."""
        return asdict(self) | {"warns": self.warns}


def shares(counts: Counts, categories: Iterable[str]) -> np.ndarray:
    """Shares of the categories, each counted half a time more than it is, so that none is 0."""
    listed = list(categories)
    found = np.array([counts.get(category, 0) for category in listed], float) + 0.5
    return found / found.sum()


def stability_index(now: Counts, then: Counts) -> float:
    """Population stability index of two counts: 0 where all shares are alike, without bound where they are not.

    The sum of (p - q) ln(p / q) over all categories of either; symmetric. By custom up to .1 is little, above .25 much.

    Source: Siddiqi 2006, Credit Risk Scorecards; it is Jeffreys' divergence of the two shares.

    >>> stability_index({"a": 10, "b": 10}, {"a": 10, "b": 10})
    0.0
    """
    categories = sorted(now.keys() | then.keys())
    p, q = shares(now, categories), shares(then, categories)
    return round(float(((p - q) * np.log(p / q)).sum()), 6)


def by_chance(now: Counts, then: Counts) -> float:
    """The index that two samples of one population exceed once in a thousand times.

    Over (1/n + 1/m) it is about chi-squared with one degree less than there are categories.

    Source: Yurdakul and Naranjo 2020, Statistical properties of the population stability index.
    """
    n, m = sum(now.values()), sum(then.values())
    degrees = max(len({*now, *then}) - 1, 1)
    return float(scipy.stats.chi2.ppf(1 - CHANCE, degrees)) * (1 / n + 1 / m) if n and m else float("inf")


def drift_between(now: Profile, then: Profile, limit: float, against: str = "last run") -> list[Drift]:
    """Each measure of two runs; its limit is ``limit``, or more where so few counts differ as much by chance."""
    found = []
    for measure in sorted(now.keys() | then.keys()):
        one, other = now.get(measure, {}), then.get(measure, {})
        if min(sum(one.values()), sum(other.values())) < FEWEST:
            found.append(Drift(measure, against, None, None))
            continue
        index = stability_index(one, other)
        found.append(Drift(measure, against, index, round(max(limit, by_chance(one, other)), 6)))
    return found


def drift_from_reference(now: Profile, reference: Mapping[str, Any]) -> list[Drift]:
    """Each measure against the model's reference; its limit is that of the simulated table farthest from it."""
    found = []
    for measure, known in sorted(reference["measures"].items()):
        counts = now.get(measure, {})
        is_known = sum(counts.values()) >= FEWEST and known["limit"] is not None
        index = index_from_shares(counts, known["shares"]) if is_known else None
        found.append(Drift(measure, "reference", index, known["limit"] if is_known else None))
    return found


def index_from_shares(counts: Counts, reference: Counts) -> float:
    """Population stability index of counts against shares; a share that the reference never saw is 1 in 10,000."""
    categories = sorted(counts.keys() | reference.keys())
    p = shares(counts, categories)
    q = np.maximum([reference.get(category, 0.0) for category in categories], 1e-4)
    q = q / q.sum()
    return round(float(((p - q) * np.log(p / q)).sum()), 6)


def reference_of(profiles: list[Profile]) -> dict[str, dict[str, Any]]:
    """Measure -> ``shares`` (mean over the profiles, each counting alike), ``limit`` (the greatest index of one of
    them), ``n_tables``. Null limit, no shares: too few profiles have enough counts."""
    measures: dict[str, dict[str, Any]] = {}
    for measure in sorted({name for profile in profiles for name in profile}):
        known = [p[measure] for p in profiles if sum(p.get(measure, {}).values()) >= FEWEST]
        categories = sorted({category for counts in known for category in counts})
        if len(known) < FEWEST_TABLES:
            measures[measure] = {"shares": {}, "limit": None, "n_tables": len(known)}
            continue
        mean = np.mean([shares(counts, categories) for counts in known], axis=0)
        pooled = {category: round(float(share), 6) for category, share in zip(categories, mean, strict=True)}
        limit = max(index_from_shares(counts, pooled) for counts in known)
        measures[measure] = {"shares": pooled, "limit": limit, "n_tables": len(known)}
    return measures


def load_reference(model_dir: str, head_digest: str) -> dict[str, Any] | None:
    """The reference beside a model; null where there is none, or it was made with another head."""
    try:
        stored = json.loads((Path(model_dir) / REFERENCE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return dict(stored) if stored["head_digest"] == head_digest else None


def greatest(drifts: Iterable[Drift]) -> float | None:
    """The greatest index; null where there is none."""
    return max((drift.index for drift in drifts if drift.index is not None), default=None)
