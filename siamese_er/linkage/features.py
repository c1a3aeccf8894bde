"""The pair head's input: evidence of a pair beside unlabelled statistics of its table. All symmetric in the two records."""

from dataclasses import dataclass

import numpy as np

from siamese_er.linkage.compare import NEAR_NAMES, PAIR_FACTS, Compared
from siamese_er.linkage.comparisons import COMPARISONS, INDEX
from siamese_er.linkage.cosines import COSINES
from siamese_er.linkage.fellegi_sunter import TableFit
from siamese_er.linkage.note_pairs import NOTE_FACTS

GROUPS = ("person", "identifier", "contact")
FACTS = (
    "year_gap_0", "year_gap_1_3", "year_gap_4_14", "year_gap_15_60", "newborn_one_side", "newborn_both",
    "newborn_order_conflict", "placeholder_sides", "same_source", "birth_order_conflict", "one_name_crossed",
    *(f"{name}_{sign}" for name in NOTE_FACTS for sign in ("agrees", "contradicts")),
)  # fmt: skip
TABLE_FIELDS = (
    "given_name", "family_name", "middle_name", "birth_date", "sex", "national_id", "phone", "email", "address_line",
    "city", "postal_code",
)  # fmt: skip
BEARERS_AMONG = 5_000
"""Records of the largest table in which a name borne twice counts as a name, and not as an error made twice."""


def feature_names() -> tuple[str, ...]:
    """The names of the head's inputs in order; a model whose list differs is refused."""
    names = [f"weight_{c.name}" for c in COMPARISONS]
    names += [f"missing_{c.name}" for c in COMPARISONS]
    names += [f"similarity_{c.name}" for c in COMPARISONS]
    names += [f"rarity_{c.name}" for c in COMPARISONS if c.frequency]
    names += [f"bearers_{name}" for name in NEAR_NAMES]
    names += [f"level_{c.name}_{label}" for c in COMPARISONS for label in c.labels[1:]]
    names += [*COSINES, *(f"has_{name}" for name in COSINES), *FACTS]
    names += [f"group_{group}" for group in GROUPS] + ["weight_sum", "weight_sum_with_rarity", "n_present", "prior"]
    names += [f"table_coverage_{name}" for name in TABLE_FIELDS]
    names += [f"table_m_{name}" for name in TABLE_FIELDS] + [f"table_weight_{name}" for name in TABLE_FIELDS]
    return (*names, *TableShape.__dataclass_fields__)


@dataclass(frozen=True)
class TableShape:
    """Unlabelled facts of a table's candidate pairs that tell households from strangers; shares are 0..1."""

    table_log_records: float
    table_candidates_per_record: float
    table_same_home_other_given: float
    table_same_home_other_birth: float
    table_same_birth_other_given: float
    table_same_names_other_birth: float
    table_same_id_other_birth: float
    table_strong_share: float
    table_middling_share: float


def table_shape(levels: np.ndarray, counts: np.ndarray, fit: TableFit) -> TableShape:
    """The TableShape of counted candidate patterns; a share of few pairs is held to 1/3, by 6 pseudo-pairs."""
    counts = counts.astype(float)

    def level(name: str) -> np.ndarray:
        return levels[:, INDEX[name]]

    def share(condition: np.ndarray, among: np.ndarray) -> float:
        return float(((counts * (condition & among)).sum() + 2.0) / ((counts * among).sum() + 6.0))

    home = (level("address_line") >= 4) | (level("phone") == 3)
    born, given = level("birth_date") == 8, level("given_name")
    names = (given == 7) & (level("family_name") == 5)
    other_birth = (level("birth_date") >= 1) & (level("birth_date") <= 3)
    weight = (fit.weights()[np.arange(len(COMPARISONS)), levels].sum(1) if len(levels) else np.zeros(0)) + np.log2(
        fit.prior
    )
    return TableShape(
        np.log10(max(fit.n_records, 1)), np.log10(1 + fit.n_candidates / max(fit.n_records, 1)),
        share(given == 1, home & (given > 0)), share(other_birth, home & (level("birth_date") > 0)),
        share(given == 1, born & (level("family_name") == 5)), share(other_birth, names & (level("birth_date") > 0)),
        share(other_birth, (level("national_id") == 4) & (level("birth_date") > 0)),
        float(np.log10(1 + 10 * (counts * (weight > 3)).sum() / max(fit.n_records, 1))),
        float(np.log10(1 + 10 * (counts * (np.abs(weight) <= 3)).sum() / max(fit.n_records, 1))),
    )  # fmt: skip


