"""Reasons why a pair must not be linked automatically, whatever its probability, under the preset ``safe``."""

import numpy as np
import pyarrow as pa

from siamese_er.linkage import dates
from siamese_er.linkage.compare import PAIR_FACTS, Compared
from siamese_er.linkage.comparisons import COMPARISONS, INDEX
from siamese_er.linkage.context import PAIR_CONTEXT
from siamese_er.linkage.explain import named_lists
from siamese_er.linkage.features import BEARERS_AMONG, TableShape
from siamese_er.linkage.fellegi_sunter import TableFit
from siamese_er.linkage.note_pairs import NOTE_FACTS
from siamese_er.linkage.note_support import MOST_BITS, note_support, record_errs

OF_HOUSEHOLDS = (
    "national_id_conflict", "twins_pattern", "generation_gap", "near_given_name_in_household", "sibling_pattern",
    "same_id_other_person", "no_name_or_birth_date", "guarantor_pattern", "birth_date_in_doubt", "sex_differs",
    "namesake", "between_two_people", "name_changed", "generation_unknown",
)  # fmt: skip
"""Vetoes that count where the table shows households. A newborn's temporary name shows a maternity ward: where it stands,
mothers and other babies are plausible in any table."""
MOST_STRANGERS = 0.01
MOST_NAMESAKES = 0.2
COMMON_NAME_BITS = 17.5
"""Given and family name together are common where less surprising than this: borne by more than one in 185,000."""
SAME_GIVEN, SAME_FAMILY = (4, 5, 7), (3, 5)  # levels: close, (nickname,) equal
CONTACT = (4, 3, 3)  # levels of address, phone and e-mail from which on they agree
GENERATION = 12  # years that a parent is older at least
LIKELY_BITS, HARDLY_BITS = 4.6, 2.0
LEAST_BEARERS, LEAST_BEARER_SHARE = 2, 1 / BEARERS_AMONG
"""Records of a table that hold a given name which is not another one mistyped: misspellings recur in big tables."""
LEAST_HOUSEHOLD_SHARE = 0.3
"""Of candidate pairs with one home, the share with different given names from which on households are plausible: the
largest cut-off that still tells nine in ten of the held-out simulated tables with households (``jobs/train.py
--cut-offs``). A table where no homes are known has 1/3."""
VETOES = (
    "national_id_conflict", "twins_pattern", "generation_gap", "birth_order_conflict", "near_given_name_in_household",
    "sibling_pattern", "same_id_other_person", "no_name_or_birth_date", "suffix_conflict", "guarantor_pattern",
    "birth_date_in_doubt", "unnamed_newborn", "sex_differs", "namesake", "between_two_people", "thin_evidence",
    "note_contradiction", "wrong_chart", "name_changed", "generation_unknown",
)  # fmt: skip

CONTRADICTIONS = (
    "national_id_conflict", "twins_pattern", "generation_gap", "birth_order_conflict", "same_id_other_person",
    "suffix_conflict",
)  # fmt: skip
"""Vetoes that tell of two persons; they keep whole groups of records apart. The others say that a pair alone is too little."""


