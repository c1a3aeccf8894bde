"""Small standardised tables for the tests of linkage."""

import pandas as pd
import pyarrow as pa

from siamese_er.fields.standard import StandardRules, standard_batch
from siamese_er.linkage.tables import arrow_table, with_frequencies


def table_of(*records: dict[str, object]) -> pa.Table:
    """The records, standardised, with the frequencies of their values."""
    rows = [{"source": "s", "record_id": f"r{i}", **record} for i, record in enumerate(records)]
    frame = pd.DataFrame(rows).astype(object)
    frame = frame.where(frame.notna(), None)
    frame["record_key"] = frame["source"] + "\x1f" + frame["record_id"]
    return with_frequencies(arrow_table(standard_batch(frame, StandardRules())))
