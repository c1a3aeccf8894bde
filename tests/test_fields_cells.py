import pyarrow as pa
import pytest

from siamese_er.fields.cells import STRINGS, cells_of, standard_cells
from siamese_er.fields.text import Standard


@pytest.mark.parametrize(
    ("column", "lists"),
    [
        pytest.param(pa.array([["a", "b"], None, [], ["a", None, " ", ""]], STRINGS), [("a", "b"), (), (), ("a",)], id="lists"),
        pytest.param(pa.array(["a", None, " "], pa.string()), [("a",), (), ()], id="texts"),
        pytest.param(pa.array([["z"], ["a"], ["b"]], STRINGS).slice(1), [("a",), ("b",)], id="slice of a longer array"),
        pytest.param(pa.array([], STRINGS), [], id="no rows"),
        pytest.param(pa.array([None, None], STRINGS), [(), ()], id="nothing"),
    ],
)  # fmt: skip
def test_cells_of(column, lists):
    assert cells_of(column).lists() == lists


def test_cells_listed_again_repeat_no_text():
    cells = cells_of(pa.array([["b", "a", "b"], None, ["a"]], STRINGS))

    assert cells.listed().to_pylist() == [["b", "a"], [], ["a"]]


def test_standard_cells_standardise_each_distinct_text_once():
    seen = []

    def standard(value):
        seen.append(value)
        return {"x": Standard(fault="placeholder"), "y": Standard(fault="invalid", invalid="why")}.get(
            value, Standard(value.lower())
        )

    valid, invalid, faults = standard_cells(cells_of(pa.array([["A", "a", "x"], ["y", "A"]], STRINGS)), standard)

    assert sorted(seen) == ["A", "a", "x", "y"]
    assert valid.listed().to_pylist() == [["a"], ["a"]]
    assert invalid.listed().to_pylist() == [[], ["why"]]
    assert faults == [(0, "placeholder"), (1, "invalid")]
