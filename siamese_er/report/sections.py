"""What a run's page shows of the run itself: each section a text, a chart and the table of the same numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from siamese_er.kpis import DEFINITIONS
from siamese_er.quality.report import shown
from siamese_er.report import charts

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Grid:
    """A table: its caption, its header and its rows, as text."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A part of the page; ``chart`` is an address of a picture and ``alt`` what it shows, empty without one."""

    anchor: str
    title: str
    text: str
    grids: tuple[Grid, ...] = ()
    chart: str = ""
    alt: str = ""


def grid(caption: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Grid:
    """A table of values as people read them; "-" for null."""
    return Grid(caption, tuple(header), tuple(tuple(shown(value) for value in row) for row in rows))


def percent(share: float | None) -> str:
    """A share in percent with one decimal; "-" for null."""
    return "-" if share is None else f"{100 * share:.1f} %"


def gate_section(record: Record) -> Section:
    """The gates of the config with their status."""
    rows = [
        (gate["name"], f"{mark(gate['status'])} {gate['status']}", gate["limit"], gate["value"], gate["told"] or "-")
        for gate in record["gates"]
    ]
    n_failed = sum(gate["status"] == "failed" for gate in record["gates"])
    text = (
        f"{n_failed} of the gates failed: the results are kept in this folder and were not published."
        if n_failed
        else "No gate failed."
    )
    table = grid("Quality gates of the config", ("gate", "status", "limit", "value", "what was found"), rows)
    return Section("gates", "Quality gates", text, (table,))


def mark(status: str) -> str:
    """A sign for a status, so that it is not told by colour alone."""
    return {"passed": "✓", "failed": "✗"}.get(status, "–")


def kpi_section(record: Record) -> Section:
    """All key figures; those that this run cannot know are left out and counted."""
    rows = [(kpi.name, record["kpis"][kpi.name], kpi.unit, kpi.meaning) for kpi in DEFINITIONS]
    known = [row for row in rows if row[1] is not None]
    text = f"{len(known)} key figures; {len(rows) - len(known)} others need a truth, labels or a previous run."
    return Section("kpis", "Key figures", text, (grid("Key figures", ("figure", "value", "unit", "meaning"), known),))


def funnel_section(record: Record) -> Section:
    """From all pairs of records to links and clusters."""
    counts = record["counts"]
    n, bands = counts["records"], counts["pairs_by_band"]
    steps = [
        ("all pairs", n * (n - 1) // 2, "every two records"),
        ("candidate pairs", record["candidate_pairs"], "proposed by blocking and compared"),
        ("scored pairs", sum(row["n"] for row in record["aggregates"]["score"]), "at or above [score] floor"),
        ("review or link", bands.get("review", 0) + bands.get("auto", 0), "bands review and auto"),
        ("links", bands.get("auto", 0), "band auto"),
        ("links kept", bands.get("auto", 0) - counts["links_cut"], "after the guard against chain merges"),
        ("questions", counts["review_queue"], "rows of the review queue"),
    ]
    chart = charts.bars(
        [{"name": name, "value": value} for name, value, _ in steps], "pairs (scale uneven)", uneven=True
    )
    alt = f"Bars from {steps[0][1]:,} pairs of records over {steps[1][1]:,} candidate pairs to {steps[4][1]:,} links."
    text = (
        f"{n:,} records became {counts['clusters']:,} people. Each step keeps a part of the pairs of the one before; in an "
        "incremental run the candidate pairs are those of its batch, all others those of the whole table."
    )
    table = grid("Pairs left after each step", ("step", "pairs", "what it is"), steps)
    return Section("funnel", "Funnel of pairs", text, (table,), chart, alt)


def score_section(record: Record) -> Section:
    """Scored pairs by probability and band."""
    found = record["aggregates"]["score"]
    lowest = sorted({row["lowest"] for row in found})
    by_place = {(row["lowest"], row["band"]): row["n"] for row in found}
    kinds = [band for band in charts.BAND_COLOURS if any(row["band"] == band for row in found)]
    rows = [
        {"name": f"{edge:g}", "kind": band, "value": by_place.get((edge, band), 0)} for edge in lowest for band in kinds
    ]
    chart = charts.histogram(rows, {band: charts.BAND_COLOURS[band] for band in kinds})
    threshold = record["decide"]["threshold"]
    text = (
        f"Pairs are linked from a match probability of {threshold:g} on, if no veto applies; likely ones that are not "
        "linked are of band review. The last two bins are narrower than the others."
    )
    table = grid(
        "Scored pairs by match probability", ("from", *kinds),
        [(f"{edge:g}", *(by_place.get((edge, band), 0) for band in kinds)) for edge in lowest],
    )  # fmt: skip
    total = {band: sum(row["n"] for row in found if row["band"] == band) for band in kinds}
    alt = "Histogram of match probabilities: " + ", ".join(f"{n:,} pairs of band {band}" for band, n in total.items())
    return Section("scores", "Match probabilities", text, (table,), chart, alt + ".")


def cluster_section(record: Record) -> Section:
    """Clusters by their number of records, and how records are linked."""
    sizes = record["aggregates"]["cluster_sizes"]
    last = max((number for number, row in enumerate(sizes) if row["n"]), default=0)
    rows = [{"name": row["records"], "value": row["n"]} for row in sizes[: last + 1]]
    largest = record["counts"]["largest_cluster"]
    status = record["aggregates"]["link_status"]
    return Section(
        "clusters", "Cluster sizes", f"The largest cluster has {largest:,} records.",
        (grid("Clusters by number of records", ("records", "clusters"), [(row["name"], row["value"]) for row in rows]),
         grid("Records by link status", ("link status", "records"), list(status.items()))),
        charts.bars(rows, "clusters, by number of records (scale uneven)", uneven=True),
        f"Bars of clusters by size; {rows[0]['value']:,} single records, largest cluster {largest:,} records.",
    )  # fmt: skip


def blocking_section(record: Record) -> Section:
    """Candidate pairs by blocking pass, and what too large blocks dropped."""
    first, every, dropped = record["pairs_by_first_pass"], record["pairs_by_pass"], record["dropped_blocks"]
    names = sorted((name for name in every if every[name]), key=lambda name: (-every[name], name))
    kinds = ("in all", "by this pass first")
    rows = [
        {"name": name, "kind": kind, "value": counts[name]}
        for name in names
        for kind, counts in zip(kinds, (every, first), strict=True)
    ]
    header = ("pass", "pairs in all", "pairs by this pass first", "blocks too large", "pairs not proposed")
    left_out = {name: [dropped.get(name, {}).get(count, 0) for count in ("n_blocks", "n_pairs")] for name in every}
    table = [(name, every[name], first[name], *left_out[name]) for name in every]
    n_dropped = sum(n_blocks for n_blocks, _ in left_out.values())
    text = (
        "A pair that several passes propose is compared once, for the first of them. "
        f"{n_dropped:,} blocks were too large and proposed nothing; their pairs may have been proposed by other passes."
    )
    chart = charts.paired_bars(rows, "candidate pairs", kinds) if rows else ""
    alt = f"Bars of candidate pairs of {len(names)} blocking passes; most by {names[0]}." if names else ""
    grids = [grid("Candidate pairs by blocking pass", header, table)]
    worst = [(name, digest, n) for name in every for digest, n in largest_blocks(dropped, name)]
    if worst:
        caption = "The largest of the blocks that were too large, by a digest under the key of the run"
        grids.append(grid(caption, ("pass", "block", "records"), worst))
    return Section("blocking", "Blocking passes", text, tuple(grids), chart, alt)


def largest_blocks(dropped: Mapping[str, Any], name: str) -> list[tuple[str, int]]:
    """Digest and number of records of the largest blocks that a pass left out, largest first."""
    return sorted(dropped.get(name, {}).get("largest_blocks", {}).items(), key=lambda block: (-block[1], block[0]))


def time_section(record: Record) -> Section:
    """Seconds of each step."""
    seconds = record["seconds"]
    rows = [{"name": name, "value": value} for name, value in seconds.items()]
    total = sum(seconds.values())
    steps = [(name, f"{value:.1f}", percent(value / total if total else None)) for name, value in seconds.items()]
    chart = charts.bars(rows, "seconds", form=".1f") if rows else ""
    alt = f"Bars of seconds of {len(rows)} steps, {total:,.1f} in all." if rows else ""
    table = grid("Seconds per step", ("step", "seconds", "share"), steps)
    return Section("time", "Time per step", f"{total:,.1f} seconds until this page was made.", (table,), chart, alt)


def review_section(record: Record) -> Section:
    """Questions for people by reason."""
    rows = [(row["reason"], row["n"]) for row in record["aggregates"]["review_reasons"]]
    text = f"{record['counts']['review_queue']:,} questions for {record['counts']['records']:,} records."
    return Section("review", "Review queue", text, (grid("Questions by reason", ("reason", "questions"), rows),))
