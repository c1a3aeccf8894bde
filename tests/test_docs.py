"""The pages tell the truth: links and paths lead somewhere, and lists are those of the code. No Spark session."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import siamese_er
from siamese_er import schemas
from siamese_er.config import MatchConfig, PassName, SurvivorshipRule
from siamese_er.decide import BALANCED_VETOES
from siamese_er.job_flags import flags_of
from siamese_er.linkage.care import CARE_VETOES
from siamese_er.linkage.comparisons import COMPARISONS
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.vetoes import CONTRADICTIONS, VETOES
from siamese_er.neural.losses import LOSSES
from siamese_er.overlays import SUSPECTED_OVERLAY
from siamese_er.reference_text import reference_text

CHECKOUT = Path(__file__).parent.parent
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
JOBS = sorted((CHECKOUT / "jobs").glob("*.py"))
TOP = tuple(f"{name}/" for name in ("siamese_er", "jobs", "conf", "docs", "tests", ".ci"))
METHOD = CHECKOUT / "docs" / "method.md"
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def fenced(page: Path) -> str:
    return "\n".join(FENCE.findall(page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(page: Path, heading: str) -> str:
    """The text under one heading, up to the next of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", prose(page), re.DOTALL | re.MULTILINE)
    assert found, f"{name_of(page)} has no heading {heading}"
    return found[1]


