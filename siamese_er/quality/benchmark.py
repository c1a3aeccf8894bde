"""Matchers timed on one machine in one run: what each size cost each tool, ratios, and what a further record costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from siamese_er.quality.clusters import mixed_clusters, pairwise_f1, pairwise_precision, pairwise_recall, shapes_of
from siamese_er.quality.comparison import Cost, table_line

OWN, SKEWED = "siamese_er", "siamese_er_skewed"
KEYS = ["source", "record_id"]
HEADINGS = (
    "records", "tool", "seconds", "times ours", "CPU seconds", "records/s", "peak GiB", "precision", "recall", "F1",
    "clusters of several people",
)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """One tool on one table: ``steps`` are its own seconds by step, ``figures`` what its clusters are worth."""

    tool: str
    n_records: int
    cost: Cost
    steps: Mapping[str, float]
    figures: Mapping[str, float | None]


def figures_of(clusters: pd.DataFrame, truth: pd.DataFrame | None) -> dict[str, float | None]:
    """Pairwise precision, recall and F1 of clusters (source, record_id, cluster), and how many hold several people.

    A record that a tool left out is alone. ``truth``: source, record_id, entity_id; null gives nothing.
    """
    if truth is None:
        return {}
    both = truth.merge(clusters, on=KEYS, how="left")
    alone = pd.Series([f"alone {row}" for row in range(len(both))], index=both.index)
    shapes = shapes_of(both["cluster"].fillna(alone).tolist(), both["entity_id"].tolist())
    return {"precision": pairwise_precision(shapes), "recall": pairwise_recall(shapes), "f1": pairwise_f1(shapes),
            "mixed": mixed_clusters(shapes)}  # fmt: skip


def beside_ours(timings: Sequence[Timing]) -> Iterator[tuple[Timing, Timing | None]]:
    """Each timing with ours of the same table, which was taken before it; null where there is none."""
    own: Timing | None = None
    for timing in timings:
        if timing.tool == OWN:
            own = timing
        yield timing, own if own is not None and own.n_records == timing.n_records else None


def table(timings: Sequence[Timing]) -> list[str]:
    """A Markdown table of all timings; seconds of a peer as a multiple of ours on the same table."""
    lines = [table_line(HEADINGS), table_line(["---"] * len(HEADINGS))]
    for timing, own in beside_ours(timings):
        cost, of_ours = timing.cost, own and own.cost.seconds
        shares = [timing.figures.get(name) for name in ("precision", "recall", "f1")]
        mixed = timing.figures.get("mixed")
        ratio = "-" if not of_ours else f"{cost.seconds / of_ours:.2f}"
        lines.append(table_line(
            [f"{timing.n_records:,}", timing.tool, f"{cost.seconds:.1f}", ratio,
             f"{cost.cpu_seconds:.0f}", f"{timing.n_records / cost.seconds:,.0f}", f"{cost.peak_gib:.1f}",
             *["-" if share is None else f"{share:.4f}" for share in shares], "-" if mixed is None else f"{mixed:,.0f}"]
        ))  # fmt: skip
    return lines


def marginal_costs(timings: Sequence[Timing]) -> dict[tuple[int, int], float]:
    """Seconds that each further thousand records took us, between each size and the next."""
    own = sorted((timing for timing in timings if timing.tool == OWN), key=lambda timing: timing.n_records)
    return {
        (less.n_records, more.n_records):
            1000 * (more.cost.seconds - less.cost.seconds) / (more.n_records - less.n_records)
        for less, more in pairwise(own) if less.n_records < more.n_records
    }  # fmt: skip


def skew_lines(timings: Sequence[Timing]) -> list[str]:
    """A line for each table that was timed with shared values too: how many times as long it took then."""
    pairs = [(t.n_records, t.cost, own.cost) for t, own in beside_ours(timings) if t.tool == SKEWED and own]
    return [
        f"{n:,} records, skewed: {cost.cpu_seconds / own.cpu_seconds:.2f} times the CPU seconds, "
        f"{cost.seconds / own.seconds:.2f} times the seconds, {cost.peak_gib / own.peak_gib:.2f} times the memory"
        for n, cost, own in pairs
    ]


def steps_table(timings: Sequence[Timing]) -> list[str]:
    """A Markdown table of our seconds by step, a column for each size."""
    own = [timing for timing in timings if timing.tool == OWN]
    steps = list(dict.fromkeys(name for timing in own for name in timing.steps))
    lines = [table_line(["step", *(f"{timing.n_records:,}" for timing in own)]), table_line(["---"] * (len(own) + 1))]
    return lines + [table_line([name, *(f"{timing.steps.get(name, 0):.1f}" for timing in own)]) for name in steps]


def plot(timings: Sequence[Timing], path: Path) -> None:
    """Seconds against records, a line for each tool, both axes logarithmic, as SVG."""
    import vl_convert  # drawing is the last thing a benchmark does

    spec: dict[str, Any] = {
        "data": {"values": [{"tool": t.tool, "records": t.n_records, "seconds": t.cost.seconds} for t in timings]},
        "width": 480, "height": 320, "background": "white", "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "records", "type": "quantitative", "scale": {"type": "log"}},
            "y": {"field": "seconds", "type": "quantitative", "scale": {"type": "log"}, "title": "seconds, whole process"},
            "color": {"field": "tool", "type": "nominal"}, "strokeDash": {"field": "tool", "type": "nominal"},
        },
    }  # fmt: skip
    path.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")
