"""The encoder: standardised values, records and notes in, int8 vectors out, the same whatever the batch.

Layout of EMBEDDINGS: ``field_vectors`` is the vector of the record's FIRST value of given_names, family_names,
addresses, cities and of the local part of emails, one after the other in the order of ``text.FIELD_KINDS`` (5 * 32
bytes), zeros where the field is missing; ``record_vector`` and ``note_vector`` have 64 bytes each. A byte is
round(127 * component of a unit vector), so the cosine of two vectors is their dot product over their norms.

Why results do not depend on the batch: networks run in float32 on batches of fixed shape, and every row with a
component so near to a half that float32's error could round it either way is computed again in float64.
What a batch, or another kind of device, can change there is some 1e-14 of a byte step. A Hugging Face encoder of notes
alone runs in bfloat16 on a GPU that knows it, without the second look; see ``batches.py``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siamese_er.neural.batches import Batches, Bytes, Floats, TwoPrecisions, scaled_units, takes_half, two_precisions
from siamese_er.neural.note_models import foreign_tower, most_tokens
from siamese_er.neural.text import CODED_FIELDS, FIELD_COLUMNS, FIELD_KINDS, TEXT_LENGTHS, coded_slots, text_codes
from siamese_er.neural.towers import DemographicsTower, FieldEncoder, NotesTower, TowerSettings
from siamese_er.neural.wordpiece import first_words

FIELD_BATCH, RECORD_BATCH, NOTE_BATCH = 256, 128, 16
NOTE_LENGTHS = (32, 64, 96)  # tokens, padded up to
VALUE_LENGTHS = (16, 32, 48)  # bytes, padded up to
MAX_VALUES = 3  # values of one field that a record vector looks at
MOST_KEPT = 100_000  # values of each kind whose vectors a process keeps, the first it meets: some 25 MB


@dataclass
class NotesReader:
    """What reads notes, built with the first note: BERT takes seconds to import, and most workers see none."""

    network: TwoPrecisions | None = None
    tokenizer: Any = None
    n_tokens: int = 0


def unit_bytes(vectors: Floats) -> Bytes:
    """round(127 * unit vector) of each row; a row of zeros stays zero."""
    return np.rint(scaled_units(vectors)).astype(np.int8)


def mean_vectors(vectors: Bytes, owners: NDArray[np.int64] | Sequence[int], n_owners: int) -> Bytes:
    """One vector for each owner 0..n_owners-1: the mean direction of its rows; zeros for an owner without rows.

    Sums of bytes are exact, so the order of the rows does not matter.
    """
    sums = np.zeros((n_owners, vectors.shape[1]), dtype=np.int64)
    np.add.at(sums, np.asarray(owners, dtype=np.int64), vectors.astype(np.int64))
    return unit_bytes(sums.astype(np.float64))


def by_length(lengths: NDArray[np.int64], bounds: Sequence[int]) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Places of the rows whose length is over the bound before and at most this bound, with the bound; none of 0."""
    for shorter, bound in zip((0, *bounds), bounds, strict=False):
        places = np.flatnonzero((lengths > shorter) & (lengths <= bound))
        if len(places):
            yield places, bound


def text_value(kind: str, value: str) -> str:
    """The part of a standardised value that is encoded: of an e-mail address the part before the @."""
    return value.partition("@")[0] if kind == "email" else value


def listed(values: Any) -> list[str]:
    """The values of an array cell (list, numpy array or null)."""
    if type(values) is list:  # most cells
        return values
    return [] if values is None or isinstance(values, float) else list(values)