def table_rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the Markdown tables of a text, heads and rules apart."""
    for row in re.findall(r"^\|(.+)\|$", text, re.MULTILINE):
        cells = [cell.strip() for cell in row.split("|")]
        if "`" in cells[0]:
            yield cells


def first_names(text: str) -> list[str]:
    """The names in backticks in the first cell of each row."""
    return [name for cells in table_rows(text) for name in re.findall(r"`([^`]+)`", cells[0])]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_to_files_and_headings(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    broken = []
    for target in (target for target in targets if "://" not in target):
        file, _, anchor = target.partition("#")
        there = page.parent / file if file else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_in_backticks_exist(page):
    told = {word for word in re.findall(r"`([^`\s]+)`", prose(page)) if word.startswith(TOP)}
    told |= set(re.findall(r"(?:jobs|conf|siamese_er)/[\w./-]+", fenced(page)))

    assert [path for path in sorted(told) if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_modules_named_without_folder_exist(page):
    told = set(re.findall(r"`(\w+\.py)`", prose(page)))
    known = {path.name for folder in ("siamese_er", "jobs", "tests") for path in (CHECKOUT / folder).rglob("*.py")}

    assert told - known == set()


def parts_of(page: Path) -> list[str]:
    """The paragraphs, list items and table rows of a page."""
    return re.split(r"\n(?=- |\d+\. |\n|\|)", prose(page))


def source_text(name: str) -> str:
    path = CHECKOUT / name
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_extending_names_what_is_in_the_files_it_names():
    unknown = []
    for part in parts_of(CHECKOUT / "docs" / "extending.md"):
        files = [word for word in re.findall(r"`([^`\s]+)`", part) if word.startswith(TOP)]
        names = re.findall(r"`([A-Za-z_][\w.]*)`", part)
        text = "\n".join(map(source_text, files))
        unknown += [f"{name}: not in {files}" for name in names if files and name.rpartition(".")[2] not in text]

    assert unknown == []


def test_method_lists_every_blocking_pass():
    told = first_names(section(METHOD, "Blocking"))

    assert told == list(PASS_NAMES)
    assert set(told) == set(get_args(PassName))


def test_method_lists_every_veto():
    assert first_names(section(METHOD, "Vetoes")) == [*VETOES, *CARE_VETOES, SUSPECTED_OVERLAY]


def test_method_names_the_vetoes_that_keep_groups_apart():
    told = set(re.findall(r"`(\w+)`", section(METHOD, "Clusters"))) & set(VETOES)

    assert told == set(CONTRADICTIONS)


def test_method_names_the_vetoes_of_the_balanced_preset():
    opening = section(METHOD, "Vetoes").partition("|")[0]

    assert set(re.findall(r"`(\w+)`", opening)) & set(VETOES) == set(BALANCED_VETOES)


def test_method_lists_every_comparison_with_its_group_and_levels():
    told = [(cells[0].strip("`"), cells[1], cells[2]) for cells in table_rows(section(METHOD, "Comparisons"))]

    assert told == [(each.name, each.group, ", ".join(each.labels)) for each in COMPARISONS]


def test_method_lists_every_survivorship_rule():
    assert first_names(section(METHOD, "Survivorship")) == list(get_args(SurvivorshipRule))


def test_method_lists_every_loss():
    assert first_names(section(METHOD, "The encoder")) == list(LOSSES)


@pytest.mark.parametrize("table", sorted(schemas.PUBLISHED))
def test_tables_page_lists_every_column(table):
    told = first_names(section(CHECKOUT / "docs" / "tables.md", table))

    assert sorted(told) == sorted(schemas.PUBLISHED[table].names)


def test_readme_lists_every_table():
    assert set(first_names(section(CHECKOUT / "README.md", "What comes out"))) == set(schemas.PUBLISHED)


def test_configuration_page_lists_every_section():
    told = re.findall(r"^\| `\[(\w+)", prose(CHECKOUT / "docs" / "configuration.md"), re.MULTILINE)

    assert told == list(MatchConfig.model_fields)


def test_settings_that_pages_name_exist():
    unknown = []
    for page in PAGES:
        for name, key in re.findall(r"`\[(\w+)(?:\.NAME)?\]\s+(\w+)", prose(page)):
            model = MatchConfig.model_fields[name].annotation
            if name == "sources":
                model = get_args(model)[1]
            if key not in model.model_fields:
                unknown.append(f"{name_of(page)}: [{name}] {key}")

    assert unknown == []


def test_readme_tells_every_flag_of_the_match_job():
    told = set(re.findall(r"`(--[\w-]+)", prose(CHECKOUT / "README.md")))

    assert flags_of(CHECKOUT / "jobs" / "match.py").keys() - told == set()


@pytest.mark.parametrize("job", JOBS, ids=name_of)
def test_pages_tell_every_flag_of_a_job(job):
    parts = [part for page in PAGES for part in parts_of(page) if job.name in part]
    about = prose(CHECKOUT / "README.md") + "\n".join(parts)
    told = set(re.findall(r"`(--[\w-]+)", about))
    flags = flags_of(job)

    assert {flag for flag in flags if not {flag, flag.replace("--", "--no-", 1)} & told} == set()


@pytest.mark.parametrize("job", JOBS, ids=name_of)
def test_commands_use_flags_that_the_job_has(job):
    blocks = "\n".join(fenced(page) for page in PAGES).replace("\\\n", " ")
    commands = [line.split(name_of(job), 1)[1] for line in blocks.splitlines() if name_of(job) in line]
    used = {flag for command in commands for flag in re.findall(r"(?<= )--[\w-]+", command)}

    assert used - flags_of(job).keys() == set()


def test_changelog_opens_with_this_version():
    versions = re.findall(r"^## (\S+)", prose(CHECKOUT / "CHANGELOG.md"), re.MULTILINE)

    assert versions[0] == siamese_er.__version__


def test_reference_page_is_what_the_models_and_schemas_say():
    assert (CHECKOUT / "docs" / "reference.md").read_text(encoding="utf-8") == reference_text()


def test_identity_page_maps_every_case_to_a_test_that_is_there():
    cases = section(CHECKOUT / "docs" / "identity.md", "The cases of a real MDM")
    numbers = re.findall(r"^\| (\d+(?:, \d+)*) \|", cases, re.MULTILINE)
    known = {name for path in (CHECKOUT / "tests").glob("test_*.py")
             for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}  # fmt: skip
    told = set(re.findall(r"`(test_\w+)`", cases))

    assert [int(n) for text in numbers for n in text.split(", ")] == [*range(1, 22), *range(45, 54)]
    assert told - known == set()


def test_faq_quotes_messages_that_the_code_has():
    """Of messages of our own, all words that hold no name of a file or a number."""
    ours = "\n".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "siamese_er").rglob("*.py"))
    text = re.sub(r'"\s*f?"', "", ours)
    told = [cells for cells in table_rows(section(CHECKOUT / "docs" / "faq.md", "Status 2: the input"))]
    parts = [
        part.strip() for cells in told for quoted in re.findall(r"`([^`]+)`", cells[0]) for part in quoted.split("...")
    ]

    assert parts
    assert [part for part in parts if part and part not in text] == []
