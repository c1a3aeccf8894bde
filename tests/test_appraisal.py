"""What a run is warned about before it is published."""

import pytest

from siamese_er.appraisal import forgotten_decisions, held_back
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


@pytest.mark.parametrize(
    ("n_linked", "n_held", "vetoes", "expected"),
    [
        pytest.param(900, 100, {"namesake": 100}, [], id="most are linked"),
        pytest.param(5, 10, {"namesake": 10}, [], id="few are likely at all"),
        pytest.param(0, 1_400, {"namesake": 1_300, "thin_evidence": 90, "sex_differs": 2},
                     ["links: 1,400 of 1,400 likely pairs are held back for a person, most often by namesake (1,300) and "
                      "thin_evidence (90)"], id="all are held back"),
        pytest.param(10, 30, {}, ["links: 30 of 40 likely pairs are held back for a person"], id="none has a veto"),
    ],
)  # fmt: skip
def test_a_run_whose_likely_pairs_are_held_back_says_so(n_linked, n_held, vetoes, expected):
    score = [
        {"lowest": 0.2, "band": "review", "n": 10_000, "expected": 3_000.0},
        {"lowest": 0.95, "band": "auto", "n": n_linked, "expected": 0.97 * n_linked},
        {"lowest": 0.95, "band": "review", "n": n_held, "expected": 0.97 * n_held},
        {"lowest": 0.999, "band": "no", "n": 5_000, "expected": 5_000.0},
    ]

    assert held_back({"score": score, "held_back": vetoes}) == expected