class Encoder:
    """Three networks and a tokenizer; made by ``checkpoint.load_encoder``.

    ``digest`` names weights, tokenizer and settings; vectors of two digests are not comparable. ``note_model`` is the
    folder of a Hugging Face encoder that stands in for the notes tower; null: the model's own.
    """

    def __init__(
        self, settings: TowerSettings, weights: dict[str, dict[str, Tensor]], tokenizer: str, digest: str, device: str,
        note_model: str | None = None,
    ) -> None:  # fmt: skip
        self.settings, self.digest, self.device = settings, digest, torch.device(device)
        self.note_model = note_model
        self._batches = Batches(self.device)  # shared by shallow copies, as is what follows
        self.take(weights)
        self._note_weights, self._tokenizer_path = weights["notes"], tokenizer
        self._built = NotesReader()

    def take(self, weights: dict[str, dict[str, Tensor]]) -> None:
        """Set the field and the demographics network to these weights."""
        self.fields = self._network(FieldEncoder(self.settings), weights["fields"])
        self.forget()
        self.demographics = self._network(DemographicsTower(self.settings), weights["demographics"])

    def forget(self) -> None:
        """Drop the vectors that are kept."""
        self._kept: dict[str, dict[str, bytes]] = {kind: {} for kind in FIELD_KINDS}

    def _network(self, network: nn.Module, weights: dict[str, Tensor], in_half: bool = False) -> TwoPrecisions:
        missing = network.load_state_dict(weights, strict=False)
        if missing.missing_keys or missing.unexpected_keys:
            raise ValueError("weights do not fit the settings of the model")
        return two_precisions(network, self.device, in_half)

    def _rows(self, network: TwoPrecisions, batch: int, width: int, *inputs: NDArray[Any]) -> Bytes:
        """Byte vectors of the rows, ``batch`` of them at a time on the CPU."""
        return self._batches.unit_bytes(network, batch, width, inputs)

    def field_vectors(self, kind: str, values: Sequence[str]) -> Bytes:
        """Vectors (n, 32) of standardised values of one of ``FIELD_KINDS``; zeros for an empty value.

        Each distinct value is encoded once, and those of which a vector is kept not again: a table has few names.
        """
        codes, unique = pd.factorize(np.asarray([text_value(kind, value) for value in values], dtype=object))
        distinct, kept = [str(value) for value in unique], self._kept[kind]
        new = [value for value in distinct if value not in kept]
        vectors = self._encoded(kind, new)
        fresh = dict(zip(new, map(bytes, vectors), strict=True))
        content = b"".join([kept.get(value) or fresh[value] for value in distinct])
        kept.update(islice(fresh.items(), max(MOST_KEPT - len(kept), 0)))
        return np.frombuffer(content, np.int8).reshape(len(distinct), self.settings.field_width)[codes]

    def _encoded(self, kind: str, distinct: list[str]) -> Bytes:
        found = np.zeros((len(distinct), self.settings.field_width), dtype=np.int8)
        sizes = np.asarray([len(value.encode("utf-8", "replace")) for value in distinct], dtype=np.int64)
        for places, bound in by_length(np.minimum(sizes, TEXT_LENGTHS[kind]), VALUE_LENGTHS):
            symbols = text_codes([distinct[place] for place in places], bound).astype(np.int64)
            kinds = np.full(len(places), FIELD_KINDS.index(kind), dtype=np.int64)
            found[places] = self._rows(self.fields, FIELD_BATCH, found.shape[1], symbols, kinds)
        return found

    def record_field_vectors(self, batch: pd.DataFrame) -> Bytes:
        """EMBEDDINGS.field_vectors of STANDARDISED rows, (n, 160): the first value of each kind."""
        return self.embeddings(batch)[0]

    def record_vectors(self, batch: pd.DataFrame) -> Bytes:
        """Vectors (n, 64) of STANDARDISED rows; a row of zeros where nothing can be encoded."""
        return self.embeddings(batch)[1]

    def embeddings(self, batch: pd.DataFrame) -> tuple[Bytes, Bytes]:
        """Field vectors (n, 160) and record vectors (n, 64) of STANDARDISED rows, each distinct value encoded once."""
        first, text, slots, present = self.record_inputs(batch)
        scaled = text.astype(np.float64) / 127.0
        vectors = self._rows(self.demographics, RECORD_BATCH, self.settings.record_width, scaled, slots, present)
        vectors[~present.any(axis=1)] = 0
        return first, vectors

    def record_inputs(self, batch: pd.DataFrame) -> tuple[Bytes, Bytes, NDArray[np.int64], NDArray[np.bool_]]:
        """Field vectors (n, 160), and what the demographics tower sees: text (n, 5, 32), slots, present fields.

        text holds the mean direction of a field's first ``MAX_VALUES`` values.
        """
        first, means = [], []
        for kind in FIELD_KINDS:
            values = [listed(cell)[:MAX_VALUES] for cell in batch[FIELD_COLUMNS[kind]]]
            owners = np.repeat(np.arange(len(values)), [len(cell) for cell in values])
            vectors = self.field_vectors(kind, [value for cell in values for value in cell])
            of_first = np.zeros((len(values), self.settings.field_width), dtype=np.int8)
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            of_first[owners[starts]] = vectors[starts]
            first.append(of_first)
            means.append(mean_vectors(vectors, owners, len(values)))
        text = np.stack(means, axis=1)
        slots, coded = coded_fields(batch)
        return np.concatenate(first, axis=1), text, slots, np.concatenate([(text != 0).any(axis=2), coded], axis=1)

    def note_vectors(self, texts: Sequence[str]) -> Bytes:
        """Vectors (n, 64) of notes, of their first ``note_tokens`` tokens; zeros for a blank note.

        Each distinct note is encoded once; a note's batch shape depends on its own length alone.
        """
        codes, distinct = pd.factorize(np.asarray([text.strip() for text in texts], dtype=object))
        vectors = np.zeros((len(distinct), self.settings.record_width), dtype=np.int8)
        tokens = self._tokens([str(text) for text in distinct])
        lengths = np.asarray([len(row) for row in tokens], dtype=np.int64)
        bounds = (*(bound for bound in NOTE_LENGTHS if bound < self._built.n_tokens), self._built.n_tokens)
        for places, bound in by_length(lengths, bounds):
            ids = np.zeros((len(places), bound), dtype=np.int64)
            for target, place in zip(ids, places, strict=True):
                target[: len(tokens[place])] = tokens[place]
            present = np.arange(bound) < lengths[places][:, None]
            vectors[places] = self._rows(self.notes, NOTE_BATCH, self.settings.record_width, ids, present)
        return vectors[codes]

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        if self._built.tokenizer is None:
            from tokenizers import Tokenizer

            self._built.n_tokens = self.settings.note_tokens
            if self.note_model is not None:
                self._built.n_tokens = most_tokens(self.notes.exact, self.settings.note_tokens)  # type: ignore[arg-type]
            self._built.tokenizer = Tokenizer.from_file(self._tokenizer_path)
            self._built.tokenizer.no_padding()
            self._built.tokenizer.enable_truncation(self._built.n_tokens)
        if self.note_model is None:
            texts = [first_words(text, self._built.n_tokens) for text in texts]
        return [self._built.tokenizer.encode(text).ids if text else [] for text in texts]

    @property
    def notes(self) -> TwoPrecisions:
        """The notes tower, built when first asked for."""
        if self._built.network is None and self.note_model is not None:
            tower = foreign_tower(self.note_model, self.settings)
            weights = {name: weight.double() for name, weight in tower.state_dict().items()}
            self._built.network = self._network(tower, weights, takes_half(self.device))
        elif self._built.network is None:
            tower = NotesTower(self.settings)
            self._built.network = self._network(tower, self._note_weights)
        return self._built.network


def coded_fields(batch: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Slots (n, all slots) of the first value of each coded field, and which of the fields are present (n, fields)."""
    slots, present = [], []
    for column in CODED_FIELDS:
        codes, distinct = pd.factorize(np.asarray([(listed(cell) or [""])[0] for cell in batch[column]], dtype=object))
        symbols = coded_slots(column, distinct.tolist())[codes]
        slots.append(symbols)
        present.append((symbols > 0).any(axis=1))
    return np.concatenate(slots, axis=1).astype(np.int64), np.stack(present, axis=1)
