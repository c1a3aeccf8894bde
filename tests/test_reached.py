"""Ids and crosswalk of what a batch reaches, beside those of the others as they were: the same as of all records anew."""

from types import SimpleNamespace

from pyspark.sql import functions as F

from siamese_er.config import IdentitySettings
from siamese_er.identity import enterprise_ids
from siamese_er.known import Known
from siamese_er.proposals import proposals
from siamese_er.reached import (
    identified,
    reached_by,
    walked,
    written_ids,
    written_proposals,
    written_walk,
    written_walk_history,
)
from siamese_er.regroup import Grouping
from siamese_er.schemas import LINKS, MEMBERSHIPS, RECORDS
from siamese_er.storage import RunFolder
from siamese_er.survivorship import crosswalk, crosswalk_history

FIRST, SECOND = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"
KEY, STANDING = "record_key string", "record_key string, standing string"
READ = f"{KEY}, source string, record_id string, sensitivity string, updated_at timestamp"


def key(record):
    return f"s\x1f{record}"


def members_of(spark, clusters):
    rows = [(key(record), key(min(cluster))) for cluster in clusters for record in cluster]
    return spark.createDataFrame(rows, MEMBERSHIPS)


def records_of(spark, clusters):
    return spark.createDataFrame([(key(r), "s", r, None, None) for cluster in clusters for r in cluster], READ)


def frames(spark, clusters, verified, excluded):
    links = [(key(a), key(b), 9.0, 0.999, "auto", [], True) for a, b in verified]
    standing = [(key(record), "excluded") for record in excluded]
    return (records_of(spark, clusters), spark.createDataFrame(standing, STANDING), spark.createDataFrame(links, LINKS))


def rows(frame):
    return sorted(map(repr, frame.collect()))


def folder(tmp_path, name, run_id):
    return RunFolder(str(tmp_path), run_id, str(tmp_path / name))


def first_run(spark, run, clusters, verified, excluded):
    """What a first run keeps of ids, crosswalk and proposals."""
    identity = enterprise_ids(members_of(spark, clusters), None, None, "run1", IdentitySettings())
    records, standing, links = frames(spark, clusters, verified, excluded)
    walk = run.write_table(crosswalk(records, identity.ids, standing, links, "run1", FIRST), "crosswalk")
    run.write_table(identity.history, "enterprise_id_history")
    run.write_table(crosswalk_history(walk, None, None, FIRST), "crosswalk_history")
    run.write_table(proposals(records, walk, links, {}), "proposals")


def keys_of(spark, records):
    return spark.createDataFrame([(key(record),) for record in records], KEY)


TABLES = ("crosswalk", "enterprise_id_history", "crosswalk_history", "proposals")


def both_ways(spark, tmp_path, before, after, verified=(), excluded=()):
    """The tables of a second run, all anew and of what is reached alone."""
    earlier = folder(tmp_path, "first", "run1")
    first_run(spark, earlier, before, verified, excluded)
    old, past, ended = (earlier.read_table(spark, name) for name in TABLES[:3])
    old_clusters = {frozenset(cluster) for cluster in before}
    living = {record for cluster in after for record in cluster}
    unlike = [cluster for cluster in after if frozenset(cluster) not in old_clusters]
    gone = {record for cluster in before for record in cluster} - living
    inputs = SimpleNamespace(arrivals=SimpleNamespace(gone=keys_of(spark, gone)))
    touched = keys_of(spark, {record for cluster in unlike for record in cluster})
    members = members_of(spark, after)
    grouping = Grouping(members, spark.createDataFrame([], "left_key string"), touched)
    records, standing, links = frames(spark, after, verified, excluded)
    for name, known in (("whole", None), ("reached", Known(spark, earlier, {}))):
        run = folder(tmp_path, name, "run2")
        columns = [F.col(name) if name in records.columns else F.lit(None).cast(RECORDS[name].dataType).alias(name)
                   for name in RECORDS.names]  # fmt: skip
        run.write_table(records.select(*columns, F.lit(1).alias("rank"), F.lit(False).alias("is_deleted")), "versions")
        run.write_table(members, "memberships")
        run.write_table(members.select("record_key"), "standardised")
        reached = reached_by(inputs, grouping, known, run)
        identity = identified(members, reached, old, past, "run2", IdentitySettings(), run.checkpoint)
        ids = run.checkpoint(identity.ids, "enterprise_ids")
        own = walked(records, ids, standing, links, "run2", SECOND, old, reached)
        own = run.checkpoint(own, "own_walk")
        written_walk(run, own, reached)
        written_ids(run, identity, reached)
        written_walk_history(run, own, old, ended, SECOND, reached)
        written_proposals(run, records, own, links, {}, reached)
        all_ids = ids if reached is None else ids.unionByName(reached.ids_of_others())
        yield [rows(all_ids), *(rows(run.read_table(spark, table)) for table in TABLES)]


BEFORE = ["ab", "c", "de", "fg", "h", "ij", "klm", "no", "pq", "r"]
AFTER = ["abx", "y", "cde", "f", "g", "i", "kl", "mno", "pq", "r"]
"""A record joins, a new person comes, two people are one, one was two, records are gone (of h all), m moves; two stay."""


def test_what_is_reached_alone_gives_what_all_would(spark, tmp_path):
    whole, reached = both_ways(spark, tmp_path, BEFORE, AFTER, verified=[("d", "e"), ("p", "q")], excluded=["c", "r"])

    assert reached == whole
    ids, walk, history, ended, proposed = whole
    assert len(ids) == len(walk) == len("".join(AFTER))
    assert ended
    assert len(proposed) == sum(len(cluster) - 1 for cluster in AFTER)
    assert {event for event in ("created", "merged_into", "split_from", "retired") if event in repr(history)} == {
        "created", "merged_into", "split_from", "retired",
    }  # fmt: skip


def test_without_a_batch_all_records_are_reached(spark, tmp_path):
    run = folder(tmp_path, "first", "run1")
    first_run(spark, run, ["ab"], [], [])
    members = members_of(spark, ["ab"])
    grouping = Grouping(members, members, None)
    arrivals = SimpleNamespace(gone=keys_of(spark, []))

    assert reached_by(SimpleNamespace(arrivals=None), grouping, None, run) is None
    known = Known(spark, run, {})
    assert reached_by(SimpleNamespace(arrivals=arrivals), grouping, known, run) is None
