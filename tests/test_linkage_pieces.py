import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from linkage_records import table_of

from siamese_er.linkage.compare import Agreements, Values, agreements
from siamese_er.linkage.pieces import Pieces

PEOPLE = table_of(
    {"given_name": "Ann", "family_name": "Lee", "birth_date": "1980-01-02", "phone": "555 123 4567"},
    {"given_name": "Anne", "family_name": "Lee", "birth_date": "1980-02-01", "national_id": "123456782"},
    {"given_name": "Lee", "family_name": "Ann", "national_id": "123456782"},
    {"family_name": "Garcia Lopez", "phone": ["555 123 4567", "555 123 4568"], "address_line": "12 Main St"},
    {"given_name": "Ana", "family_name": "Garcia", "address_line": "12 Main Street", "birth_date": "1980"},
)


@given(st.lists(st.integers(0, 6), min_size=1), st.sets(st.integers(0, 20)))
def test_picked_is_what_take_gives(lengths, rows):
    numbers = np.arange(sum(lengths))
    whole = pa.table(
        {"number": numbers, "texts": pa.array([[str(n)] * (n % 3) for n in numbers], pa.list_(pa.string()))}
    )
    starts = np.cumsum([0, *lengths])
    table = pa.concat_tables([whole.slice(start, n) for start, n in zip(starts, lengths, strict=False)])
    chosen = np.array(sorted(row for row in rows if row < table.num_rows), np.int64)

    found = Pieces.of(table).picked(chosen)

    assert found.equals(table.take(pa.array(chosen)))
    assert all(column.num_chunks <= 1 for column in found.columns)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1), st.integers(0, 20))
def test_values_read_once_serve_pairs_in_any_portions(pairs, cut):
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    values = Values(PEOPLE)

    portions = [agreements(values, left[part], right[part], 100) for part in (slice(0, cut), slice(cut, None))]
    found = Agreements.joined([portion for portion in portions if len(portion.levels)])

    alone = [agreements(Values(PEOPLE), left[i : i + 1], right[i : i + 1], 100) for i in range(len(left))]
    for name in ("levels", "similarities", "rarities", "is_crossed", "given_is_middle"):
        assert np.array_equal(getattr(found, name), np.concatenate([getattr(one, name) for one in alone]))
