"""What encoding and scoring cost: rows in a second, on one core or one GPU, on a simulated table."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from siamese_er.config import BlockingSettings
from siamese_er.encoder_tables import profile_with_notes
from siamese_er.fields.note_tables import Note, NoteTable
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.compare import compare
from siamese_er.linkage.keys import bits_of_table, blocking_keys
from siamese_er.linkage.pairs import candidate_pairs, live_keys
from siamese_er.linkage.tables import arrow_table, table_evidence, with_frequencies
from siamese_er.model import pair_head
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.embedding import embedding_columns
from siamese_er.neural.encoder import Encoder
from siamese_er.simulation import EMBEDDED_TYPES
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.synthetic.variants import name_values
from siamese_er.table_scores import scored_table


def rate(n_rows: int, work: Callable[[], Any]) -> float:
    """Rows in a second of some work."""
    started = time.perf_counter()
    work()
    return n_rows / (time.perf_counter() - started)


def costs(model_dir: str, device: str, n_records: int, seed: int = 1) -> dict[str, tuple[int, float]]:
    """What is counted = (how many, in a second), each measured once after a warm-up."""
    torch.set_num_threads(1)
    encoder, head = load_encoder(model_dir, device), pair_head(model_dir)
    made = population(n_records, seed, profile_with_notes(PROFILES["demo"]))
    keys = made.records["source"] + "\x1f" + made.records["record_id"]
    raw = made.records.assign(record_key=keys)
    standardised = standard_batch(raw, StandardRules())
    names = name_values("family", False)
    notes = sorted(set(made.notes["text"]))[:1000]
    embedding_columns(encoder, standardised[:200], [[Note(None, notes[0])] for _ in range(200)], NoteTable())
    found = {
        "records standardised": (n_records, rate(n_records, lambda: standard_batch(raw, StandardRules()))),
        "records encoded": (n_records, rate(n_records, lambda: encoder.embeddings(standardised))),
        "distinct values encoded": (len(names), rate(len(names), lambda: vectors_of_names(encoder, names))),
        "distinct notes encoded": (len(notes), rate(len(notes), lambda: encoder.note_vectors(notes))),
    }
    records = arrow_table(standardised)
    for name, values in embedding_columns(encoder, standardised, [[] for _ in range(n_records)], NoteTable()).items():
        records = records.append_column(name, pa.array(values, EMBEDDED_TYPES[name]))
    return found | pair_costs(records, head)


def vectors_of_names(encoder: Encoder, names: Sequence[str]) -> None:
    """Encode them all, those too that the encoder met before."""
    encoder.forget()
    encoder.field_vectors("family", names)


def pair_costs(records: pa.Table, head: Any) -> dict[str, tuple[int, float]]:
    """The same of the candidate pairs of an embedded table: compared, and weighed by the head (always on the CPU)."""
    settings = BlockingSettings()
    counted = with_frequencies(records)
    rows, keys, kinds = blocking_keys(counted, settings.passes, bits_of_table(counted.num_rows))
    _, back, counts = np.unique(keys, return_inverse=True, return_counts=True)
    alive = live_keys(keys, counts[back], settings.max_block_size)
    left, right, _ = candidate_pairs(rows[alive], keys[alive], kinds[alive], records.num_rows)
    evidence = table_evidence(records, settings.passes, settings.max_block_size)
    return {
        "pairs compared": (len(left), rate(len(left), lambda: compare(counted, left, right, records.num_rows))),
        "pairs weighed by both rounds of the head": (
            len(left), rate(len(left), lambda: scored_table(evidence, head)),
        ),
    }  # fmt: skip
