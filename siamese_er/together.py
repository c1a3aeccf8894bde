"""Spark actions that do not need one another, started from several threads of the driver: none waits for the other's plan."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyspark import inheritable_thread_target
from pyspark.sql import SparkSession

Result = TypeVar("Result")

MOST_AT_ONCE = 3
"""Actions in flight: while one plans on the driver, the tasks of the others keep the cores busy."""


def together(actions: Mapping[str, Callable[[], Result]]) -> dict[str, Result]:
    """The result of each action, by name, in the order given; all are over when this returns or raises.

    Each has its own copy of the local properties (group, description, settings of SQL) of the thread that calls. With
    one copy between them, the action that ends first takes the settings from the jobs that others have yet to start.

    Raises: what the first of the failed actions raised, in the order given.
    """
    session = SparkSession.getActiveSession()

    def follow(action: Callable[[], Result]) -> Callable[[], Result]:
        found: Callable[[], Result] = action if session is None else inheritable_thread_target(session)(action)
        return found

    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="spark-action") as pool:
        running = {name: pool.submit(follow(action)) for name, action in actions.items()}
    return {name: future.result() for name, future in running.items()}
