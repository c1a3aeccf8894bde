"""The elections of golden records: of all values of one field of one person, which wins, and what is left."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siamese_er.agreement import contradict, says_less
from siamese_er.golden_values import UNION, Candidates, one_array

ONE_PER_PERSON = (
    "given_name", "family_name", "name_suffix", "birth_date", "death_date", "sex", "national_id", "birth_order",
)  # fmt: skip


GRADED = ("birth_date", "death_date", "national_id")
"""Fields whose values may say less than others and still agree with them."""
RECORD_OF_TRUTH = "record_of_truth"


@dataclass(frozen=True)
class Elections:
    """The result for each person and field with a value, ordered by person, then by the field's name."""

    person: np.ndarray  # (n,)
    field: np.ndarray  # (n,) place in ``names``
    row: np.ndarray  # (n,) row of the record that the value comes from
    value: pa.Array  # (n,) as written; of a set, all of it
    rule: np.ndarray  # (n,) by which it was chosen
    alternates: tuple[np.ndarray, pa.Array]  # (place of the election, value), ordered by both
    conflicts: np.ndarray  # places of the elections where the records contradict each other
    names: list[str]


def sorted_codes(texts: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """For each text its place among the distinct texts in ascending order (of UTF-8 bytes, as in Spark), and these."""
    encoded = texts.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    return place[codes] if len(order) else np.zeros(len(texts), np.int64), encoded.dictionary.take(pa.array(order))


def stacked_codes(arrays: list[pa.Array]) -> tuple[np.ndarray, pa.Array]:
    """The `sorted_codes` of several arrays, one vocabulary after another."""
    codes, vocabularies, n_before = [], [], 0
    for texts in arrays:
        own, vocabulary = sorted_codes(texts)
        codes.append(own + n_before)
        vocabularies.append(vocabulary)
        n_before += len(vocabulary)
    return np.concatenate(codes), pa.concat_arrays(vocabularies)


def groups_of(sorted_keys: np.ndarray) -> np.ndarray:
    """Where a new key starts."""
    return np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])) if len(sorted_keys) else (
        np.zeros(0, np.int64)
    )  # fmt: skip


def distinct(keys: np.ndarray) -> np.ndarray:
    """The distinct keys in ascending order; by sorting, which takes a third of the time of numpy's hashing."""
    ordered = np.sort(keys)
    return ordered[groups_of(ordered)]


@dataclass(frozen=True)
class Voters:
    """What the elections know of each record; rows of a person are in the order of their record keys."""

    person: np.ndarray  # (n_rows,) ascending
    recency: np.ndarray  # (n_rows,) the least first
    trust: np.ndarray  # (n_rows,) the least first
    is_truth: np.ndarray  # (n_rows,) of a source that is a record of truth
    is_verified: np.ndarray  # (n_rows,) joined to its cluster by a person


def elections(candidates: list[Candidates], voters: Voters, rules: dict[str, str], default_rule: str) -> Elections:
    """The winner, the alternates and the conflicts of every person and field."""
    person, trust = voters.person, voters.trust
    rows = np.concatenate([own.rows for own in candidates])
    fields, names = sorted_codes(pa.concat_arrays([one_array(pa.chunked_array([own.names])) for own in candidates]))
    values, vocabulary = stacked_codes([own.texts for own in candidates])
    standards, standard_texts = stacked_codes([own.standards for own in candidates])
    field_rules = np.array([rules.get(name, default_rule) for name in names.to_pylist()], dtype=object)
    rule = field_rules[fields] if len(fields) else np.zeros(0, object)
    fixed = np.concatenate([np.full(len(own.rows), own.rule, object) for own in candidates])
    rule = np.where(fixed == np.array(None), rule, fixed)
    election = person[rows] * max(len(names), 1) + fields
    first, second = voters.recency[rows], trust[rows]
    by_trust, by_length = rule == "source_trust", rule == "longest"
    length = pc.utf8_length(standard_texts).to_numpy(zero_copy_only=False).astype(np.int64)
    by_people = rule == "verified_first"
    first = np.where(by_trust, trust[rows], np.where(by_length, -length[standards], first))
    first = np.where(by_people, ~voters.is_verified[rows], first)
    second = np.where(by_trust | by_length | by_people, voters.recency[rows], second)
    support = election * max(len(standard_texts), 1) + standards
    votes = n_distinct_rows(support, rows, len(person))
    votes = np.where(rule == "majority", -with_vaguer(support, votes, names, standard_texts), 0)
    order = np.lexsort((rows, values, trust[rows], second, first, votes, ~voters.is_truth[rows], election))
    starts = groups_of(election[order])
    won = order[starts]
    return Elections(
        person=person[rows[won]], field=fields[won], row=rows[won], value=vocabulary.take(pa.array(values[won])),
        rule=np.where(voters.is_truth[rows[won]] & (rule[won] != UNION), RECORD_OF_TRUTH, rule[won]),
        alternates=alternates(election, values, won, vocabulary),
        conflicts=conflicts(election[won], support, rows, names, standard_texts, len(person)),
        names=names.to_pylist(),
    )  # fmt: skip