def vetoes(compared: Compared, fit: TableFit, shape: TableShape, context: np.ndarray | None = None) -> np.ndarray:
    """(n, len(VETOES)) bool: which vetoes each pair has; see each line for the pattern.

    A pattern that tells two people of one household from one person counts where the table shows households; in a table
    of unrelated strangers the calibrated probability decides, but for newborns without a name.
    """
    levels = compared.levels

    def level(name: str) -> np.ndarray:
        return levels[:, INDEX[name]]

    fact = {name: compared.facts[:, position] for position, name in enumerate(PAIR_FACTS)}
    given, family, born, national = level("given_name"), level("family_name"), level("birth_date"), level("national_id")
    home = (level("address_line") >= 4) | (level("phone") == 3)
    same_id = identifier_agrees(compared)
    same_birth = born >= dates.SWAPPED
    may_be_twins = same_birth | (born == dates.PARTIAL)  # as far as known: one year, or one day of unknown years
    other_given = given == 1
    similar_given = given >= 4
    gap = fact["year_gap"]
    newborn_and_mother = (gap >= GENERATION) & (fact["newborn_sides"] == 1)
    patterns = {
        # two different valid ids of one person are rare, so only everything else in agreement outweighs them
        "national_id_conflict": (national == 1)
        & ~((given >= 4) & (family >= 3) & same_birth & (home | (level("email") >= 3) | (level("identifier") == 4))),
        "twins_pattern": may_be_twins
        & other_given
        & (family >= 2)
        & (home | (level("mother_maiden_name") >= 3))
        & ~same_id,
        "generation_gap": ((gap >= 15) & similar_given & (family >= 3) & (born <= dates.SAME_DAY) & ~(national >= 3))
        | newborn_and_mother,
        "birth_order_conflict": (fact["birth_order_conflict"] > 0) | (fact["newborn_order_conflict"] > 0),
        "near_given_name_in_household": (same_birth | (born == 0))
        & (family >= 3)
        & (home | (elsewhere_unknown(compared) & (given == 3)))
        & ~(national >= 3)
        & (level("identifier") < 3)
        & ((given == 3) | ((given == 4) & ((level("sex") == 1) | established_given_names(compared, fit)))),
        "sibling_pattern": (gap >= 1) & (gap <= 3) & home & (given < 4) & (family >= 2) & ~(national >= 3),
        "same_id_other_person": same_id & (born >= 1) & (born <= dates.SAME_DAY) & other_given,
        "no_name_or_birth_date": no_name_or_birth_date(compared),
        "suffix_conflict": (level("name_suffix") == 1) & ~(national >= 3) & (born != dates.EQUAL),
        "between_two_people": between_two_people(compared, context) & (note_support(compared) < MOST_BITS),
        "thin_evidence": thin_evidence(compared, fit),
        "note_contradiction": note_contradiction(compared),
        "wrong_chart": (fact["wrong_chart_sides"] > 0) & no_identifier(compared),
        # a number that a parent lends to children: with it agree twins, and a father and son of one name
        "guarantor_pattern": (national >= 3)
        & home
        & (family >= 2)
        & ((similar_given & (gap >= 15) & (born <= dates.SAME_DAY)) | (may_be_twins & other_given)),
        "birth_date_in_doubt": birth_date_in_doubt(compared, fit),
        "unnamed_newborn": unnamed_newborn(compared, context),
        "sex_differs": (level("sex") == 1)
        & (((given >= 5) & (level("identifier") < 4)) | ((given == 0) & no_identifier(compared)))
        & ~record_errs(compared),
        "namesake": namesake(compared, fit),
        "name_changed": name_changed(compared),
        "generation_unknown": similar_given
        & (family >= 2)
        & (born == 0)
        & home
        & ((fact["suffix_on_one_side"] > 0) | contact_differs(compared))
        & no_identifier(compared),
    }
    if not shows_households(shape):
        patterns |= {name: np.zeros(len(levels), bool) for name in OF_HOUSEHOLDS}
        patterns["generation_gap"] = newborn_and_mother
    return np.column_stack([patterns[name] for name in VETOES])


def no_name_or_birth_date(compared: Compared) -> np.ndarray:
    """Whether there is no name to compare; or given names say no more than an initial, and too little else does.

    No birth date to compare and no identifier that agrees, or birth dates that differ and no e-mail address that agrees
    either: anybody of one home. Or no given name to compare, no identifier, and another phone or e-mail address, or no contact
    and no middle name that agrees: a twin.
    Notes of much in common help where the given names do not differ.
    """
    levels = compared.levels
    given, family, born = (levels[:, INDEX[name]] for name in ("given_name", "family_name", "birth_date"))
    differs = (born >= dates.DIFFERENT) & (born <= dates.SAME_DAY) & (levels[:, INDEX["email"]] < 3)
    thin = ((born == 0) | differs) & ~identifier_agrees(compared) & (given <= 2)
    thin |= (given == 0) & no_identifier(compared) & (contact_differs(compared) | is_strange(compared))
    return ((given == 0) & (family == 0)) | (thin & ((given == 1) | (note_support(compared) < MOST_BITS)))


def note_contradiction(compared: Compared) -> np.ndarray:
    """Whether notes speak of a person born at another time, or of the other sex and another sign besides.

    Where the birth dates themselves are one error apart, a note that knows one of them says nothing new.
    """
    birth, sex, name = (compared.facts[:, PAIR_FACTS.index(fact)] < 0 for fact in NOTE_FACTS)
    born, given = compared.levels[:, INDEX["birth_date"]], compared.levels[:, INDEX["given_name"]]
    other_sign = name | (given == 1) | ((born >= 1) & (born <= dates.SAME_DAY))
    return (birth & (born != dates.ONE_EDIT)) | (sex & other_sign)


