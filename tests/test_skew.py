"""Tables of which many records share a value: what is shared, and that blocks do not grow with it. No Spark session."""

from collections import Counter

import numpy as np
import pytest

from siamese_er.config import BlockingSettings
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.keys import PASS_NAMES, blocking_keys
from siamese_er.linkage.pairs import live_keys
from siamese_er.linkage.tables import arrow_table
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.synthetic.skew import SHARED, skewed

N_RECORDS, BLOCKING = 5000, BlockingSettings(max_block_size=40)


@pytest.fixture(scope="module")
def plain():
    return population(N_RECORDS, 1, PROFILES["households"]).records


@pytest.fixture(scope="module")
def ugly(plain):
    return skewed(plain, 1)


def test_as_many_records_share_a_value_as_it_says(plain, ugly):
    for share, values in SHARED.values():
        for column, value in values.items():
            own = int((plain[column] == value).sum())
            assert round(share * N_RECORDS) <= (ugly[column] == value).sum() <= round(share * N_RECORDS) + own, column
    same = [column for column in plain if column not in {name for _, values in SHARED.values() for name in values}]
    assert ugly[same].equals(plain[same])


def test_the_same_seed_shares_among_the_same_records(plain, ugly):
    assert skewed(plain, 1).equals(ugly)
    assert not skewed(plain, 2).equals(ugly)
    assert list(skewed(plain[["record_id", "city"]], 1)) == ["record_id", "city"]


def meetings(records) -> Counter[str]:
    """How often two records meet in a block, by pass."""
    table = arrow_table(
        standard_batch(records.assign(record_key=records["source"] + records["record_id"]), StandardRules())
    )
    _, keys, kinds = blocking_keys(table, BLOCKING.passes)
    distinct, first, sizes = np.unique(keys, return_index=True, return_counts=True)
    live = live_keys(distinct, sizes, BLOCKING.max_block_size)
    pairs = np.bincount(kinds[first][live], (sizes * (sizes - 1) // 2)[live], len(PASS_NAMES))
    return Counter(dict(zip(PASS_NAMES, pairs.astype(int).tolist(), strict=True)))


def test_shared_values_make_no_more_than_half_as_many_pairs_again(plain, ugly):
    without, with_shared = meetings(plain), meetings(ugly)

    assert sum(with_shared.values()) < 1.5 * sum(without.values())
    assert sum(with_shared.values()) > 0
