"""Simulated tables as the encoder's training sees them: text vectors, slots, whose record it is, notes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.neural.encoder import Encoder
from siamese_er.neural.fit_masked import CodedTable, record_codes
from siamese_er.neural.fit_records import RecordInputs, SimulatedTable
from siamese_er.synthetic.population import population
from siamese_er.synthetic.profile import random_profile

TABLE_RECORDS = 900


def raw_tables(seed: int, n_tables: int | None = None, with_notes: bool = False, first: int = 0) -> Iterator[Any]:
    """Populations of random profiles from the ``first`` on, each a function of seed and number; notes where asked for."""
    number = first
    while n_tables is None or number < first + n_tables:
        rng = np.random.default_rng([seed, number, int(with_notes)])
        profile = random_profile(rng)
        if with_notes:
            profile = profile_with_notes(profile)
        yield population(TABLE_RECORDS, int(rng.integers(2**31)), profile)
        number += 1


def profile_with_notes(profile: Any) -> Any:
    """The profile with notes on most records and people seen more than once."""
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


def coded_table(raw: Any) -> CodedTable:
    """The population as characters, for training through both networks that read a record."""
    keys = pd.MultiIndex.from_frame(raw.records[["source", "record_id"]])
    truth = raw.truth.set_index(["source", "record_id"]).loc[keys]
    codes = record_codes(standard_batch(raw.records, StandardRules()))
    return CodedTable(codes, pd.factorize(truth["entity_id"])[0], pd.factorize(truth["household_id"])[0])


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
