"""Synthetic populations as Parquet files, and the demo population that ships with the package.

The demo is made again by ``python jobs/synthesize.py --demo --output siamese_er/demo``.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from siamese_er.synthetic.population import Population, population
from siamese_er.synthetic.profile import DEMO_PROFILE

DEMO_RECORDS = 3000
DEMO_SEED = 2026


def write_table(rows: pd.DataFrame, path: Path) -> None:
    """One Parquet file of text columns, also where no row has a value; ``updated_at`` becomes a timestamp (UTC)."""
    kinds = {"updated_at": pa.timestamp("us", tz="UTC")}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows.columns])
    if "updated_at" in rows:
        rows = rows.assign(updated_at=pd.to_datetime(rows["updated_at"], utc=True))
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd")


def write_population(made: Population, folder: Path) -> None:
    """Writes records.parquet, notes.parquet and truth.parquet into the folder, which it makes if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(made.records, folder / "records.parquet")
    write_table(made.notes, folder / "notes.parquet")
    write_table(made.truth, folder / "truth.parquet")


def write_demo(folder: Path) -> None:
    """Writes the demo population: one file of records for each source, notes.parquet and truth.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    made = population(DEMO_RECORDS, DEMO_SEED, DEMO_PROFILE)
    for source, records in made.records.groupby("source", sort=True):
        write_table(records, folder / f"{source}.parquet")
    write_table(made.notes, folder / "notes.parquet")
    write_table(made.truth, folder / "truth.parquet")
