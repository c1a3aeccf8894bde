"""What a decision joined or parted is as it was before once the decision is taken back, but for new ids."""

import pandas as pd
import pytest

from siamese_er import pipeline
from siamese_er.config import load_config
from siamese_er.day_checks import partition
from siamese_er.heirs import heir_of
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

KEY = ["source", "record_id"]
COLUMNS = ["left_source", "left_record_id", "right_source", "right_record_id", "decision", "decided_at"]


def two_and_two(walk):
    """Decisions on the first clusters: singles joined, clusters joined over a chain, two clusters parted."""
    members = {
        id_: [tuple(key) for key in own[KEY].to_numpy()] for id_, own in walk.sort_values(KEY).groupby("enterprise_id")
    }
    singles = sorted(own[0] for own in members.values() if len(own) == 1)
    pairs = sorted(own for own in members.values() if len(own) == 2)
    (a, b), (c, _), (e, f), (g, h) = pairs[:4]
    joined = [(singles[0], singles[1]), (singles[2], a), (b, c)]
    parted = [(e, f), (g, h)]
    return [(*left, *right, "match", "2031-01-01") for left, right in joined] + [
        (*left, *right, "no_match", "2031-01-01") for left, right in parted
    ]


@pytest.fixture(scope="module")
def days(spark, tmp_path_factory):
    """(crosswalk, golden records, clusters, history) of a whole run, one with decisions, and one that takes them back."""
    folder = tmp_path_factory.mktemp("undo")
    records = population(70, 3, PROFILES["demo"]).records
    records.to_csv(folder / "all.csv", index=False)
    records.head(0).to_csv(folder / "nothing.csv", index=False)

    def run(name, mode, decisions):
        pd.DataFrame(decisions, columns=COLUMNS).to_csv(folder / "decisions.csv", index=False)
        flags = {"input.records": [str(folder / name)], "run.mode": mode, "run.output": str(folder / "out"),
                 "input.decisions": str(folder / "decisions.csv"), "run.relearn_share": 1.0}  # fmt: skip
        done = pipeline.match(spark, load_config(None, flags, []))
        tables = ("crosswalk", "golden_records", "clusters", "enterprise_id_history")
        return [pd.read_parquet(f"{done.path}/{table}") for table in tables]

    first = run("all.csv", "full", [])
    return first, run("nothing.csv", "incremental", two_and_two(first[0])), run("nothing.csv", "incremental", [])


def rows(frame):
    """The rows without ids, as sorted text."""
    return sorted(frame.drop(columns="enterprise_id").astype(str).itertuples(index=False, name=None))


def test_a_decision_that_is_taken_back_leaves_nothing_behind(days):
    (
        (walk, goldens, clusters, _),
        (decided_walk, decided_goldens, _, _),
        (walk_after, goldens_after, clusters_after, _),
    ) = days

    assert partition(decided_walk) != partition(walk)
    assert rows(decided_goldens) != rows(goldens)
    assert partition(walk_after) == partition(walk)
    assert rows(goldens_after) == rows(goldens)
    assert rows(clusters_after) == rows(clusters)
    assert walk_after.set_index(KEY)["link_status"].to_dict() == walk.set_index(KEY)["link_status"].to_dict()


def test_ids_after_an_undo_follow_the_rule(days):
    (walk, *_), (decided, *_), (after, _, _, history) = days
    first, between, last = (one.set_index(KEY)["enterprise_id"].to_dict() for one in (walk, decided, after))

    untouched = [key for key in first if first[key] == between[key]]
    ended = set(first.values()) - set(between.values())
    assert ended
    assert not ended & set(last.values())
    assert all(heir_of(history, id_) in set(last.values()) for id_ in ended)
    new = {last[key] for key in last if last[key] not in set(between.values())}
    born = history[history["event"] == "split_from"]
    assert new <= set(born["enterprise_id"])
    assert all(last[key] in (between[key], *new) for key in untouched)
