"""What the commands in ``jobs/`` share: several values after one flag, and what an error becomes for the caller."""

import sys
from collections.abc import Callable, Sequence

from siamese_er.errors import ContractFault, GateFailed, SiameseErError, where_it_broke

PUBLISHED, CRASHED, BROKE_CONTRACT, FAILED_GATE = 0, 1, 2, 3
"""Exit statuses of the contract."""


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
    message = f": {error}" if isinstance(error, SiameseErError) else ""
    run_id = getattr(error, "run_id", None)
    run = f", run {run_id}" if run_id else ""
    return [f"siamese_er: {type(error).__name__} at {where_it_broke(error)}{run}{message}"]


def status_of(command: Callable[[], None]) -> int:
    """The exit status of a command, which is run; what went wrong is told on stderr without traceback or values."""
    try:
        command()
    except (Exception, KeyboardInterrupt) as error:
        for line in fault_lines(error):
            print(line, file=sys.stderr)
        return exit_status(error)
    return PUBLISHED
