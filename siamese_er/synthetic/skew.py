"""A table made ugly: many of its records share an address, a date or a surname, as tables of hospitals do."""

import numpy as np
import pandas as pd

SHARED = {
    "address": (0.01, {"address_line": "1 Shelter Street", "city": "Springfield", "state": "IL", "postal_code": "62701"}),
    "birth_date": (0.03, {"birth_date": "1960-06-15"}),
    "surname": (0.05, {"family_name": "Nguyen"}),
}  # fmt: skip
"""What is shared: by which share of the records, and its values. The date is one that no list of placeholders knows: a
site's default of its own costs more than 1900-01-01, which counts as missing."""


def skewed(records: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The records with SHARED values in as many of them as it says, drawn apart for each; absent columns stay absent."""
    made, rng = records.copy(), np.random.default_rng([seed, len(records)])
    for share, values in SHARED.values():
        is_chosen = np.zeros(len(made), bool)
        is_chosen[rng.choice(len(made), round(share * len(made)), replace=False)] = True
        for column in (column for column in values if column in made):
            made[column] = made[column].astype(object).mask(is_chosen, values[column])
    return made
