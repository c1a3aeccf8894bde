"""A batch meets what is known: which version holds, what is kept, who is concerned."""

import random
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations

import pytest

from siamese_er.arrivals import arrivals
from siamese_er.known import Known
from siamese_er.schemas import MULTIVALUED, NOTES
from siamese_er.sources.records import VERSIONS, ranked_versions
from siamese_er.storage import new_run


def version(key, day=None, name="ann", deleted=False):
    row = {column: [] if column in MULTIVALUED else None for column in VERSIONS.names}
    return row | {
        "record_key": f"s\x1f{key}", "source": "s", "record_id": key, "notes": [], "identifiers": [], "extra": {},
        "given_name": [name], "updated_at": day and datetime(2026, 1, day), "deleted": "true" if deleted else None,
    }  # fmt: skip


@dataclass
class Deliveries:
    """Batches one after another, each in a run folder of its own."""

    spark: object
    output: str
    run: object = None

    def versions(self, rows):
        return ranked_versions(self.spark.createDataFrame(rows, VERSIONS))

    def first(self, rows, notes=()):
        self.run = new_run(self.spark, self.output)
        self.run.write_table(self.versions(rows), "versions")
        self.run.write_table(self.spark.createDataFrame(list(notes), NOTES), "notes")

    def batch(self, rows, notes=()):
        known, self.run = Known(self.spark, self.run, {}), new_run(self.spark, self.output)
        found = arrivals(known, self.versions(rows), self.spark.createDataFrame(list(notes), NOTES), self.run)
        keys = {name: {row["record_key"][2:] for row in getattr(found, name).collect()} for name in ("changed", "gone")}
        return found, keys

    def living(self):
        kept = self.run.read_table(self.spark, "versions").collect()
        return {row["record_id"]: row["given_name"][0] for row in kept if row["rank"] == 1 and not row["is_deleted"]}


@pytest.fixture
def deliveries(spark, tmp_path):
    return Deliveries(spark, str(tmp_path))


CASES = {
    "later": (version("x", 1), version("x", 2, "bea"), "bea", "updated"),
    "older": (version("x", 3), version("x", 2, "bea"), "ann", "stale"),
    "re-sent": (version("x", 3), version("x", 3), "ann", "unchanged"),
    "undated after undated": (version("x", None, "zoe"), version("x", None, "bea"), "bea", "updated"),
    "undated after dated": (version("x", 3), version("x", None, "bea"), "bea", "updated"),
    "deleted": (version("x", 3), version("x", 4, deleted=True), None, "removed"),
    "deleted undated": (version("x", 3), version("x", deleted=True), None, "removed"),
    "deleted at once": (version("x", 3, "zoe"), version("x", 3, "ann", deleted=True), None, "removed"),
    "deleted before": (version("x", 3), version("x", 2, deleted=True), "ann", "stale"),
    "returned": (version("x", 3, deleted=True), version("x", 4, "bea"), "bea", "new"),
    "deleted again": (version("x", 3, deleted=True), version("x", 3, deleted=True), None, "unchanged"),
    "late after its deletion": (version("x", 3, deleted=True), version("x", 2, "bea"), None, "stale"),
    "deleted unknown": (version("y", 1), version("x", 2, deleted=True), None, "unknown_removed"),
}


def test_arrivals_of_each_kind(deliveries):
    rows = [
        [
            dict(row, record_key=f"s\x1f{name} {row['record_id']}", record_id=f"{name} {row['record_id']}")
            for row in pair
        ]
        for name, pair in ((name, case[:2]) for name, case in CASES.items())
    ]
    deliveries.first([first for first, _ in rows])

    found, keys = deliveries.batch([second for _, second in rows])

    living = deliveries.living()
    assert {name: living.get(f"{name} x") for name in CASES} == {name: case[2] for name, case in CASES.items()}
    kinds = [case[3] for case in CASES.values()]
    assert found.counts == {kind: kinds.count(kind) for kind in found.counts}
    assert keys["gone"] == {f"{name} x" for name, case in CASES.items() if case[3] == "removed"}
    changed = {name for name, case in CASES.items() if case[3] in ("new", "updated", "stale") and case[2]}
    assert keys["changed"] == {f"{name} x" for name in changed}


def test_a_deletion_leaves_no_value_behind(deliveries):
    deliveries.first([version("x", 1), version("x", 2, "bea"), version("y", 1)], [("s\x1fx", "n", None, None, "text")])

    found, _ = deliveries.batch([version("x", 3, "bea", deleted=True)])

    kept = found.versions.where("record_id = 'x'").collect()
    assert [(row["is_deleted"], row["given_name"]) for row in kept] == [(True, [])]
    assert found.notes.isEmpty()


def test_what_is_known_already_is_no_news(deliveries):
    early = ("s\x1fz", "k", None, None, "early")
    rows = [version("x", 2), version("y", 1), version("gone", 2, deleted=True)]
    deliveries.first([version("x", 1, "old"), *rows], [early])

    again, keys = deliveries.batch([version("x", 1, "old"), *rows[1:]], [early])

    assert not again.is_news
    assert keys == {"changed": set(), "gone": set()}
    assert again.counts["unchanged"] == 3
    assert again.versions.count() == 4


@pytest.mark.parametrize(
    ("rows", "notes"),
    [([version("z", 2, deleted=True)], []), ([], [("s\x1fz", "k", None, None, "early")])],
    ids=["the end of a record", "notes of a record"],
)
def test_what_comes_before_its_record_is_kept(deliveries, rows, notes):
    deliveries.first([version("y", 1)])

    found, keys = deliveries.batch(rows, notes)
    assert found.is_news
    assert keys == {"changed": set(), "gone": set()}
    later, keys = deliveries.batch([version("z", 1)])

    assert keys["changed"] == ({"z"} if notes else set())
    assert later.notes.count() == len(notes)


def test_notes_concern_their_record_and_replace_those_of_their_id(deliveries):
    note = ("s\x1fx", "n", None, None, "text")
    deliveries.first([version("x", 1), version("y", 1)], [note, ("s\x1fy", "m", None, None, "text")])

    sent = [
        ("s\x1fx", "n", None, None, "changed"),
        ("s\x1fy", "m", None, None, "text"),
        ("s\x1fz", "k", None, None, "early"),
    ]
    found, keys = deliveries.batch([], sent)

    assert keys == {"changed": {"x"}, "gone": set()}
    assert sorted(row["text"] for row in found.notes.collect()) == ["changed", "early", "text"]


def test_dated_versions_may_arrive_in_any_order(deliveries):
    """Many records at once, each with three versions in one of the orders; all must end alike."""
    rng = random.Random(5)
    drawn = [[(rng.randint(1, 4), rng.choice("abc"), rng.random() < 0.4) for _ in range(3)] for _ in range(12)]
    rows = [
        [version(f"{case} {place}", *drawn[case][i]) for i in order]
        for case in range(len(drawn))
        for place, order in enumerate(permutations(range(3)))
    ]
    deliveries.first([version("y", 1), *(row[0] for row in rows)])
    for batch in (1, 2):
        deliveries.batch([row[batch] for row in rows])

    living = deliveries.living()
    ends = [{living.get(f"{case} {place}") for place in range(6)} for case in range(len(drawn))]
    assert all(len(end) == 1 for end in ends)
    assert {None} in ends
    assert len({name for end in ends for name in end}) > 2
