"""Training of the shipped encoder: fields on pairs of values, then records and notes on simulated tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import torch
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler
from torch import nn

from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.neural import fit, fit_records
from siamese_er.neural.checkpoint import load_tokenizer, save_encoder, stored_card, stored_weights
from siamese_er.neural.encoder import Encoder
from siamese_er.neural.fit import Budget, Progress
from siamese_er.neural.fit_records import NotePairs, RecordInputs, SimulatedTable
from siamese_er.neural.towers import DemographicsTower, TowerSettings, towers
from siamese_er.neural.wordpiece import trained_tokenizer
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import random_profile
from siamese_er.synthetic.variants import VALUES, mistyped, name_values, variant

BUDGETS = {
    "fields": Budget(5000),
    "records": Budget(1200),
    "notes": Budget(300, learning_rate=1e-3),
}
TABLE_RECORDS = 900
NOTE_TABLES = 24  # tables whose notes train the vocabulary
NOTE_BATCH = 32
VALIDATION_SEED = 1_000_003


@dataclass
class Trainee:
    """The networks in training, and what was done to them."""

    settings: TowerSettings
    networks: dict[str, nn.Module]
    tokenizer: Any
    seed: int
    history: list[dict[str, Any]] = field(default_factory=list)

    def encoder(self) -> Encoder:
        """The encoder with the weights as they are now."""
        weights = {
            part: {name: tensor.double() for name, tensor in network.state_dict().items()}
            for part, network in self.networks.items()
        }
        return Encoder(self.settings, weights, "", "in training", "cpu")

    def save(self, output_dir: str, card: Mapping[str, Any]) -> str:
        """Write the model folder as it is now and return its digest."""
        return save_encoder(output_dir, self.networks, self.settings, self.tokenizer, {**card, "history": self.history})


def train_encoder(
    output_dir: str,
    seed: int = 0,
    budgets: Mapping[str, Budget] | None = None,
    start_from: str | None = None,
    note_texts: Sequence[str] = (),
    command: str = "",
    progress: Progress | None = None,
) -> str:
    """Train the three networks, write the model folder after each phase and return its digest.

    ``budgets``: phase (fields, records, notes) = how long; a phase of 0 steps is skipped. ``start_from`` is a folder to
    go on from; without it weights are random. ``note_texts`` are real notes that may be trained on, besides the
    simulated ones. The same arguments on the same kind of machine give the same weights (one thread), unless a budget
    is in seconds.

    Raises: EmbeddingsCollapsed where training fails.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    wanted = {**BUDGETS, **(budgets or {})}
    trainee = started(seed, start_from, note_texts)
    phases = {"fields": fit_fields, "records": fit_demographics, "notes": fit_notes}
    for phase, fitted in phases.items():
        if wanted[phase].steps > 0:
            n_steps, loss = fitted(trainee, wanted[phase], note_texts, progress)
            trainee.history.append({"phase": phase, "steps": n_steps, "seed": seed, "loss": round(loss, 4)})
            trainee.save(output_dir, {"command": command})
    return trainee.save(output_dir, {"command": command, "metrics": encoder_metrics(trainee)})


def started(seed: int, start_from: str | None, note_texts: Sequence[str]) -> Trainee:
    """New networks with a new vocabulary, or those of a folder."""
    if start_from is None:
        notes = [text for table in raw_tables(seed, NOTE_TABLES, with_notes=True) for text in table.notes["text"]]
        settings = TowerSettings()
        tokenizer = trained_tokenizer([*notes, *note_texts], settings.note_bert["vocab_size"])
        bert = {**settings.note_bert, "vocab_size": tokenizer.get_vocab_size()}
        settings = settings.model_copy(update={"note_bert": bert})
        return Trainee(settings, towers(settings), tokenizer, seed)
    card = stored_card(start_from)
    settings = TowerSettings.model_validate(card["settings"])
    networks = towers(settings)
    for part, weights in stored_weights(start_from).items():
        networks[part].load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=False)
    return Trainee(settings, networks, load_tokenizer(start_from), seed, list(card.get("history", [])))


