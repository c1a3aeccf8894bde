from threading import Barrier

import pytest

from siamese_er.together import together


def test_together_gives_results_by_name_in_the_order_given():
    assert list(together({"b": lambda: 1, "a": lambda: 2}).items()) == [("b", 1), ("a", 2)]


def test_together_runs_at_once():
    both_there = Barrier(2, timeout=20)

    together({"one": both_there.wait, "other": both_there.wait})


def test_together_ends_all_before_it_raises_what_came_first_in_order():
    ended = []

    def fails(error):
        def action():
            ended.append(error)
            raise error

        return action

    first, second = KeyError("first"), ValueError("second")

    with pytest.raises(KeyError):
        together({"first": fails(first), "second": fails(second), "third": lambda: ended.append("third")})

    assert len(ended) == 3


def test_jobs_of_actions_belong_to_the_callers_group(spark):
    spark.sparkContext.setLocalProperty("spark.job.description", "a step")
    try:
        found = together({"one": lambda: spark.sparkContext.getLocalProperty("spark.job.description")})
    finally:
        spark.sparkContext.setLocalProperty("spark.job.description", None)

    assert found == {"one": "a step"}


def test_what_an_action_sets_for_its_jobs_is_its_own(spark):
    both_set = Barrier(2, timeout=20)

    def described(name):
        spark.sparkContext.setLocalProperty("spark.job.description", name)
        both_set.wait()
        return spark.sparkContext.getLocalProperty("spark.job.description")

    assert together({name: lambda name=name: described(name) for name in ("one", "other")}) == {
        "one": "one", "other": "other",
    }  # fmt: skip
