"""Doubts, answers and questions after a batch, asked anew only about those whom it reaches: the same as of all anew."""

from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, IntegerType, StructField, StructType

from siamese_er.config import load_config
from siamese_er.known import Known
from siamese_er.reached import near, reached_by
from siamese_er.regroup import Grouping
from siamese_er.review.answers import renewed_decisions
from siamese_er.review.asked import Told, people_of, written_answers, written_doubts, written_questions
from siamese_er.schemas import (
    CLUSTERS,
    CROSSWALK,
    CUTS,
    DECISIONS,
    ENTERPRISE_IDS,
    GOLDEN_RECORDS,
    GROUPED,
    LINKS,
)
from siamese_er.sources.records import VERSIONS
from siamese_er.storage import RunFolder

KEY = "record_key string"
TOLD = StructType([*(field for field in VERSIONS.fields if field.name not in ("rank", "is_deleted")),
                   StructField("rank", IntegerType()), StructField("is_deleted", BooleanType())])  # fmt: skip


def named(clusters):
    """The clusters, each with the id of its first record."""
    return {records: f"E{records[0]}" for records in clusters.split()}


BEFORE, AFTER = named("ab c d e fg h jk l m no q"), named("abx c d e fg h jk l no q y")
"""x joins a and b, m is gone, y is new; j and d are said anew, and a person parts a from c."""
CHANGED, GONE = "xyjacd", "m"
PAIRS = {"ac": 0.6, "bc": 0.5, "de": 0.7, "gh": 0.4, "kl": 0.3, "mq": 0.8, "dq": 0.9}
NEW_PAIRS = {"xd": 0.65, "ye": 0.55, "yq": 0.45, "kd": 0.35}
FIRST_SAID = {"fh": "no_match", "jl": "no_match", "hh": "match", "jj": "match"}
SAID = FIRST_SAID | {"ac": "no_match", "cc": "match"}
CUT = [("n", "q", 0.97, "bridge"), ("j", "l", 0.96, "veto")]


def key(record):
    return f"s\x1f{record}"


def folder(tmp_path, name, run_id):
    return RunFolder(str(tmp_path), run_id, str(tmp_path / name))


