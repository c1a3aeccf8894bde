"""What recurs in the notes of one table, counted by hash, and what the notes of a record are worth beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from siamese_er.fields.note_facts import NoteFacts, note_facts
from siamese_er.fields.note_own import OwnFacts, contradicts, written_facts
from siamese_er.fields.note_text import hashes, normal_form, statements, terms

SENTENCE_BUCKETS = 1 << 18
TERM_BUCKETS = 1 << 16
TERM_WIDTH = 128  # bytes of a record's term vector
WEIGHT_STEPS = 16  # of one bit of rarity: weights are whole numbers, so that no order of summation shows
MOST_NOTES = 50  # notes of one record that are read, the latest first


class Note(NamedTuple):
    """One note of a record."""

    date: str | None
    text: str


@dataclass(frozen=True)
class NoteTable:
    """Counts over the records of a table that have notes; bounded whatever the size of the table."""

    is_boilerplate: np.ndarray = field(default_factory=lambda: np.zeros(SENTENCE_BUCKETS, bool))
    term_records: np.ndarray = field(default_factory=lambda: np.zeros(TERM_BUCKETS, np.int64))
    n_records: int = 0

    def kept(self, text: str) -> list[str]:
        """The statements of a note that are neither boilerplate nor family history."""
        found = [statement.text for statement in statements(text) if not statement.is_of_family]
        is_boilerplate = self.is_boilerplate[sentence_buckets(map(normal_form, found))]
        return [statement for statement, recurs in zip(found, is_boilerplate, strict=True) if not recurs]

    def term_weights(self, buckets: np.ndarray) -> np.ndarray:
        """Rarity of each term among the records with notes: WEIGHT_STEPS * log2(1 + n / records with the term)."""
        rarity = np.log2(1 + self.n_records / np.maximum(self.term_records[buckets], 1))
        return np.rint(WEIGHT_STEPS * rarity).astype(np.int64)


def sentence_buckets(normal_forms: Iterable[str]) -> np.ndarray:
    """The bucket of each normal form."""
    return (hashes(normal_forms) % SENTENCE_BUCKETS).astype(np.int64)


def boilerplate_threshold(n_records: int, least_records: int, share: float) -> int:
    """Records with notes beyond which a sentence is boilerplate."""
    return max(least_records, int(np.ceil(share * n_records)))


def sentence_counts(records: Iterable[Sequence[Note]]) -> np.ndarray:
    """(SENTENCE_BUCKETS + 1,): how many records have a sentence of each bucket; last, how many records there are."""
    counts = np.zeros(SENTENCE_BUCKETS + 1, np.int64)
    for notes in records:
        forms = {normal_form(statement.text) for note in notes for statement in statements(note.text)}
        counts[np.unique(sentence_buckets(sorted(forms)))] += 1
        counts[-1] += 1
    return counts


def record_terms(kept: Iterable[str], names: Iterable[str] = ()) -> set[str]:
    """The terms of a record's statements, without the parts of the patient's names."""
    parts = frozenset(part for name in names for part in name.replace("|", " ").split())
    return terms(map(normal_form, kept), parts)


def term_counts(records: Iterable[Sequence[Note]], table: NoteTable) -> np.ndarray:
    """(TERM_BUCKETS,): how many records have a term of each bucket, boilerplate left out."""
    counts = np.zeros(TERM_BUCKETS, np.int64)
    for notes in records:
        found = record_terms(statement for note in notes for statement in table.kept(note.text))
        counts[np.unique(hashes(sorted(found)) % TERM_BUCKETS).astype(np.int64)] += 1
    return counts


def note_table(records: Sequence[Sequence[Note]], least_records: int, share: float) -> NoteTable:
    """The NoteTable of the notes of all records that have any, held in memory."""
    counts = sentence_counts(records)
    n_records = int(counts[-1])
    boilerplate = counts[:-1] > boilerplate_threshold(n_records, least_records, share)
    table = NoteTable(boilerplate, n_records=n_records)
    return NoteTable(boilerplate, term_counts(records, table), n_records)


def term_vector(found: set[str], table: NoteTable) -> bytes | None:
    """The terms as TERM_WIDTH signed bytes, each term in one place, weighted by its rarity; null without any.

    Source of signed hashing: Weinberger et al., ICML 2009. The sums are whole numbers: exact in any order.
    """
    hashed = hashes(sorted(found))
    if not len(hashed):
        return None
    weights = table.term_weights((hashed % TERM_BUCKETS).astype(np.int64))
    signs = 1 - 2 * ((hashed >> 40) & 1).astype(np.int64)
    sums = np.zeros(TERM_WIDTH, np.int64)
    np.add.at(sums, ((hashed >> 20) % TERM_WIDTH).astype(np.int64), signs * weights)
    largest = int(np.abs(sums).max())
    return np.rint(127 * sums / largest).astype(np.int8).tobytes() if largest else None


@dataclass(frozen=True)
class NoteEvidence:
    """What the notes of one record say once boilerplate and notes about somebody else are gone."""

    texts: list[str]
    terms: bytes | None
    births: list[str] | None
    sexes: list[str] | None
    names: list[str] | None
    chart_facts: list[str] | None
    """What notes state that contradict their own record, see ``note_own.written_facts``; null without such a note."""

    @property
    def is_wrong_chart(self) -> bool:
        """Whether a note contradicts its own record."""
        return self.chart_facts is not None


def note_evidence(notes: Sequence[Note], own: OwnFacts, table: NoteTable) -> NoteEvidence:
    """The evidence of a record's notes. Null where there is none.

    A note whose facts contradict its own record is about somebody else, or the record is wrong: nothing of it counts.
    """
    kept_facts: list[NoteFacts] = []
    left_out: list[NoteFacts] = []
    texts: list[str] = []
    statements_kept: list[str] = []
    for note in notes:
        facts = note_facts(note.text, note.date)
        if contradicts(facts, own):
            left_out.append(facts)
            continue
        kept_facts.append(facts)
        kept = table.kept(note.text)
        statements_kept += kept
        if kept:
            texts.append("\n".join(kept))
    names = sorted({name for facts in kept_facts for name in facts.names})
    births = sorted({f"{first}:{last}" for facts in kept_facts for first, last in facts.births})
    sexes = sorted({sex for facts in kept_facts for sex in facts.sexes})
    return NoteEvidence(texts, term_vector(record_terms(statements_kept, names), table), births or None, sexes or None,
                        names or None, written_facts(left_out) or None)  # fmt: skip
