"""Rows of GOLDEN_RECORDS from the records of whole people."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siamese_er.golden_choice import Elections, Voters, distinct, elections, groups_of, sorted_codes
from siamese_er.golden_sets import united_sets
from siamese_er.golden_values import is_written, one_array, value_candidates
from siamese_er.schemas import GOLDEN_FIELDS, GOLDEN_RECORDS


@dataclass(frozen=True)
class Survivorship:
    """The settings as `golden_batch` needs them; ``trusts``: for each source, the least the most trusted."""

    rules: Mapping[str, str]
    default_rule: str
    trusts: Mapping[str, int]
    truths: frozenset[str] = frozenset()


def golden_batch(records: pa.Table, settings: Survivorship) -> pa.RecordBatch:
    """GOLDEN_RECORDS of these people.

    In: their records, sorted by enterprise_id and record_key: RECORDS with STANDARDISED columns, is_restricted,
    is_verified, recency (the least first) and ``extra`` as a list.
    """
    person, _ = sorted_codes(one_array(records["enterprise_id"]))
    is_open = ~one_array(records["is_restricted"]).to_numpy(zero_copy_only=False)
    n_open = np.bincount(person, weights=is_open)
    records = records.filter(pa.array(is_open | (n_open[person] == 0)))
    person, people = sorted_codes(one_array(records["enterprise_id"]))
    sources, source_names = sorted_codes(one_array(records["source"]))
    names = source_names.to_pylist()
    trust = np.array([settings.trusts.get(name, 0) for name in names], np.int64)
    is_truth = np.array([name in settings.truths for name in names], bool)
    voters = Voters(
        person=person,
        recency=one_array(records["recency"]).to_numpy(),
        trust=trust[sources] if names else sources,
        is_truth=is_truth[sources] if names else sources.astype(bool),
        is_verified=one_array(records["is_verified"]).to_numpy(zero_copy_only=False),
    )
    rules, default = dict(settings.rules), settings.default_rule
    *fields, extras = value_candidates(records)
    sets = united_sets(extras, voters.person, voters.recency, rules, default)
    found = elections([*fields, *sets], voters, rules, default)
    columns = {
        "enterprise_id": people,
        **golden_fields(found, len(people)),
        "identifiers": united_identifiers(records, person, len(people)),
        "n_records": pa.array(np.bincount(person, minlength=len(people)), pa.int32()),
        "sources": texts_by_person(person, sources, source_names, len(people)),
        "provenance": provenance(found, records, len(people)),
        "alternates": alternates_by_field(found, len(people)),
        "conflicts": lists_of(found.person[found.conflicts], field_names(found)[found.conflicts], len(people)),
        "extra": extra_columns(found, len(people)),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in GOLDEN_RECORDS.names], GOLDEN_RECORDS.names)


def field_names(found: Elections) -> np.ndarray:
    """The field's name of each election."""
    return np.array(found.names, dtype=object)[found.field] if found.names else np.zeros(0, object)


def golden_fields(found: Elections, n_people: int) -> dict[str, pa.Array]:
    """The column of each golden field; null where a person has no value."""
    columns = {}
    for name in GOLDEN_FIELDS:
        place = np.full(n_people, -1)
        if name in found.names:
            own = np.flatnonzero(found.field == found.names.index(name))
            place[found.person[own]] = own
        columns[name] = found.value.take(pa.array(place, mask=place < 0))
    return columns


def provenance(found: Elections, records: pa.Table, n_people: int) -> pa.MapArray:
    """Field -> source and record_id of the winning record, and the rule; of a set, of the latest record with a part of it."""
    names = field_names(found)
    rows = pa.array(found.row)
    origins = pa.StructArray.from_arrays(
        [one_array(records["source"]).take(rows), one_array(records["record_id"]).take(rows),
         pa.array(found.rule, pa.string())],
        names=["source", "record_id", "rule"],
    )  # fmt: skip
    return pa.MapArray.from_arrays(offsets(found.person, n_people), pa.array(names, pa.string()), origins)


def alternates_by_field(found: Elections, n_people: int) -> pa.MapArray:
    """Field -> the values that did not win, for fields that have such values."""
    place, values = found.alternates
    starts = groups_of(place)
    of = place[starts]
    lists = pa.ListArray.from_arrays(pa.array(np.append(starts, len(place)), pa.int32()), values)
    names = pa.array(field_names(found)[of], pa.string())
    return pa.MapArray.from_arrays(offsets(found.person[of], n_people), names, lists)


def extra_columns(found: Elections, n_people: int) -> pa.MapArray:
    """Name of an unknown column -> its winning value."""
    names = field_names(found)
    own = np.flatnonzero([name not in GOLDEN_FIELDS for name in found.names])
    own = np.flatnonzero(np.isin(found.field, own))
    values = found.value.take(pa.array(own))
    return pa.MapArray.from_arrays(offsets(found.person[own], n_people), pa.array(names[own], pa.string()), values)


def united_identifiers(records: pa.Table, person: np.ndarray, n_people: int) -> pa.ListArray:
    """The distinct identifiers of all records of a person that have a value, in ascending order, null the least."""
    lists = one_array(records["identifiers"])
    owner = person[pc.list_parent_indices(lists).to_numpy()]
    entries = pc.list_flatten(lists)
    kept = is_written(pc.struct_field(entries, "value"))
    owner, entries = owner[kept.to_numpy(zero_copy_only=False)], entries.filter(kept)
    codes = [ranks(pc.struct_field(entries, name)) for name in ("system", "type", "value")]
    order = np.lexsort((*reversed(codes), owner))
    keys = np.stack([owner, *codes])[:, order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    chosen = order[is_new]
    return pa.ListArray.from_arrays(offsets(owner[chosen], n_people), entries.take(pa.array(chosen)))


def ranks(texts: pa.Array) -> np.ndarray:
    """The place of each text among all; null comes first."""
    codes, _ = sorted_codes(pc.fill_null(texts, ""))
    return np.where(texts.is_null().to_numpy(zero_copy_only=False), -1, codes)


def texts_by_person(person: np.ndarray, codes: np.ndarray, names: pa.Array, n_people: int) -> pa.ListArray:
    """The distinct texts of each person in ascending order."""
    width = max(len(names), 1)
    pairs = distinct(person * width + codes)
    return pa.ListArray.from_arrays(offsets(pairs // width, n_people), names.take(pa.array(pairs % width)))


def lists_of(person: np.ndarray, texts: np.ndarray, n_people: int) -> pa.ListArray:
    """The texts of each person, in the order given."""
    return pa.ListArray.from_arrays(offsets(person, n_people), pa.array(texts, pa.string()))


def offsets(person: np.ndarray, n_people: int) -> pa.Array:
    """Where the entries of each person start, for entries ordered by person."""
    counts = np.bincount(person, minlength=n_people)
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
