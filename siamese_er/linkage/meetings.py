"""Which groups of records meet in which task, so that every pair of records is formed in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

LEAST_A_CORE = 3
"""Tasks from which a group's own pairs need no task of their own: cores stay busy to the end."""


@dataclass(frozen=True)
class Meeting:
    """A task: one group or two, whose pairs are formed there, and those of them whose own pairs are formed there, too."""

    groups: tuple[int, ...]
    within: frozenset[int] = frozenset()


def within(group: int) -> Meeting:
    """The own pairs of a group, in a task that opens it alone."""
    return Meeting((group,), frozenset([group]))


def every_two(n_groups: int, parallelism: int) -> list[Meeting]:
    """Every two groups of a table once, and the own pairs of every group once.

    To open a group costs as much as many pairs. Where tasks of two groups are enough for every core, each group's own pairs
    are formed in one of them; these, which take longer, come first.
    """
    pairs = list(combinations(range(n_groups), 2))
    if len(pairs) < LEAST_A_CORE * parallelism:  # so of one or two groups always
        return [within(group) for group in range(n_groups)] + [Meeting(pair) for pair in pairs]
    host = {(group, group + 1): group for group in range(n_groups - 1)} | {(0, n_groups - 1): n_groups - 1}
    longer = [Meeting(pair, frozenset([group])) for pair, group in host.items()]
    return longer + [Meeting(pair) for pair in pairs if pair not in host]


def groups_of(meetings: Sequence[Meeting]) -> int:
    """How many groups there are: one more than the greatest number."""
    return 1 + max(max(meeting.groups) for meeting in meetings)
