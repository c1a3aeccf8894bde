"""An evaluation as text for people and as an object for programs."""

from typing import Any

import pandas as pd

from siamese_er.quality.evaluation import Evaluation


def evaluation_object(evaluation: Evaluation) -> dict[str, Any]:
    """The figures by name, with ``reliability`` and ``by`` as lists of rows; fit for JSON, null where undefined."""
    by = {column: rows(table) for column, table in evaluation.subgroups.items()}
    return evaluation.figures | {"reliability": rows(evaluation.reliability)} | ({"by": by} if by else {})


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dicts of plain Python values; null for what is missing."""
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def readable(evaluation: Evaluation) -> str:
    """The figures, one a line, then the reliability table and those of the subgroups; "-" where undefined."""
    parts = ["\n".join(f"{name:32} {shown(value)}" for name, value in _flat(evaluation.figures).items())]
    parts.append("reliability (scored pairs from .05)\n" + aligned(evaluation.reliability))
    parts += [f"by {column}\n{aligned(table)}" for column, table in evaluation.subgroups.items()]
    return "\n\n".join(parts)


def aligned(table: pd.DataFrame) -> str:
    """The table as text in columns."""
    if not len(table):
        return "(none)"
    return table.astype(object).map(shown).to_string(index=False)


def shown(value: Any) -> str:
    """One value for people: four decimals for shares, thousands grouped, "-" for null."""
    if value is None or value != value:
        return "-"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4f}"
    return f"{value:,.0f}" if isinstance(value, int) else f"{value:.1f}" if isinstance(value, float) else str(value)


def _flat(figures: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in figures.items():
        flat |= {f"{name} {key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat
