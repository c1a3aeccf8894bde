"""What a run answered to each case."""

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import pandas as pd

from hard_cases.kit import Case, Record

Key = tuple[str, str]


def key_of(record: Record) -> Key:
    """Source and record id."""
    return record["source"], record["record_id"]


@dataclass(frozen=True)
class Run:
    """The published tables of one run, by record."""

    enterprise_ids: dict[Key, str]
    statuses: dict[Key, str]
    pairs: dict[frozenset[Key], dict[str, Any]]
    questions: frozenset[frozenset[str]]
    overlays: frozenset[str]

    @classmethod
    def of(cls, tables: dict[str, pd.DataFrame]) -> "Run":
        """From crosswalk, scored_pairs, review_queue and clusters."""
        walk, pairs = tables["crosswalk"], tables["scored_pairs"]
        keys = list(zip(walk["source"], walk["record_id"], strict=True))
        columns = ["left_source", "left_record_id", "right_source", "right_record_id"]
        ends = pairs[columns].itertuples(index=False)
        return cls(
            dict(zip(keys, walk["enterprise_id"], strict=True)), dict(zip(keys, walk["link_status"], strict=True)),
            {frozenset({tuple(end[:2]), tuple(end[2:])}): row for end, row in
             zip(ends, pairs.drop(columns=columns).to_dict("records"), strict=True)},
            frozenset(frozenset(ids) for ids in tables["review_queue"]["enterprise_ids"]),
            frozenset(tables["clusters"].loc[tables["clusters"]["suspected_overlay"], "enterprise_id"]),
        )  # fmt: skip

    def ids(self, records: tuple[Record, ...]) -> set[str]:
        """The enterprise ids of the records."""
        return {self.enterprise_ids[key_of(record)] for record in records}

    def scored(self, first: tuple[Record, ...], second: tuple[Record, ...]) -> list[dict[str, Any]]:
        """The scored pairs between two persons' records; those that are no candidates or below the floor have none."""
        ends = (frozenset({key_of(a), key_of(b)}) for a, b in product(first, second))
        return [self.pairs[end] for end in ends if end in self.pairs]

    def is_joined(self, first: tuple[Record, ...], second: tuple[Record, ...]) -> bool:
        """Whether two persons share an enterprise id or an automatic link."""
        return bool(self.ids(first) & self.ids(second)) or any(
            pair["band"] == "auto" for pair in self.scored(first, second)
        )

    def is_asked(self, first: tuple[Record, ...], second: tuple[Record, ...]) -> bool:
        """Whether a person is asked about the two: a pair in review, or a question about their clusters."""
        between = {frozenset(ids) for ids in product(self.ids(first), self.ids(second))}
        return bool(between & self.questions) or any(pair["band"] == "review" for pair in self.scored(first, second))

    def any_joined(self, case: Case) -> bool:
        """Whether any two persons of the case are joined."""
        return any(self.is_joined(first, second) for first, second in combinations(case.people, 2))

    def is_right(self, case: Case) -> bool:
        """Whether the run gives the case's answer."""
        if self.any_joined(case):
            return False
        if case.answer == "L":
            return len(self.ids(case.people[0])) == 1
        return case.answer == "N" or self.is_asked(case.people[0], case.people[1])

    def told(self, case: Case) -> str:
        """The evidence on which the case was decided, a line for each scored pair (of these made-up records)."""
        groups = [(case.people[0], case.people[0])] if case.answer == "L" else list(combinations(case.people, 2))[:6]
        lines = [case.id]
        seen: set[int] = set()
        for first, second in groups:
            for pair in self.scored(first, second):
                if id(pair) in seen:
                    continue
                seen.add(id(pair))
                found = [f"{item['field']} {item['comparison']} {item['weight']:+.1f}" for item in pair["evidence"]
                         if item["comparison"] != "missing"]  # fmt: skip
                lines.append(
                    f"    {pair['band']} p={pair['match_probability']:.3f} {list(pair['vetoes'])} {'; '.join(found)}"
                )
        return "\n".join(lines if len(lines) > 1 else [*lines, "    no pair above the floor"])
