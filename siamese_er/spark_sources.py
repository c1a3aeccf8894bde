"""PySpark from where it is installed, rather than from the zip of the same files that spark-submit puts before it.

Python keeps no compiled form of what it imports from a zip: driver and workers compiled all of PySpark anew in each run.
"""

from pathlib import Path


def installed_first(paths: list[str]) -> list[str]:
    """The entries of a ``sys.path``, those zips last whose content an entry holds as folders.

    A zip of another Spark than the one installed stays where it is.

    >>> installed_first(["/spark/python/lib/pyspark.zip", "/site-packages"])
    ['/spark/python/lib/pyspark.zip', '/site-packages']
    """
    doubled = {
        str(archive)
        for path in paths
        for name in ("pyspark", "py4j")
        if path and Path(path, name, "__init__.py").is_file()
        for archive in Path(path, "pyspark", "python", "lib").glob(f"{name}*.zip")
    }
    return sorted(paths, key=lambda path: path in doubled)