def fact_columns(facts: np.ndarray) -> np.ndarray:
    """(n, len(FACTS)) of 0..2 from PAIR_FACTS."""
    fact = {name: facts[:, position] for position, name in enumerate(PAIR_FACTS)}
    gap = fact["year_gap"]
    return np.column_stack([
        gap == 0, (gap >= 1) & (gap <= 3), (gap >= 4) & (gap < 15), (gap >= 15) & (gap <= 60),
        fact["newborn_sides"] == 1, fact["newborn_sides"] == 2, fact["newborn_order_conflict"],
        fact["placeholder_sides"], fact["same_source"], fact["birth_order_conflict"], fact["one_name_crossed"],
        *(fact[name] == sign for name in NOTE_FACTS for sign in (1, -1)),
    ]).astype(np.float32)  # fmt: skip


def bearers(compared: Compared, n_records: int) -> np.ndarray:
    """(n, len(NEAR_NAMES)) of 0..2: how well borne the rarer of two near, unequal names is: two names, or one mistyped.

    log2 of its records, but of its records among 5,000 in a larger table, where one typing error comes up again and again;
    a third of it, at most 2.
    """
    rarity = compared.rarities[:, [INDEX[name] for name in NEAR_NAMES]]
    borne = rarity + np.log2(min(max(n_records, 1), BEARERS_AMONG))
    return np.where(rarity < 0, borne.clip(0, 6) / 3, 0).astype(np.float32)


def features(compared: Compared, fit: TableFit, shape: TableShape) -> np.ndarray:
    """(n, len(feature_names())) float32, each about -3..3."""
    levels, n = compared.levels, len(compared.levels)
    weights = fit.weights()[np.arange(len(COMPARISONS)), levels] if n else np.zeros((0, len(COMPARISONS)))
    frequent = [i for i, c in enumerate(COMPARISONS) if c.frequency]
    rarity = compared.rarities.clip(0)
    onehot = np.concatenate(
        [levels[:, [i]] == np.arange(1, len(c.labels))[None, :] for i, c in enumerate(COMPARISONS)], axis=1
    )
    known = ~np.isnan(compared.cosines)
    groups = [[i for i, c in enumerate(COMPARISONS) if c.group == group] for group in GROUPS]
    prior = np.log2(fit.prior / (1 - fit.prior))
    total = weights.sum(1, keepdims=True) + prior
    top = np.array([c.top if c.name not in ("given_name", "family_name") else c.top - 1 for c in COMPARISONS])
    surprise = np.where(rarity > 0, rarity + np.log2(fit.u[np.arange(len(COMPARISONS)), top])[None, :], 0)
    columns = [
        weights / 5, levels == 0, compared.similarities, rarity[:, frequent] / 8,
        bearers(compared, fit.n_records), onehot,
        np.where(known, compared.cosines, 0), known, fact_columns(compared.facts),
        np.column_stack([weights[:, group].sum(1) for group in groups]) / 10,
        total / 10, (total + np.clip(surprise, -8, 8).sum(1, keepdims=True)) / 10,
        (levels > 0).sum(1, keepdims=True) / 8, np.full((n, 1), prior / 10),
    ]  # fmt: skip
    constants = table_constants(fit, shape)
    return np.concatenate([*columns, np.broadcast_to(constants, (n, len(constants)))], axis=1).astype(np.float32)


def table_constants(fit: TableFit, shape: TableShape) -> np.ndarray:
    """The inputs that are the same for all pairs of a table."""
    rows = [INDEX[name] for name in TABLE_FIELDS]
    top = [COMPARISONS[row].top - (COMPARISONS[row].name in ("given_name", "family_name")) for row in rows]
    return np.concatenate([
        fit.coverage[rows], fit.m[rows, top], fit.weights()[rows, top] / 10, np.array(list(shape.__dict__.values()))
    ])  # fmt: skip


def field_weights(compared: Compared, fit: TableFit) -> np.ndarray:
    """(n, len(COMPARISONS)) Fellegi-Sunter weights (bits) of each pair, for the explanation."""
    return fit.weights()[np.arange(len(COMPARISONS)), compared.levels]
