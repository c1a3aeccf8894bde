"""The estimate of pairs before they are formed, against counts of all of them."""

from collections import defaultdict
from math import comb

import numpy as np
import pyarrow as pa
import pytest

from siamese_er.batch_chunks import number_after
from siamese_er.block import chunks, code_counts, codes_held
from siamese_er.config import BlockingSettings
from siamese_er.estimate import batch_meetings, meetings_of, part_meetings, table_meetings
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.chunks import chunk
from siamese_er.linkage.keys import PASS_NAMES, blocking_keys
from siamese_er.linkage.pairs import candidate_pairs
from siamese_er.linkage.tables import arrow_table, with_frequencies
from siamese_er.schemas import EMBEDDINGS, STANDARDISED
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES

SETTINGS = BlockingSettings(passes=("email", "birth_date", "names", "name_city", "address"), max_block_size=12)
N_PARTS = 8


@pytest.fixture(scope="module")
def people() -> pa.Table:
    made = population(1500, 3, PROFILES["households"])
    raw = made.records.assign(record_key=made.records["source"] + "\x1f" + made.records["record_id"])
    return with_frequencies(arrow_table(standard_batch(raw, StandardRules())))


@pytest.fixture(scope="module")
def holders(people) -> dict[tuple[int, int], set[int]]:
    """The rows that hold each (pass, key)."""
    found = defaultdict(set)
    for row, key, kind in zip(*blocking_keys(people, SETTINGS.passes), strict=True):
        found[int(kind), int(key)].add(int(row))
    return found


def true_meetings(holders) -> dict[str, int]:
    """All pairs of every block within the bound, counted one by one."""
    found = defaultdict(int)
    for (kind, _), rows in holders.items():
        found[PASS_NAMES[kind]] += comb(len(rows), 2) if len(rows) <= SETTINGS.max_block_size else 0
    return dict(found)


@pytest.fixture(scope="module")
def estimates(people):
    """The estimate from each of the parts of the keys; records lie in three chunks."""
    made = [chunk(people.slice(start, 500).combine_chunks(), SETTINGS.passes, N_PARTS) for start in (0, 500, 1000)]
    sums = [part_meetings([each.codes[part] for each in made], SETTINGS.max_block_size) for part in range(N_PARTS)]
    return [meetings_of(part.to_pylist(), 1 / N_PARTS) for part in sums]


def test_estimates_are_right_on_average(holders, estimates):
    truth = true_meetings(holders)

    mean = {name: sum(each.by_pass.get(name, 0) for each in estimates) / N_PARTS for name in truth}

    assert mean == truth
    assert min(truth.values()) > 0
    assert any(len(rows) > SETTINGS.max_block_size for rows in holders.values())


def test_errors_are_as_large_as_they_are_said_to_be(holders, estimates):
    truth = sum(true_meetings(holders).values())

    off = np.array([(each.total - truth) / each.error for each in estimates])

    assert np.abs(off).max() < 4
    assert 0.4 < np.sqrt((off**2).mean()) < 2


def test_candidate_pairs_are_at_most_as_many_as_meetings(people, holders):
    live = [
        (row, key, kind)
        for (kind, key), rows in holders.items()
        if len(rows) <= SETTINGS.max_block_size
        for row in rows
    ]
    rows, keys, kinds = (np.array(column) for column in zip(*live, strict=True))

    left, _, masks = candidate_pairs(rows, keys, kinds, people.num_rows)

    meetings = true_meetings(holders)
    of_pass = {name: int((masks >> PASS_NAMES.index(name) & 1).sum()) for name in meetings}
    assert {name for name in meetings if of_pass[name] > meetings[name]} == set()
    assert 0 < len(left) <= sum(meetings.values())


@pytest.fixture(scope="module")
def frame(spark, people):
    """The first 300 people as STANDARDISED with null vectors."""
    rows = people.slice(0, 300).select(STANDARDISED.names).to_pylist()
    nothing = [None] * (len(EMBEDDINGS) - 1)
    given = spark.createDataFrame([tuple(row.values()) for row in rows], STANDARDISED)
    vectors = spark.createDataFrame([(row["record_key"], *nothing) for row in rows], EMBEDDINGS)
    return given.join(vectors, "record_key")


def test_table_meetings_are_those_of_one_part_wherever_the_records_lie(spark, people, frame):
    made = chunk(people.slice(0, 300).combine_chunks(), SETTINGS.passes, 4)
    cut = chunks(frame.repartition(3), SETTINGS, 2, 4).frame().persist()

    found = [table_meetings(cut, SETTINGS, 4, part) for part in range(4)]

    expected = [part_meetings([made.codes[part]], SETTINGS.max_block_size).to_pylist() for part in range(4)]
    assert found == [meetings_of(rows, 1 / 4) for rows in expected]
    assert all(each.total for each in found)


def test_batch_meetings_count_pairs_with_a_record_of_the_batch(people, frame):
    rest = chunks(frame.where("not record_key like '%7'"), SETTINGS, 1, 4).frame().persist()
    batch = frame.where("record_key like '%7'")
    fresh = chunks(batch, SETTINGS, 1, 4, first_chunk=number_after(rest)).frame().persist()
    counts = code_counts(fresh, SETTINGS, 4, "key", codes_held(rest.unionByName(fresh))).frame()

    found = batch_meetings(fresh, counts, SETTINGS, 4)

    first = people.slice(0, 300).combine_chunks()
    names, held = first["record_key"].to_pylist(), zip(*blocking_keys(first, SETTINGS.passes), strict=True)
    expected, blocks = defaultdict(int), defaultdict(list)
    for row, key, kind in held:
        blocks[int(kind), int(key)].append(names[row].endswith("7"))
    for (kind, _), of_batch in blocks.items():
        if len(of_batch) <= SETTINGS.max_block_size and any(of_batch):
            expected[PASS_NAMES[kind]] += comb(len(of_batch), 2) - comb(of_batch.count(False), 2)
    assert found.by_pass == {name: expected[name] for name in PASS_NAMES if name in found.by_pass}
    assert found.total == sum(expected.values()) > 0
    assert (found.share, found.error) == (1, 0)
