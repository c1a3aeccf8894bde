"""Simulated tables: populations of random profiles, standardised, blocked and compared exactly as a run does it.

Each has its own data-set profile (fields, noise, households, duplicates, countries). They are stored as arrays without
any text, so that a training that was stopped goes on where it was.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from tqdm import tqdm

from siamese_er.config import BlockingSettings, NoteSettings
from siamese_er.fields.note_tables import Note, note_table
from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.compare import PAIR_FACTS, Compared
from siamese_er.linkage.tables import TableEvidence, arrow_table, table_evidence
from siamese_er.neural.checkpoint import load_encoder
from siamese_er.neural.embedding import embedding_columns
from siamese_er.synthetic.knobs import Profile
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import random_profile

HELD_OUT_EVERY = 8  # every eighth table, from held-out name lists, is for validation and calibration
MOST_WITH_NOTES = 2_000  # records of a table with notes, which take long to encode
SIZES = (250, 10_000)  # records of a table, drawn evenly on a log scale

STRINGS = pa.list_(pa.string())
EMBEDDED_TYPES = {
    "field_vectors": pa.binary(), "record_vector": pa.binary(), "note_vector": pa.binary(), "note_terms": pa.binary(),
    "note_births": STRINGS, "note_sexes": STRINGS, "note_names": STRINGS, "chart_facts": STRINGS,
    "wrong_chart": pa.bool_(), "note_digests": pa.binary(), "note_own_vectors": pa.binary(),
}  # fmt: skip


@dataclass(frozen=True)
class TrainingTable:
    """The kept pairs of one simulated table."""

    evidence: TableEvidence
    is_true: np.ndarray


def embedded(
    records: pa.Table, notes: dict[str, list[Note]], model_dir: str, settings: NoteSettings | None = None
) -> pa.Table:
    """The records with their EMBEDDINGS columns, as ``encode.py`` makes them."""
    settings = settings or NoteSettings()
    own = [notes.get(key, []) for key in records["record_key"].to_pylist()]
    table = note_table([found for found in own if found], settings.boilerplate_records, settings.boilerplate_share)
    columns = embedding_columns(load_encoder(model_dir, "cpu"), records.to_pandas(), own, table)
    for name, values in columns.items():
        records = records.append_column(name, pa.array(values, EMBEDDED_TYPES[name]))
    return records


def noted(notes: pd.DataFrame) -> dict[str, list[Note]]:
    """The notes of each record by its key."""
    grouped: dict[str, list[Note]] = {}
    for source, record_id, day, text in notes[["source", "record_id", "note_date", "text"]].itertuples(index=False):
        if text is not None:
            grouped.setdefault(f"{source}\x1f{record_id}", []).append(Note(day, text))
    return grouped


def drawn_profile(seed: int, sizes: tuple[int, int] = SIZES) -> tuple[int, Profile]:
    """Number of records and profile of a simulated table."""
    rng = np.random.default_rng([seed, 7])
    n_records = int(np.exp(rng.uniform(*np.log(sizes))))
    profile = random_profile(rng, "second" if seed % HELD_OUT_EVERY == 0 else "first")
    return (min(n_records, MOST_WITH_NOTES) if profile.notes_share else n_records), profile


def profile_of(seed: int) -> Profile:
    """The profile of a simulated table."""
    return drawn_profile(seed)[1]


@dataclass(frozen=True)
class SimulatedTable:
    """A simulated table as a run sees it: embedded records, the evidence of its candidate pairs; and its truth."""

    records: pa.Table
    evidence: TableEvidence
    truth: pd.DataFrame


def simulated_evidence(seed: int, model_dir: str, sizes: tuple[int, int] = SIZES) -> SimulatedTable:
    """One simulated table, blocked and compared; the same for the same seed."""
    n_records, profile = drawn_profile(seed, sizes)
    drawn = population(n_records, seed, profile)
    raw = drawn.records.assign(record_key=drawn.records["source"] + "\x1f" + drawn.records["record_id"])
    standardised = standard_batch(raw, StandardRules())
    records = embedded(arrow_table(standardised), noted(drawn.notes), model_dir)
    settings = BlockingSettings()
    evidence = table_evidence(records, settings.passes, settings.max_block_size, seed=seed)
    return SimulatedTable(records, evidence, drawn.truth)


def simulated(seed: int, model_dir: str, sizes: tuple[int, int] = SIZES) -> TrainingTable:
    """One simulated table and the truth of its candidate pairs; the same for the same seed."""
    table = simulated_evidence(seed, model_dir, sizes)
    keys = table.truth["source"] + "\x1f" + table.truth["record_id"]
    entity = dict(zip(keys, table.truth["entity_id"], strict=True))
    entities = np.array([entity[key] for key in table.records["record_key"].to_pylist()])
    return TrainingTable(table.evidence, entities[table.evidence.left] == entities[table.evidence.right])


def table_file(seed: int) -> str:
    """The name of a stored table."""
    return f"table-{seed:06d}.npz"


def stored(seed: int, model_dir: str, folder: str, sizes: tuple[int, int] = SIZES) -> str:
    """Simulate one table into ``folder`` unless it is there; the file's path."""
    path = Path(folder) / table_file(seed)
    if not path.exists():
        torch.set_num_threads(1)
        table = simulated(seed, model_dir, sizes)
        c = table.evidence.compared
        temporary = path.with_suffix(".tmp.npz")
        np.savez_compressed(
            temporary, left=table.evidence.left, right=table.evidence.right, levels=c.levels,
            similarities=c.similarities.astype(np.float16), rarities=c.rarities.astype(np.float16),
            cosines=c.cosines, facts=c.facts.astype(np.float16), random_levels=table.evidence.random_levels,
            n_records=table.evidence.n_records, is_true=table.is_true,
        )  # fmt: skip
        temporary.rename(path)
    return str(path)


def loaded(path: str) -> TrainingTable:
    """A stored table."""
    with np.load(path, allow_pickle=False) as stored_table:
        arrays = dict(stored_table)
    facts = np.zeros((len(arrays["facts"]), len(PAIR_FACTS)), np.float32)  # tables of before FAULTS have fewer
    facts[:, : arrays["facts"].shape[1]] = arrays["facts"]
    compared = Compared(arrays["levels"], arrays["similarities"].astype(np.float32), arrays["rarities"].astype(np.float32),
                        arrays["cosines"], facts)  # fmt: skip
    evidence = TableEvidence(
        arrays["left"],
        arrays["right"],
        np.zeros(0, np.int64),
        compared,
        arrays["random_levels"],
        int(arrays["n_records"]),
    )
    return TrainingTable(evidence, arrays["is_true"])


def simulate(
    folder: str, model_dir: str, n_tables: int, first_seed: int, workers: int, sizes: tuple[int, int] = SIZES
) -> list[str]:
    """Paths of ``n_tables`` stored tables; those already there are kept, so that a stopped training goes on."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    seeds = range(first_seed, first_seed + n_tables)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(stored, seed, model_dir, folder, sizes) for seed in seeds]
        return [job.result() for job in tqdm(jobs, desc="simulated tables", unit="table", mininterval=10)]
