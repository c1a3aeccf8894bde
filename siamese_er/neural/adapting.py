"""Losses of adaptation: masked views of unlabelled records and notes, beside replay and a tie to the first weights."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from siamese_er.neural.fit_masked import CodedTable, RecordCodes, code_vectors, masked_tokens, masked_view
from siamese_er.neural.fit_records import note_vectors, two_records_each
from siamese_er.neural.losses import infonce, masked
from siamese_er.neural.towers import DemographicsTower, FieldEncoder, NotesTower

TIE = 5.0  # weight of the cosine distance to the vectors of the first weights
Losses = Iterator[tuple[Tensor, Tensor]]


class RecordTowers(NamedTuple):
    """The two networks that read a record."""

    fields: FieldEncoder
    demographics: DemographicsTower


def mean_distance(vectors: Tensor, targets: Tensor, present: Tensor) -> Tensor:
    """Mean cosine distance of rows to fixed targets over the rows that are present; 0 where none is."""
    distance = 1 - functional.cosine_similarity(vectors, targets.detach(), dim=-1)
    return (distance * present).sum() / present.sum().clamp(min=1)


def tied(student: RecordTowers, teacher: RecordTowers, codes: RecordCodes) -> tuple[Tensor, Tensor, Tensor]:
    """(field vectors, record vectors, distance of both to the teacher's) of records."""
    text, vectors = code_vectors(*student, codes)
    with torch.no_grad():
        first_text, first_vectors = code_vectors(*teacher, codes)
    present = torch.from_numpy(codes.present[:, : text.shape[1]]).to(text.device)
    everywhere = torch.ones(len(vectors), device=text.device)
    distance = mean_distance(text, first_text, present) + mean_distance(vectors, first_vectors, everywhere)
    return text, vectors, distance


def adapting_losses(
    student: RecordTowers, teacher: RecordTowers, target: RecordCodes, replay: Iterator[CodedTable], values: Losses,
    rng: np.random.Generator, n_records: int = 128, batches_each: int = 5,
) -> Losses:  # fmt: skip
    """Losses of a batch of the target and one of simulated people each, without end.

    The target's records are never negatives, as nobody knows who is who there: a masked view is only drawn to its own
    record. Replay (``values``: losses of pairs of values; two records of simulated people) keeps strangers apart.
    """
    for table in replay:
        for _ in range(batches_each):
            whole = target.rows(rng.choice(len(target), min(n_records, len(target)), replace=False))
            text, vectors, distance = tied(student, teacher, whole)
            view = masked_view(whole, rng)
            text_views, views = code_vectors(*student, view)
            shown = torch.from_numpy(view.present[:, : text.shape[1]]).to(text.device)
            loss = masked(views, vectors) + mean_distance(text_views, text, shown)
            places = two_records_each(table, n_records // 2, rng)
            one, other = table.codes.rows(places[:, 0]), table.codes.rows(places[:, 1])
            _, left, left_distance = tied(student, teacher, one)
            _, right, right_distance = tied(student, teacher, other)
            value_loss, _ = next(values)
            loss = loss + value_loss + infonce(left, right)
            yield loss + TIE * (distance + (left_distance + right_distance) / 2), torch.cat([vectors, left])


def note_adapting_losses(
    student: NotesTower, teacher: NotesTower, target: Sequence[Sequence[int]], mask: int,
    replay: Iterator[tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]], rng: np.random.Generator, n_notes: int = 32,
) -> Losses:  # fmt: skip
    """The same for notes: masked tokens of the target's notes, beside two notes of each of some simulated people."""
    for lefts, rights in replay:
        whole = [target[place] for place in rng.choice(len(target), min(n_notes, len(target)), replace=False)]
        vectors = note_vectors(student, [*whole, *lefts, *rights])
        with torch.no_grad():
            first = note_vectors(teacher, [*whole, *lefts, *rights])
        views = note_vectors(student, masked_tokens(whole, mask, rng))
        left, right = vectors[len(whole) : len(whole) + len(lefts)], vectors[len(whole) + len(lefts) :]
        same = torch.tensor([[a == b for b in rights] for a in lefts], device=vectors.device)
        everywhere = torch.ones(len(vectors), device=vectors.device)
        loss = masked(views, vectors[: len(whole)]) + infonce(left, right, same)
        yield loss + TIE * mean_distance(vectors, first, everywhere), vectors
