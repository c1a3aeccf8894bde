"""What a table taught without labels, as rows of a table, so that the next run weighs by the same measure."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from siamese_er.fields.note_tables import SENTENCE_BUCKETS, TERM_BUCKETS, NoteTable
from siamese_er.linkage.context import SecondRound
from siamese_er.linkage.features import TableShape
from siamese_er.linkage.fellegi_sunter import TableFit
from siamese_er.linkage.label_fit import LabelCorrection
from siamese_er.rescore import Learned
from siamese_er.schemas import LEARNED, NOTE_COUNTS

PARTS: dict[str, Any] = {"fit": TableFit, "shape": TableShape, "second": SecondRound, "correction": LabelCorrection}
WHOLE = ("n_records", "n_candidates", "rounds", "columns")


def learned_rows(spark: SparkSession, learned: Learned, correction: LabelCorrection | None) -> DataFrame:
    """LEARNED: every number of the fit, the shape, the second round and the labels' correction, exactly."""
    parts = {"fit": learned.fit, "shape": learned.shape, "second": learned.second}
    found = parts if correction is None else parts | {"correction": correction}
    rows = [
        (f"{part}.{name}", list(np.shape(value)), np.asarray(value, np.float64).ravel().tolist())
        for part, whole in found.items()
        for name, value in whole.__dict__.items()
    ]
    return spark.createDataFrame(rows, LEARNED)


def learned_of(rows: DataFrame, most_bits: float) -> tuple[Learned, LabelCorrection | None]:
    """What `learned_rows` wrote down. In: LEARNED, some tens of rows."""
    values = {row["name"]: np.array(row["numbers"]).reshape(row["shape"]) for row in rows.collect()}
    parts = {
        part: kind(**dict(_arguments(kind, part, values)))
        for part, kind in PARTS.items()
        if any(name.startswith(f"{part}.") for name in values)
    }
    return Learned(parts["fit"], parts["shape"], parts["second"], most_bits), parts.get("correction")


def _arguments(kind: Any, part: str, values: dict[str, np.ndarray]) -> Iterator[tuple[str, Any]]:
    for name, field in kind.__dataclass_fields__.items():
        value = values[f"{part}.{name}"]
        if field.type in (np.ndarray, "np.ndarray"):
            yield name, value
        elif value.ndim:
            yield name, tuple((value.astype(int) if name in WHOLE else value).tolist())
        else:
            yield name, bool(value) if name == "converged" else int(value) if name in WHOLE else float(value)


def note_rows(spark: SparkSession, table: NoteTable) -> DataFrame:
    """NOTE_COUNTS: the buckets of a NoteTable that hold anything; at most a row for each bucket."""
    of = {"boilerplate": table.is_boilerplate, "term": table.term_records, "records": np.array([table.n_records])}
    kinds = [pd.DataFrame({"kind": name, "bucket": np.flatnonzero(a), "n": a[a > 0]}) for name, a in of.items()]
    rows = pd.concat(kinds).astype({"bucket": "int64", "n": "int64"})
    return spark.createDataFrame(rows, NOTE_COUNTS)


def note_table_of(rows: DataFrame) -> NoteTable:
    """The NoteTable that `note_rows` wrote down."""
    frame = rows.toPandas()
    arrays = {"boilerplate": np.zeros(SENTENCE_BUCKETS, np.int64), "term": np.zeros(TERM_BUCKETS, np.int64),
              "records": np.zeros(1, np.int64)}  # fmt: skip
    for name, array in arrays.items():
        own = frame[frame["kind"] == name]
        array[own["bucket"].to_numpy(np.int64)] = own["n"].to_numpy(np.int64)
    return NoteTable(arrays["boilerplate"] > 0, arrays["term"], int(arrays["records"][0]))


def described(learned: Learned) -> dict[str, Any]:
    """What run.json says of a measure that was learned by an earlier run."""
    return {
        "prior": learned.fit.prior,
        "shape": {name: round(float(v), 5) for name, v in asdict(learned.shape).items()},
    }
