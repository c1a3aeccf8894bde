"""Adaptation of the encoder to a table that nobody labelled: masked views of its records, held by synthetic replay.

Weights that saw patients are protected health information: keep them where the patients' records are kept.
"""

import copy
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from siamese_er.encoder_tables import coded_table, note_pairs, raw_tables, simulated_table
from siamese_er.encoder_training import NOTE_BATCH, VALIDATION_SEED, Trainee, encoder_metrics, started, token_lists
from siamese_er.errors import ContractFault
from siamese_er.head_check import HeadFit, head_fit
from siamese_er.neural import fit, fit_records
from siamese_er.neural.adapting import RecordTowers, adapting_losses, note_adapting_losses
from siamese_er.neural.checkpoint import CARD, load_encoder, save_encoder, stored_card
from siamese_er.neural.fit import Budget, Descent, Progress
from siamese_er.neural.fit_masked import record_codes
from siamese_er.synthetic.variants import VALUES, variant

HEAD_FILES = ("head.safetensors", "head.json")
REPLAY_SEED = 50_000
LOST = 0.02  # of a share
PROTECTED = "trained on records of patients: protected health information, to be kept and deleted as they are"


@dataclass(frozen=True)
class AdaptationSettings:
    """How an encoder is adapted; a source needs ``least_records`` for tower copies of its own."""

    steps: int = 300
    check_every: int = 50
    learning_rate: float = 2e-4
    seed: int = 0
    towers: str = "shared"
    least_records: int = 1000


@dataclass
class Outcome:
    """What adapting one set of networks came to: the steps that were kept, and the retrieval at each check."""

    kept_steps: int
    checks: list[dict[str, float]] = field(default_factory=list)