def identifier_agrees(compared: Compared) -> np.ndarray:
    """Whether an identifier is equal."""
    return (compared.levels[:, [INDEX["national_id"], INDEX["identifier"]]] == 4).any(1)


def no_identifier(compared: Compared) -> np.ndarray:
    """Whether no identifier agrees, not even but for one error."""
    return (compared.levels[:, INDEX["national_id"]] < 3) & (compared.levels[:, INDEX["identifier"]] < 4)


def namesakes_expected(compared: Compared, fit: TableFit) -> np.ndarray:
    """How many records of both names, and of as like notes, the table is expected to hold, from the rarity of each."""
    return fit.n_records * np.exp2(-names_bits(compared) - note_support(compared))


def names_bits(compared: Compared) -> np.ndarray:
    """(n,) how surprising the names that agree are together, in bits."""
    return compared.rarities[:, [INDEX["given_name"], INDEX["family_name"]]].clip(0).sum(1)


def surprises(compared: Compared, fit: TableFit) -> np.ndarray:
    """(n, comparisons) how surprising each agreement is between two random records, 0 to 20 bits; 0 where there is none.

    From the rarity of what is equal; where it agrees in part, from how many random pairs agree as much.
    """
    rows = np.arange(len(COMPARISONS))
    found = np.where(compared.rarities > 0, compared.rarities, -np.log2(fit.u[rows, compared.levels]))
    return np.where(fit.weights()[rows, compared.levels] > 0.5, np.clip(found, 0, 20), 0)


def all_names_bits(compared: Compared, fit: TableFit) -> np.ndarray:
    """(n,) how surprising given, middle and family name are together, in bits; of what is equal, where one is another name.

    The names are the same if equal, all but equal or, of a given name, its nickname; but two given names that others bear too
    are two, however near, a part of a surname in common may be all that two people have, and how common a name is whose
    parts changed places is not known here.
    """
    columns = [INDEX[name] for name in ("given_name", "family_name", "middle_name")]
    given, family, _ = compared.levels[:, columns].T
    same = np.isin(given, SAME_GIVEN) & np.isin(family, SAME_FAMILY) & ~established_given_names(compared, fit)
    return np.where(same, surprises(compared, fit)[:, columns].sum(1), names_bits(compared))


def contacts_of(compared: Compared) -> np.ndarray:
    """(n, 3) levels of address, phone, e-mail."""
    return compared.levels[:, [INDEX[name] for name in ("address_line", "phone", "email")]]


def is_strange(compared: Compared, least_email: int = CONTACT[2]) -> np.ndarray:
    """Whether neither an identifier, nor a contact, nor a middle name agrees; e-mail addresses do from a level on."""
    return (
        no_identifier(compared)
        & (contacts_of(compared) < (*CONTACT[:2], least_email)).all(1)
        & (compared.levels[:, INDEX["middle_name"]] < 2)
    )


def contact_differs(compared: Compared) -> np.ndarray:
    """Whether phones or e-mail addresses are known and different."""
    return (contacts_of(compared)[:, 1:] == 1).any(1)


def elsewhere_unknown(compared: Compared) -> np.ndarray:
    """Whether the postal code is one and no contact agrees, which may be one home as well: addresses are not compared."""
    contacts = contacts_of(compared)
    no_address = contacts[:, 0] == 0
    return no_address & (compared.levels[:, INDEX["postal_code"]] == 3) & (contacts < CONTACT).all(1)


def name_changed(compared: Compared) -> np.ndarray:
    """Whether one of the two names differs and nothing but the other and the birth date speaks for one person.

    An e-mail address that is only nearly the other does not: many are made of the given name and the year of birth. Or both
    names differ, and neither an identifier nor a near e-mail address tells that it is one: two who live together. Or the
    given name of one is only a middle name of the other, neither of those tells, and a contact differs, or none agrees, or no
    birth date is known: brothers and cousins bear such names, too.
    """
    given, family = compared.levels[:, INDEX["given_name"]], compared.levels[:, INDEX["family_name"]]
    untold = no_identifier(compared) & (compared.levels[:, INDEX["email"]] < 3)
    both = (given == 1) & (family == 1) & untold
    strange = is_strange(compared, least_email=4)
    alone = strange | (contacts_of(compared) == 1).any(1) | (compared.levels[:, INDEX["birth_date"]] == 0)
    is_middle = (compared.facts[:, PAIR_FACTS.index("given_is_middle")] > 0) & untold & alone
    return both | is_middle | (strange & ((given == 1) | (family == 1)))


