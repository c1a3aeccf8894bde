"""The clusters of Splink 5 for ``jobs/benchmark.py``; runs in whatever Python has ``splink`` (and pyspark, or DuckDB).

``python splink_match.py --engine duckdb|spark --input RECORDS.parquet --output CLUSTERS.parquet``. The model is written by
hand as a careful user of Splink would for patients: term frequencies, u from random pairs, m by expectation maximisation,
no labels; pairs of probability .5 and more are linked. Imports nothing of ours.
"""

import argparse
import json
import time

import pandas as pd
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on

KEY = "unique_id"
PLACEHOLDERS = {"birth_date": ["1900-01-01"], "national_id": ["999-99-9999"], "given_name": ["BABY BOY", "BABY GIRL"]}
BLOCKING = (
    ("national_id",), ("given_name", "family_name"), ("family_name", "birth_date"), ("given_name", "birth_date"),
    ("phone", "given_name"), ("address_line", "given_name"), ("email",),
)  # fmt: skip
THRESHOLD = 0.5


def read(path: str) -> pd.DataFrame:
    """The records, placeholders and empty values missing, phones reduced to their digits."""
    rows = pd.read_parquet(path).astype("string").apply(lambda column: column.str.strip().str.upper())
    rows = rows.mask(rows == "")
    for name, values in PLACEHOLDERS.items():
        rows[name] = rows[name].mask(rows[name].isin(values))
    rows["phone"] = rows["phone"].str.replace(r"\D", "", regex=True)
    rows[KEY] = rows["source"].str.lower() + "|" + rows["record_id"].str.lower()
    return rows.astype(object).where(rows.notna(), None)


def settings() -> SettingsCreator:
    """The model before it is trained."""
    exact = [cl.ExactMatch(name) for name in ("phone", "sex")]
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=KEY,
        comparisons=[
            cl.JaroWinklerAtThresholds("given_name", [0.92, 0.8]).configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("family_name", [0.92, 0.8]).configure(term_frequency_adjustments=True),
            cl.LevenshteinAtThresholds("birth_date", [1, 2]),
            cl.LevenshteinAtThresholds("national_id", [1, 2]),
            cl.ExactMatch("email").configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("address_line", [0.9]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("postal_code").configure(term_frequency_adjustments=True),
            *exact,
        ],
        blocking_rules_to_generate_predictions=[block_on(*names) for names in BLOCKING],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )


def registered(engine: str, rows: pd.DataFrame):
    """The records as Splink wants them, in a new database of the engine on two cores."""
    if engine == "duckdb":
        import duckdb
        from splink import DuckDBAPI

        connection = duckdb.connect(config={"threads": 2})
        return DuckDBAPI(connection).register(rows)
    from pyspark.sql import SparkSession
    from splink import SparkAPI
    from splink.backends.spark import similarity_jar_location

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "8g").config("spark.sql.shuffle.partitions", "8")
        .config("spark.ui.enabled", "false").config("spark.jars", similarity_jar_location())
        .getOrCreate()
    )  # fmt: skip
    spark.sparkContext.setCheckpointDir("/tmp/splink_checkpoints")
    text = ", ".join(f"{name} string" for name in rows.columns)
    return SparkAPI(spark_session=spark).register(spark.createDataFrame(rows, text))


def main() -> None:
    """Train, predict, cluster; the seconds of each step on one line of JSON."""
    flags = argparse.ArgumentParser()
    for name in ("--engine", "--input", "--output"):
        flags.add_argument(name, required=True)
    given, seconds, start = flags.parse_args(), {}, time.monotonic()

    def step(name: str) -> None:
        nonlocal start
        seconds[name], start = round(time.monotonic() - start, 2), time.monotonic()

    linker = Linker(registered(given.engine, read(given.input)), settings(), log_level="WARNING")
    step("load")
    linker.training.estimate_probability_two_random_records_match([block_on("national_id")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    step("u")
    for names in (("given_name", "family_name"), ("birth_date",)):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*names))
    step("em")
    pairs = linker.inference.predict(threshold_match_probability=THRESHOLD)
    step("predict")
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, THRESHOLD).as_pandas_dataframe()
    keys = clusters[KEY].str.split("|", n=1, expand=True)
    found = pd.DataFrame({"source": keys[0], "record_id": keys[1], "cluster": clusters["cluster_id"].astype(str)})
    found.to_parquet(given.output)
    step("cluster")
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
