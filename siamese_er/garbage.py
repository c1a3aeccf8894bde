"""Rare collections of reference cycles in Python workers."""

import functools
import gc

BETWEEN_COLLECTIONS = (100_000, 50, 50)
"""Allocations before a collection of the youngest objects, and collections before those of the next generations."""


@functools.cache
def collect_rarely() -> None:
    """Let this process look for reference cycles rarely, and never among what it imported; once for each process.

    A batch of rows is hundreds of thousands of small tuples and lists, none of them in a cycle; Python's defaults walk
    over all of them again and again: most of the time of standardising.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*BETWEEN_COLLECTIONS)
