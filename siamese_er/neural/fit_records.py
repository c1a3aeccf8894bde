"""Fitting the demographics tower and the notes tower on simulated tables that the caller makes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siamese_er.neural.losses import infonce
from siamese_er.neural.towers import DemographicsTower, NotesTower

FIRST_DIGIT, N_DIGITS = 27, 10  # symbols of digits
CROSS_WEIGHT = 0.2


@dataclass(frozen=True)
class RecordInputs:
    """What the demographics tower sees of n records: text (n, 5, width) bytes, slots and present fields."""

    text: NDArray[np.int8]
    slots: NDArray[np.int64]
    present: NDArray[np.bool_]

    def rows(self, places: NDArray[np.int64]) -> "RecordInputs":
        """The inputs of the records at these places."""
        return RecordInputs(self.text[places], self.slots[places], self.present[places])


@dataclass(frozen=True)
class SimulatedTable:
    """One simulated table: inputs of its records, whose they are, and notes by the place of their record."""

    inputs: RecordInputs
    people: NDArray[np.int64]
    households: NDArray[np.int64]
    notes: Sequence[str] = ()
    note_owners: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def record_vectors(network: DemographicsTower, inputs: RecordInputs) -> Tensor:
    """Vectors (n, record_width) of the records, with gradient where it is on."""
    device = network.out.weight.device
    text = torch.from_numpy(inputs.text.astype(np.float32) / 127.0).to(device)
    return network(text, torch.from_numpy(inputs.slots).to(device), torch.from_numpy(inputs.present).to(device))


def damaged(inputs: RecordInputs, rng: np.random.Generator, missing: float, mistyped: float) -> RecordInputs:
    """The records with further fields missing and single digits of coded fields wrong; never a record of nothing."""
    kept = inputs.present & (rng.random(inputs.present.shape) >= missing)
    kept = np.where(kept.any(axis=1, keepdims=True), kept, inputs.present)
    hit = rng.random(inputs.slots.shape) < mistyped
    is_digit = (inputs.slots >= FIRST_DIGIT) & (inputs.slots < FIRST_DIGIT + N_DIGITS)
    digits = rng.integers(FIRST_DIGIT, FIRST_DIGIT + N_DIGITS, inputs.slots.shape)
    return RecordInputs(inputs.text, np.where(hit & is_digit, digits, inputs.slots), kept)


class OwnedRecords(Protocol):
    """Records whose people and households are known."""

    @property
    def people(self) -> NDArray[np.int64]:
        """The person of each record."""

    @property
    def households(self) -> NDArray[np.int64]:
        """The household of each record."""


def two_records_each(table: OwnedRecords, n_people: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places (n, 2) of two records of each of about ``n_people`` people, whole households together.

    A person of one record gets it twice.
    """
    order = rng.permutation(len(table.people))
    by_person: dict[int, list[int]] = {}
    for place in order.tolist():
        by_person.setdefault(int(table.people[place]), []).append(place)
    shuffled = rng.permutation(int(table.households.max()) + 1)
    people = sorted(by_person.values(), key=lambda places: shuffled[table.households[places[0]]])[:n_people]
    return np.asarray([(places[0], places[-1]) for places in people], dtype=np.int64)


def record_losses(
    network: DemographicsTower, tables: Iterator[SimulatedTable], rng: np.random.Generator, n_people: int = 256,
    batches_each: int = 5,
) -> Iterable[tuple[Tensor, Tensor]]:  # fmt: skip
    """InfoNCE losses of two records of each person against all others of the batch, housemates included."""
    for table in tables:
        for _ in range(batches_each):
            places = two_records_each(table, n_people, rng)
            rate = float(rng.choice([0.0, 0.1, 0.25]))
            one = record_vectors(network, damaged(table.inputs.rows(places[:, 0]), rng, rate, 0.01))
            other = record_vectors(network, damaged(table.inputs.rows(places[:, 1]), rng, rate, 0.01))
            yield infonce(one, other), torch.cat([one, other])


def note_vectors(network: NotesTower, tokens: Sequence[Sequence[int]]) -> Tensor:
    """Vectors (n, record_width) of token lists, padded to the longest, with gradient where it is on."""
    device = network.out.weight.device
    ids = np.zeros((len(tokens), max(len(row) for row in tokens)), dtype=np.int64)
    for target, row in zip(ids, tokens, strict=True):
        target[: len(row)] = row
    present = np.arange(ids.shape[1]) < np.asarray([len(row) for row in tokens])[:, None]
    return network(torch.from_numpy(ids).to(device), torch.from_numpy(present).to(device))


@dataclass(frozen=True)
class NotePairs:
    """Two notes of each of n people as tokens, and the vector of a record of that person (or None for all)."""

    left: Sequence[Sequence[int]]
    right: Sequence[Sequence[int]]
    records: Tensor | None


def note_losses(network: NotesTower, batches: Iterator[NotePairs]) -> Iterable[tuple[Tensor, Tensor]]:
    """InfoNCE of two notes of each person, plus a small one of note against record (the cross-modal term)."""
    for batch in batches:
        vectors = note_vectors(network, [*batch.left, *batch.right])
        left, right = vectors[: len(batch.left)], vectors[len(batch.left) :]
        same_text = torch.tensor([[a == b for b in batch.right] for a in batch.left], device=vectors.device)
        loss = infonce(left, right, same_text)
        if batch.records is not None:
            loss = loss + CROSS_WEIGHT * infonce(left, batch.records.to(vectors.device))
        yield loss, vectors


def nearest_recall(network: nn.Module, table: SimulatedTable, rng: np.random.Generator) -> tuple[float, int]:
    """Share of people whose first record's nearest other record is theirs, and how many people were asked."""
    places = two_records_each(table, len(table.people), rng)
    places = places[places[:, 0] != places[:, 1]]
    if len(places) == 0:
        return 0.0, 0
    with torch.inference_mode():
        vectors = record_vectors(network, table.inputs)  # type: ignore[arg-type]
    scores = vectors[places[:, 0]] @ vectors.T
    scores[torch.arange(len(places)), torch.from_numpy(places[:, 0])] = -torch.inf
    nearest = scores.argmax(dim=1).cpu().numpy()
    return float((table.people[nearest] == table.people[places[:, 0]]).mean()), len(places)
