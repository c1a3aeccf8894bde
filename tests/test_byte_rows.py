"""Binary columns of one width as matrices."""

import numpy as np
import pyarrow as pa
import pytest

from siamese_er.compared import matrix_of
from siamese_er.linkage.byte_rows import byte_rows

TEXTS = [b"abc", b"def", b"ghi", b"jkl"]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(3)])
def test_rows_are_the_bytes_of_each_value(kind):
    whole = pa.array(TEXTS, kind)

    for column in (whole, pa.chunked_array([whole.slice(0, 1), whole.slice(1, 0), whole.slice(1)])):
        assert byte_rows(column, 3).tobytes() == b"".join(TEXTS)
    assert byte_rows(whole.slice(2), 3).tolist() == [list(b"ghi"), list(b"jkl")]


@pytest.mark.parametrize("column", [pa.array([], pa.binary()), pa.chunked_array([], pa.binary())])
def test_no_rows_are_a_matrix_without_rows(column):
    assert byte_rows(column, 8).shape == (0, 8)
    assert matrix_of(column, 2, np.float32).shape == (0, 2)


@pytest.mark.parametrize("other", [None, b"", b"abcd"])
def test_a_value_that_is_missing_or_of_another_width_is_told(other):
    column = pa.array([b"abc", other])

    assert byte_rows(column, 3) is None
    with pytest.raises(ValueError, match="3 numbers"):
        matrix_of(column, 3, np.int8)
