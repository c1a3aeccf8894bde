"""The evidence of record pairs: a level and a similarity for each comparison, and facts about the pair as a whole."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from siamese_er.linkage import dates, levels
from siamese_er.linkage.comparisons import COMPARISONS, INDEX, SWAPPED_FAMILY, SWAPPED_GIVEN, Comparison
from siamese_er.linkage.cosines import cosines
from siamese_er.linkage.note_charts import CHARTS, chart_sides
from siamese_er.linkage.note_pairs import NOTE_FACTS, note_facts_of_pairs
from siamese_er.linkage.values import (
    ValueColumn,
    best_values,
    compared_codes,
    merged,
    value_column,
    value_lengths,
    value_pairs,
    within,
)

FAULTS = ("group_address_sides", "birth_fault_sides")  # sides whose value of this kind was dropped; only vetoes look
PAIR_FACTS = (
    "year_gap", "newborn_sides", "newborn_order_conflict", "placeholder_sides", "same_source", "birth_order_conflict",
    *NOTE_FACTS,
    *FAULTS,
    *CHARTS,
    "suffix_on_one_side",
    "one_name_crossed",
    "given_is_middle",  # only vetoes look
)  # fmt: skip
NEAR_NAMES = {"given_name": (3, 4), "family_name": (2, 3)}
"""Levels of unequal names that may be one name mistyped."""
FORM_BEARERS = 2
"""Records that a man's or a woman's form of a name counts as borne by, at most: a slip at its end makes the other form."""


@dataclass(frozen=True)
class Compared:
    """What comparing n pairs found; all arrays are symmetric in left and right."""

    levels: np.ndarray  # int8 (n, len(COMPARISONS)); 0 = missing
    similarities: np.ndarray  # float32 (n, len(COMPARISONS)); 0..1, 0 where missing
    rarities: (
        np.ndarray
    )  # float32 (n, len(COMPARISONS)); log2(1 / share of records with the agreeing value), else 0; see below
    # of near, unequal given or family names: minus the rarity of the rarer one
    cosines: np.ndarray  # float32 (n, len(COSINES)); -1..1, nan where a side has no vector
    facts: np.ndarray  # float32 (n, len(PAIR_FACTS)); year_gap -1 where unknown; NOTE_FACTS 1, -1 or 0


@dataclass(frozen=True)
class Agreements:
    """What comparing the values of n pairs found, as in `Compared`, before their vectors and facts are looked at."""

    levels: np.ndarray
    similarities: np.ndarray
    rarities: np.ndarray
    is_crossed: np.ndarray  # bool (n,); see `note_swapped_names`
    given_is_middle: np.ndarray  # bool (n,); see `note_swapped_names`

    def of_pairs(self, rows: np.ndarray) -> "Agreements":
        """Those of some of the pairs."""
        return Agreements(*(getattr(self, own.name)[rows] for own in fields(self)))

    @classmethod
    def joined(cls, parts: "list[Agreements]") -> "Agreements":
        """Those of several parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls)))


def rows_of_pairs(compared: Compared, rows: np.ndarray) -> Compared:
    """What comparing found for some of the pairs."""
    return Compared(
        compared.levels[rows], compared.similarities[rows], compared.rarities[rows], compared.cosines[rows],
        compared.facts[rows],
    )  # fmt: skip


class Values:
    """What records (STANDARDISED) hold, column by column.

    Optionally with ``<column>_n``: how many records of the whole table hold each value. For pairs of few records at a
    time out of many: what is the same for all of them is worked out once, and the records themselves are not kept.
    """

    def __init__(self, records: pa.Table) -> None:
        columns = {c.name: comparison_column(records, c) for c in COMPARISONS}
        self.columns = columns
        self.counts = {c.name: holders(records, c, columns[c.name]) for c in COMPARISONS if c.frequency}
        self.equal_levels = {
            c.name: np.fromiter(map(c.equal_level, columns[c.name].values), np.int8, len(columns[c.name].values))
            for c in COMPARISONS
            if c.equal_level is not None
        }
        beside = {"family_names": value_column(records["family_names"]), "middle_names": columns["middle_name"]}
        self.given_beside = {name: shared_dictionary(columns["given_name"], own) for name, own in beside.items()}


def comparison_column(records: pa.Table, comparison: Comparison) -> ValueColumn:
    """The values of one comparison: valid ones first, then invalid ones for near misses."""
    column = value_column(records[comparison.column])
    if comparison.near_column is None:
        return column
    near = value_column(records[comparison.near_column])
    if comparison.name == "national_id":
        near = ValueColumn(near.offsets, near.codes, [f"invalid:{value}" for value in near.values])
    return merged(column, near) if len(near.codes) else column


