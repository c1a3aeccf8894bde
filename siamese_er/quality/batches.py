"""What daily batches of several sizes cost on one known table: the fixed cost of a day, and that of a further record."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siamese_er.quality.comparison import Cost, table_line

SCORING = ("encode", "block", "compare", "score", "rescore")
HEADINGS = ("delivered", "seconds", "CPU seconds", "of steps: encode to rescore", "candidate pairs")


@dataclass(frozen=True)
class BatchTiming:
    """One batch: records delivered, cost of the whole process, seconds of encode to rescore, pairs scored."""

    n_delivered: int
    cost: Cost
    scoring_seconds: float
    n_pairs: int


def batch_table(timings: Sequence[BatchTiming]) -> list[str]:
    """A Markdown table, a line for each batch, the first of which is the whole table."""
    lines = [table_line(HEADINGS), table_line(["---"] * len(HEADINGS))]
    for own in timings:
        lines.append(table_line([
            f"{own.n_delivered:,}", f"{own.cost.seconds:.1f}", f"{own.cost.cpu_seconds:.0f}",
            f"{own.scoring_seconds:.1f}", f"{own.n_pairs:,}",
        ]))  # fmt: skip
    return lines


def fixed_and_marginal(timings: Sequence[BatchTiming]) -> tuple[float, float]:
    """CPU seconds of a batch of no record, and of each further thousand: the least-squares line through two or more."""
    sizes = np.array([own.n_delivered for own in timings], float)
    seconds = np.array([own.cost.cpu_seconds for own in timings])
    slope, intercept = np.polyfit(sizes, seconds, 1)
    return float(intercept), float(1000 * slope)
