"""The encoder: standardised values, records and notes in, int8 vectors out, the same whatever the batch.

Layout of EMBEDDINGS: ``field_vectors`` is the vector of the record's FIRST value of given_names, family_names,
addresses, cities and of the local part of emails, one after the other in the order of ``text.FIELD_KINDS`` (5 * 32
bytes), zeros where the field is missing; ``record_vector`` and ``note_vector`` have 64 bytes each. A byte is
round(127 * component of a unit vector), so the cosine of two vectors is their dot product over their norms.

Why results do not depend on the batch: networks run in float64 on batches of one fixed shape, filled up with zeros.
What is left of a batch's influence is some 1e-15, and a byte could change only within that distance of a half.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siamese_er.neural.text import CODED_FIELDS, FIELD_COLUMNS, FIELD_KINDS, TEXT_LENGTHS, coded_slots, text_codes
from siamese_er.neural.towers import DemographicsTower, FieldEncoder, NotesTower, TowerSettings

Bytes = NDArray[np.int8]
FIELD_BATCH, RECORD_BATCH, NOTE_BATCH = 256, 128, 16
NOTE_LENGTHS = (32, 64, 96)
MAX_VALUES = 3  # values of one field that a record vector looks at


def unit_bytes(vectors: NDArray[np.float64]) -> Bytes:
    """round(127 * unit vector) of each row; a row of zeros stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.rint(127.0 * vectors / np.where(norms > 0, norms, 1.0)).astype(np.int8)


def mean_vectors(vectors: Bytes, owners: NDArray[np.int64] | Sequence[int], n_owners: int) -> Bytes:
    """One vector for each owner 0..n_owners-1: the mean direction of its rows; zeros for an owner without rows.

    Sums of bytes are exact, so the order of the rows does not matter.
    """
    sums = np.zeros((n_owners, vectors.shape[1]), dtype=np.int64)
    np.add.at(sums, np.asarray(owners, dtype=np.int64), vectors.astype(np.int64))
    return unit_bytes(sums.astype(np.float64))


def text_value(kind: str, value: str) -> str:
    """The part of a standardised value that is encoded: of an e-mail address the part before the @."""
    return value.partition("@")[0] if kind == "email" else value


def listed(values: Any) -> list[str]:
    """The values of an array cell (list, numpy array or null)."""
    return [] if values is None or isinstance(values, float) else list(values)


class Encoder:
    """Three networks and a tokenizer; made by ``checkpoint.load_encoder``.

    ``digest`` names weights, tokenizer and settings; vectors of two digests are not comparable.
    """

    def __init__(
        self, settings: TowerSettings, weights: dict[str, dict[str, Tensor]], tokenizer: str, digest: str, device: str
    ) -> None:
        self.settings, self.digest, self.device = settings, digest, torch.device(device)
        self.fields = self._network(FieldEncoder(settings), weights["fields"])
        self.demographics = self._network(DemographicsTower(settings), weights["demographics"])
        self._note_weights, self._tokenizer_path = weights["notes"], tokenizer
        self._notes: nn.Module | None = None  # BERT takes seconds to import; built with the first note
        self._tokenizer: Any = None

    def _network(self, network: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
        missing = network.load_state_dict(weights, strict=False)
        if missing.missing_keys or missing.unexpected_keys:
            raise ValueError("weights do not fit the settings of the model")
        return network.double().eval().to(self.device)

    def _rows(self, network: Callable[..., Tensor], batch: int, width: int, *inputs: NDArray[Any]) -> Bytes:
        """Byte vectors of the rows of the inputs, ``batch`` rows at a time, the last batch filled up with zeros."""
        n_rows = len(inputs[0])
        found = np.zeros((n_rows, width), dtype=np.int8)
        for start in range(0, n_rows, batch):
            size = min(batch, n_rows - start)
            full = [np.zeros((batch, *rows.shape[1:]), dtype=rows.dtype) for rows in inputs]
            for target, rows in zip(full, inputs, strict=True):
                target[:size] = rows[start : start + size]
            with torch.inference_mode():
                vectors = network(*(torch.from_numpy(rows).to(self.device) for rows in full))
            found[start : start + size] = unit_bytes(vectors[:size].cpu().numpy().astype(np.float64))
        return found

    def field_vectors(self, kind: str, values: Sequence[str]) -> Bytes:
        """Vectors (n, 32) of standardised values of one of ``FIELD_KINDS``; zeros for an empty value.

        Each distinct value is encoded once.
        """
        codes, places = pd.factorize(np.asarray([text_value(kind, value) for value in values], dtype=object))
        distinct = [str(value) for value in places]
        symbols = text_codes(distinct, TEXT_LENGTHS[kind]).astype(np.int64)
        kinds = np.full(len(distinct), FIELD_KINDS.index(kind), dtype=np.int64)
        vectors = self._rows(self.fields, FIELD_BATCH, self.settings.field_width, symbols, kinds)
        vectors[[value == "" for value in distinct]] = 0
        return vectors[codes]

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
        lengths = np.asarray([len(row) for row in tokens])
        bounds = [bound for bound in NOTE_LENGTHS if bound < self.settings.note_tokens] + [self.settings.note_tokens]
        for shorter, bound in zip([0, *bounds], bounds, strict=False):
            rows = np.flatnonzero((lengths > shorter) & (lengths <= bound))
            if len(rows):
                ids = np.zeros((len(rows), bound), dtype=np.int64)
                for target, row in zip(ids, rows, strict=True):
                    target[: len(tokens[row])] = tokens[row]
                present = np.arange(bound) < lengths[rows][:, None]
                vectors[rows] = self._rows(self.notes, NOTE_BATCH, self.settings.record_width, ids, present)
        return vectors[codes]

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        if self._tokenizer is None:
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(self._tokenizer_path)
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(self.settings.note_tokens)
        return [self._tokenizer.encode(text).ids if text else [] for text in texts]

    @property
    def notes(self) -> nn.Module:
        """The notes tower, built when first asked for."""
        if self._notes is None:
            self._notes = self._network(NotesTower(self.settings), self._note_weights)
        return self._notes


def coded_fields(batch: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Slots (n, all slots) of the first value of each coded field, and which of the fields are present (n, fields)."""
    slots, present = [], []
    for column in CODED_FIELDS:
        values = [(listed(cell) or [""])[0] for cell in batch[column]]
        symbols = coded_slots(column, values)
        slots.append(symbols)
        present.append((symbols > 0).any(axis=1))
    return np.concatenate(slots, axis=1).astype(np.int64), np.stack(present, axis=1)
