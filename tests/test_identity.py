import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

import siamese_er.identity
from siamese_er.config import IdentitySettings
from siamese_er.identity import enterprise_ids, new_id
from siamese_er.schemas import CROSSWALK, ENTERPRISE_ID_HISTORY, MEMBERSHIPS

SETTINGS = IdentitySettings()


@given(st.text("0123456789abcdef", min_size=1, max_size=64), st.integers(0, 9))
def test_new_id_is_opaque_checked_and_repeatable(digest, sequence):
    enterprise_id = new_id("key", digest, sequence)

    assert mod_37_36.is_valid(enterprise_id)
    assert len(enterprise_id) == 16
    assert enterprise_id == new_id("key", digest, sequence)
    assert enterprise_id != new_id("other key", digest, sequence)
    assert enterprise_id != new_id("key", digest, sequence + 1)


class Runs:
    """Runs one after another: clusters as strings of one-letter records."""

    def __init__(self, spark):
        self.spark, self.crosswalk, self.history, self.n_runs = spark, None, None, 0
        self.ids, self.previous = {}, {}

    def run(self, *clusters, shuffle=None):
        self.n_runs += 1
        members = [(f"s\x1f{record}", f"s\x1f{min(cluster)}") for cluster in clusters for record in cluster]
        if shuffle is not None:
            random.Random(shuffle).shuffle(members)
        identity = enterprise_ids(
            self.spark.createDataFrame(members, MEMBERSHIPS),
            self.crosswalk,
            self.history,
            f"run{self.n_runs}",
            SETTINGS,
        )
        rows = identity.ids.collect()
        self.ids = {row["record_key"][-1]: row["enterprise_id"] for row in rows}
        self.previous = {row["record_key"][-1]: row["previous_enterprise_id"] for row in rows}
        assert sorted(self.ids) == sorted("".join(clusters))
        assert Counter(self.ids.values()) == Counter({self.ids[cluster[0]]: len(cluster) for cluster in clusters})
        self.crosswalk = self.spark.createDataFrame(
            [("s", record, enterprise_id, "auto", "r", "", None, None) for record, enterprise_id in self.ids.items()],
            CROSSWALK,
        )
        history = [tuple(row) for row in identity.history.collect()]
        self.history = self.spark.createDataFrame(history, ENTERPRISE_ID_HISTORY)
        self.events = {event[:3] for event in history if event[3] == f"run{self.n_runs}"}
        self.n_events = len(history)
        return self.ids


def test_enterprise_ids_over_the_life_of_a_cluster(spark):
    runs = Runs(spark)

    first = runs.run("abc", "de", "f", "xy")
    assert runs.events == {(enterprise_id, "created", None) for enterprise_id in first.values()}
    assert set(runs.previous.values()) == {None}

    merged = runs.run("abcde", "f", "xy")
    assert merged == {**first, "d": first["a"], "e": first["a"]}
    assert runs.previous["d"] == first["d"]
    assert runs.previous["a"] is None
    assert runs.events == {(first["d"], "merged_into", first["a"])}

    split = runs.run("abc", "de", "xy")
    assert split["a"] == first["a"]
    assert split["x"] == first["x"]
    assert split["d"] not in first.values()
    assert runs.events == {(split["d"], "split_from", first["a"]), (first["f"], "retired", None)}

    back = runs.run("abc", "de", "xy", "f")
    assert back["f"] not in first.values()
    assert runs.events == {(back["f"], "created", None)}


def test_enterprise_ids_of_ancestors(spark):
    runs = Runs(spark)
    first = runs.run("ab", "cd", "efgh", "ij")
    runs.run("ab", "cd", "efgh", "ij", "kl")
    born_later = runs.ids["k"]

    after = runs.run("abcd", "ef", "gh", "ijkl")

    assert after["a"] == after["c"] == min(first["a"], first["c"])
    assert after["e"] == first["e"]
    assert after["g"] not in {*first.values(), born_later}
    assert after["i"] == first["i"]
    assert runs.events == {
        (max(first["a"], first["c"]), "merged_into", after["a"]),
        (after["g"], "split_from", first["e"]),
        (born_later, "merged_into", first["i"]),
    }


def test_enterprise_ids_never_return_and_are_stable(spark):
    choice = random.Random(1)
    runs, ended = Runs(spark), set()
    partitions = []
    for _ in range(2):
        living = [record for record in "abcdefghijklmnopqrst" if choice.random() < 0.9]
        choice.shuffle(living)
        cuts = sorted(choice.sample(range(1, len(living)), 7))
        partitions.append(["".join(living[i:j]) for i, j in zip([0, *cuts], [*cuts, len(living)], strict=True)])
    for order, partition in enumerate([partitions[0], partitions[1], partitions[0], partitions[0]]):
        before = runs.ids
        choice.shuffle(partition)
        after = runs.run(*partition, shuffle=order)
        ended |= set(before.values()) - set(after.values())
        assert not ended & set(after.values())

    assert after == before
    assert runs.events == set()


def test_enterprise_ids_that_collide_are_told_apart(spark, monkeypatch):
    digests = {new_id("siamese_er", "0", number) for number in range(3)}

    def colliding(key, digest, sequence):
        return sorted(digests)[sequence]

    monkeypatch.setattr(siamese_er.identity, "new_id", colliding)
    members = spark.createDataFrame([("s\x1fa", "s\x1fa"), ("s\x1fb", "s\x1fb")], MEMBERSHIPS)
    past = [(sorted(digests)[0], "retired", None, "run0", "")]

    identity = enterprise_ids(members, None, spark.createDataFrame(past, ENTERPRISE_ID_HISTORY), "run1", SETTINGS)

    assert sorted(row["enterprise_id"] for row in identity.ids.collect()) == sorted(digests)[1:]
