"""Charts of a whole run and of thresholds; counts and shares alone."""

import altair as alt
import pandas as pd

BAND_COLOURS = alt.Scale(domain=["auto", "review", "no"], range=["#1b7837", "#e08214", "#8c8c8c"])
WIDTH, HEIGHT = 480, 220


def score_chart(bins: pd.DataFrame) -> alt.Chart:
    """Histogram of match probabilities by band, counts on a log scale."""
    shown = bins.assign(high=bins.low + 0.05, least=0.5)
    return (
        alt.Chart(shown, title="Scored pairs by match probability")
        .mark_bar(opacity=0.75)
        .encode(
            x=alt.X("low:Q", title="match probability", bin="binned"), x2="high:Q",
            y=alt.Y("n_pairs:Q", title="pairs", scale=alt.Scale(type="log", domainMin=0.5), stack=False),
            y2="least:Q", color=alt.Color("band:N", scale=BAND_COLOURS),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )  # fmt: skip


def size_chart(sizes: pd.DataFrame) -> alt.Chart:
    """Clusters by number of records."""
    return (
        alt.Chart(sizes, title="Clusters by size")
        .mark_bar()
        .encode(x=alt.X("n_records:O", title="records"), y=alt.Y("n_clusters:Q", title="clusters"))
        .properties(width=WIDTH, height=HEIGHT)
    )


def yield_chart(yields: pd.DataFrame) -> alt.Chart:
    """What each blocking pass proposes and what of it is linked."""
    long = yields.melt("blocking_pass", ["candidates", "linked", "only_by_it"], "pairs", "n")
    return (
        alt.Chart(long[long.n > 0], title="Pairs by blocking pass")
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("n:Q", title="pairs (log scale)", scale=alt.Scale(type="log")),
            y=alt.Y("blocking_pass:N", title=None, sort=list(yields.blocking_pass)),
            color="pairs:N", shape="pairs:N",
        )
        .properties(width=WIDTH)
    )  # fmt: skip


def missing_chart(missing: pd.DataFrame) -> alt.Chart:
    """Missing rates as a heat map of columns and sources."""
    return (
        alt.Chart(missing, title="Share of records without a value")
        .mark_rect()
        .encode(x=alt.X("source:N", title=None), y=alt.Y("column:N", title=None),
                color=alt.Color("missing:Q", scale=alt.Scale(domain=[0, 1], scheme="blues")))
        .properties(width=160)
    )  # fmt: skip


def threshold_chart(tables: dict[str, pd.DataFrame], current: float) -> alt.LayerChart:
    """Precision and recall by threshold, a line each for every way of knowing; the threshold in force as a rule."""
    parts = [
        table.melt("threshold", ["precision", "recall"], "figure", "share").assign(by=name)
        for name, table in tables.items()
    ]
    lines = (
        alt.Chart(pd.concat(parts).dropna(), title="What a threshold would do to scored pairs")
        .mark_line(point=True)
        .encode(
            x=alt.X("threshold:Q", scale=alt.Scale(domain=[0, 1])), y=alt.Y("share:Q", scale=alt.Scale(zero=False)),
            color="figure:N", strokeDash=alt.StrokeDash("by:N", title="by"),
        )
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"threshold": [current]})).mark_rule(strokeDash=[2, 2]).encode(x="threshold:Q")
    return (lines + rule).properties(width=WIDTH, height=HEIGHT)


def load_chart(table: pd.DataFrame) -> alt.Chart:
    """Questions that a person would be asked, by threshold of automatic links."""
    return (
        alt.Chart(table, title="Review load by threshold")
        .mark_line(point=True)
        .encode(x=alt.X("threshold:Q", scale=alt.Scale(domain=[0, 1])), y=alt.Y("questions:Q", title="pairs to ask"))
        .properties(width=WIDTH, height=HEIGHT)
    )


def cost_chart(costs: pd.DataFrame) -> alt.Chart:
    """Cost by both thresholds; darker is dearer."""
    return (
        alt.Chart(costs, title="Cost of mistakes and questions")
        .mark_rect()
        .encode(
            x=alt.X("threshold:O", title="linked from"), y=alt.Y("review_from:O", title="asked from", sort="descending"),
            color=alt.Color("cost:Q", scale=alt.Scale(type="symlog", scheme="viridis", reverse=True)),
        )
        .properties(width=WIDTH)
    )  # fmt: skip
