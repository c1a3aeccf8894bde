"""What a run is warned about before it is published."""

import pytest

from siamese_er.appraisal import forgotten_decisions
from siamese_er.config import MatchConfig


@pytest.mark.parametrize(
    ("then", "now", "n_lines"),
    [("d.csv", None, 1), ("d.csv", "d.csv", 0), ("d.csv", "other.csv", 0), (None, None, 0), (None, "d.csv", 0)],
)
def test_a_run_without_the_decisions_of_the_one_before_is_warned(then, now, n_lines):
    config = MatchConfig.model_validate({"input": {"decisions": now}})

    assert len(forgotten_decisions(config, {"config": {"input": {"decisions": then}}})) == n_lines


def test_a_first_run_has_nothing_to_forget():
    assert forgotten_decisions(MatchConfig(), {}) == []
