"""A table of records of a synthetic population, with its truth and its notes."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pandas as pd

from siamese_er.synthetic.clinical_notes import notes_of
from siamese_er.synthetic.families import settle
from siamese_er.synthetic.knobs import Profile, Source
from siamese_er.synthetic.people import Society
from siamese_er.synthetic.records import Scribe, record_days

NOTE_COLUMNS = ["source", "record_id", "note_id", "note_date", "note_type", "text"]


@dataclass(frozen=True)
class Population:
    """Three tables: ``records`` (contract columns as text, None = missing), ``truth``, ``notes``.

    truth: ``source, record_id, entity_id, household_id``, one row for each record.
    notes: ``source, record_id, note_id, note_date, note_type, text``; no row if the profile has none.
    """

    records: pd.DataFrame
    truth: pd.DataFrame
    notes: pd.DataFrame


def record_counts(n_records: int, profile: Profile, rng: np.random.Generator) -> list[int]:
    """How many records each person has; the sum is ``n_records``, every count at least 1."""
    if profile.repeats == "none":
        return [1] * n_records
    more = rng.random(n_records) < profile.repeat_rate
    if profile.repeats == "two_files":
        counts = np.where(more, 2, 1)
    elif profile.repeats == "originals":
        counts = 1 + np.where(more, rng.integers(1, max(2, profile.max_repeats), n_records), 0)
    elif profile.repeats == "heavy":
        counts = 1 + rng.binomial(profile.max_repeats - 1, 0.2 + 0.6 * profile.repeat_rate * rng.random(n_records))
    else:
        counts = np.minimum(rng.geometric(max(0.02, 1 - profile.repeat_rate), n_records), profile.max_repeats)
    if profile.one_per_source and profile.repeats != "two_files":
        counts = np.minimum(counts, len(profile.sources))
    n_people = int(np.searchsorted(np.cumsum(counts), n_records)) + 1
    kept = counts[:n_people].copy()
    kept[-1] -= int(kept.sum()) - n_records
    return [int(count) for count in kept]


def sources_of(n: int, profile: Profile, random: Random) -> list[Source]:
    """The source of each of a person's n records; all different where each source holds a person once."""
    if profile.repeats == "two_files" or profile.one_per_source:
        return random.sample(profile.sources, n)
    return random.choices(profile.sources, [source.share for source in profile.sources], k=n)


def population(n_records: int, seed: int, profile: Profile) -> Population:
    """A population of exactly ``n_records`` records; the same seed and profile give the same tables.

    People are made first, household by household; then each is written down by some sources on some days. Rows and
    record ids are in random order and tell nothing about the truth.

    Raises: ValueError if n_records is less than 1.
    """
    if n_records < 1:
        raise ValueError("n_records must be at least 1")
    rng = np.random.default_rng(seed)
    random = Random(int(rng.integers(2**62)))
    counts = record_counts(n_records, profile, rng)
    society = Society(profile, rng, random)
    people = settle(society, len(counts))
    scribe = Scribe(profile, society, random)
    ids = random.sample(range(10**7, 10**8), n_records)
    rows: list[dict[str, str | None]] = []
    truth, written = [], []
    for number, (person, n) in enumerate(zip(people, counts, strict=True)):
        days = record_days(n, person, society, random)
        for k, (source, day) in enumerate(zip(sources_of(n, profile, random), days, strict=True)):
            values = scribe.write(person, source, day, is_clean=k == 0 and profile.first_clean)
            record_id = f"{ids[len(rows)]:x}"
            rows.append({"source": source.name, "record_id": record_id, **values})
            truth.append((source.name, record_id, f"p{number:07d}", f"h{person.household.number:07d}"))
            written.append((person, source.name, day, record_id))
    order = rng.permutation(n_records)
    records = pd.DataFrame(rows, columns=["source", "record_id", *profile.columns], dtype=object).iloc[order]
    answers = pd.DataFrame(truth, columns=["source", "record_id", "entity_id", "household_id"]).iloc[order]
    notes = pd.DataFrame(notes_of(written, profile, random), columns=NOTE_COLUMNS, dtype=object)
    return Population(records.reset_index(drop=True), answers.reset_index(drop=True), notes)
