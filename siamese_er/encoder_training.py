"""Training of the shipped encoder: fields on pairs of values, then records and notes on simulated tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

from siamese_er import encoder_tables
from siamese_er.encoder_tables import coded_table, note_pairs, raw_tables, simulated_table, two_halves
from siamese_er.neural import fit, fit_records, training_state
from siamese_er.neural.checkpoint import load_tokenizer, save_encoder, stored_card, stored_weights
from siamese_er.neural.encoder import Encoder
from siamese_er.neural.fit import Budget, Descent, Progress
from siamese_er.neural.fit_masked import masked_losses
from siamese_er.neural.fit_records import NotePairs
from siamese_er.neural.towers import DemographicsTower, TowerSettings, towers
from siamese_er.neural.training_state import Rounds, TrainingState
from siamese_er.neural.wordpiece import first_words, trained_tokenizer
from siamese_er.synthetic.variants import VALUES, mistyped, name_values, variant

BUDGETS = {
    "fields": Budget(6000),
    "masked": Budget(0),
    "records": Budget(2000),
    "notes": Budget(1500, learning_rate=1e-3),
}
"""Phases in order; masked self-supervision is an option."""
PARTS = {"fields": ("fields",), "masked": ("fields", "demographics"), "records": ("demographics",), "notes": ("notes",)}
"""The networks that each phase trains; the others stay as they are."""
NOTE_TABLES = 24  # tables whose notes train the vocabulary
NOTE_BATCH = 32
VALUE_POOL = 6000  # values of a kind among which the nearest are the hard negatives
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
    device: str = "cpu",
) -> str:
    """Train the three networks, write the model folder after each phase and return its digest.

    ``budgets``: phase (fields, masked, records, notes) = how long; a phase of 0 steps is skipped. ``start_from`` is a
    folder to go on from; without it weights are random. ``note_texts`` are real notes that may be trained on, besides
    the simulated ones. The same arguments on the same kind of machine give the same weights (one thread, on the CPU),
    unless a budget is in seconds. A training that was killed goes on from its last checkpoint in ``output_dir`` and ends with
    the weights that it would have had.

    Raises: EmbeddingsCollapsed where training fails; ContractFault where ``output_dir`` holds a checkpoint of other
    arguments.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    wanted = {**BUDGETS, **(budgets or {})}
    trainee = started(seed, start_from, note_texts)
    for network in trainee.networks.values():
        network.to(device)
    state = TrainingState(output_dir, training_arguments(wanted, seed, start_from, note_texts), history=trainee.history)
    moments = state.restore(trainee.networks)
    trainee.history = state.history
    for phase, budget in wanted.items():
        if budget.steps == 0 or phase in state.done:
            continue
        n_steps, loss = fitted(trainee, phase, budget, note_texts, progress, state, moments)
        moments = {}
        trainee.history.append({"phase": phase, "steps": n_steps, "seed": seed, "loss": round(loss, 4)})
        trainee.save(output_dir, {"command": command})
        state.done.append(phase)
        state.write(trainee.networks)
    digest = trainee.save(output_dir, {"command": command, "metrics": encoder_metrics(trainee)})
    state.remove()
    return digest


def training_arguments(
    budgets: Mapping[str, Budget], seed: int, start_from: str | None, note_texts: Sequence[str]
) -> dict[str, Any]:
    """What has to be the same for a training to go on; notes are counted, not hashed."""
    return {
        "budgets": {phase: [b.steps, str(b.seconds), b.learning_rate] for phase, b in budgets.items()},
        "seed": seed, "start_from": stored_card(start_from)["digest"] if start_from else None,
        "n_note_texts": len(note_texts), "table_records": encoder_tables.TABLE_RECORDS, "round": training_state.ROUND,
    }  # fmt: skip


def fitted(
    trainee: Trainee, phase: str, budget: Budget, note_texts: Sequence[str], progress: Progress | None,
    state: TrainingState, moments: Mapping[str, torch.Tensor],
) -> tuple[int, float]:  # fmt: skip
    """Train one phase, from its checkpoint if there is one; steps done and loss."""
    rounds: dict[str, Rounds] = {
        "fields": lambda number: field_round(trainee, number),
        "masked": lambda number: masked_round(trainee, number),
        "records": lambda number: record_round(trainee, number),
        "notes": lambda number: fit_records.note_losses(
            trainee.networks["notes"],  # type: ignore[arg-type]
            note_batches(trainee, trainee.encoder(), note_texts, number),
        ),
    }
    descent = Descent([trainee.networks[part] for part in PARTS[phase]], budget, phase, progress)
    if state.phase.get("name") == phase:
        training_state.resumed(descent, state.phase, moments)
    return training_state.descend_in_rounds(
        descent, rounds[phase], trainee.seed, lambda descent: state.write(trainee.networks, descent)
    )


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


def field_round(trainee: Trainee, number: int) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """Losses of the byte-CNN on values and their variants; the first round of a new one has random negatives."""
    random = Random(f"{trainee.seed} fields {number}")
    pairs = fit.ValuePairs(lambda kind: VALUES[kind](random), lambda kind, value: variant(random, kind, value))
    network, rng = trainee.networks["fields"], np.random.default_rng([trainee.seed, number])
    n_random = 0 if trainee.history or number else training_state.ROUND
    return fit.value_losses(network, pairs, rng, pool_size=VALUE_POOL, random_batches=n_random)  # type: ignore[arg-type]


def masked_round(trainee: Trainee, number: int) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """Losses of byte-CNN and demographics tower on masked views of simulated records: self-supervised pretraining."""
    tables = raw_tables(trainee.seed + 3, first=number * training_state.ROUND)
    fields, demographics = trainee.networks["fields"], trainee.networks["demographics"]
    rng = np.random.default_rng([trainee.seed + 3, number])
    return masked_losses(fields, demographics, (coded_table(raw) for raw in tables), rng)  # type: ignore[arg-type]


def record_round(trainee: Trainee, number: int) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """Losses of the demographics tower on simulated tables; the byte-CNN stays as it is."""
    encoder, network = trainee.encoder(), trainee.networks["demographics"]
    raw = raw_tables(trainee.seed + 1, first=number * training_state.ROUND)
    rng = np.random.default_rng([trainee.seed + 1, number])
    return fit_records.record_losses(network, (simulated_table(encoder, table) for table in raw), rng)  # type: ignore[arg-type]


def note_batches(trainee: Trainee, encoder: Encoder, note_texts: Sequence[str], number: int = 0) -> Iterator[NotePairs]:
    """Batches of two notes of each of some people, from simulated tables and, one in four, halves of real notes."""
    rng = np.random.default_rng([trainee.seed + 2, number])
    for raw in raw_tables(trainee.seed + 2, with_notes=True, first=number * training_state.ROUND):
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


def token_lists(trainee: Trainee, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of the texts, cut as the encoder cuts them."""
    trainee.tokenizer.enable_truncation(trainee.settings.note_tokens)
    return [trainee.tokenizer.encode(first_words(text, trainee.settings.note_tokens)).ids for text in texts]


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