def compare(records: pa.Table, left: np.ndarray, right: np.ndarray, n_records: int) -> Compared:
    """The evidence of pairs of rows of ``records``.

    In: STANDARDISED columns; optionally ``<column>_n`` (how many records of the whole table hold each value), and the
    EMBEDDINGS columns. ``n_records`` is the size of the whole table.
    """
    return completed(agreements(Values(records), left, right, n_records), records, left, right)


def completed(found: Agreements, records: pa.Table, left: np.ndarray, right: np.ndarray) -> Compared:
    """The agreements of pairs with the cosines of their vectors and their facts. In: as for `compare`."""
    of_names = (found.is_crossed, found.given_is_middle)
    facts = np.column_stack([pair_facts(records, left, right), *of_names]).astype(np.float32)
    return Compared(found.levels, found.similarities, found.rarities, cosines(records, left, right), facts)


def agreements(values: Values, left: np.ndarray, right: np.ndarray, n_records: int) -> Agreements:
    """How the values of pairs of rows agree; ``n_records`` is the size of the whole table."""
    n = len(left)
    found = np.zeros((n, len(COMPARISONS)), np.int8)
    similarities = np.zeros((n, len(COMPARISONS)), np.float32)
    rarities = np.zeros((n, len(COMPARISONS)), np.float32)
    for position, comparison in enumerate(COMPARISONS):
        column = values.columns[comparison.name]
        if not len(column.codes):
            continue
        if comparison.name == "identifier":
            found[:, position], similarities[:, position], best = identifier_levels(column, left, right)
        else:
            outcome = best_values(column, left, right, comparison.top, comparison.compare)
            found[:, position], similarities[:, position], best = (
                outcome.levels,
                outcome.similarities,
                outcome.left_position,
            )
            equal = np.flatnonzero((outcome.left_position >= 0) & (outcome.similarities == 1))
            equal = equal[column.codes[outcome.left_position[equal]] == column.codes[outcome.right_position[equal]]]
            if comparison.equal_level is not None and len(equal):
                by_value = values.equal_levels[comparison.name]
                found[equal, position] = by_value[column.codes[outcome.left_position[equal]]]
        if comparison.frequency:
            counts = values.counts[comparison.name]
            agree = (similarities[:, position] == 1) & (best >= 0)
            rarities[agree, position] = surprise(n_records, counts[column.codes[best[agree]]])
            if comparison.name in NEAR_NAMES:
                near = np.flatnonzero(np.isin(found[:, position], NEAR_NAMES[comparison.name]) & (best >= 0) & ~agree)
                sides = (outcome.left_position[near], outcome.right_position[near])
                fewest = np.minimum(*(counts[column.codes[side]] for side in sides))
                if comparison.name == "given_name":
                    of_two_sexes = are_forms_of_one_name(column.values, *(column.codes[side] for side in sides))
                    fewest = np.where(of_two_sexes, np.minimum(fewest, FORM_BEARERS), fewest)
                rarities[near, position] = -surprise(n_records, fewest)
    return Agreements(found, similarities, rarities, *note_swapped_names(values, left, right, found, similarities))


def holders(records: pa.Table, comparison: Comparison, column: ValueColumn) -> np.ndarray:
    """For each distinct value of the column, how many values of the whole table equal it; 1 where that is not known."""
    counts = np.ones(len(column.values), np.float64)
    name = f"{comparison.column}_n"
    if name in records.column_names:  # of valid values, whose codes and places come first
        flat = value_counts(records[name])
        n_valid = value_lengths(records[comparison.column])
        counts[column.codes[within(column.offsets[:-1], n_valid)]] = flat
    return counts