def adapt(
    model_dir: str, output_dir: str, records: pd.DataFrame, notes: Sequence[str], settings: AdaptationSettings,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Adapt the encoder of a model folder to STANDARDISED records and write the model, with its head, to another.

    Under ``towers = "per_source"`` the shared towers stay as they are and each source with enough records gets a copy.
    Weights of the last check at which no held-out synthetic retrieval was below its start are kept, else those of the
    model itself: adapting cannot fall below zero-shot. Returns what encoder.json says of it: counts and measures, no values.

    Raises: ContractFault where the head does not fit the adapted encoder, or there is no record to learn from.
    """
    if not len(records):
        raise ContractFault("--adapt: no records to learn from")
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    trainee = started(settings.seed, model_dir, ())
    copies: dict[str, Trainee] = {}
    outcomes: dict[str, Outcome] = {}
    if settings.towers == "per_source":
        for number, source in enumerate(large_sources(records, settings)):
            own = replica(trainee)
            found = adapt_records(own, records[records["source"] == source], settings, progress)
            outcomes[f"source {number + 1}"] = found
            if found.kept_steps:
                copies[source] = own
    else:
        outcomes["records"] = adapt_records(trainee, records, settings, progress)
    if len(notes) >= NOTE_BATCH:
        outcomes["notes"] = adapt_notes(trainee, notes, settings, progress)
    report = {
        "from": stored_card(model_dir)["digest"], "settings": asdict(settings), "n_records": len(records),
        "n_notes": len(notes), "outcomes": {name: asdict(found) for name, found in outcomes.items()},
        "protected": PROTECTED,
    }  # fmt: skip
    return written(model_dir, output_dir, trainee, copies, report)


def large_sources(records: pd.DataFrame, settings: AdaptationSettings) -> list[str]:
    """The sources with enough records for a copy of their own, by name."""
    counts = records["source"].value_counts()
    return sorted(str(source) for source in counts[counts >= settings.least_records].index)


def replica(trainee: Trainee) -> Trainee:
    """The same networks, to be changed on their own; the notes tower is shared."""
    networks = {name: net if name == "notes" else copy.deepcopy(net) for name, net in trainee.networks.items()}
    return Trainee(trainee.settings, networks, trainee.tokenizer, trainee.seed, list(trainee.history))


def adapt_records(
    trainee: Trainee, records: pd.DataFrame, settings: AdaptationSettings, progress: Progress | None
) -> Outcome:
    """Adapt field and demographics networks in place."""
    student = RecordTowers(trainee.networks["fields"], trainee.networks["demographics"])  # type: ignore[arg-type]
    teacher = RecordTowers(*(copy.deepcopy(network).eval() for network in student))  # type: ignore[arg-type]
    random, rng = Random(settings.seed), np.random.default_rng([settings.seed, REPLAY_SEED])
    pairs = fit.ValuePairs(lambda kind: VALUES[kind](random), lambda kind, value: variant(random, kind, value))
    values = iter(fit.value_losses(student.fields, pairs, rng, n_pairs=96, pool_size=2000, random_batches=0))
    replay = (coded_table(raw) for raw in raw_tables(settings.seed + REPLAY_SEED))
    losses = adapting_losses(student, teacher, record_codes(records), replay, values, rng)
    return guarded(
        list(student), losses, settings, "adapt records", lambda: retrieval(encoder_metrics(trainee)), progress
    )


def adapt_notes(
    trainee: Trainee, notes: Sequence[str], settings: AdaptationSettings, progress: Progress | None
) -> Outcome:
    """Adapt the notes tower in place, without BERT's dropout."""
    student = trainee.networks["notes"].eval()
    teacher = copy.deepcopy(student)
    rng = np.random.default_rng([settings.seed, REPLAY_SEED + 1])
    tokens = [row for row in token_lists(trainee, notes) if len(row) > 2]
    mask = trainee.tokenizer.token_to_id("[MASK]")
    replay = note_replay(trainee, settings.seed + REPLAY_SEED + 1, rng)
    losses = note_adapting_losses(student, teacher, tokens, mask, replay, rng)  # type: ignore[arg-type]
    return guarded([student], losses, settings, "adapt notes", lambda: note_retrieval(trainee), progress)


def note_replay(
    trainee: Trainee, seed: int, rng: np.random.Generator
) -> Iterator[tuple[list[list[int]], list[list[int]]]]:
    """Batches of two notes of each of some simulated people, as tokens."""
    encoder = trainee.encoder()
    for raw in raw_tables(seed, with_notes=True):
        table = simulated_table(encoder, raw)
        pairs = note_pairs(table, rng)
        for start in range(0, len(pairs) - NOTE_BATCH + 1, NOTE_BATCH):
            left, right = pairs[start : start + NOTE_BATCH].T
            yield (
                token_lists(trainee, [table.notes[place] for place in left]),
                token_lists(trainee, [table.notes[place] for place in right]),
            )


def note_retrieval(trainee: Trainee, n_pairs: int = 200) -> dict[str, float]:
    """Share of held-out simulated people whose one note finds their other first among all others' notes."""
    (raw,) = raw_tables(VALIDATION_SEED, 1, with_notes=True)
    table = simulated_table(trainee.encoder(), raw)
    left, right = note_pairs(table, np.random.default_rng(VALIDATION_SEED))[:n_pairs].T
    with torch.inference_mode():
        a, b = (
            fit_records.note_vectors(trainee.networks["notes"], token_lists(trainee, [table.notes[i] for i in side]))  # type: ignore[arg-type]
            for side in (left, right)
        )
    return {"note_recall_at_1": round(float(((a @ b.T).argmax(dim=1) == torch.arange(len(a))).float().mean()), 4)}


def retrieval(metrics: Mapping[str, float]) -> dict[str, float]:
    """The measures that must not fall."""
    return {name: metrics[name] for name in ("surname_recall_at_1", "record_recall_at_1")}


def guarded(
    networks: Sequence[nn.Module], losses: Iterator[Any], settings: AdaptationSettings, phase: str,
    measured: Callable[[], dict[str, float]], progress: Progress | None,
) -> Outcome:  # fmt: skip
    """Descend and check every so often; what stays are the weights of the last check with no measure below its start.

    Ends early where a measure has fallen by more than ``LOST``: replay does not hold any more.
    """
    outcome = Outcome(0, [measured()])
    kept = [copy.deepcopy(network.state_dict()) for network in networks]
    descent = Descent(networks, Budget(settings.steps, learning_rate=settings.learning_rate), phase, progress)
    while not descent.is_done:
        descent.run(losses, settings.check_every)
        outcome.checks.append(found := measured())
        fall = max(start - found[name] for name, start in outcome.checks[0].items())
        if fall <= 0:
            kept, outcome.kept_steps = [copy.deepcopy(network.state_dict()) for network in networks], descent.steps
        elif fall > LOST:
            break
    for network, weights in zip(networks, kept, strict=True):
        network.load_state_dict(weights)
    return outcome


def written(
    model_dir: str, output_dir: str, trainee: Trainee, copies: Mapping[str, Trainee], report: dict[str, Any]
) -> dict[str, Any]:
    """Write the adapted model beside ``output_dir``, check the head against it, and only then move it there."""
    target = Path(output_dir)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        if not copies and not any(found["kept_steps"] for found in report["outcomes"].values()):
            shutil.copytree(model_dir, made, dirs_exist_ok=True)
            card = stored_card(made)
        else:
            parts = {source: {n: own.networks[n] for n in ("fields", "demographics")} for source, own in copies.items()}
            card = {name: value for name, value in stored_card(model_dir).items() if name in ("command", "history")}
            save_encoder(made, trainee.networks, trainee.settings, trainee.tokenizer, card, parts)
            report["head"] = {name: asdict(found) for name, found in checked_heads(model_dir, made, copies).items()}
            copied_head(model_dir, made, report["head"])
            card = stored_card(made)
        Path(made, CARD).write_text(json.dumps({**card, "adaptation": report}, indent=1, sort_keys=True) + "\n")
        target.mkdir(exist_ok=True)
        for path in Path(made).iterdir():
            path.replace(target / path.name)
    return report


def checked_heads(model_dir: str, made: str, copies: Mapping[str, Trainee]) -> dict[str, HeadFit]:
    """How the head does beside the adapted towers; a copy is checked beside records of the shared towers.

    Raises: ContractFault where it does not fit.
    """
    before = load_encoder(model_dir)
    found = {
        f"source {number + 1}": head_fit(model_dir, before, load_encoder(made, source=source), is_mixed=True)
        for number, source in enumerate(copies)
    } or {"shared": head_fit(model_dir, before, load_encoder(made), is_mixed=False)}
    if bad := [name for name, fitted in found.items() if not fitted.fits]:
        raise ContractFault(
            f"--adapt: the pair head does not fit the adapted towers ({', '.join(bad)}); nothing is written. "
            "Take fewer --adapt-steps, or train a head beside them"
        )
    return found


def copied_head(model_dir: str, made: str, fit_measured: Mapping[str, Any]) -> None:
    """The head with its tie moved to the adapted encoder; it says how it was checked."""
    shutil.copyfile(Path(model_dir, HEAD_FILES[0]), Path(made, HEAD_FILES[0]))
    head = json.loads(Path(model_dir, HEAD_FILES[1]).read_text(encoding="utf-8"))
    head |= {"encoder_digest": stored_card(made)["digest"], "trained_beside": head["encoder_digest"],
             "adapted_fit": fit_measured}  # fmt: skip
    Path(made, HEAD_FILES[1]).write_text(json.dumps(head, indent=1), encoding="utf-8")
