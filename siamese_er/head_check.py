"""Whether a pair head still fits an encoder other than the one it was trained beside: held-out simulated tables tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from siamese_er.config import BlockingSettings, NoteSettings
from siamese_er.encoder_tables import profile_with_notes
from siamese_er.fields.note_tables import Note, NoteTable, note_table
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.features import features
from siamese_er.linkage.fellegi_sunter import plausible
from siamese_er.linkage.tables import TableEvidence, arrow_table, table_evidence, table_fit
from siamese_er.model import pair_head
from siamese_er.neural.embedding import columns_by_source
from siamese_er.neural.encoder import Encoder
from siamese_er.neural.head import HeadModel
from siamese_er.simulation import EMBEDDED_TYPES, noted
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import random_profile

FIRST_SEED = 7_000_000  # of no training
N_TABLES, N_RECORDS = 6, 600
MOST_LOSS_RISE = 0.03  # share by which the log loss may rise


@dataclass(frozen=True)
class HeadFit:
    """Log loss of the first round over the candidate pairs of simulated tables, beside two encoders; bits of the change."""

    log_loss_before: float
    log_loss: float
    mean_cosine_change: float

    @property
    def fits(self) -> bool:
        """Whether the head is as good as beside its own encoder, but for ``MOST_LOSS_RISE``."""
        return self.log_loss <= self.log_loss_before * (1 + MOST_LOSS_RISE)


def head_fit(model_dir: str, before: Encoder, after: Encoder, is_mixed: bool, n_tables: int = N_TABLES) -> HeadFit:
    """How the head of a folder does beside the encoder ``after``; ``is_mixed``: beside it for every second record.

    Tables are simulated from names that no training had, standardised, blocked and compared as in a run.
    """
    head = pair_head(model_dir)
    losses: list[tuple[float, float]] = []
    changes: list[float] = []
    for number in range(n_tables):
        table = simulated_records(FIRST_SEED + number)
        old, new = (evidence_of(table, encoders) for encoders in ([before], [before, after] if is_mixed else [after]))
        losses.append((log_loss(head, old, table.entities), log_loss(head, new, table.entities)))
        changes.append(cosine_change(old, new))
    first, last = np.mean(losses, axis=0)
    return HeadFit(round(float(first), 5), round(float(last), 5), round(float(np.nanmean(changes)), 5))


class HeldOutTable(NamedTuple):
    """STANDARDISED records, the notes of each, what recurs in them, and whose they are."""

    standardised: pd.DataFrame
    notes: list[list[Note]]
    recurring: NoteTable
    entities: np.ndarray


def simulated_records(seed: int) -> HeldOutTable:
    """A population with held-out names; every second one with notes."""
    profile = random_profile(np.random.default_rng([seed, 7]), "second")
    made = population(N_RECORDS, seed, profile_with_notes(profile) if seed % 2 else profile)
    keys = keys_of(made.records)
    standardised = standard_batch(made.records.assign(record_key=keys), StandardRules())
    owners = dict(zip(keys_of(made.truth), made.truth["entity_id"], strict=True))
    of_record, settings = noted(made.notes), NoteSettings()
    ordered = standardised["record_key"].tolist()
    notes = [of_record.get(key, []) for key in ordered]
    recurring = note_table([own for own in notes if own], settings.boilerplate_records, settings.boilerplate_share)
    return HeldOutTable(standardised, notes, recurring, np.array([owners[key] for key in ordered]))


def keys_of(rows: pd.DataFrame) -> list[str]:
    """record_key of each row."""
    return [f"{source}\x1f{record_id}" for source, record_id in zip(rows["source"], rows["record_id"], strict=True)]


def evidence_of(table: HeldOutTable, encoders: Sequence[Encoder]) -> TableEvidence:
    """The evidence of the table's candidate pairs, its records read by the encoders in turn."""
    standardised = table.standardised
    turns = standardised.assign(source=[str(row % len(encoders)) for row in range(len(standardised))])
    found = columns_by_source(lambda turn: encoders[int(turn)], turns, table.notes, table.recurring)
    records = arrow_table(standardised)
    for name, values in found.items():
        records = records.append_column(name, pa.array(values, EMBEDDED_TYPES[name]))
    settings = BlockingSettings()
    return table_evidence(records, settings.passes, settings.max_block_size)


def log_loss(head: HeadModel, evidence: TableEvidence, entities: np.ndarray) -> float:
    """Mean log loss (nats) of the calibrated probability over the plausible pairs; 0 where there are none."""
    kept = plausible(evidence.compared.levels, head.model_m, head.model_u)
    if not len(kept):
        return 0.0
    found, shape = table_fit(evidence, head.model_m, head.model_u)
    odds = head.first.match_weights(features(evidence.compared, found, shape)[kept]) * np.log(2)
    is_true = (entities[evidence.left] == entities[evidence.right])[kept]
    return float(np.logaddexp(0, np.where(is_true, -odds, odds)).mean())


def cosine_change(old: TableEvidence, new: TableEvidence) -> float:
    """Mean absolute change of the learned cosines of the pairs that both have; nan where there are none."""
    _, a, b = np.intersect1d(
        old.left * old.n_records + old.right, new.left * new.n_records + new.right, return_indices=True
    )
    change = np.abs(old.compared.cosines[a] - new.compared.cosines[b])
    return float(np.nanmean(change)) if np.isfinite(change).any() else float("nan")