def fit_fields(
    trainee: Trainee, budget: Budget, note_texts: Sequence[str], progress: Progress | None
) -> tuple[int, float]:
    """Fit the byte-CNN on values and their variants; steps done and loss."""
    random = Random(trainee.seed)
    pairs = fit.ValuePairs(lambda kind: VALUES[kind](random), lambda kind, value: variant(random, kind, value))
    network = trainee.networks["fields"]
    rng, n_random = np.random.default_rng(trainee.seed), 0 if trainee.history else 200
    losses = fit.value_losses(network, pairs, rng, random_batches=n_random)  # type: ignore[arg-type]
    return fit.descend([network], losses, budget, "fields", progress)


def raw_tables(seed: int, n_tables: int | None = None, with_notes: bool = False) -> Iterator[Any]:
    """Populations of random profiles, a function of the seed; every one with notes where asked for."""
    number = 0
    while n_tables is None or number < n_tables:
        rng = np.random.default_rng([seed, number, int(with_notes)])
        profile = random_profile(rng)
        if with_notes:
            profile = profile_with_notes(profile)
        yield population(TABLE_RECORDS, int(rng.integers(2**31)), profile)
        number += 1


def profile_with_notes(profile: Any) -> Any:
    """The profile with notes on most records and people seen more than once."""
    from dataclasses import replace

    return replace(profile, notes_share=0.9, wrong_chart=0.0, repeats="geometric", repeat_rate=0.6, max_repeats=4)


def simulated_table(encoder: Encoder, raw: Any) -> SimulatedTable:
    """The population as the towers see it; text vectors come from the encoder."""
    standardised = standard_batch(raw.records, StandardRules())
    _, text, slots, present = encoder.record_inputs(standardised)
    places = pd.Series(
        np.arange(len(raw.records)), index=pd.MultiIndex.from_frame(raw.records[["source", "record_id"]])
    )
    truth = raw.truth.set_index(["source", "record_id"]).loc[places.index]
    owners = places.loc[pd.MultiIndex.from_frame(raw.notes[["source", "record_id"]])] if len(raw.notes) else places[:0]
    return SimulatedTable(
        RecordInputs(text, slots, present),
        pd.factorize(truth["entity_id"])[0],
        pd.factorize(truth["household_id"])[0],
        raw.notes["text"].tolist(),
        owners.to_numpy(),
    )


def fit_demographics(
    trainee: Trainee, budget: Budget, note_texts: Sequence[str], progress: Progress | None
) -> tuple[int, float]:
    """Fit the demographics tower on simulated tables; the byte-CNN stays as it is. Steps done and loss."""
    encoder, network = trainee.encoder(), trainee.networks["demographics"]
    tables = (simulated_table(encoder, raw) for raw in raw_tables(trainee.seed + 1))
    rng = np.random.default_rng(trainee.seed + 1)
    losses = fit_records.record_losses(network, tables, rng)  # type: ignore[arg-type]
    return fit.descend([network], losses, budget, "records", progress)


def fit_notes(
    trainee: Trainee, budget: Budget, note_texts: Sequence[str], progress: Progress | None
) -> tuple[int, float]:
    """Fit the notes tower; the demographics tower, which it has to meet, stays as it is. Steps done and loss."""
    encoder, network = trainee.encoder(), trainee.networks["notes"]
    batches = note_batches(trainee, encoder, note_texts)
    losses = fit_records.note_losses(network, batches)  # type: ignore[arg-type]
    return fit.descend([network], losses, budget, "notes", progress)


