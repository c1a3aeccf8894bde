"""Rare collections of reference cycles in Python workers."""

import functools
import gc

BETWEEN_COLLECTIONS = (100_000, 50, 50)
"""Allocations before a collection of the youngest objects, and collections before those of the next generations."""


def collect_rarely() -> None:
    """Let this process look for reference cycles rarely, and never among what it held when this was called last.

    A batch of rows is hundreds of thousands of small tuples and lists, none of them in a cycle; Python's defaults walk
    over all of them again and again: most of the time of standardising. To be called as a task starts: Spark's
    ``daemon.worker`` collects everything between two tasks, so that what is there now is what the process keeps (what
    it imported, networks, memories of distinct values); walked over again after every task, it is a third of a second
    each time. It is freed as before when nothing refers to it.
    """
    _once()
    gc.freeze()


@functools.cache
def _once() -> None:
    gc.collect()
    gc.set_threshold(*BETWEEN_COLLECTIONS)
