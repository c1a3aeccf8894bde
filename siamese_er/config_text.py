"""The config file with every setting, its default and its meaning: what ``conf/match.toml`` holds."""

import json
import textwrap
import types
import typing
from typing import Any

from pydantic.fields import FieldInfo

from siamese_er.config import MatchConfig, Section

HEADING = (
    "Settings of jobs/match.py. Every one is here with its default; a flag of the command overrides its setting, and "
    '--set SECTION.KEY=VALUE reaches any. A line "#KEY =" is null: no value by default. Unknown keys, wrong types and '
    "numbers out of range are faults, listed all at once. `siamese-er config` prints this file."
)
EXAMPLES = {
    "input.columns": '#pat_last_nm = "family_name"\n',
    "standardise.placeholder_values": '#city = ["TEST CITY"]\n',
}
WIDTH = 110


def config_text(model: type[Section] = MatchConfig) -> str:
    """TOML that parses to the defaults of ``model`` and shows every setting with its comment."""
    sections = [_commented(HEADING)]
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is None:
            sections.append(_commented(field.description or "") + _named_section(name, field))
        else:
            sections.append(_commented(section.__doc__ or "") + f"[{name}]\n" + _settings(name, section))
    return "\n".join(sections)


def _settings(path: str, section: type[Section]) -> str:
    lines, tables = "", ""
    for key, field in section.model_fields.items():
        default = field.get_default(call_default_factory=True)
        comment = _commented(meaning(field))
        if isinstance(default, dict):
            tables += "\n" + comment + f"[{path}.{key}]\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in default.items())
            tables += "" if default else EXAMPLES.get(f"{path}.{key}", "")
        elif default is None:
            lines += comment + f"#{key} =\n"
        else:
            lines += comment + f"{key} = {_toml(default)}\n"
    return lines + tables


def _named_section(name: str, field: FieldInfo) -> str:
    section = typing.get_args(field.annotation)[1]
    text = f"[{name}.NAME]\n" + _settings(f"{name}.NAME", section)
    return "".join(line if line.startswith("#") else f"#{line}" for line in text.splitlines(keepends=True))


def section_of(field: FieldInfo) -> type[Section] | None:
    """The model of a section of the config; null for a section whose keys are names."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def meaning(field: FieldInfo) -> str:
    """What a setting is for, and the values it may have where these are few."""
    choices = [repr(choice).replace("'", '"') for choice in _choices(field.annotation)]
    return (field.description or "") + (f" ({', '.join(choices)})" if choices else "")


def _choices(kind: Any) -> list[str]:
    """The values that a Literal allows, wherever it stands in the annotation; empty where any will do."""
    if typing.get_origin(kind) is typing.Literal:
        return [str(choice) for choice in typing.get_args(kind)]
    if typing.get_origin(kind) in (tuple, typing.Union, types.UnionType):
        return [choice for part in typing.get_args(kind) for choice in _choices(part)]
    return []


def shown_value(value: Any) -> str:
    """The value on one line, in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {shown_value(own)}" for key, own in value.items()) + "}"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _toml(value: Any) -> str:
    """The value in TOML, whose notation of text, numbers, flags and arrays is JSON's; a long array on several lines."""
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
    if len(text) <= WIDTH or not isinstance(value, tuple):
        return text
    items = textwrap.wrap(
        ", ".join(json.dumps(item, ensure_ascii=False) for item in value), WIDTH, break_on_hyphens=False
    )
    return "[\n" + "".join(f"    {line}\n" for line in items) + "]"


def _commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(" ".join(text.split()), WIDTH))