def n_distinct_rows(keys: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """For each entry the number of distinct rows among the entries with its key."""
    _, group = np.unique(keys, return_inverse=True)
    seen = distinct(group * n_rows + rows) // max(n_rows, 1)
    return np.bincount(seen, minlength=1)[group]


def with_vaguer(support: np.ndarray, votes: np.ndarray, names: pa.Array, standards: pa.Array) -> np.ndarray:
    """The votes, those for a value that only says less (a year, four digits) also counted for what it agrees with."""
    width = max(len(standards), 1)
    graded = pc.is_in(names, value_set=pa.array(GRADED)).to_numpy(zero_copy_only=False)
    kinds, entry = np.unique(support, return_index=True)
    before = votes[entry]
    own = before.copy()
    of_graded = np.flatnonzero(graded[(kinds // width) % max(len(names), 1)]) if len(kinds) else np.zeros(0, np.int64)
    starts = groups_of(kinds[of_graded] // width)
    sizes = np.diff(np.append(starts, len(of_graded)))
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        places = of_graded[start : start + size]
        texts = standards.take(pa.array(kinds[places] % width)).to_pylist()
        for place, text in zip(places.tolist(), texts, strict=True):
            own[place] += sum(
                int(before[other]) for other, said in zip(places.tolist(), texts, strict=True) if says_less(said, text)
            )
    return own[np.searchsorted(kinds, support)]


def alternates(
    election: np.ndarray, values: np.ndarray, won: np.ndarray, vocabulary: pa.Array
) -> tuple[np.ndarray, pa.Array]:
    """Place of the election and value, for each distinct value that did not win."""
    width = max(len(vocabulary), 1)
    lost = np.setdiff1d(distinct(election * width + values), election[won] * width + values[won], assume_unique=True)
    return np.searchsorted(election[won], lost // width), vocabulary.take(pa.array(lost % width))


def conflicts(
    elected: np.ndarray, support: np.ndarray, rows: np.ndarray, names: pa.Array, standards: pa.Array, n_rows: int
) -> np.ndarray:
    """Places of the elections in which records of the person contradict each other on what one person has one of."""
    width = max(len(standards), 1)
    is_one = pc.is_in(names, value_set=pa.array(ONE_PER_PERSON)).to_numpy(zero_copy_only=False)
    kinds = distinct(support)
    election, first, n_standards = np.unique(kinds // width, return_index=True, return_counts=True)
    n_records = np.bincount(np.searchsorted(election, distinct((support // width) * n_rows + rows) // max(n_rows, 1)))
    doubtful = (n_standards > 1) & (n_records > 1) & is_one[election % max(len(names), 1)] if len(election) else (
        np.zeros(0, bool)
    )  # fmt: skip
    texts = standards.take(pa.array(kinds % width)).to_pylist() if doubtful.any() else []
    found = [
        election[place]
        for place in np.flatnonzero(doubtful)
        if contradict(texts[first[place] : first[place] + n_standards[place]])
    ]
    return np.searchsorted(elected, np.array(found, np.int64))


def whole_people(batches: Iterator[pa.RecordBatch], n_rows: int) -> Iterator[pa.Table]:
    """Tables of about so many rows in which every person is whole; rows come sorted by enterprise_id."""
    held: list[pa.RecordBatch] = []
    n_held = 0
    for batch in batches:
        held.append(batch)
        n_held += batch.num_rows
        if n_held < n_rows:
            continue
        table = pa.Table.from_batches(held)
        last = table["enterprise_id"][-1]
        n_whole = pc.sum(pc.not_equal(table["enterprise_id"], last)).as_py() or 0
        if n_whole:
            yield table.slice(0, n_whole)
        held = table.slice(n_whole).combine_chunks().to_batches()
        n_held = table.num_rows - n_whole
    if n_held:
        yield pa.Table.from_batches(held)
