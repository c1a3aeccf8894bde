"""Sets that ride along in unknown columns (allergies, problems): of one person they are united, never picked."""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siamese_er.golden_values import UNION, Candidates

Place = tuple[int, str]  # person, column
JSON_LIST = r'^\[\s*(["{\[\]]|-?\d|true|false|null)'
"""How a list in JSON begins, cut at its greatest length or not; ``[see chart]`` is a text in brackets."""


def united_sets(
    extras: Candidates, person: np.ndarray, recency: np.ndarray, rules: Mapping[str, str], default_rule: str
) -> list[Candidates]:
    """The values of unknown columns, those of sets as one candidate for each person and column.

    A column is a set under the rule ``union``, and for a person one of whose values is a list (JSON, as
    `sources.columns.extra` writes arrays). The one candidate is a JSON list of all distinct entries in order, and
    stands in the name of the most recent record that has any. Entries that differ only by case, or by blanks around
    them, are one, written as the smallest of them.

    In: for each row its person, and its recency, the least first.
    """
    is_list = pc.match_substring_regex(extras.texts, JSON_LIST).to_numpy(zero_copy_only=False)
    united = {name for name in pc.unique(extras.names).to_pylist() if rules.get(name, default_rule) == UNION}
    if not is_list.any() and not united:
        return [extras]
    places: list[Place] = list(zip(person[extras.rows].tolist(), extras.names.to_pylist(), strict=True))
    chosen = {place for place, listed in zip(places, is_list.tolist(), strict=True) if listed or place[1] in united}
    rest = pa.array([place not in chosen for place in places], pa.bool_())
    kept = Candidates(
        extras.names.filter(rest), extras.rows[rest.to_numpy(zero_copy_only=False)], extras.texts.filter(rest),
        extras.standards.filter(rest),
    )  # fmt: skip
    entries: dict[Place, list[tuple[int, int, str]]] = {place: [] for place in sorted(chosen)}
    for place, row, text in zip(places, extras.rows.tolist(), extras.texts.to_pylist(), strict=True):
        if place in chosen:
            entries[place] += [(int(recency[row]), row, item) for item in items(text)]
    entries = {place: found for place, found in entries.items() if found}
    texts = pa.array([united_text([item for *_, item in found]) for found in entries.values()], pa.string())
    names = pa.array([name for _, name in entries], pa.string())
    rows = np.array([min(found)[1] for found in entries.values()], np.int64)
    return [kept, Candidates(names, rows, texts, texts, UNION)]


def items(text: str) -> list[str]:
    """The entries of a list written as JSON, blank and null ones left out; any other text is its own only entry."""
    try:
        found = json.loads(text) if text.startswith("[") else [text]
    except ValueError:  # not JSON, or cut at its greatest length
        found = [text]
    listed = [item if isinstance(item, str) else json.dumps(item, sort_keys=True) for item in found if item is not None]
    return [item for item in listed if item.strip()]


def united_text(entries: list[str]) -> str:
    """The distinct entries as JSON."""
    distinct: dict[str, str] = {}
    for item in sorted(item.strip() for item in entries):
        distinct.setdefault(item.lower(), item)
    return json.dumps(list(distinct.values()), ensure_ascii=False)
