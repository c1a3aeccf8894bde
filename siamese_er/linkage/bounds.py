"""The greatest weight that comparing two records could find, seen from their sketches alone; see ``sketches.py``.

No pair is lost by it: what is left out could not reach the least weight of ``fellegi_sunter.plausible``. Columns are
looked at in turn, and pairs that are out of reach are looked at no further.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from siamese_er.fields.nickname_groups import nickname_group
from siamese_er.linkage.closeness import SLACK, Closeness
from siamese_er.linkage.comparisons import COMPARISONS, INDEX, SWAPPED_FAMILY, SWAPPED_GIVEN
from siamese_er.linkage.sketches import (
    BAG,
    END,
    FULL_DATE,
    LOOSE,
    MISSING,
    NUMBERED,
    SEVERAL,
    SHORT,
    SKETCH,
    WORDS,
)
from siamese_er.linkage.values import ValueColumn

GIVEN, FAMILY = INDEX["given_name"], INDEX["family_name"]
EXACT = [INDEX[name] for name in ("name_suffix", "sex", "state")]  # levels: equal or different, nothing between


@dataclass(frozen=True)
class Nicknames:
    """``place`` of each record's only given name (0: none that has a nickname); whether two places may be one person's."""

    place: np.ndarray
    meet: np.ndarray


def nicknames(column: ValueColumn) -> Nicknames:
    """The Nicknames of records. In: their given names."""
    groups = [nickname_group(value) for value in column.values]
    known = {name for group in groups if len(group) > 1 for name in group}
    places = np.zeros(len(column.values) + 1, np.int64)
    chosen = [code for code, group in enumerate(groups) if group & known]
    places[chosen] = np.arange(1, len(chosen) + 1)
    formal = {name: i for i, name in enumerate(sorted(known))}
    member = np.zeros((len(chosen) + 1, len(formal)), np.float32)
    for place, code in enumerate(chosen, 1):
        member[place, [formal[name] for name in groups[code] & known]] = 1
    return Nicknames(places[column.first_codes], (member @ member.T) > 0)


def columns_of(sketches: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """What the sketches hold, by name: numbers of all records beside one another, those of a record in a column."""
    ends = np.cumsum([len(own) for own in sketches])
    columns = {}
    for name in SKETCH.names or ():
        base, shape = SKETCH[name].base, SKETCH[name].shape
        columns[name] = np.empty((*shape, ends[-1] if len(ends) else 0), base)
        for own, end in zip(sketches, ends, strict=True):
            columns[name][..., end - len(own) : end] = own[name].T
    return columns


def greatest(weights: np.ndarray, name: str, *levels: int) -> np.float32:
    """The greatest weight of the levels of a comparison."""
    return np.float32(weights[INDEX[name], list(levels)].max())


class Reach:
    """Which pairs of some records could reach the least weight.

    In: arrays of their sketches, one after the other, their nicknames, and weights (bits) of shape (len(COMPARISONS),
    widest), 0 for missing.
    """

    def __init__(self, sketches: Sequence[np.ndarray], nicks: Nicknames, weights: np.ndarray) -> None:
        self.nicks = nicks
        self.columns = columns_of(sketches)
        self.codes = self.columns["codes"]
        self.weights = weights.astype(np.float32)
        levels = self.columns.pop("equal_levels")
        self.equal = np.stack([self.weights[place].take(levels[place]) for place in range(len(COMPARISONS))])
        tops = [weights[i, 1 : len(c.labels)] for i, c in enumerate(COMPARISONS)]
        self.most = np.array([top.max() for top in tops], np.float32)
        self.unequal = self.most.copy()
        self.unequal[EXACT] = self.weights[EXACT, 1]
        # both names, or a given name alone where a record has one name part and nothing else
        self.swapped = self.weights[GIVEN, SWAPPED_GIVEN] + max(self.weights[FAMILY, SWAPPED_FAMILY], np.float32(0))

    def rows(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The numbers of the pairs (of record rows) that could reach it."""
        bits, opened = zip(*(self.bits(place, left, right) for place in range(len(COMPARISONS))), strict=True)
        given, family = bits[GIVEN], bits[FAMILY]
        no_name = self.is_missing(GIVEN, left, right) | self.is_missing(FAMILY, left, right)
        names = np.where(no_name, np.maximum(given + family, self.swapped), given + family)
        total = sum((own for place, own in enumerate(bits) if place not in (GIVEN, FAMILY)), names)
        alive = np.flatnonzero(total >= -SLACK)
        for name, bound in BOUNDS.items():
            place = INDEX[name]
            rows = alive[opened[place].take(alive)]
            if len(rows):
                total[rows] += bound(self, left.take(rows), right.take(rows)) - self.unequal[place]
                alive = alive[total.take(alive) >= -SLACK]
        rows = alive[(no_name | opened[GIVEN] | opened[FAMILY]).take(alive)]
        if len(rows):
            rest = total[rows] - names[rows]
            total[rows] = rest + self.names(left[rows], right[rows], given[rows], family[rows], rest)
            alive = alive[total[alive] >= -SLACK]
        return alive

    def bits(self, place: int, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The most that a comparison brings each pair, as its codes alone tell, and whether it `is_open`."""
        a, b = self.codes[place].take(left), self.codes[place].take(right)
        found = np.full(len(left), self.unequal[place])
        is_same = a == b
        same = np.flatnonzero(is_same)
        found[same] = self.equal[place].take(left.take(same))
        least = np.minimum(a, b, out=a)
        found[least == SEVERAL] = self.most[place]
        found[least == MISSING] = 0
        return found, ~is_same & (least > SEVERAL)

    def is_missing(self, place: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether a record of the pair has no value."""
        codes = self.codes[place]
        return (codes.take(left) == MISSING) | (codes.take(right) == MISSING)

    def is_open(self, place: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether both records have one value, and not the same."""
        a, b = self.codes[place].take(left), self.codes[place].take(right)
        return (a != b) & (np.minimum(a, b) > SEVERAL)

    def names(
        self, left: np.ndarray, right: np.ndarray, given: np.ndarray, family: np.ndarray, rest: np.ndarray
    ) -> np.ndarray:
        """The most that given and family names bring together; they may have changed places.

        In: the bits of either name as `bits` tells, which are changed, and those of all other columns: where these are too few
        even beside a given name that stands among the middle names, there it is not looked for.
        """
        rows = np.flatnonzero(self.is_open(GIVEN, left, right))
        given[rows] = given_bits(self, left[rows], right[rows])
        rows = np.flatnonzero(self.is_open(FAMILY, left, right))
        family[rows] = family_bits(self, "family_name")(left[rows], right[rows])
        part = greatest(self.weights, "given_name", 6)
        rows = np.flatnonzero((given < part) & (rest + part + family >= -SLACK))
        first, second = left[rows], right[rows]
        crossed = self.may_be_crossed("middle_name", first, second) | self.may_be_crossed("middle_name", second, first)
        given[rows[crossed]] = part
        best = given + family
        rows = np.flatnonzero(best < self.swapped)
        best[rows[self.may_be_swapped(left[rows], right[rows])]] = self.swapped
        return best

    def may_be_crossed(self, other: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether the given name of a left record may be nearly (`compare.crossed`) the right one's name of another kind."""
        least = np.minimum(self.codes[GIVEN].take(left), self.codes[INDEX[other]].take(right))
        may = least == SEVERAL
        rows = np.flatnonzero(least > SEVERAL)
        found = self.closeness("given_name", left[rows], right[rows], other)
        may[rows] = found.is_close & (found.shortest > 1)
        return may

    def may_be_swapped(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether given and family names may have changed places, or the same parts, one letter aside, in whichever fields."""
        found = self.closeness("whole_name", left, right).edits <= 1
        rows = np.flatnonzero(~found)
        rows = rows[self.may_be_crossed("family_name", left[rows], right[rows])]
        found[rows] = self.may_be_crossed("family_name", right[rows], left[rows])
        return found

    def closeness(self, name: str, left: np.ndarray, right: np.ndarray, other: str | None = None) -> Closeness:
        """The Closeness of texts of pairs; ``other``: which text of the right side, where it is not the same."""
        a, b = BAG[name], BAG[other or name]
        first, second = (
            self.columns["lengths"][bag].take(rows).astype(np.float32) for bag, rows in ((a, left), (b, right))
        )
        bags, more, starts = (
            (self.columns[part][a].take(left), self.columns[part][b].take(right)) for part in ("bags", "more", "starts")
        )
        shared = np.bitwise_count(np.bitwise_and(*bags)) + np.minimum(*more)
        return Closeness((first, second), np.minimum(shared.astype(np.float32), np.minimum(first, second)), starts)

    def marked(self, name: str, mark: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether one of the two values has the mark."""
        marks = self.columns["marks"][INDEX[name]]
        return ((marks.take(left) | marks.take(right)) & mark) > 0

    def same_end(self, name: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether the part of the value that counts is the same."""
        ends = self.columns["ends"][END[name]]
        return ends.take(left) == ends.take(right)


def given_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal given names, that of changed places aside."""
    weigh = lambda *levels: greatest(reach.weights, "given_name", *levels)  # noqa: E731
    found = reach.closeness("given_name", left, right)
    bits = np.where(found.is_close, weigh(1, 3, 4), np.where(found.is_near, weigh(1, 3), weigh(1)))
    meet = reach.nicks.meet[reach.nicks.place[left], reach.nicks.place[right]]
    bits = np.where(meet, np.maximum(bits, weigh(5)), bits)
    bits = np.where(found.is_initial, np.maximum(bits, weigh(2)), bits)
    return np.where(reach.marked("given_name", WORDS, left, right), weigh(1, 2, 3, 4, 5, 6), bits)


def family_bits(reach: Reach, name: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Bounds of unequal family names, that of changed places aside."""

    def bound(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        found = reach.closeness(name, left, right)
        close, near, far = (greatest(reach.weights, name, *levels) for levels in ((1, 2, 3), (1, 2), (1,)))
        bits = np.where(found.is_close, close, np.where(found.is_near, near, far))
        return np.where(reach.marked(name, WORDS, left, right), greatest(reach.weights, name, 1, 2, 3, 4), bits)

    return bound


def middle_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal middle names."""
    found = reach.closeness("middle_name", left, right)
    may_be_close = found.is_close | reach.marked("middle_name", WORDS, left, right)
    bits = np.where(
        may_be_close, greatest(reach.weights, "middle_name", 1, 3), greatest(reach.weights, "middle_name", 1)
    )
    return np.where(found.is_initial, np.maximum(bits, greatest(reach.weights, "middle_name", 2)), bits)


def date_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal birth dates; all but those of partial dates and of two wrong digits are exact."""
    weight = reach.weights[INDEX["birth_date"]]
    date, days = reach.columns["date"], reach.columns["day_number"]
    a, b = date[left], date[right]
    unlike = a ^ b
    wrong = (unlike | unlike >> np.uint32(1) | unlike >> np.uint32(2) | unlike >> np.uint32(3)) & np.uint32(0x11111111)
    n_wrong = np.bitwise_count(wrong)
    same_year, same_day = unlike >> np.uint32(16) == 0, (unlike & np.uint32(0xFFFF)) == 0
    neighbours = (n_wrong == 2) & ((wrong & (wrong >> np.uint32(4))) > 0)
    one_error = (n_wrong == 1) | neighbours | (np.abs(days[left] - days[right]) == 1) | same_day
    bits = np.where(same_day, weight[3], np.where(same_year, weight[2], weight[1]))
    bits = np.where(one_error, np.maximum(bits, weight[5]), bits)
    swapped = a == reach.columns["swapped_date"][right]
    bits = np.where(swapped, np.maximum(bits, weight[6]), bits)
    marks = reach.columns["marks"][INDEX["birth_date"]]
    full = (marks[left] & marks[right] & FULL_DATE) > 0
    return np.where(full, bits, greatest(reach.weights, "birth_date", 1, 2, 3, 4, 5, 6))


def code_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal national ids."""
    found = reach.closeness("national_id", left, right)
    one_error = (found.edits <= 1) & (found.shortest >= 6)
    far, near = greatest(reach.weights, "national_id", 1), greatest(reach.weights, "national_id", 1, 3)
    bits = np.where(one_error, near, far)
    short = reach.marked("national_id", SHORT, left, right)
    last_four = short & reach.same_end("national_id", left, right)
    return np.where(last_four, greatest(reach.weights, "national_id", 1, 2, 3), bits)


def identifier_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal identifiers: nothing where no namespace is shared, and never less."""
    spaces = reach.columns["namespaces"]
    found = reach.closeness("identifier", left, right)
    similar = (found.edits <= 1) | reach.marked("identifier", SHORT, left, right)
    bits = np.where(similar, greatest(reach.weights, "identifier", 1, 2, 3), 0)
    return np.where((spaces[left] & spaces[right]) > 0, np.maximum(bits, 0), 0)


def phone_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal phones."""
    near = (reach.closeness("phone", left, right).edits <= 1) | reach.same_end("phone", left, right)
    return np.where(near, greatest(reach.weights, "phone", 1, 2), greatest(reach.weights, "phone", 1))


def postal_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal postal codes."""
    near = (reach.closeness("postal_code", left, right).edits <= 1) | reach.same_end("postal_code", left, right)
    return np.where(near, greatest(reach.weights, "postal_code", 1, 2), greatest(reach.weights, "postal_code", 1))


def email_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal e-mail addresses."""
    whole, local = reach.closeness("email", left, right), reach.closeness("email_local", left, right)
    weigh = lambda *levels: greatest(reach.weights, "email", *levels)  # noqa: E731
    bits = np.where(local.similarity >= 0.93 - SLACK, weigh(1, 2), weigh(1))
    return np.where(whole.edits <= 2, np.maximum(bits, weigh(3)), bits)


def address_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal address lines."""
    found = reach.closeness("address_line", left, right)
    total = reach.columns["lengths"][BAG["address_line"]]
    letters = total[left].astype(np.float32) + total[right]
    streets = np.maximum(2 * found.common / np.maximum(letters, 1), found.similarity) + SLACK
    streets = np.where((found.shortest == LOOSE) | (letters == 0), 1, streets)
    marks = reach.columns["marks"][INDEX["address_line"]]
    both_numbered = (marks[left] & marks[right] & NUMBERED) > 0
    same = reach.same_end("address_line", left, right) | ~both_numbered
    weigh = lambda *levels: greatest(reach.weights, "address_line", *levels)  # noqa: E731
    bits = np.where(streets >= 0.9, weigh(1, 2), weigh(1))
    bits = np.where(same & (streets >= 0.85), np.maximum(bits, weigh(3)), bits)
    return np.where(same & (streets >= 0.97), np.maximum(bits, weigh(4)), bits)


def city_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal cities."""
    close = reach.closeness("city", left, right).is_close
    return np.where(close, greatest(reach.weights, "city", 1, 2), greatest(reach.weights, "city", 1))


def maiden_bits(reach: Reach, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Bounds of unequal maiden names of mothers."""
    return family_bits(reach, "mother_maiden_name")(left, right)


BOUNDS: dict[str, Callable[[Reach, np.ndarray, np.ndarray], np.ndarray]] = {
    "birth_date": date_bits,
    "phone": phone_bits,
    "national_id": code_bits,
    "address_line": address_bits,
    "email": email_bits,
    "city": city_bits,
    "postal_code": postal_bits,
    "middle_name": middle_bits,
    "mother_maiden_name": maiden_bits,
    "identifier": identifier_bits,
}
"""The bounds of unequal values of each comparison but names, in the order in which they are looked at."""
