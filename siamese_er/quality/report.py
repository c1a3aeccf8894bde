"""An evaluation as text for people and as an object for programs."""

import json
from typing import Any, Literal

import pandas as pd

from siamese_er.quality.evaluation import Evaluation

Form = Literal["text", "json", "markdown"]


def evaluation_told(evaluation: Evaluation, form: Form) -> str:
    """An evaluation in one of the forms that ``jobs/evaluate.py`` prints."""
    if form == "json":
        return json.dumps(evaluation_object(evaluation))
    return markdown(evaluation) if form == "markdown" else readable(evaluation)


def table_told(table: pd.DataFrame, form: Form) -> str:
    """A table with intervals in one of these forms; JSON is a list of rows."""
    if form == "json":
        return json.dumps(rows(table))
    return markdown_table(compact(table)) if form == "markdown" else aligned(compact(table))


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
    parts += [f"by {column}\n{aligned(compact(table))}" for column, table in evaluation.subgroups.items()]
    return "\n\n".join(parts)


def markdown(evaluation: Evaluation) -> str:
    """The main figures, the reliability table and those of the subgroups as Markdown tables; "-" where undefined."""
    figures = pd.DataFrame(
        [(name, value) for name, value in _flat(evaluation.figures).items()], columns=["figure", "value"], dtype=object
    )
    parts = [
        markdown_table(figures),
        "Reliability (scored pairs from .05)\n\n" + markdown_table(evaluation.reliability),
    ]
    parts += [f"By {column}\n\n{markdown_table(compact(table))}" for column, table in evaluation.subgroups.items()]
    return "\n\n".join(parts)


def markdown_table(table: pd.DataFrame) -> str:
    """The table in Markdown."""
    if not len(table):
        return "(none)"
    cells = [list(map(str, table.columns)), ["---"] * table.shape[1]]
    cells += [
        [shown(value).replace("|", "\\|") for value in row] for row in table.astype(object).itertuples(index=False)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def compact(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ``x``, ``x_low`` and ``x_high`` in one column ``x``, as "0.9500 [0.9300, 0.9700]"."""
    columns: dict[str, list[str]] = {}
    for name in table.columns:
        if f"{name}_low" in table.columns:
            parts = zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
            columns[name] = [_with_interval(*part) for part in parts]
        elif not any(name == f"{other}{end}" for other in table.columns for end in ("_low", "_high")):
            columns[name] = [shown(value) for value in table[name].astype(object)]
    return pd.DataFrame(columns)


def _with_interval(value: Any, low: Any, high: Any) -> str:
    is_known = shown(low) != "-"
    return f"{shown(value)} [{shown(low)}, {shown(high)}]" if is_known else shown(value)


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