def established_given_names(compared: Compared, fit: TableFit) -> np.ndarray:
    """Whether the given names differ and the rarer is borne by enough: two names, rather than one mistyped."""
    rarity = compared.rarities[:, INDEX["given_name"]]
    least = max(LEAST_BEARERS, fit.n_records * LEAST_BEARER_SHARE)
    return (rarity < 0) & (fit.n_records * np.exp2(rarity.clip(-60, 0)) >= least - 0.1)


def birth_date_in_doubt(compared: Compared, fit: TableFit) -> np.ndarray:
    """Whether the birth dates are not quite equal, and neither identifier nor e-mail tells that they are one person's.

    One error in one home: next-day twins, a sibling a year apart, a parent; unless the notes tell as much, or given, middle
    and family name agree and no generation lies between, as no parents name two children alike. One error, day and month
    exchanged, or 1 January, which is often a default, where nothing of the household agrees, nor a middle
    name, or the names are not rare: a fifth of a further bearer is expected (where both are born on 1 January a
    hundredth: the dates of two namesakes are seldom one error apart, but often this one). A date that cannot be, is not
    nearly the other, and stands beside no note that knows the year.
    """
    levels = compared.levels
    born, email = levels[:, INDEX["birth_date"]], levels[:, INDEX["email"]]
    home = (levels[:, INDEX["address_line"]] >= 4) | (levels[:, INDEX["phone"]] == 3)
    in_doubt = np.isin(born, (dates.ONE_EDIT, dates.SWAPPED, dates.FIRST_OF_YEAR))
    most = np.where(born == dates.FIRST_OF_YEAR, MOST_STRANGERS, MOST_NAMESAKES)
    is_plausible = (namesakes_expected(compared, fit) > most) | (levels[:, INDEX["middle_name"]] < 2)
    alone = ~home & in_doubt & is_plausible
    far = (born >= dates.DIFFERENT) & (born <= dates.SAME_DAY)
    has_fault = compared.facts[:, PAIR_FACTS.index("birth_fault_sides")] > 0
    impossible = far & has_fault & ~impossible_but_noted(compared)
    is_told = (note_support(compared) >= MOST_BITS) | record_errs(compared)
    at_home = home & (born == dates.ONE_EDIT) & ~is_told & ~all_names_agree(compared)
    return no_identifier(compared) & (email < 3) & (at_home | alone | impossible)


def impossible_but_noted(compared: Compared) -> np.ndarray:
    """Whether a birth date cannot be, and notes tell a year in its stead that fits the other side."""
    fault, noted = (compared.facts[:, PAIR_FACTS.index(name)] > 0 for name in ("birth_fault_sides", "note_birth"))
    return fault & noted


def all_names_agree(compared: Compared) -> np.ndarray:
    """Whether given, middle (or its initial) and family name agree, of people born less than GENERATION years apart."""
    given, middle, family = (compared.levels[:, INDEX[name]] for name in ("given_name", "middle_name", "family_name"))
    gap = compared.facts[:, PAIR_FACTS.index("year_gap")]
    return (given >= 5) & (middle >= 2) & (family >= 3) & (gap < GENERATION)


def namesake(compared: Compared, fit: TableFit) -> np.ndarray:
    """Whether two people of one name are plausible, and no identifier agrees.

    Their birth dates differ (unless they have a contact in common and were born in one year, or a date is impossible and
    notes tell the year), and the name is not rare on
    this table or nothing else agrees; or the dates are equal and the name is a common one, but two contacts differ and none
    agrees (of 2,488 Maria Garcia in Harris County, 231 share a birth date with another); or one is missing, no contact
    agrees, and there is nothing but the names (a father and a son bear a rare one, too), or the name is a common one (without
    a middle name: not a rare one), or both addresses are of strangers who live together.
    """
    levels, contacts = compared.levels, contacts_of(compared)
    born = levels[:, INDEX["birth_date"]]
    no_contact = (contacts < CONTACT).all(1)
    expected = namesakes_expected(compared, fit)
    far = (born >= dates.DIFFERENT) & (born <= dates.SAME_DAY) & ~((born == dates.SAME_YEAR) & ~no_contact)
    far &= ~impossible_but_noted(compared)
    differs = far & ((expected > MOST_STRANGERS) | is_strange(compared))
    elsewhere = ((contacts == 1).sum(1) >= 2) & (contacts[:, 0] < 3) & (contacts[:, 1:] < 2).all(1)
    is_common = all_names_bits(compared, fit) + note_support(compared) < COMMON_NAME_BITS
    moved = elsewhere & np.where(born == dates.EQUAL, is_common, expected > MOST_STRANGERS)
    in_group = compared.facts[:, PAIR_FACTS.index("group_address_sides")] == 2
    no_middle_name = levels[:, INDEX["middle_name"]] < 2
    names_alone = no_middle_name & (contacts[:, 0] < 3) & (note_support(compared) < MOST_BITS)
    most = np.where(no_middle_name, MOST_STRANGERS, MOST_NAMESAKES)
    undated = (born == 0) & no_contact & (in_group | names_alone | (expected > most))
    return no_identifier(compared) & (differs | moved | undated)


