"""Lines that say how far a run is: rates, time left, and no line for nobody. No Spark session."""

import re
import time

import pytest

from siamese_er.estimate import Meetings
from siamese_er.progress import STEP_COSTS, Progress, Stage, Work, seconds_before


class Hands:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def progress_of(told: list[str], work: Work, **settings) -> tuple[Progress, Hands]:
    hands = Hands()
    return Progress(told.append, work=work, clock=hands, **settings), hands


def walked(progress: Progress, hands: Hands, **seconds: float) -> None:
    for name, took in seconds.items():
        with progress.step(name):
            hands.now += took


def test_a_finished_step_tells_rows_rate_and_time_left():
    told = []
    progress, hands = progress_of(told, Work(2, n_records=10_000), steps=("read", "standardise"))

    walked(progress, hands, read=4.0)

    guess = Work(2, n_records=10_000)
    left = 4.0 / guess.seconds("read") * guess.seconds("standardise")
    assert re.fullmatch(r"\d\d:\d\d:\d\dZ read: 10,000 records, 2,500/s, done in 4 s; about (\d+) s left", told[0])
    assert told[0].endswith(f"about {max(1, round(left))} s left")
    assert progress.seconds == {"read": 4.0}


def test_time_left_follows_the_pace_of_the_steps_that_are_done():
    left = []
    for times in (1, 3):
        progress, hands = progress_of([], Work(4, n_records=50_000))
        walked(
            progress, hands, **{step: times * progress.work.seconds(step) for step in ("read", "standardise", "encode")}
        )
        left.append(progress.left())

    assert left[1] == pytest.approx(3 * left[0], rel=0.01)
    assert left[0] == pytest.approx(sum(progress.work.seconds(step) for step in tuple(STEP_COSTS)[3:]), rel=0.01)


def test_nothing_is_left_after_the_last_step():
    progress, hands = progress_of([], Work(1, n_records=10))
    walked(progress, hands, **dict.fromkeys(STEP_COSTS, 1.0))

    assert progress.left() == 0


def test_an_estimate_lengthens_the_time_left_and_is_told_by_pass():
    told = []
    progress, hands = progress_of(told, Work(2, n_records=10_000))
    walked(progress, hands, read=5.0)
    before = progress.left()

    record = progress.foresee(
        Meetings(0.5, {"phone": 2_000_000, "names": 60_000_000}, {"phone": 300.0, "names": 400.0})
    )

    assert progress.left() > before + 60
    assert "about 62,000,000 pairs, once for each key they share (standard error 500, from 1 of 2 keys): " in told[-1]
    assert "names 60,000,000, phone 2,000,000; about" in told[-1]
    assert record["seconds_left"] == round(progress.left())
    assert (record["meetings"], record["standard_error"], record["share_of_keys"]) == (62_000_000, 500, 0.5)
    assert record["by_pass"]["phone"] == {"meetings": 2_000_000, "standard_error": 300}


def test_a_step_that_goes_on_tells_tasks_rows_rate_and_what_is_left():
    progress, _ = progress_of([], Work(2, n_records=9_000, n_meetings=4_000_000), steps=("compare",))

    line = progress.going_on("compare", 50.0, Stage(7, 3, 12), 40.0)

    assert line == "50 s so far, 3 of 12 tasks, 1,000,000 of 4,000,000 pairs, 25,000/s; about 2 min 0 s left"


def test_a_step_of_several_stages_is_guessed_by_the_clock():
    progress, _ = progress_of([], Work(1, n_records=1000, before={"cluster": 30.0}), steps=("cluster",))

    line = progress.going_on("cluster", 10.0, Stage(1, 1, 2), 5.0)

    assert line == "10 s so far, 1 of 2 tasks; about 20 s left"


def test_a_stage_that_is_first_seen_with_tasks_done_has_no_rate_yet():
    progress, _ = progress_of([], Work(2, n_records=10_000))

    line = progress.going_on("standardise", 50.0, Stage(7, 1, 12), 0.0)

    assert line.startswith("50 s so far, 1 of 12 tasks; ")


def test_lines_come_while_a_step_goes_on_and_end_with_it():
    told = []
    progress = Progress(told.append, lambda: Stage(1, 0, 4), every=0.01, work=Work(1, n_records=5))

    with progress.step("encode"):
        until = time.monotonic() + 10
        while not told and time.monotonic() < until:
            time.sleep(0.01)
    n_lines = len(told)
    time.sleep(0.05)

    assert "encode: 1 s so far, 0 of 4 tasks; about" in told[0]
    assert len(told) == n_lines
    assert "done in" in told[-1]


def test_a_step_that_fails_stops_telling_and_has_no_time():
    told = []
    progress = Progress(told.append, every=0.01)

    with pytest.raises(ValueError), progress.step("encode"):
        raise ValueError

    assert progress.seconds == {}
    assert not [line for line in told if "done" in line]


def test_the_run_before_of_the_same_mode_is_the_better_guess():
    record = {"config": {"run": {"mode": "full"}}, "counts": {"records": 100}, "seconds": {"encode": 8.0}}

    assert seconds_before(record, "full", 300) == {"encode": 24.0}
    assert seconds_before(record, "incremental", 300) == {}
    assert seconds_before(None, "full", 300) == {}
    assert Work(n_records=300, before={"encode": 24.0}).seconds("encode") == 24.0


def test_of_a_first_batch_nothing_is_guessed():
    told = []
    progress, hands = progress_of(told, Work(2, n_records=10, is_batch=True))
    walked(progress, hands, read=1.0)

    assert told[0].endswith("time left unknown")
    assert progress.foresee(Meetings(1.0, {"phone": 3}, {"phone": 0.0}))["seconds_left"] is None
