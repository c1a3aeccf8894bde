"""docs/reference.md: every setting, from the models of the config, and every column, from the schemas of the tables."""

from typing import Any

from pydantic.fields import FieldInfo

from siamese_er.config import MatchConfig, Section
from siamese_er.config_text import meaning, section_of, shown_value

OPENING = """# Reference

Written by `siamese-er reference`; a test compares. What sections are for: [configuration](configuration.md); what columns
mean: [tables](tables.md).

## Settings

A setting that is null has no value by default. `--set SECTION.KEY=VALUE` reaches each.
"""


def reference_text() -> str:
    """The page, as Markdown."""
    from siamese_er.schemas import PUBLISHED  # Spark's types load slowly

    parts = [OPENING]
    for name, field in MatchConfig.model_fields.items():
        section, title = section_of(field) or named_section(field), name
        if section_of(field) is None:
            title = f"{name}.NAME"
        parts.append(f"### [{title}]\n\n" + "".join(rows(["setting", "default", "meaning"], settings(section))))
    parts.append("## Columns of the tables\n")
    for name, schema in sorted(PUBLISHED.items()):
        columns = [[f"`{column.name}`", f"`{column.dataType.simpleString()}`"] for column in schema]
        parts.append(f"### {name}\n\n" + "".join(rows(["column", "type"], columns)))
    return "\n".join(parts)


def named_section(field: FieldInfo) -> type[Section]:
    """The model of each entry of a section whose keys are names."""
    model: Any = field.annotation
    found: type[Section] = model.__args__[1]
    return found


def settings(section: type[Section]) -> list[list[str]]:
    """Name, default and meaning of each setting of a section."""
    found = []
    for key, field in section.model_fields.items():
        default = field.get_default(call_default_factory=True)
        text = "null" if default is None else f"`{shown_value(default)}`"
        found.append([f"`{key}`", text, meaning(field)])
    return found


def rows(heads: list[str], cells: list[list[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [heads, ["---"] * len(heads), *cells]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines]
