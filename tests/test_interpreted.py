"""Queries over few rows are interpreted, all others compiled, and what somebody set holds."""

import pytest
from pyspark import SparkConf

from siamese_er.interpreted import FEW_BYTES, INTERPRETED, interpreted

KEY = "spark.sql.codegen.factoryMode"


@pytest.fixture
def compiling(spark, monkeypatch):
    """The session with the settings that Spark has, of which nobody gave one."""
    suite = {key: spark.conf.get(key) for key in INTERPRETED}
    monkeypatch.setattr(spark.sparkContext, "getConf", lambda: SparkConf(loadDefaults=False))
    for key, value in {"spark.sql.codegen.wholeStage": "true", KEY: "FALLBACK"}.items():
        spark.conf.set(key, value)
    yield spark
    for key, value in suite.items():
        spark.conf.set(key, value)


def fails_inside(spark):
    with interpreted(spark, FEW_BYTES):
        assert spark.conf.get("spark.sql.codegen.wholeStage") == "false"
        assert spark.conf.get(KEY) == "NO_CODEGEN"
        assert spark.range(3).selectExpr("sum(id * 2)").first()[0] == 6
        raise ZeroDivisionError


def test_settings_hold_inside_and_are_as_they_were_after_it(compiling):
    with pytest.raises(ZeroDivisionError):
        fails_inside(compiling)

    assert compiling.conf.get("spark.sql.codegen.wholeStage") == "true"
    assert compiling.conf.get(KEY) == "FALLBACK"


def test_large_tables_are_compiled(compiling):
    with interpreted(compiling, FEW_BYTES + 1):
        assert compiling.conf.get(KEY) == "FALLBACK"


def test_what_was_given_holds(compiling, monkeypatch):
    given = SparkConf(loadDefaults=False).set(KEY, "FALLBACK")
    monkeypatch.setattr(compiling.sparkContext, "getConf", lambda: given)

    with interpreted(compiling, 1):
        assert compiling.conf.get(KEY) == "FALLBACK"
        assert compiling.conf.get("spark.sql.codegen.wholeStage") == "false"
