"""The process that Spark forks its Python workers from, with what they use imported before the first fork.

``spark.python.daemon.module`` names it where workers run this very environment (local mode); a worker is then there in
milliseconds instead of the seconds that torch takes, and all workers share the memory of what is imported.
"""

import gc
from importlib import import_module

from pyspark.daemon import manager

USED_BY_WORKERS = (
    "pyspark.worker", "siamese_er.standardise", "siamese_er.encode", "siamese_er.block", "siamese_er.score",
    "siamese_er.rescore", "siamese_er.survivorship",
)  # fmt: skip


if __name__ == "__main__":
    for name in USED_BY_WORKERS:
        import_module(name)
    gc.freeze()  # what is imported stays, and pages that no collection touches stay shared
    manager()
