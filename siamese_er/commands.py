"""What the commands in ``jobs/`` share: several values after one flag, and what an error becomes for the caller."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import Any

from typer import Typer

from siamese_er.errors import ContractFault, GateFailed, SiameseErError, where_it_broke

PUBLISHED, CRASHED, BROKE_CONTRACT, FAILED_GATE = 0, 1, 2, 3
"""Exit statuses of the contract."""

STEP_FAILED = re.compile(r"siamese_er\.errors\.StepFailed: (\w[\w .]{0,40}: \w+ at [\w./<>-]+:\d+ in [\w<>]+)")
"""The message that ``errors.without_values`` makes: step, class of the error, place."""


def one_value_a_flag(arguments: Sequence[str], flags: Sequence[str]) -> list[str]:
    """The arguments with ``--input a b`` written as ``--input a --input b``, for each of ``flags``.

    For commands without positional arguments, where a bare word can only belong to the flag before it.
    """
    spread: list[str] = []
    flag, n_values = "", 0
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            flag = argument.partition("=")[0]
            n_values = 1 if "=" in argument else 0
        else:
            spread += [flag] if flag in flags and n_values > 0 else []
            n_values += 1
        spread.append(argument)
    return spread


def imported_beside(name: str) -> Future[Any]:
    """A module that is imported in a thread of its own, while the caller waits for Spark to start."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="import")
    module = pool.submit(import_module, name)
    pool.shutdown(wait=False)
    return module


def exit_status(error: BaseException) -> int:
    """The contract's exit status for an error: 2 broken contract, 3 failed gate, 1 all else."""
    if isinstance(error, ContractFault):
        return BROKE_CONTRACT
    return FAILED_GATE if isinstance(error, GateFailed) else CRASHED


def fault_lines(error: BaseException) -> list[str]:
    """What to tell on stderr, a line for each fault; no value of a patient in any.

    Messages of this package's own errors hold none and are told. Of all other errors, which may quote the value they
    stumbled over, only class and place are, and the run whose run.json says the same.
    """
    if isinstance(error, ContractFault):
        return [f"siamese_er: {fault}" for fault in error.faults]
    if isinstance(error, GateFailed):
        return [f"siamese_er: gate failed: {gate}" for gate in error.gates]
    step = STEP_FAILED.search(str(error))  # raised on an executor, it arrives inside an error of Spark
    message = f": {error}" if isinstance(error, SiameseErError) else f": {step[1]}" if step else ""
    run_id = getattr(error, "run_id", None)
    run = f", run {run_id}" if run_id else ""
    return [f"siamese_er: {type(error).__name__} at {where_it_broke(error)}{run}{message}"]


def status_of(command: Callable[[], None]) -> int:
    """The exit status of a command, which is run; what went wrong is told on stderr without traceback or values."""
    try:
        command()
    except (Exception, KeyboardInterrupt) as error:
        tell(fault_lines(error))
        return exit_status(error)
    return PUBLISHED


def start(command: Typer, arguments: Sequence[str]) -> None:
    """Run a job's command line; a flag that it does not know is one line on stderr and exit status 2."""
    try:
        command(list(arguments), standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer raises for wrong usage has it
            raise
        tell([f"siamese_er: {error.format_message()}"])
        sys.exit(BROKE_CONTRACT)


def tell(lines: Sequence[str]) -> None:
    """Write lines to stderr: to that of spark-submit, which sends a driver's own stderr to its stdout."""
    text = "".join(f"{line}\n" for line in lines)
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        try:
            _print_in_jvm(text)
            return
        except Exception:  # the JVM is gone; the driver's own stderr is there still
            pass
    sys.stderr.write(text)


def _print_in_jvm(text: str) -> None:
    from pyspark import SparkContext

    sys.stdout.flush()
    SparkContext._ensure_initialized()
    jvm: Any = SparkContext._jvm
    jvm.java.lang.System.err.print(text)
    jvm.java.lang.System.err.flush()