def are_forms_of_one_name(values: list[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether two given names, by their codes, are a man's and a woman's form of one: Robert and Roberta."""
    pairs, back = np.unique(np.column_stack([left, right]), axis=0, return_inverse=True)
    found = np.fromiter((levels.are_of_two_sexes(values[a], values[b]) for a, b in pairs.tolist()), bool, len(pairs))
    return found[back.reshape(-1)]


def surprise(n_records: int, counts: np.ndarray) -> np.ndarray:
    """log2(n_records / number of records with the value), at least 0 (bits)."""
    return np.log2(np.maximum(n_records / counts, 1.0))


def value_counts(column: pa.ChunkedArray) -> np.ndarray:
    """The flat numbers of a list-of-integers column."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.flatten().to_numpy(zero_copy_only=False).astype(np.float64)


def identifier_levels(
    column: ValueColumn, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels of identifiers, compared only inside one namespace (the text before the last ``|``); else missing."""
    pair, left_position, right_position = value_pairs(column, left, right)
    namespaces = np.unique([value.rpartition("|")[0] for value in column.values], return_inverse=True)[1]
    same = namespaces[column.codes[left_position]] == namespaces[column.codes[right_position]]
    pair, left_position, right_position = pair[same], left_position[same], right_position[same]
    found, similarity = compared_codes(
        column.codes[left_position], column.codes[right_position], column.values, 4, levels.code_levels
    )
    result, similarities = np.zeros(len(left), np.int8), np.zeros(len(left), np.float32)
    best = np.full(len(left), -1, np.int64)
    order = np.lexsort((right_position, left_position, -similarity, -found, pair))
    chosen = order[np.unique(pair[order], return_index=True)[1]]
    result[pair[chosen]], similarities[pair[chosen]], best[pair[chosen]] = (
        found[chosen],
        similarity[chosen],
        left_position[chosen],
    )
    return result, similarities, best


def shared_dictionary(first: ValueColumn, second: ValueColumn) -> tuple[ValueColumn, ValueColumn]:
    """Both columns over one list of values, so that their codes can be compared."""
    both = merged(first, second)
    position = {value: code for code, value in enumerate(both.values)}
    mapped = np.array([position[value] for value in second.values], np.int64)
    codes = mapped[second.codes] if len(second.values) else second.codes
    return ValueColumn(first.offsets, first.codes, both.values), ValueColumn(second.offsets, codes, both.values)


def crossed(first: ValueColumn, second: ValueColumn, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether a left value of ``first`` is (nearly) a right value of ``second``; single letters never are."""
    result = np.zeros(len(left), bool)
    pair, left_position, right_position = value_pairs(first, left, right, second)
    if len(pair):
        low, _ = compared_codes(
            first.codes[left_position], second.codes[right_position], first.values, 3, levels.word_levels
        )
        near = np.flatnonzero(low >= 2)
        codes = first.codes[left_position[near]].tolist()
        result[pair[near[np.array([len(first.values[code]) > 1 for code in codes], bool)]]] = True
    return result


def whole_names(given: ValueColumn, family: ValueColumn, rows: np.ndarray) -> list[str]:
    """The parts of the first given and family name of some records, in ascending order: "ness timothy"."""
    firsts = [first_values(column, rows) for column in (given, family)]
    return [" ".join(sorted(" ".join(name for name in names if name).split())) for names in zip(*firsts, strict=True)]


def first_values(column: ValueColumn, rows: np.ndarray) -> list[str]:
    """The first value of some records; empty where they have none."""
    return [column.values[code] if code < len(column.values) else "" for code in column.first_codes[rows].tolist()]


def same_name_parts(
    given: ValueColumn, family: ValueColumn, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(two or more parts agree, the only part agrees), whichever fields they stand in; one typing error is allowed."""
    if not len(left):
        return np.zeros(0, bool), np.zeros(0, bool)
    rows, back = np.unique(np.concatenate([left, right]), return_inverse=True)
    chosen = whole_names(given, family, rows)
    a, b = np.split(back, 2)
    lengths = levels.each(chosen, len, np.int32)
    n_parts = levels.each(chosen, lambda name: name.count(" ") + 1, np.int32)
    same = (levels.edits(levels.strings(chosen), a, b) <= 1) & (np.minimum(lengths[a], lengths[b]) >= 4)
    return same & (n_parts[a] >= 2), same & (n_parts[a] == 1)


def note_swapped_names(
    values: Values, left: np.ndarray, right: np.ndarray, found: np.ndarray, similarities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Raise, in place, the levels of pairs whose given and family names, or given and middle names, changed places.

    Returns two arrays (n,): whether the given name of one record alone is the family name of the other, and the rest
    disagrees; whether the given name of one is a middle name of the other, and not the other way round.
    """
    given, family = values.given_beside["family_names"]
    g, f = INDEX["given_name"], INDEX["family_name"]
    unlike = np.flatnonzero(((found[:, g] <= 3) & (found[:, f] <= 2)) | (found[:, g] == 0) | (found[:, f] == 0))
    there, back = (
        crossed(given, family, left[unlike], right[unlike]),
        crossed(given, family, right[unlike], left[unlike]),
    )
    glued, one_part = same_name_parts(given, family, left[unlike], right[unlike])
    rows = unlike[(there & back) | glued]
    is_crossed = np.zeros(len(left), bool)
    is_crossed[unlike] = (there != back) & ~glued
    found[rows, g], found[rows, f] = SWAPPED_GIVEN, SWAPPED_FAMILY
    similarities[rows[:, None], [g, f]] = 0.95
    other_fields = (found[unlike, g] == 0) & (found[unlike, f] == 0)
    found[unlike[one_part & other_fields], g] = SWAPPED_GIVEN
    given, middle = values.given_beside["middle_names"]
    unlike = np.flatnonzero((found[:, g] == 1) & (found[:, f] >= 2))
    there, back = (
        crossed(given, middle, left[unlike], right[unlike]),
        crossed(given, middle, right[unlike], left[unlike]),
    )
    found[unlike[there | back], g] = 6
    given_is_middle = np.zeros(len(left), bool)
    for a, b, rows in ((left, right, unlike[there & ~back]), (right, left, unlike[back & ~there])):
        given_is_middle[rows] = ~initials_meet(middle, given, a[rows], b[rows])
    return is_crossed, given_is_middle


def initials_meet(first: ValueColumn, second: ValueColumn, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether a left value of ``first`` is a single letter with which a right value of ``second`` begins."""
    pair, left_position, right_position = value_pairs(first, left, right, second)
    letters, names = (
        [column.values[code] for code in column.codes[position].tolist()]
        for column, position in ((first, left_position), (second, right_position))
    )
    result = np.zeros(len(left), bool)
    meet = [len(letter) == 1 and name.startswith(letter) for letter, name in zip(letters, names, strict=True)]
    result[pair[np.array(meet, bool)]] = True
    return result


def pair_facts(records: pa.Table, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """All PAIR_FACTS but the last two, which are of names.

    The gap of birth years (-1 unknown), newborn and placeholder sides (0..2), conflicts (0/1), NOTE_FACTS (-1, 0, 1),
    FAULTS and CHARTS (0..2), whether one side alone has a name suffix (0/1).
    """
    marks = value_column(records["name_marks"])
    newborn = holding(marks, lambda mark: mark.startswith("newborn")).astype(np.int8)
    placeholder = holding(marks, lambda mark: mark.startswith("placeholder")).astype(np.int8)
    births, of_birth = value_column(records["birth_dates"]), value_column(records["birth_orders"])
    years = np.append(dates.date_fields(births.values)[:, 0], 0)[births.first_codes]
    orders = np.array([*(int(value) if value.isdigit() else 0 for value in of_birth.values), 0])[of_birth.first_codes]
    gap = np.where((years[left] > 0) & (years[right] > 0), np.abs(years[left] - years[right]), -1)
    order_conflict = (orders[left] > 0) & (orders[right] > 0) & (orders[left] != orders[right])
    sources = records["source"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    columns = (
        gap, newborn[left] + newborn[right], order_conflict & (newborn[left] + newborn[right] > 0),
        placeholder[left] + placeholder[right], sources[left] == sources[right], order_conflict,
    )  # fmt: skip
    notes = note_facts_of_pairs(records, left, right)
    sides = (fault_sides(records, left, right), chart_sides(records, left, right))
    has_suffix = value_column(records["suffixes"]).counts > 0
    return np.column_stack([*columns, notes, *sides, has_suffix[left] != has_suffix[right]]).astype(np.float32)


def fault_sides(records: pa.Table, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, len(FAULTS)) of 0..2: on how many sides an address was a group's, and a birth date impossible."""
    if "value_faults" not in records.column_names:
        return np.zeros((len(left), len(FAULTS)), np.int8)
    faults = value_column(records["value_faults"])
    kinds = (lambda fault: fault == "address_line:group_address", lambda fault: fault.startswith("birth_date:"))
    marks = np.column_stack([holding(faults, is_wanted) for is_wanted in kinds]).astype(np.int8)
    return marks[left] + marks[right]


def holding(column: ValueColumn, is_wanted: Callable[[str], bool]) -> np.ndarray:
    """Whether each record holds a wanted value."""
    wanted = np.array([is_wanted(value) for value in column.values], bool)[column.codes]
    found = np.zeros(len(column.counts), bool)
    found[np.repeat(np.arange(len(found)), column.counts)[wanted]] = True
    return found
