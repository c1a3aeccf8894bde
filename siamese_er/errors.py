"""Errors, one class for each cause, and the guard that keeps patients' values out of them."""

import functools
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from siamese_er.garbage import collect_rarely

PACKAGE = Path(__file__).parent


class SiameseErError(Exception):
    """Base of all errors this package raises on purpose; its message never holds a patient's value."""


class ContractFault(SiameseErError):
    """The configuration or the input breaks the contract: exit status 2, one line for each fault.

    ``faults`` holds the lines; each says what is wrong and what to do, with column names and counts only.
    """

    def __init__(self, faults: list[str] | str) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("; ".join(self.faults))


class SchemaMismatch(SiameseErError):
    """A table does not have the columns its schema declares."""


class InvariantBroken(SiameseErError):
    """What only data can show did not hold, such as a record in two clusters; the message has counts."""


class GateFailed(SiameseErError):
    """A quality gate of the config failed: exit status 3, results kept and not published."""

    def __init__(self, gates: list[str]) -> None:
        self.gates = list(gates)
        super().__init__("; ".join(self.gates))


class OutputInUse(ContractFault):
    """Another run holds the lock of this output folder: exit status 2."""


class StepFailed(SiameseErError):
    """Code of ours failed on some rows; the message says which step, which error class and where, never the rows."""


def where_it_broke(error: BaseException) -> str:
    """File, line and function of the innermost frame of this package, else of any: a place, no values.

    The outermost frame, which caught the error, is a place only where it is the only one.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames[1:] if Path(frame.filename).is_relative_to(PACKAGE)] or frames
    return f"{ours[-1].filename}:{ours[-1].lineno} in {ours[-1].name}" if ours else "unknown place"


def without_values(
    step: str, *, in_worker: bool = True
) -> Callable[[Callable[..., Iterator[Any]]], Callable[..., Iterator[Any]]]:
    """A decorator for the generator functions that Spark runs over batches of rows, or the driver where they are few.

    An exception from Python, pandas or torch often quotes the value it stumbled over, and Spark writes it to the
    executor's log, the driver's traceback and the event log. The decorated function raises `StepFailed` instead,
    with the step, the class of the error and its place in the code, and drops the original from the chain.

    ``in_worker``: its process is a worker's and collects garbage rarely from then on. Never the driver: what is frozen is not
    collected again, and every frame that Python keeps keeps its plan in the JVM.
    """

    def decorate(function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        @functools.wraps(function)
        def guarded(*arguments: Any, **settings: Any) -> Iterator[Any]:
            fault = None
            if in_worker:
                collect_rarely()
            try:
                yield from function(*arguments, **settings)
            except (SiameseErError, GeneratorExit):
                raise
            except Exception as error:
                fault = f"{step}: {type(error).__name__} at {where_it_broke(error)}"
            if fault is not None:  # outside the except block, so that no context is chained
                raise StepFailed(fault)

        return guarded

    return decorate
