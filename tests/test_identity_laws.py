"""Laws of enterprise ids over random histories: many small worlds at once, each with its records and its partitions."""

from collections import Counter, defaultdict

import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from siamese_er.config import IdentitySettings
from siamese_er.day_checks import Day, id_faults, record_faults
from siamese_er.heirs import heir_of
from siamese_er.identity import enterprise_ids
from siamese_er.schemas import CROSSWALK, ENTERPRISE_ID_HISTORY, KEY_SEPARATOR, MEMBERSHIPS

N_RECORDS, N_RUNS = 6, 4
LABELS = st.one_of(st.none(), st.integers(0, 3))
WORLDS = st.lists(
    st.lists(st.lists(LABELS, min_size=N_RECORDS, max_size=N_RECORDS), min_size=N_RUNS, max_size=N_RUNS),
    min_size=30, max_size=30,
)  # fmt: skip
"""For each world, run and record, which cluster it is in; null where it does not live."""
NO_QUEUE = pd.DataFrame()


def clusters_of(worlds, run):
    """The sorted record ids of each cluster of a run."""
    found = defaultdict(list)
    for world, runs in enumerate(worlds):
        for record, label in enumerate(runs[run]):
            if label is not None:
                found[world, label].append(f"{world:02}-{record}")
    return sorted(found.values())


def identified(spark, clusters, before, run_id):
    """The tables of one run; ``before``: those of the last."""
    members = [(f"s{KEY_SEPARATOR}{one}", f"s{KEY_SEPARATOR}{own[0]}") for own in clusters for one in own]
    old = (None, None)
    if before is not None:
        rows = [("s", record, id_, "auto", "r", "", None, None) for (_, record), id_ in before.ids.items()]
        history = [tuple(row) for row in before.history.itertuples(index=False)]
        old = spark.createDataFrame(rows, CROSSWALK), spark.createDataFrame(history, ENTERPRISE_ID_HISTORY)
    found = enterprise_ids(spark.createDataFrame(members, MEMBERSHIPS), *old, run_id, IdentitySettings())
    walk = [
        ("s", row["record_key"].split(KEY_SEPARATOR)[1], row["enterprise_id"], row["previous_enterprise_id"])
        for row in found.ids.collect()
    ]
    walk = pd.DataFrame(walk, columns=["source", "record_id", "enterprise_id", "previous_enterprise_id"])
    history = pd.DataFrame([tuple(row) for row in found.history.collect()], columns=ENTERPRISE_ID_HISTORY.names)
    return Day(run_id, walk, history.astype(object).where(history.notna(), None), NO_QUEUE)


def kept_ids(clusters, before):
    """The rule in plain words: which of the ids of before each cluster keeps, by its first record; null: none."""
    ids = {record: id_ for (_, record), id_ in before.ids.items()}
    births = before.history[before.history["event"].isin(["created", "split_from"])]
    born = births.groupby("enterprise_id")["run_id"].min().to_dict()
    shares = {own[0]: Counter(ids[one] for one in own if one in ids) for own in clusters}
    heirs = defaultdict(list)
    for id_ in set(ids.values()):
        holders = [(-counts[id_], first) for first, counts in shares.items() if id_ in counts]
        if holders:
            heirs[min(holders)[1]].append(id_)
    return {
        first: min(heirs[first], key=lambda id_: (-counts[id_], born[id_], id_), default=None)
        for first, counts in shares.items()
    }


@given(WORLDS)
@settings(max_examples=2, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
def test_ids_live_once_end_once_and_lead_to_their_heirs(spark, worlds):
    before, ever = None, set()
    for n, run in enumerate([*range(N_RUNS), N_RUNS - 1]):
        clusters = clusters_of(worlds, run)

        now = identified(spark, clusters, before, f"run{n}")

        living = {("s", record) for own in clusters for record in own}
        assert list(record_faults(now, living)) == []
        owners = [{now.ids["s", record] for record in own} for own in clusters]
        assert all(len(own) == 1 for own in owners)
        assert len(set.union(set(), *owners)) == len(clusters)
        if before is not None:
            assert list(id_faults(before, now)) == []
            assert_history(before, now)
            for own, kept in zip(clusters, kept_ids(clusters, before).values(), strict=True):
                assert now.ids["s", own[0]] == kept if kept else now.ids["s", own[0]] not in ever
        ever |= set(now.ids.values())
        last, before = before, now
    assert last is not None
    assert now.ids == last.ids
    assert len(now.history) == len(last.history)


def assert_history(before, now):
    """It only grows, tells each end once, says where an id went, and each record knows the id that it had."""
    rows, earlier = ([tuple(row) for row in day.history.itertuples(index=False)] for day in (now, before))
    assert Counter(rows) >= Counter(earlier)
    ends = now.history[now.history["event"].isin(["merged_into", "retired"])]
    assert ends["enterprise_id"].is_unique
    for ended in set(before.ids.values()) - set(now.ids.values()):
        heir = heir_of(now.history, ended)
        gone_with = {now.ids[key] for key, id_ in before.ids.items() if id_ == ended and key in now.ids}
        assert heir in gone_with if gone_with else heir is None
    for row in now.crosswalk.itertuples(index=False):
        then = before.ids.get((row.source, row.record_id))
        assert row.previous_enterprise_id == (then if then != row.enterprise_id else None)