class World:
    """A run over some clusters, with all tables that questions are made of."""

    def __init__(self, spark, run, clusters, pairs, said, wrong, two_ids, text):
        self.spark, self.run = spark, run
        ids = {record: id_ for records, id_ in clusters.items() for record in records}
        keys = [(key(record), "s", record, [text.get(record, "")], 1, False) for record in ids]
        named = ("record_key", "source", "record_id", "given_name", "rank", "is_deleted")
        told = [[dict(zip(named, one, strict=True)).get(name) for name in TOLD.names] for one in keys]
        self.versions = run.write_table(spark.createDataFrame(told, TOLD), "versions")
        run.write_table(self.versions.select("record_key"), "standardised")
        members = [(key(r), key(min(records)), None) for records in clusters for r in records]
        self.grouped = run.write_table(spark.createDataFrame(members, GROUPED), "memberships")
        links = [(key(a), key(b), 1.0, p, "review", [], None) for (a, b), p in pairs.items() if a + b not in said]
        links += [(key(a), key(b), 1.0, pairs.get(a + b, 0.9), "no", [], False) for a, b in said if a != b]
        self.links = run.write_table(spark.createDataFrame(links, LINKS), "links")
        cuts = [(key(a), key(b), p, why) for a, b, p, why in CUT if a in ids and b in ids]
        self.cuts = run.write_table(spark.createDataFrame(cuts, CUTS), "cuts")
        decisions = [(key(a), key(b), what, None, "2026", None) for (a, b), what in said.items()]
        self.decisions = run.write_table(spark.createDataFrame(decisions, DECISIONS), "decisions")
        own = {"source": "s", "link_status": "singleton", "run_id": run.run_id, "valid_from": "then"}
        walk = [own | {"record_id": record, "enterprise_id": id_} for record, id_ in ids.items()]
        walk = [[one.get(name) for name in CROSSWALK.names] for one in walk]
        self.walk = run.write_table(spark.createDataFrame(walk, CROSSWALK), "crosswalk")
        rows = [(id_, len(records), 1, 0.9, 1.0, False, False) for records, id_ in clusters.items()]
        run.write_table(spark.createDataFrame(rows, CLUSTERS), "clusters")
        goldens = [
            [
                {"enterprise_id": id_, "conflicts": ["national_id"] if id_ in two_ids else []}.get(n)
                for n in GOLDEN_RECORDS.names
            ]
            for id_ in clusters.values()
        ]
        run.write_table(spark.createDataFrame(goldens, GOLDEN_RECORDS), "golden_records")
        self.ids = spark.createDataFrame([(key(r), id_, None) for r, id_ in ids.items()], ENTERPRISE_IDS)
        self.wrong = spark.createDataFrame([(key(r),) for r in wrong], KEY)

    def ask(self, earlier=None, reached=None):
        """Write what there is to ask."""
        run, read = self.run, self.run.read_table
        ids = self.ids if reached is None else run.checkpoint(reached.of(self.ids, "record_key"), "enterprise_ids")
        old = {
            n: earlier.read_table(self.spark, n) if earlier else None for n in ("answers", "record_doubts", "decisions")
        }
        renewed = renewed_decisions(self.decisions, old["decisions"])
        about = near(self.links, self.cuts, ids, old["answers"], reached, run)
        settled = written_answers(run, about, old["answers"], renewed, reached)
        people = people_of(run, {n: read(self.spark, n) for n in ("clusters", "golden_records")}, ids, reached)
        told = Told(self.versions, None, self.wrong, None)
        doubts = written_doubts(run, told, ids, people, old["record_doubts"], renewed, reached)
        walk = self.walk if reached is None else reached.of(
            self.walk.withColumn("record_key", F.concat_ws("\x1f", "source", "record_id")), "record_key"
        )  # fmt: skip
        written_questions(load_config(None, {}, []), run, about, people, doubts, settled, walk, reached)
        return {
            name: sorted(map(repr, read(self.spark, name).collect()))
            for name in ("answers", "record_doubts", "questions")
        }


@pytest.fixture(scope="module")
def asked(spark, tmp_path_factory):
    """What is asked first, and after the batch, about all anew and about those whom it reaches."""
    tmp_path = tmp_path_factory.mktemp("asked")
    earlier = folder(tmp_path, "first", "run1")
    old = World(spark, earlier, BEFORE, PAIRS, FIRST_SAID, "efjh", {"Eh", "Ej", "Eq"}, {})
    first = old.ask()
    pairs = {pair: p for pair, p in (PAIRS | NEW_PAIRS).items() if "m" not in pair}
    found = [first]
    for name in ("whole", "reached"):
        world = World(
            spark, folder(tmp_path, name, "run2"), AFTER, pairs, SAID, "efdhc", {"Eh", "Ec", "Eq"}, {"j": "anew"}
        )
        touched = {r for records in AFTER for r in records if set(records) & set(CHANGED)}
        keys = [spark.createDataFrame([(key(r),) for r in rs], KEY) for rs in (sorted(touched), GONE)]
        inputs = SimpleNamespace(arrivals=SimpleNamespace(gone=keys[1]))
        grouping = Grouping(world.grouped, world.cuts, keys[0])
        reached = reached_by(inputs, grouping, Known(spark, earlier, {}), world.run) if name == "reached" else None
        found.append(world.ask(earlier, reached))
    return found


@pytest.mark.parametrize("name", ["answers", "record_doubts", "questions"])
def test_what_a_batch_does_not_reach_is_asked_as_before(asked, name):
    first, whole, reached = asked

    assert reached[name] == whole[name]
    assert set(whole[name]) - set(first[name])
    assert set(first[name]) - set(whole[name]) or name == "answers"
    assert set(first[name]) & set(whole[name])