def unnamed_newborn(compared: Compared, context: np.ndarray | None) -> np.ndarray:
    """Whether a baby without a name may be another baby than the other record tells of, and no identifier agrees.

    A twin is plausible but where the other record's middle name agrees with one that the nameless record has, or where
    birth date, sex, family name, phone and e-mail address do not differ, a contact agrees (two, where neither record has a
    name) and no third record fits one of the two, and not the other, as well as they fit each other.
    """
    levels = compared.levels
    fact = {name: compared.facts[:, PAIR_FACTS.index(name)] for name in ("newborn_sides", "newborn_order_conflict")}
    nameless = (fact["newborn_sides"] > 0) & (levels[:, INDEX["given_name"]] == 0)
    doubtful = nameless & no_identifier(compared) & (fact["newborn_order_conflict"] == 0)
    doubtful &= (fact["newborn_sides"] > 1) | (levels[:, INDEX["middle_name"]] < 2)
    if context is None:
        return doubtful
    n_contacts = (contacts_of(compared) >= CONTACT).sum(1)
    same = (levels[:, INDEX["birth_date"]] == dates.EQUAL) & (levels[:, INDEX["sex"]] != 1)
    same &= levels[:, INDEX["family_name"]] != 1
    same &= ~contact_differs(compared)
    weight, rival = (context[:, PAIR_CONTEXT.index(name)] * 5 for name in ("first_weight", "contradiction"))
    has_rival = rival >= np.maximum(weight, 0)
    return doubtful & ~(same & (n_contacts >= fact["newborn_sides"]) & ~has_rival)


def between_two_people(compared: Compared, context: np.ndarray | None) -> np.ndarray:
    """Whether a side, or both, has no birth date and fits a third record about as well, which the other side does not.

    A record of father or son in one home, where both are there. In: ``linkage.context.pair_context``, null where that is
    not known.
    """
    if context is None:
        return np.zeros(len(compared.levels), bool)
    levels = compared.levels
    home = (levels[:, INDEX["address_line"]] >= 4) | (levels[:, INDEX["phone"]] == 3)
    weight, rival = (context[:, PAIR_CONTEXT.index(name)] * 5 for name in ("first_weight", "contradiction"))
    return home & (levels[:, INDEX["birth_date"]] == 0) & (rival >= LIKELY_BITS) & (rival >= weight - HARDLY_BITS)


def shows_households(shape: TableShape) -> bool:
    """Whether different people share homes in this table, as far as can be told; true where nothing tells."""
    return shape.table_same_home_other_given >= LEAST_HOUSEHOLD_SHARE


def thin_evidence(compared: Compared, fit: TableFit) -> np.ndarray:
    """Whether fewer than two independent groups of evidence agree and the agreement is not rare on this table.

    Groups: person (names, birth date), identifier, household contact. The rarity test: among the table's records, fewer
    than MOST_STRANGERS are expected to agree as much with a given one by chance; what notes say counts there, within
    bounds, and is no group.
    """
    support = surprises(compared, fit)
    groups = np.array([c.group for c in COMPARISONS])
    strength = np.column_stack([support[:, groups == group].sum(1) for group in ("person", "identifier", "contact")])
    n_groups = (strength >= 5).sum(1)
    expected = fit.n_records * np.exp2(-strength.sum(1) - note_support(compared))
    return (n_groups < 2) & (expected > MOST_STRANGERS)


def veto_lists(marks: np.ndarray) -> pa.Array:
    """The names of the vetoes of each pair."""
    return named_lists(marks, VETOES)
