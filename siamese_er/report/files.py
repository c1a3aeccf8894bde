"""report.html beside run.json."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from siamese_er.files import files_of
from siamese_er.report.page import page

REPORT = "report.html"


def write_report(spark: SparkSession, folder: str, record: Mapping[str, Any]) -> str:
    """The path of the page, which is written in one step over the one that was there."""
    path = f"{folder.rstrip('/')}/{REPORT}"
    files_of(spark, folder).replace_text(path, page(record))
    return path
