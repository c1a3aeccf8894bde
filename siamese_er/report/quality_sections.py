"""What a run's page shows of the quality of its input and, where the truth is known, of its result."""

from typing import Any

from siamese_er.report import charts
from siamese_er.report.sections import Record, Section, grid, percent

MOST_BARS = 20
AGAINST = {"last run": "last", "reference": "model"}


def value_section(record: Record) -> Section:
    """Missing values by column, placeholders and faulty values by column and reason."""
    n = record["counts"]["records"]
    missing = {column: count / n if n else 0.0 for column, count in record["aggregates"]["missing"].items()}
    rows = [{"name": column, "value": share} for column, share in missing.items()]
    faults = sorted(record["value_faults"], key=lambda row: (-row["n"], row["column"], row["reason"]))
    columns = [(column, count, percent(missing[column])) for column, count in record["aggregates"]["missing"].items()]
    reasons = [(row["column"], row["reason"], row["n"], percent(row["n"] / n if n else None)) for row in faults]
    placeholders = sum(row["n"] for row in faults if row["reason"] == "placeholder")
    text = (
        "A placeholder, an impossible or an invalid value counts as missing. "
        f"{placeholders:,} placeholders were found; {record['counts']['quarantined']:,} rows are in quarantine."
    )
    return Section(
        "values", "Missing and placeholder values", text,
        (grid("Records without a value", ("column", "records", "share"), columns),
         grid("Values that lost their evidence", ("column", "reason", "records", "share"), reasons)),
        charts.bars(rows, "share of records without a value", form=".1%"),
        f"Bars of the share of records without a value in each of {len(rows)} columns.",
    )  # fmt: skip


def drift_section(record: Record) -> Section:
    """Population stability indices against the last run and the model's reference."""
    drifts = record["drift"]
    compared = [row for row in drifts if row["index"] is not None]
    warned = [row for row in compared if row["warns"]]
    rows = [
        {"name": f"{row['measure']} ({AGAINST[row['against']]})", "value": row["index"] / row["limit"], "limit": 1.0,
         "kind": "beyond" if row["warns"] else "within"}
        for row in sorted(compared, key=lambda row: -row["index"] / row["limit"])[:MOST_BARS]
    ]  # fmt: skip
    against = sorted({row["against"] for row in drifts})
    text = (
        f"Compared with: {', '.join(against) or 'nothing (no last run with figures, no reference beside the model)'}. "
        f"{len(warned)} of {len(compared)} measures are beyond their limit. The limit against the last run is "
        "[gates] warn_drift, or more where so few counts differ as much by chance; the limit against the reference is "
        "the index of the simulated table that is farthest from it."
    )
    header = ("measure", "against", "index", "limit", "")
    table = [(r["measure"], r["against"], r["index"], r["limit"], "✗ beyond" if r["warns"] else "") for r in drifts]
    chart = charts.limits(rows, "index, in limits: against last run (last), reference (model)") if rows else ""
    alt = (
        f"Bars of the {len(rows)} indices that are greatest for their limits; {len(warned)} are beyond." if rows else ""
    )
    return Section("drift", "Drift", text, (grid("Population stability indices", header, table),), chart, alt)


def label_sections(record: Record) -> list[Section]:
    """What the labelled pairs taught, where any were given to a run that scored all pairs; none without."""
    found = record.get("labels")
    if not found:
        return []
    outcome = "was adopted" if found["accepted"] else f"was not adopted: {found['reason']}"
    counts = [
        ("pairs labelled", found["pairs"]), ("known: both records are in this run", found["known"]),
        ("known, but not compared", found["not_compared"]), ("used", found["used"]),
        ("used: matches", found["matches"]), ("used: no matches", found["no_matches"]),
    ]  # fmt: skip
    losses = [
        ("before", found["log_loss_before"]), ("after", found["log_loss_after"]),
        ("standard error of the difference", found["standard_error"]),
    ]  # fmt: skip
    text = f"The correction of the probabilities that the labels teach {outcome}. Log losses are of held-out people."
    return [
        Section("labels", "Labelled pairs", text, (grid("Labelled pairs", ("pairs", "n"), counts),
                grid("Log loss on held-out labels", ("correction", "log loss"), losses)))
    ]  # fmt: skip


def truth_sections(record: Record) -> list[Section]:
    """Calibration and subgroups, where a truth was given; none without."""
    found = record.get("evaluation")
    if not found:
        return []
    sections = [calibration_section(found["reliability"], record["metrics"])]
    return sections + [subgroup_section(column, rows) for column, rows in found["by"].items() if rows]


def calibration_section(rows: list[dict[str, Any]], metrics: dict[str, Any]) -> Section:
    """Whether probabilities mean what they say."""
    error = metrics.get("calibration_error")
    said = "-" if error is None else f"{error:.4f}"
    header = ("from", "to", "pairs", "mean probability", "share true")
    names = ("lowest", "highest", "n_pairs", "mean_probability", "share_true")
    table = grid("Reliability of probabilities", header, [tuple(row[name] for name in names) for row in rows])
    text = f"Of pairs scored .8, eight in ten should be true: points on the line. Expected calibration error {said}."
    alt = f"Share of true pairs over the mean probability of {len(rows)} bins; expected calibration error {said}."
    return Section("calibration", "Calibration", text, (table,), charts.reliability(rows) if rows else "", alt)


def subgroup_section(column: str, rows: list[dict[str, Any]]) -> Section:
    """Precision and recall of the subgroups of one column, with 95 % intervals."""
    kinds = ("precision", "recall")
    marks = [
        {"name": row["subgroup"], "kind": kind, "value": row[kind], "low": row[f"{kind}_low"], "high": row[f"{kind}_high"]}
        for row in rows for kind in kinds if row[kind] is not None
    ]  # fmt: skip
    header = ("subgroup", "records", "precision", "recall", "F1", "warning")
    table = [(r["subgroup"], r["n_records"], r["precision"], r["recall"], r["f1"], r.get("warning")) for r in rows]
    title = column.replace("_", " ")
    return Section(
        f"by-{column}", f"By {title}", "With 95 % intervals. Subgroups of fewer than ten records are left out.",
        (grid(f"Precision and recall by {title}", header, table),),
        charts.intervals(marks, "share", kinds) if marks else "",
        f"Precision and recall with intervals of {len(rows)} subgroups." if marks else "",
    )  # fmt: skip
