"""When standardised values contradict one another: as column functions and, for values at hand, in Python."""

from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F


def _is_vaguer(value: Column, other: Column) -> Column:
    """A value that only says less than the other: 1980 beside 1980-05-01, last4:0049 beside an id ending in 0049."""
    return (value != other) & (
        F.startswith(other, F.concat(value, F.lit("-")))
        | (F.startswith(value, F.lit("last4:")) & F.endswith(other, F.substring(value, 7, 4)))
        | (F.startswith(value, F.lit("--")) & F.endswith(other, F.substring(value, 2, 6)))
    )


def contradicts_itself(values: Column) -> Column:
    """Two values of the array cannot both be true of one person; false where it is empty or null.

    Values that only say less than another (a year beside a full date, the last four digits of an id) agree with it.
    """
    distinct = F.array_distinct(values)
    most_precise = F.filter(distinct, lambda value: ~F.exists(values, lambda other: _is_vaguer(value, other)))
    return F.when(F.size(distinct) > 1, F.size(most_precise) > 1).otherwise(F.lit(False))  # few have two


def contradict(values: Iterable[str]) -> bool:
    """`contradicts_itself` of values at hand.

    >>> contradict(["1980", "1980-05-01"]), contradict(["1980", "1981-05-01"])
    (False, True)
    """
    distinct = set(values)
    return sum(not any(says_less(value, other) for other in distinct) for value in distinct) > 1


def says_less(value: str, other: str) -> bool:
    """Whether a standardised value only says less than another one, with which it agrees."""
    if value == other:
        return False
    if value.startswith("last4:"):
        return other.endswith(value[6:10]) or other.startswith(f"{value}-")
    return other.startswith(f"{value}-") or (value.startswith("--") and other.endswith(value[1:7]))
