"""When standardised values contradict one another, as column functions."""

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
    most_precise = F.filter(
        F.array_distinct(values), lambda value: ~F.exists(values, lambda other: _is_vaguer(value, other))
    )
    return F.coalesce(F.size(most_precise) > 1, F.lit(False))
