"""Batches that a device's memory does not take, with a network that fails as a GPU does; and devices of workers."""

import sys
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from siamese_er.neural import batches
from siamese_er.neural.batches import GPU_TOKENS, Batches, rows_at_once, takes_half, two_precisions
from siamese_er.neural.devices import device_of

CPU = torch.device("cpu")
WIDTH = 8


class Small(nn.Module):
    """A network of one layer; on a device that is out of memory for more than ``most`` rows."""

    def __init__(self, most: int, error: type[Exception] = torch.cuda.OutOfMemoryError) -> None:
        super().__init__()
        self.layer = nn.Linear(5, WIDTH)
        self.most, self.error = most, error
        self.sizes: list[int] = []
        self.inputs: list[weakref.ref] = []

    def forward(self, x):
        self.sizes.append(len(x))
        self.inputs.append(weakref.ref(x))
        if len(x) > self.most:
            raise self.error("no room")
        return self.layer(x)


def network_of(most: int, spare: int = 10**9, **settings):
    """The same weights whatever the room; the spare network has its own."""
    torch.manual_seed(3)
    made = two_precisions(Small(most, **settings), CPU)
    roomy = Small(spare)
    roomy.load_state_dict(made.exact.state_dict())
    return made._replace(spare=roomy.double().eval())


@pytest.fixture
def rows():
    return [np.random.default_rng(5).standard_normal((300, 5))]


@pytest.mark.parametrize("most", [100, 33, 7, 1, 0])
def test_rows_that_do_not_fit_come_out_as_those_that_do(rows, most):
    roomy = Batches(CPU).unit_bytes(network_of(10**9), 128, WIDTH, rows)

    cramped = Batches(CPU).unit_bytes(network_of(most), 128, WIDTH, rows)

    assert np.array_equal(roomy, cramped)
    assert len(np.unique(roomy, axis=0)) == 300


def test_batches_are_halved_and_the_size_that_fits_is_remembered(rows):
    network, device = network_of(40), Batches(CPU)

    device.unit_bytes(network, 128, WIDTH, rows)
    first = list(network.fast.sizes)
    network.fast.sizes.clear()
    device.unit_bytes(network, 128, WIDTH, rows)

    assert first == [128, 64, *[32] * 10]
    assert network.fast.sizes == [32] * 10


def test_a_single_row_without_room_is_computed_on_the_cpu(rows):
    network = network_of(0)

    Batches(CPU).unit_bytes(network, 2, WIDTH, [rows[0][:3]])

    assert network.fast.sizes == [2, 1, 1, 1]
    assert network.spare.sizes.count(1) >= 3


def test_memory_is_freed_when_nothing_holds_the_failed_batch(rows, monkeypatch):
    network, seen = network_of(100), []

    def freed():
        seen.append((sys.exc_info()[0], [ref() is None for ref in network.fast.inputs]))

    monkeypatch.setattr(torch.cuda, "empty_cache", freed)
    Batches(CPU).unit_bytes(network, 128, WIDTH, rows)

    assert seen == [(None, [True])]


@pytest.mark.parametrize("error", [RuntimeError, ValueError, MemoryError])
def test_other_errors_are_not_caught(rows, error):
    network = network_of(100, error=error)

    with pytest.raises(error, match="no room"):
        Batches(CPU).unit_bytes(network, 128, WIDTH, rows)

    assert network.fast.sizes == [128]


def test_half_precision_computes_in_it_and_looks_once(rows):
    whole, half = network_of(10**9), network_of(10**9)._replace(in_half=True)
    kinds = []
    half.fast.layer.register_forward_hook(lambda _, __, out: kinds.append(out.dtype))

    coarse = Batches(CPU).unit_bytes(half, 128, WIDTH, rows).astype(int)

    fine = Batches(CPU).unit_bytes(whole, 128, WIDTH, rows).astype(int)
    assert kinds == [torch.bfloat16] * 3
    assert half.exact.sizes == []
    assert 0 < np.abs(coarse - fine).max() <= 3


def test_a_cpu_takes_no_half_precision():
    assert not takes_half(CPU)


@pytest.mark.parametrize("n_tokens", [1, 16, 48, 96, 512])
def test_batches_of_a_gpu_have_a_budget_of_tokens(n_tokens):
    n_rows = rows_at_once(torch.device("cuda"), 16, n_tokens)

    assert GPU_TOKENS - n_tokens < n_rows * n_tokens <= GPU_TOKENS
    assert rows_at_once(CPU, 16, n_tokens) == 16


def test_batches_keep_their_shape_and_the_order_of_rows(rows):
    network = network_of(10**9)

    found = Batches(CPU).unit_bytes(network, 128, WIDTH, rows)
    backwards = Batches(CPU).unit_bytes(network, 128, WIDTH, [rows[0][::-1].copy()])

    assert set(network.fast.sizes) == {128}
    assert np.array_equal(found, backwards[::-1])
    assert batches.batch_of(rows, 290, 16)[0][10:].any() == np.False_


@pytest.mark.parametrize(
    ("wanted", "assigned", "visible", "partition", "n_devices", "device"),
    [
        pytest.param("cpu", ["0"], None, 0, 4, "cpu", id="told to use the CPU"),
        pytest.param("cuda", ["0"], None, 0, 0, "cpu", id="no GPU here"),
        pytest.param("auto", ["2"], None, 9, 4, "cuda:2", id="what Spark assigned"),
        pytest.param("auto", ["6"], "4,6", 9, 2, "cuda:1", id="assigned, by its place among the visible ones"),
        pytest.param("auto", ["GPU-aa"], "GPU-bb, GPU-aa", 0, 2, "cuda:1", id="assigned by name"),
        pytest.param("auto", ["1"], "4,6", 0, 2, "cuda:1", id="assigned inside a container"),
        pytest.param("auto", ["7"], None, 3, 2, "cuda:1", id="an address that torch does not see"),
        pytest.param("auto", [], "4,6", 5, 2, "cuda:1", id="nothing assigned: by partition among the visible"),
        pytest.param("auto", [], None, 6, 4, "cuda:2", id="by partition"),
    ],
)
def test_device_of_a_worker(wanted, assigned, visible, partition, n_devices, device):
    assert device_of(wanted, assigned, visible, partition, n_devices) == device
