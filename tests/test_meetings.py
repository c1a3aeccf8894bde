"""Which groups meet in which task: every pair of records in one place, and tasks enough for every core."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese_er.linkage.meetings import LEAST_A_CORE, Meeting, every_two, groups_of, within


@given(n_groups=st.integers(1, 12), cores=st.integers(1, 40))
def test_every_two_groups_meet_once_and_every_group_meets_itself_once(n_groups, cores):
    meetings = every_two(n_groups, cores)

    across = Counter(meeting.groups for meeting in meetings if len(meeting.groups) == 2)
    assert across == Counter(combinations(range(n_groups), 2))
    assert Counter(group for meeting in meetings for group in meeting.within) == Counter(range(n_groups))
    assert all(meeting.within <= set(meeting.groups) for meeting in meetings)
    assert groups_of(meetings) == n_groups


@given(n_groups=st.integers(3, 12), cores=st.integers(1, 40))
def test_own_pairs_have_tasks_of_their_own_only_where_others_are_too_few(n_groups, cores):
    meetings = every_two(n_groups, cores)

    alone = [meeting for meeting in meetings if len(meeting.groups) == 1]
    assert len(alone) == (0 if len(meetings) - len(alone) >= LEAST_A_CORE * cores else n_groups)
    assert max(len(meeting.within) for meeting in meetings) == 1


@pytest.mark.parametrize(("n_groups", "n_tasks"), [(1, 1), (2, 3), (3, 6), (4, 6), (5, 10)])
def test_tasks_on_two_cores(n_groups, n_tasks):
    assert len(every_two(n_groups, 2)) == n_tasks


def test_longer_tasks_come_first():
    assert every_two(4, 2)[:4] == [Meeting(pair, frozenset([own])) for pair, own in
                                   [((0, 1), 0), ((1, 2), 1), ((2, 3), 2), ((0, 3), 3)]]  # fmt: skip
    assert every_two(2, 2) == [within(0), within(1), Meeting((0, 1))]
