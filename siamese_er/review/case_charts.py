"""Charts of one question: what adds up to its match weight, and how its records hang together. No patient values."""

from typing import Any

import altair as alt
import networkx as nx
import pandas as pd

from siamese_er.review.cases import PairScore, ReviewCase
from siamese_er.review.side_by_side import letter

FOR, AGAINST, SUM = "speaks for one person", "speaks against", "match weight"
COLOURS = {FOR: "#1b7837", AGAINST: "#b35806", SUM: "#333333"}
BANDS = {"auto": "linked", "review": "asked", "no": "not linked"}
WIDTH = 420
FIRST, LAST = ("prior",), ("context", "notes")


def waterfall_rows(pair: PairScore) -> pd.DataFrame:
    """A bar for each part of the evidence: ``label``, ``start``, ``end`` and ``bits`` (log2 odds), and their sum last.

    The prior comes first, then comparisons by weight, then what the head and the notes add.
    """

    def place(name: str, weight: float) -> tuple[int, float, str]:
        return (0 if name in FIRST else 2 if name in LAST else 1, -abs(weight), name)

    rows, total = [], 0.0
    for one in sorted(pair.evidence, key=lambda one: place(one.field, one.weight)):
        told = one.field if one.field in FIRST + LAST else f"{one.field}: {one.comparison}"
        kind = FOR if one.weight >= 0 else AGAINST
        rows.append((told.replace("_", " "), total, total + one.weight, one.weight, kind))
        total += one.weight
    rows.append((f"together: probability {pair.match_probability:.3f}", 0.0, pair.match_weight, pair.match_weight, SUM))
    return pd.DataFrame(rows, columns=["label", "start", "end", "bits", "kind"])


def evidence_waterfall(pair: PairScore) -> alt.LayerChart:
    """The evidence of a pair as bars that begin where the one before ended."""
    rows = waterfall_rows(pair)
    rows["text"] = [f"{bits:+.1f}" for bits in rows.bits]
    base = alt.Chart(rows).encode(y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)))
    bars = base.mark_bar(height=13).encode(
        x=alt.X("start:Q", title="bits (log2 odds)"),
        x2="end:Q",
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
            legend=alt.Legend(orient="bottom", title=None),
        ),
    )
    texts = base.mark_text(align="left", dx=4, fontSize=10).encode(x=alt.X("high:Q"), text="text:N")
    texts = texts.transform_calculate(high="max(datum.start, datum.end)")
    return (bars + texts).properties(width=WIDTH, height=17 * len(rows), title="Evidence for A and B")


def cluster_graph(case: ReviewCase) -> alt.LayerChart:
    """The records of a question as points, their scored pairs as lines; colours are the people they belong to now."""
    nodes, edges = graph_tables(case)
    hidden: dict[str, Any] = {"axis": None, "scale": alt.Scale(domain=[-1.4, 1.4])}
    lines = (
        alt.Chart(edges)
        .mark_rule()
        .encode(
            x=alt.X("x:Q", **hidden), y=alt.Y("y:Q", **hidden), x2="x2:Q", y2="y2:Q",
            strokeWidth=alt.StrokeWidth("match_probability:Q", scale=alt.Scale(domain=[0, 1], range=[0.5, 4]),
                                        legend=None),
            strokeDash=alt.StrokeDash("band:N", scale=alt.Scale(domain=list(BANDS.values()),
                                                               range=[[1, 0], [6, 4], [1, 4]]),
                                      legend=alt.Legend(title="pair", orient="bottom")),
        )
    )  # fmt: skip
    labels = (
        alt.Chart(edges)
        .mark_text(fontSize=10, dy=-6)
        .encode(x=alt.X("middle:Q", **hidden), y=alt.Y("height:Q", **hidden), text="told:N")
    )
    points = alt.Chart(nodes).encode(x=alt.X("x:Q", **hidden), y=alt.Y("y:Q", **hidden))
    circles = points.mark_circle(size=420, opacity=1).encode(
        color=alt.Color("person:N", legend=alt.Legend(title=None, orient="bottom"))
    )
    names = points.mark_text(color="white", fontWeight="bold").encode(text="name:N")
    return (lines + labels + circles + names).properties(width=300, height=220, title="Records and their pairs")


def graph_tables(case: ReviewCase) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(nodes, edges) with places between -1 and 1; the same case gives the same picture."""
    keys = [member.record_key for member in case.members]
    graph: Any = nx.Graph()
    graph.add_nodes_from(keys)
    graph.add_weighted_edges_from((pair.left_key, pair.right_key, pair.match_probability) for pair in case.pairs)
    places = nx.circular_layout(graph) if len(keys) < 6 else nx.spring_layout(graph, seed=1)
    people = sorted({member.enterprise_id for member in case.members})
    nodes = pd.DataFrame(
        [
            (letter(place), *places[member.record_key], f"person {people.index(member.enterprise_id) + 1}")
            for place, member in enumerate(case.members)
        ],
        columns=["name", "x", "y", "person"],
    )
    edges = pd.DataFrame(
        [
            (*places[pair.left_key], *places[pair.right_key], pair.match_probability, BANDS.get(pair.band, pair.band))
            for pair in case.pairs
        ],
        columns=["x", "y", "x2", "y2", "match_probability", "band"],
    )
    edges["middle"], edges["height"] = (edges.x + edges.x2) / 2, (edges.y + edges.y2) / 2
    edges["told"] = [f"{probability:.2f}" for probability in edges.match_probability]
    return nodes, edges
