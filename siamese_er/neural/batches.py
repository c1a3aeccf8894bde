"""Networks run over rows in batches of fixed shape, on a GPU as large as its memory takes, with the CPU behind it."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Bytes = NDArray[np.int8]
Floats = NDArray[np.float64]
Rows = Sequence[NDArray[Any]]
EXACT_BATCH = 32
MARGIN = 5e-4  # of a byte step; some ten times what float32 is off by (4e-5 seen)
GPU_TOKENS = 262_144  # characters, fields or tokens of a batch on a GPU; a CPU is fastest with small batches


class TwoPrecisions(NamedTuple):
    """One network several times: float32 for speed, float64 for the answers that float32 leaves open.

    ``spare`` is float64 on the CPU, for what the device has no memory for. ``in_half``: the fast one computes in
    bfloat16 where that does (autocast), which is too coarse to tell which answers are open: none is computed again. So
    it is for networks that are slow in float32.
    """

    fast: nn.Module
    exact: nn.Module
    spare: nn.Module
    in_half: bool = False


def two_precisions(network: nn.Module, device: torch.device, in_half: bool = False) -> TwoPrecisions:
    """The network on the device in two precisions."""
    spare = network.double().eval()
    exact = spare if device.type == "cpu" else copy.deepcopy(spare).to(device)
    return TwoPrecisions(copy.deepcopy(exact).float(), exact, spare, in_half)


def takes_half(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 faster than in float32: a GPU that knows it."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def rows_at_once(device: torch.device, on_cpu: int, n_tokens: int) -> int:
    """How many rows of so many tokens make a batch; a function of their length alone, never of how many there are.

    >>> rows_at_once(torch.device("cpu"), 16, 96), rows_at_once(torch.device("cuda"), 16, 96)
    (16, 2730)
    """
    return on_cpu if device.type == "cpu" else max(on_cpu, GPU_TOKENS // max(n_tokens, 1))


def scaled_units(vectors: Floats) -> Floats:
    """127 * unit vector of each row; a row of zeros stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return 127.0 * vectors / np.where(norms > 0, norms, 1.0)


class Batches:
    """Runs networks over rows on one device, and remembers which batches its memory did not take."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.fitting: dict[tuple[Any, ...], int] = {}  # shape of a row and precision: rows that fit at once

    def unit_bytes(self, network: TwoPrecisions, on_cpu: int, width: int, rows: Rows) -> Bytes:
        """Byte vectors (n, width) of rows: float32, and float64 where a component is within MARGIN of a half.

        ``on_cpu``: rows of a batch on the CPU. The order of the rows does not matter, nor which of them go together.
        """
        if len(rows[0]) == 0:
            return np.zeros((0, width), dtype=np.int8)
        scaled = self._directions(network, False, on_cpu, rows)
        if not network.in_half:
            unsure = np.flatnonzero((np.abs(np.abs(scaled - np.rint(scaled)) - 0.5) < MARGIN).any(axis=1))
            if len(unsure):
                again = [part[unsure] for part in rows]
                scaled[unsure] = self._directions(network, True, min(on_cpu, EXACT_BATCH), again)
        return np.rint(scaled).astype(np.int8)

    def _directions(self, network: TwoPrecisions, is_exact: bool, on_cpu: int, rows: Rows) -> Floats:
        """127 * unit vectors of the rows, a batch at a time; half as many at a time where memory does not suffice.

        A single row that does not fit is computed on the CPU.
        """
        shape = (is_exact, *(part.shape[1:] for part in rows))
        at_once = rows_at_once(self.device, on_cpu, rows[0].shape[1])
        parts, start = [], 0
        while start < len(rows[0]):
            size = min(at_once, self.fitting.get(shape, at_once))
            found = self._tried(network, is_exact, batch_of(rows, start, size))
            if found is None:
                torch.cuda.empty_cache()  # outside the except: the error holds the failed batch alive
                self.fitting[shape] = max(1, size // 2)
                if size > 1:
                    continue
                found = outputs(network.spare, torch.float64, batch_of(rows, start, 1), torch.device("cpu"))
            parts.append(scaled_units(found[: len(rows[0]) - start]))
            start += size
        return np.concatenate(parts)

    def _tried(self, network: TwoPrecisions, is_exact: bool, rows: Rows) -> Floats | None:
        """The outputs for one batch; null where the device has too little memory for it. No other error is caught."""
        try:
            if is_exact:
                return outputs(network.exact, torch.float64, rows, self.device)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=network.in_half):
                return outputs(network.fast, torch.float32, rows, self.device)
        except torch.cuda.OutOfMemoryError:
            return None


def batch_of(rows: Rows, start: int, size: int) -> list[NDArray[Any]]:
    """``size`` rows from ``start`` on, filled up with zeros behind the last one."""
    full = [np.zeros((size, *part.shape[1:]), dtype=part.dtype) for part in rows]
    for target, part in zip(full, rows, strict=True):
        found = part[start : start + size]
        target[: len(found)] = found
    return full


def outputs(network: nn.Module, dtype: torch.dtype, rows: Rows, device: torch.device) -> Floats:
    """What a network makes of rows; floating-point ones in its precision."""
    tensors: list[Tensor] = [torch.from_numpy(part).to(device) for part in rows]
    with torch.inference_mode():
        found = network(*(part.to(dtype) if part.is_floating_point() else part for part in tensors))
    return found.double().cpu().numpy()
