"""Masked views: a record with fields and characters hidden has to lie where the whole record lies. No labels needed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from siamese_er.neural.encoder import coded_fields, listed, text_value
from siamese_er.neural.losses import masked
from siamese_er.neural.text import FIELD_COLUMNS, FIELD_KINDS, N_SYMBOLS, TEXT_LENGTHS, text_codes
from siamese_er.neural.towers import DemographicsTower, FieldEncoder

HIDDEN = N_SYMBOLS - 1  # the symbol of everything that is no letter, digit or space
FIELD_SHARE, SYMBOL_SHARE = 0.3, 0.15  # of fields and of characters hidden
TOKEN_SHARE = 0.3


@dataclass(frozen=True)
class RecordCodes:
    """n records as characters: text of the first value of each kind (n, its length), slots, fields present (n, 10)."""

    text: tuple[NDArray[np.uint8], ...]
    slots: NDArray[np.int64]
    present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.slots)

    def rows(self, places: NDArray[np.int64]) -> "RecordCodes":
        """The records at these places."""
        return RecordCodes(tuple(part[places] for part in self.text), self.slots[places], self.present[places])


@dataclass(frozen=True)
class CodedTable:
    """Records of a simulated table as characters, whose they are, and the household of each."""

    codes: RecordCodes
    people: NDArray[np.int64]
    households: NDArray[np.int64]


def record_codes(batch: pd.DataFrame) -> RecordCodes:
    """The codes of STANDARDISED rows."""
    text = []
    for kind in FIELD_KINDS:
        values = [text_value(kind, (listed(cell) or [""])[0]) for cell in batch[FIELD_COLUMNS[kind]]]
        text.append(text_codes(values, TEXT_LENGTHS[kind]))
    slots, coded = coded_fields(batch)
    return RecordCodes(tuple(text), slots, np.column_stack([*((part > 0).any(axis=1) for part in text), coded]))


def masked_view(
    codes: RecordCodes, rng: np.random.Generator, fields: float = FIELD_SHARE, symbols: float = SYMBOL_SHARE
) -> RecordCodes:
    """The records with a share of their fields missing and of their characters hidden; never a record of nothing."""
    kept = codes.present & (rng.random(codes.present.shape) >= fields)
    kept = np.where(kept.any(axis=1, keepdims=True), kept, codes.present)

    def hidden(part: NDArray[np.integer]) -> NDArray[np.integer]:
        return np.where((part > 0) & (rng.random(part.shape) < symbols), HIDDEN, part).astype(part.dtype)

    return RecordCodes(tuple(hidden(part) for part in codes.text), hidden(codes.slots), kept)  # type: ignore[misc, arg-type]


def code_vectors(fields: FieldEncoder, demographics: DemographicsTower, codes: RecordCodes) -> tuple[Tensor, Tensor]:
    """Vectors of the text fields (n, 5, field_width), zeros where missing, and of the records (n, record_width)."""
    device = demographics.out.weight.device
    parts = []
    for kind, part in enumerate(codes.text):
        kinds = torch.full((len(part),), kind, device=device)
        parts.append(fields(torch.from_numpy(part.astype(np.int64)).to(device), kinds))
    present = torch.from_numpy(codes.present).to(device)
    text = torch.where(present[:, : len(parts), None], torch.stack(parts, dim=1), 0.0)
    return text, demographics(text, torch.from_numpy(codes.slots).to(device), present)


def masked_losses(
    fields: FieldEncoder, demographics: DemographicsTower, tables: Iterator[CodedTable],
    rng: np.random.Generator, n_records: int = 128, batches_each: int = 5,
) -> Iterable[tuple[Tensor, Tensor]]:  # fmt: skip
    """Losses of masked views among the other records of a table whose people are known: records and their text values.

    Records of one person and identical values are never negatives.
    """
    for table in tables:
        for _ in range(batches_each):
            places = rng.choice(len(table.people), min(n_records, len(table.people)), replace=False)
            whole, owners = table.codes.rows(places), table.people[places]
            text, vectors = code_vectors(fields, demographics, whole)
            text_views, views = code_vectors(fields, demographics, masked_view(whole, rng))
            same_person = torch.from_numpy(owners[:, None] == owners[None, :]).to(vectors.device)
            loss = masked(views, vectors, same_person)
            for kind, part in enumerate(whole.text):
                loss = loss + value_loss(text_views[:, kind], text[:, kind], part) / len(whole.text)
            yield loss, vectors


def value_loss(views: Tensor, targets: Tensor, codes: NDArray[np.uint8]) -> Tensor:
    """Loss of the masked views of one field's values; rows of zeros are missing, identical values no negatives."""
    rows = torch.nonzero(views.detach().abs().sum(dim=1) > 0).squeeze(1)
    if len(rows) < 2:
        return views.sum() * 0.0
    values = codes[rows.cpu().numpy()]
    same = torch.from_numpy((values[:, None, :] == values[None, :, :]).all(axis=2)).to(views.device)
    return masked(views[rows], targets[rows], same)


def masked_tokens(
    tokens: Sequence[Sequence[int]], mask: int, rng: np.random.Generator, share: float = TOKEN_SHARE
) -> list[list[int]]:
    """The token lists with a share of the tokens, but for the first and last, replaced by the mask token."""
    views = []
    for row in tokens:
        hit = rng.random(len(row)) < share
        inner = range(1, len(row) - 1)
        views.append([mask if place in inner and hit[place] else token for place, token in enumerate(row)])
    return views
