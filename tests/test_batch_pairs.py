"""Pairs of a batch: blocks stay whole."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese_er import batch_pairs


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whole_blocks_never_split_a_block_and_lose_no_row(data):
    sizes = data.draw(st.lists(st.integers(1, 9), max_size=12))
    keys = np.repeat(np.arange(len(sizes)) * 3 - 10, sizes)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(keys)), max_size=6)) | {0, len(keys)})
    batches = [
        pa.record_batch({"key": keys[a:b], "row": np.arange(a, b)})
        for a, b in pairwise(cuts)
        if b > a or len(cuts) == 2
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_pairs, "ROWS_AT_ONCE", data.draw(st.integers(1, 12)))

        tables = list(batch_pairs.whole_blocks(iter(batches)))

    assert [row for table in tables for row in table["row"].to_pylist()] == list(range(len(keys)))
    held = [set(table["key"].to_pylist()) for table in tables]
    assert all(not first & second for i, first in enumerate(held) for second in held[i + 1 :])
