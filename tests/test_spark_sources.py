import os
import subprocess
import sys
from pathlib import Path

import pyspark

from siamese_er.spark_sources import installed_first

SPARK = Path(pyspark.__file__).parent


def test_zips_of_what_is_installed_come_last():
    archives = [str(path) for path in (SPARK / "python" / "lib").glob("py*.zip")]
    assert len(archives) == 2

    found = installed_first([*archives, "", str(SPARK.parent), "/elsewhere"])

    assert found == ["", str(SPARK.parent), "/elsewhere", *archives]


def test_a_zip_of_another_spark_stays_first(tmp_path):
    other = tmp_path / "python" / "lib" / "pyspark.zip"
    other.parent.mkdir(parents=True)
    other.touch()

    assert installed_first([str(other), str(SPARK.parent)]) == [str(other), str(SPARK.parent)]


def test_after_the_package_pyspark_is_imported_from_where_it_is_installed():
    archive = SPARK / "python" / "lib" / "pyspark.zip"
    found = subprocess.run(
        [sys.executable, "-c", "import siamese_er, pyspark; print(pyspark.__file__)"], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(archive)}, check=True,
    )  # fmt: skip
    assert Path(found.stdout.strip()) == SPARK / "__init__.py"
