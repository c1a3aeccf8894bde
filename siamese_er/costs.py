"""What encoding and scoring cost: rows in a second, on one core or one GPU, on a simulated table."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from siamese_er.config import BlockingSettings
from siamese_er.encoder_tables import profile_with_notes
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.compare import compare
from siamese_er.linkage.features import feature_names, features
from siamese_er.linkage.keys import blocking_keys
from siamese_er.linkage.pairs import candidate_pairs, live_keys
from siamese_er.linkage.tables import arrow_table, table_evidence, table_fit, with_frequencies
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.embedding import embedding_columns
from siamese_er.neural.head import load_head
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import PROFILES
from siamese_er.synthetic.variants import name_values


def rate(n_rows: int, work: Callable[[], Any]) -> float:
    """Rows in a second of some work."""
    started = time.perf_counter()
    work()
    return n_rows / (time.perf_counter() - started)


def costs(model_dir: str, device: str, n_records: int, seed: int = 1) -> dict[str, tuple[int, float]]:
    """What is counted = (how many, in a second), each measured once after a warm-up."""
    torch.set_num_threads(1)
    encoder, head = load_encoder(model_dir, device), load_head(model_dir, feature_names())
    made = population(n_records, seed, profile_with_notes(PROFILES["demo"]))
    keys = made.records["source"] + "\x1f" + made.records["record_id"]
    raw = made.records.assign(record_key=keys)
    standardised = standard_batch(raw, StandardRules())
    names = name_values("family", False)
    notes = sorted(set(made.notes["text"]))[:1000]
    embedding_columns(encoder, standardised[:200], [notes[:1] for _ in range(200)])
    found = {
        "records standardised": (n_records, rate(n_records, lambda: standard_batch(raw, StandardRules()))),
        "records encoded": (n_records, rate(n_records, lambda: encoder.embeddings(standardised))),
        "distinct values encoded": (len(names), rate(len(names), lambda: encoder.field_vectors("family", names))),
        "distinct notes encoded": (len(notes), rate(len(notes), lambda: encoder.note_vectors(notes))),
    }
    records = arrow_table(standardised)
    for name, values in embedding_columns(encoder, standardised, [[] for _ in range(n_records)]).items():
        records = records.append_column(name, pa.array(values, pa.binary()))
    return found | pair_costs(records, head)


def pair_costs(records: pa.Table, head: Any) -> dict[str, tuple[int, float]]:
    """The same of the candidate pairs of an embedded table: compared, and weighed by the head (always on the CPU)."""
    settings = BlockingSettings()
    counted = with_frequencies(records)
    rows, keys, kinds = blocking_keys(counted, settings.passes)
    _, back, counts = np.unique(keys, return_inverse=True, return_counts=True)
    alive = live_keys(keys, counts[back], settings.max_block_size)
    left, right, _ = candidate_pairs(rows[alive], keys[alive], kinds[alive], records.num_rows)
    evidence = table_evidence(records, settings.passes, settings.max_block_size)
    fitted, shape = table_fit(evidence, head.model_m, head.model_u)
    return {
        "pairs compared": (len(left), rate(len(left), lambda: compare(counted, left, right, records.num_rows))),
        "pairs weighed by the head": (
            len(left), rate(len(left), lambda: head.match_weights(features(evidence.compared, fitted, shape))),
        ),
    }  # fmt: skip
