"""What the networks reach of what a GPU can: rows and operations a second, beside the card's own matrix products."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from siamese_er.neural.batches import TwoPrecisions, rows_at_once
from siamese_er.neural.encoder import Encoder
from siamese_er.neural.text import CODED_FIELDS, FIELD_KINDS

REPEATS = 20
SQUARE = 8192  # rows and columns of the matrices whose product says what the card can do


@dataclass(frozen=True)
class Reached:
    """Of one network: rows of a batch, rows a second, floating-point operations a second, share of the card's."""

    batch: int
    rows_per_second: float
    tera_operations: float
    share: float


def seconds_of(work: Callable[[], Any]) -> float:
    """Seconds that the GPU takes for some work, once warm, mean of REPEATS."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(REPEATS):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / REPEATS


def matrix_rate(kind: torch.dtype) -> float:
    """Operations a second of a product of two square matrices of random numbers, as torch computes it."""
    left, right = (torch.randn(SQUARE, SQUARE, device="cuda").to(kind) for _ in range(2))
    return 2 * SQUARE**3 / seconds_of(lambda: left @ right)


def full_batches(encoder: Encoder) -> dict[str, tuple[TwoPrecisions, list[NDArray[Any]]]]:
    """For each network, a batch of the greatest rows that it computes on a GPU at once."""
    rng, card, settings = np.random.default_rng(0), encoder.device, encoder.settings
    n_values, n_notes = (rows_at_once(card, 1, tokens) for tokens in (48, settings.note_tokens))
    n_fields = len(FIELD_KINDS) + len(CODED_FIELDS)
    n_records = rows_at_once(card, 1, len(FIELD_KINDS))
    notes = [
        rng.integers(5, settings.note_bert["vocab_size"], (n_notes, settings.note_tokens)),
        np.ones((n_notes, settings.note_tokens), bool),
    ]
    return {
        "values": (encoder.fields, [rng.integers(1, 28, (n_values, 48)), rng.integers(0, len(FIELD_KINDS), n_values)]),
        "records": (encoder.demographics, [
            rng.standard_normal((n_records, len(FIELD_KINDS), settings.field_width)),
            rng.integers(0, 38, (n_records, sum(CODED_FIELDS.values()))), np.ones((n_records, n_fields), bool),
        ]),
        "notes": (encoder.notes, notes), "notes, bfloat16": (encoder.notes._replace(in_half=True), notes),
    }  # fmt: skip


def card_limits(encoder: Encoder) -> dict[str, Reached]:
    """What each network reaches with its inputs on the card already, in the precision in which a run computes it."""
    rates = {kind: matrix_rate(kind) for kind in (torch.float32, torch.bfloat16)}
    found = {}
    for name, (network, rows) in full_batches(encoder).items():
        inputs = [torch.from_numpy(part).to(encoder.device) for part in rows]
        inputs = [part.float() if part.is_floating_point() else part for part in inputs]

        def forward(network: TwoPrecisions = network, inputs: list[torch.Tensor] = inputs) -> None:
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=network.in_half):
                network.fast(*inputs)

        with FlopCounterMode(display=False) as counter:
            forward()
        seconds, n = seconds_of(forward), len(rows[0])
        done = counter.get_total_flops() / seconds
        kind = torch.bfloat16 if network.in_half else torch.float32
        found[name] = Reached(n, n / seconds, done / 1e12, done / rates[kind])
    return found