def note_batches(trainee: Trainee, encoder: Encoder, note_texts: Sequence[str]) -> Iterator[NotePairs]:
    """Batches of two notes of each of some people, from simulated tables and, one in four, halves of real notes."""
    rng = np.random.default_rng(trainee.seed + 2)
    for raw in raw_tables(trainee.seed + 2, with_notes=True):
        table = simulated_table(encoder, raw)
        with torch.inference_mode():
            vectors = fit_records.record_vectors(trainee.networks["demographics"], table.inputs)  # type: ignore[arg-type]
        pairs = note_pairs(table, rng)
        for start in range(0, len(pairs) - NOTE_BATCH + 1, NOTE_BATCH):
            left, right = pairs[start : start + NOTE_BATCH].T
            tokens = [token_lists(trainee, [table.notes[i] for i in side]) for side in (left, right)]
            yield NotePairs(tokens[0], tokens[1], vectors[table.note_owners[right]].clone())
            if len(note_texts) >= NOTE_BATCH and start // NOTE_BATCH % 3 == 0:
                chosen = [note_texts[i] for i in rng.choice(len(note_texts), NOTE_BATCH, replace=False)]
                halves = [token_lists(trainee, part) for part in zip(*map(two_halves, chosen), strict=True)]
                yield NotePairs(halves[0], halves[1], None)


def note_pairs(table: SimulatedTable, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Places (n, 2) of two notes of each person with two or more, of different records where there are any."""
    by_person: dict[int, list[int]] = {}
    for place in rng.permutation(len(table.note_owners)).tolist():
        by_person.setdefault(int(table.people[table.note_owners[place]]), []).append(place)
    pairs = []
    for places in by_person.values():
        others = [place for place in places[1:] if table.note_owners[place] != table.note_owners[places[0]]]
        if len(places) > 1:
            pairs.append((places[0], (others or places[1:])[0]))
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def two_halves(text: str) -> tuple[str, str]:
    """The first and the second half of a text, in words."""
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def token_lists(trainee: Trainee, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of the texts, cut as the encoder cuts them."""
    trainee.tokenizer.enable_truncation(trainee.settings.note_tokens)
    return [trainee.tokenizer.encode(text).ids for text in texts]


def encoder_metrics(trainee: Trainee) -> dict[str, float]:
    """How well held-out values and new tables are told apart; see `surname_recall` and `fit_records.nearest_recall`."""
    encoder = trainee.encoder()
    metrics = surname_recall(encoder, Random(VALIDATION_SEED))
    rng = np.random.default_rng(VALIDATION_SEED)
    network = trainee.networks["demographics"]
    assert isinstance(network, DemographicsTower)
    found = [
        fit_records.nearest_recall(network, simulated_table(encoder, raw), rng)
        for raw in raw_tables(VALIDATION_SEED, 8)
    ]
    n_asked = sum(n for _, n in found)
    metrics["record_recall_at_1"] = round(sum(recall * n for recall, n in found) / max(1, n_asked), 4)
    return metrics


def surname_recall(encoder: Encoder, random: Random, n_names: int = 2000) -> dict[str, float]:
    """Share of mistyped surnames never trained on whose nearest clean surname is their own, and Jaro-Winkler's share.

    The names compared with are all held-out surnames; one slip each, unchanged ones left out.
    """
    clean = list(name_values("family", True))
    asked = [(value, mistyped(random, value)) for value in random.sample(clean, min(n_names, len(clean)))]
    asked = [(value, typed) for value, typed in asked if value != typed]
    truth, typed = [value for value, _ in asked], [typed for _, typed in asked]
    found = encoder.field_vectors("family", typed).astype(np.int32) @ encoder.field_vectors("family", clean).T.astype(
        np.int32
    )
    classical = process.cdist(typed, clean, scorer=JaroWinkler.similarity, dtype=np.float32)

    def recall(scores: np.ndarray[Any, Any]) -> float:
        return round(
            float(np.mean([clean[i] == value for i, value in zip(scores.argmax(axis=1), truth, strict=True)])), 4
        )

    return {"surname_recall_at_1": recall(found), "surname_recall_at_1_jaro_winkler": recall(classical)}


def real_note_texts(path: str, sources: Sequence[str] = ("ACI-Bench", "PriMock57")) -> list[str]:
    """Texts of the sources of a Parquet table of notes, those that the licence and the test sets leave for training."""
    notes = pd.read_parquet(Path(path), columns=["source", "text"])
    return sorted(notes.loc[notes["source"].isin(sources), "text"].dropna())
