"""report.html: one page without anything from outside, escaped, with a text and a table for each chart."""

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from typing import Any

import pytest
from run_record import LABELS, record_of

from siamese_er.config import GateSettings
from siamese_er.kpis import DEFINITIONS
from siamese_er.report.charts import WIDTH, bars
from siamese_er.report.page import page, sections

HOSTILE = '<img src=x onerror="alert(1)"> & {{ 7 * 7 }}'


class Elements(HTMLParser):
    """All elements of a page with their attributes, in order, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def full() -> str:
    return page(record_of(with_truth=True))


def hostile(value: Any, key: str = "") -> Any:
    """The record with markup behind every text that no code looks up."""
    if isinstance(value, dict):
        return {name: hostile(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [hostile(item, key) for item in value]
    names = {
        "band",
        "status",
        "run_id",
        "started",
        "measure",
        "name",
        "subgroup",
        "reason",
        "column",
        "told",
        "warning",
    }
    named = key in names - {"band", "status"} or key in ("siamese_er", "previous_run_id", "warnings", "head_digest")
    return f"{HOSTILE}{value}" if isinstance(value, str) and named else value


def test_page_loads_nothing_from_outside(full):
    addresses = [value for _, attributes in Elements(full).found for name, value in attributes.items()
                 if name in ("src", "href", "action", "data", "srcset", "poster")]  # fmt: skip

    assert addresses
    assert all(address.startswith(("#", "data:image/svg+xml;base64,")) for address in addresses)
    assert not re.search(r"https?:|@import|url\(", full)
    assert not Elements(full).all("script")
    (policy,) = [meta["content"] for meta in Elements(full).all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'")


def test_pictures_load_nothing_and_have_a_text_and_a_table(full):
    pictures = Elements(full).all("img")
    drawn = [base64.b64decode(image["src"].partition(",")[2]).decode() for image in pictures]

    assert len(pictures) == 9
    assert all(len(image["alt"]) > 30 for image in pictures)
    assert all(svg.startswith("<svg") for svg in drawn)
    assert not any(re.search(r"<(script|image|foreignObject)|href=\"http|url\(http", svg) for svg in drawn)
    assert all(section.grids for section in sections(record_of(with_truth=True)) if section.chart)


@pytest.mark.parametrize("uneven", [True, False])
def test_figures_beside_the_longest_bar_are_inside_the_picture(uneven):
    rows = [{"name": "candidate pairs", "value": 99_088_003}, {"name": "links", "value": 10}]

    svg = base64.b64decode(bars(rows, "pairs", uneven=uneven).partition(",")[2]).decode()

    figure = re.search(r'transform="translate\(([\d.]+),[\d.]+\)"[^>]*>99,088,003<', svg)
    offset = re.search(r'<g fill="none"[^>]*transform="translate\(([\d.]+),', svg)
    assert figure
    assert offset
    assert float(offset[1]) + float(figure[1]) + len("99,088,003") * 6.3 < WIDTH


def test_page_can_be_found_through_by_its_headings(full):
    elements = Elements(full)
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch(r"h[1-6]", tag)]
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]

    assert elements.all("html") == [{"lang": "en"}]
    assert levels == [1] + [2] * (len(levels) - 1)
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in elements.all("a")} <= set(ids)
    assert len(elements.all("caption")) == len(elements.all("table")) == len(elements.all("thead"))
    assert {head["scope"] for head in elements.all("th")} == {"col", "row"}


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (#rrggbb), 1 to 21. Source: WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_text_stands_out_from_its_ground(full):
    colours = set(re.findall(r"(?<![\w-])color: (#[0-9a-f]{6})", full))

    assert len(colours) >= 4
    assert {colour for colour in colours if contrast(colour, "#f4f5f7") < 4.5} == set()


def test_every_value_is_escaped():
    plain, written = record_of(with_truth=True), page(hostile(record_of(with_truth=True)))

    assert written.count("&lt;img src=x") > 10
    assert len(Elements(written).all("img")) == len(Elements(page(plain)).all("img"))
    assert "{{ 7 * 7 }}" in Elements(written).text
    assert not any("onerror" in attributes for _, attributes in Elements(written).found)
    drawn = "".join(base64.b64decode(i["src"].partition(",")[2]).decode() for i in Elements(written).all("img"))
    assert "<img" not in drawn


def test_a_failed_gate_is_told_in_words():
    record = record_of(settings=GateSettings(max_cluster_size=3), status="gate_failed")

    text = Elements(page(record)).text

    assert "a gate failed, not published" in text
    assert "✗ failed" in text
    assert "the largest cluster has 4 records" in text


def test_parts_that_need_a_truth_are_there_with_one_alone():
    anchors = {section.anchor for section in sections(record_of(with_truth=True))}

    assert anchors - {section.anchor for section in sections(record_of())} == {"calibration", "by-sex"}


@pytest.mark.parametrize(
    ("found", "told", "loss"),
    [
        pytest.param(LABELS, "teach was adopted", "0.3200", id="adopted"),
        pytest.param(LABELS | {"accepted": False, "reason": "no labelled pair was compared", "log_loss_after": None},
                     "was not adopted: no labelled pair was compared", "-", id="refused before it was tried"),
    ],
)  # fmt: skip
def test_what_labels_taught_is_told_where_there_were_any(found, told, loss):
    (labelled,) = [section for section in sections(record_of(labels=found)) if section.anchor == "labels"]

    assert told in labelled.text
    assert {("known: both records are in this run", "80"), ("used", "75")} <= set(labelled.grids[0].rows)
    assert [row[1] for row in labelled.grids[1].rows if row[0] == "after"] == [loss]
    assert not any(section.anchor == "labels" for section in sections(record_of()))


def test_every_known_key_figure_is_on_the_page(full):
    record, text = record_of(with_truth=True), Elements(full).text
    known = {kpi.name for kpi in DEFINITIONS if record["kpis"][kpi.name] is not None}

    assert {name for name in known if name not in text} == set()


def test_what_blocking_left_out_is_told_by_pass_and_by_digest():
    (blocking,) = [section for section in sections(record_of()) if section.anchor == "blocking"]

    assert "3 blocks were too large and proposed nothing" in blocking.text
    assert ("phone", "700", "400", "3", "150,000") in blocking.grids[0].rows
    assert blocking.grids[1].rows == (("phone", "00c0ffee00c0ffee", "500"), ("phone", "deadbeefdeadbeef", "200"))


def test_a_run_without_pairs_has_a_page():
    nothing = {"score": [], "levels": {}, "missing": {"phones": 0}, "cluster_sizes": [{"records": "1", "n": 0}],
               "review_reasons": [], "link_status": {}}  # fmt: skip
    none = {"names": 0}

    written = page(record_of(aggregates=nothing, pairs_by_pass=none, pairs_by_first_pass=none, drift=[], value_faults=[],
                             dropped_blocks={}, candidate_pairs=0))  # fmt: skip

    assert "Funnel of pairs" in written


def test_a_run_leaves_its_report_and_figures(submitted_run):
    record = json.loads((submitted_run.run / "run.json").read_text())
    elements = Elements((submitted_run.run / "report.html").read_text())

    assert record["report"] == {"path": "report.html"}
    assert f"Run {submitted_run.run.name}" in elements.text
    assert {"calibration", "by-source", "by-age_band", "drift"} <= {a.get("id") for a in elements.all("section")}
    assert record["seconds"]["report"] < 60
    assert len(list((submitted_run.output / "kpis" / f"run_id={submitted_run.run.name}").glob("*.parquet"))) == 1
    assert sum(row["n"] for row in record["aggregates"]["cluster_sizes"]) == record["counts"]["clusters"]
    assert sum(record["aggregates"]["link_status"].values()) == record["counts"]["records"]
    assert sum(row["n"] for row in record["aggregates"]["review_reasons"]) == record["counts"]["review_queue"]
    bands = {"auto": 0, "review": 0, "no": 0}
    for row in record["aggregates"]["score"]:
        bands[row["band"]] += row["n"]
    assert bands["auto"] == record["counts"]["links"]
    assert record["kpis"]["precision"] == record["metrics"]["precision"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
def test_page_in_a_browser(full, tmp_path, width):
    playwright = pytest.importorskip("playwright.sync_api")
    (tmp_path / "report.html").write_text(full)
    asked, said = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(viewport={"width": width, "height": 800})
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto((tmp_path / "report.html").as_uri())
        scrolls = tab.evaluate("document.documentElement.scrollWidth")
        drawn = tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        browser.close()

    assert (scrolls, drawn) == (width, True)
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert said == []
