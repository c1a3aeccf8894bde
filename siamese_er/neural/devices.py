"""Which device a process computes on; knows no Spark, which tells it what was assigned."""

from collections.abc import Sequence


def device_of(wanted: str, assigned: Sequence[str], visible: str | None, partition: int, n_devices: int) -> str:
    """The device of a worker, as torch names it: the GPU assigned to it, else one by its partition, else the CPU.

    ``wanted``: model.device. ``assigned``: addresses that the cluster gave this task. ``visible``: what
    CUDA_VISIBLE_DEVICES lists, null where it is not set; torch numbers those alone, in that order. ``n_devices``: how
    many torch sees.

    >>> device_of("auto", ["3"], "2,3", 0, 2), device_of("auto", [], None, 5, 4), device_of("auto", [], None, 5, 0)
    ('cuda:1', 'cuda:1', 'cpu')
    """
    if wanted == "cpu" or n_devices == 0:
        return "cpu"
    if assigned:
        listed = [address.strip() for address in (visible or "").split(",")]
        if assigned[0] in listed:
            return f"cuda:{listed.index(assigned[0])}"
        if assigned[0].isdigit() and int(assigned[0]) < n_devices:
            return f"cuda:{assigned[0]}"
    return f"cuda:{partition % n_devices}"
