"""The page of a run from its run.json: text in, text out."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, Template

from siamese_er.report.quality_sections import drift_section, label_sections, truth_sections, value_section
from siamese_er.report.sections import (
    Record,
    Section,
    blocking_section,
    cluster_section,
    funnel_section,
    gate_section,
    kpi_section,
    review_section,
    score_section,
    time_section,
)

STATUS_WORDS = {
    "published": "published", "dry_run": "dry run, not published", "gate_failed": "a gate failed, not published",
}  # fmt: skip


def page(record: Record) -> str:
    """The whole page as HTML: nothing in it is loaded from elsewhere, and every value is escaped.

    In: run.json of a run that came as far as its key figures (``kpis``).
    """
    return template().render(record=record, sections=sections(record), status=status_in_words(record))


def sections(record: Record) -> list[Section]:
    """The parts of the page, in order."""
    return [
        gate_section(record),
        funnel_section(record),
        score_section(record),
        cluster_section(record),
        review_section(record),
        blocking_section(record),
        value_section(record),
        drift_section(record),
        *label_sections(record),
        *truth_sections(record),
        time_section(record),
        kpi_section(record),
    ]


def status_in_words(record: Record) -> str:
    """What became of the run."""
    return STATUS_WORDS.get(record["status"], str(record["status"]))


@lru_cache(maxsize=1)
def template() -> Template:
    """The template of the page, with every value escaped."""
    loader = PackageLoader("siamese_er.report", "")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("page.html.j2")
