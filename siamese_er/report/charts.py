"""Charts as pictures that are part of the page: Vega-Lite specifications, rendered to SVG data addresses.

Colours are told apart by people with any colour vision (Okabe and Ito 2008) and every chart stands beside a table with
the same numbers.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

import vl_convert

WIDTH = 420
"""Units of width; the page scales a chart to its column. Text of 13 units is 11 pixels high on a narrow phone."""
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#00795a", "#767676"
BAND_COLOURS = {"auto": BLUE, "review": ORANGE, "no": GREY}
STYLE: dict[str, Any] = {
    "background": "white",
    "font": "Liberation Sans, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal", "labelLimit": 230, "labelColor": "#1b1b1b",
             "titleColor": "#1b1b1b", "gridColor": "#e3e3e3"},
    "legend": {"labelFontSize": 13, "titleFontSize": 13, "orient": "top", "title": None, "labelLimit": 240},
    "text": {"fontSize": 12, "color": "#1b1b1b"},
}  # fmt: skip
Row = dict[str, Any]
UNEVEN = {"type": "symlog"}


def picture(spec: dict[str, Any], rows: Sequence[Row], height: int) -> str:
    """The address (``data:``) of the SVG of a specification over some rows."""
    whole = spec | {
        "data": {"values": list(rows)}, "width": WIDTH, "height": height, "config": STYLE,
        "autosize": {"type": "fit", "contains": "padding"},
    }  # fmt: skip
    svg = vl_convert.vegalite_to_svg(json.dumps(whole))
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def bars(rows: Sequence[Row], title: str, uneven: bool = False, form: str = ",.0f") -> str:
    """Horizontal bars in the order of the rows: ``name``, ``value``; ``uneven`` for counts of very different size."""
    scale = UNEVEN if uneven else {}
    end = max([row["value"] for row in rows], default=1) or 1
    x = {
        "field": "value", "type": "quantitative", "title": title,
        "scale": scale | {"domain": [0, (1 + end) ** 1.4 if uneven else end * 1.3], "nice": False},  # room for the figures
        "axis": {"labels": not uneven, "ticks": not uneven, "grid": not uneven, "tickCount": 5},
    }  # fmt: skip
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    shown = {"mark": {"type": "text", "align": "left", "dx": 4}}
    spec = {"layer": [
        {"mark": {"type": "bar", "color": BLUE}, "encoding": {"x": x, "y": y}},
        shown | {"encoding": {"x": x, "y": y, "text": {"field": "value", "type": "quantitative", "format": form}}},
    ]}  # fmt: skip
    return picture(spec, rows, 24 * max(len(rows), 1) + 50)


def paired_bars(rows: Sequence[Row], title: str, kinds: Sequence[str]) -> str:
    """Horizontal bars of two kinds beside each other: ``name``, ``kind``, ``value``."""
    spec = {
        "mark": "bar",
        "encoding": {
            "x": {"field": "value", "type": "quantitative", "title": title, "axis": {"tickCount": 3, "format": ",.0f"}},
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None},
            "yOffset": {"field": "kind", "type": "nominal", "sort": list(kinds)},
            "color": {"field": "kind", "type": "nominal", "scale": {"domain": list(kinds), "range": [BLUE, ORANGE]}},
        },
    }
    names = {row["name"] for row in rows}
    return picture(spec, rows, 26 * max(len(names), 1) + 80)


def histogram(rows: Sequence[Row], kinds: dict[str, str]) -> str:
    """Upright bars beside each other for each bin: ``name`` (of the bin, in order), ``kind``, ``value``; uneven scale."""
    spec = {
        "mark": "bar",
        "encoding": {
            "x": {"field": "name", "type": "ordinal", "sort": None, "title": "match probability from",
                  "axis": {"labelAngle": -90}},
            "xOffset": {"field": "kind", "type": "nominal", "sort": list(kinds)},
            "y": {"field": "value", "type": "quantitative", "title": "pairs (scale uneven)", "scale": UNEVEN,
                  "axis": {"values": [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8], "format": ",.0f"}},
            "color": {"field": "kind", "type": "nominal",
                      "scale": {"domain": list(kinds), "range": list(kinds.values())}},
        },
    }  # fmt: skip
    return picture(spec, rows, 300)


def limits(rows: Sequence[Row], title: str) -> str:
    """Bars with the limit of each as a tick: ``name``, ``value``, ``limit``, ``kind`` (``within`` or ``beyond``)."""
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    colour = {"field": "kind", "type": "nominal", "scale": {"domain": ["within", "beyond"], "range": [BLUE, ORANGE]}}
    x = {"type": "quantitative", "title": title, "axis": {"tickCount": 5}, "scale": {"type": "sqrt"}}
    spec = {"layer": [
        {"mark": "bar", "encoding": {"x": x | {"field": "value"}, "y": y, "color": colour}},
        {"mark": {"type": "tick", "color": "#1b1b1b", "thickness": 2}, "encoding": {"x": x | {"field": "limit"}, "y": y}},
    ]}  # fmt: skip
    return picture(spec, rows, 22 * max(len(rows), 1) + 80)


def reliability(rows: Sequence[Row]) -> str:
    """Share of true pairs over mean probability: ``mean_probability``, ``share_true``, ``n_pairs``; the diagonal is right."""
    share = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    x = share | {"field": "mean_probability", "title": "mean match probability"}
    y = share | {"field": "share_true", "title": "share of true pairs"}
    spec = {"layer": [
        {"data": {"values": [{"at": 0}, {"at": 1}]}, "mark": {"type": "line", "color": GREY, "strokeDash": [4, 4]},
         "encoding": {"x": share | {"field": "at"}, "y": share | {"field": "at"}}},
        {"mark": {"type": "point", "filled": True, "color": BLUE, "size": 60}, "encoding": {"x": x, "y": y}},
    ]}  # fmt: skip
    return picture(spec, rows, 300)


def intervals(rows: Sequence[Row], title: str, kinds: Sequence[str]) -> str:
    """Points with their intervals: ``name``, ``kind``, ``value``, ``low``, ``high``; two kinds, one row of marks each."""
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    offset = {"field": "kind", "type": "nominal", "sort": list(kinds)}
    colour = {"field": "kind", "type": "nominal", "scale": {"domain": list(kinds), "range": [BLUE, ORANGE]}}
    x = {"type": "quantitative", "title": title, "scale": {"zero": False, "domainMax": 1}, "axis": {"tickCount": 5}}
    both = {"y": y, "yOffset": offset, "color": colour}
    spec = {"layer": [
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": both | {"x": x | {"field": "low"}, "x2": {"field": "high"}}},
        {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": both | {"x": x | {"field": "value"}}},
    ]}  # fmt: skip
    names = {row["name"] for row in rows}
    return picture(spec, rows, 30 * max(len(names), 1) + 80)
