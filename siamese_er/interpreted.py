"""Queries over few rows: Spark interprets their expressions, as compiling them takes longer than running them."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

FEW_BYTES = 2 << 20
"""Of Parquet, some 20,000 records, delivered and known."""

INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""Spark's own settings; its results are the same either way."""


@contextmanager
def interpreted(spark: SparkSession, n_bytes: int) -> Iterator[None]:
    """Have Spark interpret while the block runs, where the tables are small and nobody set otherwise."""
    given = spark.sparkContext.getConf()
    keys = [key for key in INTERPRETED if not given.contains(key)] if n_bytes <= FEW_BYTES else []
    before = {key: spark.conf.get(key) for key in keys}
    for key in keys:
        spark.conf.set(key, INTERPRETED[key])
    try:
        yield
    finally:
        for key, value in before.items():
            if value is not None:
                spark.conf.set(key, value)
