"""Ids and crosswalk of what a batch reaches, beside those of the others as they were: the same as of all records anew."""

from types import SimpleNamespace

from siamese_er.components import local_checkpoint
from siamese_er.config import IdentitySettings
from siamese_er.identity import enterprise_ids
from siamese_er.reached import identified, reached_by, walk_history, walked
from siamese_er.regroup import Grouping
from siamese_er.schemas import LINKS, MEMBERSHIPS
from siamese_er.survivorship import crosswalk

FIRST, SECOND = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"
KEY, STANDING = "record_key string", "record_key string, standing string"
RECORDS = f"{KEY}, source string, record_id string"


def key(record):
    return f"s\x1f{record}"


def members_of(spark, clusters):
    rows = [(key(record), key(min(cluster))) for cluster in clusters for record in cluster]
    return spark.createDataFrame(rows, MEMBERSHIPS)


def records_of(spark, clusters):
    return spark.createDataFrame([(key(r), "s", r) for cluster in clusters for r in cluster], RECORDS)


def frames(spark, clusters, verified, excluded):
    links = [(key(a), key(b), 9.0, 0.999, "auto", [], True) for a, b in verified]
    standing = [(key(record), "excluded") for record in excluded]
    return (records_of(spark, clusters), spark.createDataFrame(standing, STANDING), spark.createDataFrame(links, LINKS))


def rows(frame):
    return sorted(map(repr, frame.collect()))


def first_run(spark, clusters, verified, excluded):
    """CROSSWALK and history of a first run."""
    identity = enterprise_ids(members_of(spark, clusters), None, None, "run1", IdentitySettings())
    records, standing, links = frames(spark, clusters, verified, excluded)
    walk = crosswalk(records, identity.ids, standing, links, "run1", FIRST).persist()
    return walk, identity.history.persist()


def keys_of(spark, records):
    return spark.createDataFrame([(key(record),) for record in records], KEY)


def both_ways(spark, before, after, verified=(), excluded=()):
    """(all anew, only what is reached): ids, crosswalk, its history and the history of ids."""
    old, past = first_run(spark, before, verified, excluded)
    old_clusters = {frozenset(cluster) for cluster in before}
    living = {record for cluster in after for record in cluster}
    unlike = [cluster for cluster in after if frozenset(cluster) not in old_clusters]
    gone = {record for cluster in before for record in cluster} - living
    inputs = SimpleNamespace(arrivals=SimpleNamespace(gone=keys_of(spark, gone)))
    touched = keys_of(spark, {record for cluster in unlike for record in cluster})
    members = members_of(spark, after)
    grouping = Grouping(members, spark.createDataFrame([], "left_key string"), touched)
    records, standing, links = frames(spark, after, verified, excluded)
    for reached in (None, reached_by(inputs, grouping, old, local_checkpoint)):
        identity = identified(members, reached, old, past, "run2", IdentitySettings(), local_checkpoint)
        walk = walked(records, identity.ids, standing, links, "run2", SECOND, old, reached).persist()
        ended = walk_history(walk, old, None, SECOND, reached)
        yield [rows(frame) for frame in (identity.ids, walk, ended, identity.history)]


BEFORE = ["ab", "c", "de", "fg", "h", "ij", "klm", "no", "pq", "r"]
AFTER = ["abx", "y", "cde", "f", "g", "i", "kl", "mno", "pq", "r"]
"""A record joins, a new person comes, two people are one, one was two, records are gone (of h all), m moves; two stay."""


def test_what_is_reached_alone_gives_what_all_would(spark):
    whole, reached = both_ways(spark, BEFORE, AFTER, verified=[("d", "e"), ("p", "q")], excluded=["c", "r"])

    assert reached == whole
    ids, walk, ended, history = whole
    assert len(ids) == len(walk) == len("".join(AFTER))
    assert ended
    assert {event for event in ("created", "merged_into", "split_from", "retired") if event in repr(history)} == {
        "created", "merged_into", "split_from", "retired",
    }  # fmt: skip


def test_without_a_batch_all_records_are_reached(spark):
    members = members_of(spark, ["ab"])
    grouping = Grouping(members, members, None)

    assert reached_by(SimpleNamespace(arrivals=None), grouping, None, local_checkpoint) is None
    old, _ = first_run(spark, ["ab"], [], [])
    arrivals = SimpleNamespace(gone=keys_of(spark, []))
    assert reached_by(SimpleNamespace(arrivals=arrivals), grouping, old, local_checkpoint) is None
