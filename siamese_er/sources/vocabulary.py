"""What the columns of each kind of input table may be called."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from siamese_er.errors import ContractFault
from siamese_er.sources.mapping import (
    DATE_PARTS,
    KEY_SYNONYMS,
    NOTE_COLUMNS,
    NOTE_SYNONYMS,
    RECORD_COLUMNS,
    RECORD_SYNONYMS,
    STREET_PARTS,
    ColumnMapping,
    bare,
    listed,
    placements,
    recognised,
)

NOT_A_NAME = re.compile(r"[\d\s./:+()-]+|.*@.*\..*")


@dataclass(frozen=True)
class Vocabulary:
    """The contract columns of one kind of table, their synonyms, and what the config adds.

    ``allows_absent``: the config's entries may be meant for tables of another kind.
    """

    targets: tuple[str, ...]
    synonyms: Mapping[str, Sequence[str]]
    required: tuple[str, ...]
    with_composites: bool = False
    explicit: Mapping[str, str] = field(default_factory=dict)
    allows_absent: bool = False

    def mapping(self, columns: Sequence[str]) -> ColumnMapping:
        """The mapping of a table with these columns; config entries for columns of other tables are left out.

        Raises: ContractFault where a required column is missing, or config maps to no contract column.
        """
        seen = {bare(column) for column in columns}
        own = {name: target for name, target in self.explicit.items() if bare(name) in seen}
        mapping = placements(columns, own, self.synonyms, self.targets, self.with_composites)
        if missing := [name for name in self.required if name not in mapping.placed]:
            raise ContractFault(f"no {', '.join(missing)} column; columns seen: {listed(columns)}")
        return mapping

    def absent(self, tables: Sequence[Sequence[str]]) -> list[str]:
        """One fault for each column that the config names and no table has."""
        if self.allows_absent:
            return []
        seen = {bare(column) for columns in tables for column in columns}
        return [
            f"input.columns: {name}: the input has no such column" for name in self.explicit if bare(name) not in seen
        ]

    def is_header(self, columns: Sequence[str]) -> bool:
        """True where a line can be a header: a name in it is known, and most are neither numbers nor addresses."""
        explicit = {bare(name) for name in self.explicit}
        parts = DATE_PARTS | STREET_PARTS if self.with_composites else {}
        known = any(recognised(column, {**self.synonyms, **parts}) or bare(column) in explicit for column in columns)
        return known and 2 * sum(bool(NOT_A_NAME.fullmatch(column)) for column in columns) < len(columns)

    def is_ambiguous(self, columns: Sequence[str]) -> bool:
        """True where two of the columns claim one contract column."""
        try:
            return bool(self.mapping(columns).displaced)
        except ContractFault:
            return False


RECORD_VOCABULARY = Vocabulary(RECORD_COLUMNS, RECORD_SYNONYMS, ("record_id",), with_composites=True)
NOTE_VOCABULARY = Vocabulary(NOTE_COLUMNS, NOTE_SYNONYMS, ("record_id", "text"), allows_absent=True)
DECISION_VOCABULARY = Vocabulary(
    (
        "left_source",
        "left_record_id",
        "right_source",
        "right_record_id",
        "decision",
        "reviewer",
        "decided_at",
        "reason",
    ),
    {"left_record_id": ("left_id",), "right_record_id": ("right_id",), "decided_at": ("date", "timestamp")},
    ("left_record_id", "right_record_id", "decision"),
)
LABEL_VOCABULARY = Vocabulary(
    ("left_source", "left_record_id", "right_source", "right_record_id", "label", "weight", "decided_at"),
    {
        "left_record_id": ("left_id",), "right_record_id": ("right_id",), "decided_at": ("date", "timestamp"),
        "label": ("decision", "is_match"),
    },
    ("left_record_id", "right_record_id", "label"),
)  # fmt: skip
TRUTH_VOCABULARY = Vocabulary(
    ("entity_id", "household_id", "source", "record_id"),
    {"entity_id": ("cluster_id", "cluster", "ent_id"), **KEY_SYNONYMS},
    ("record_id", "entity_id"),
)
