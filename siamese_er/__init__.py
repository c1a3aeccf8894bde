"""siamese_er: find the records of one patient and merge them into golden records, on Apache Spark.

The way of one record, by file name:

=====================  ======================================================  ============================
file                   in                                                      out
=====================  ======================================================  ============================
sources/               files of users                                          RECORDS, NOTES, QUARANTINE
standardise.py         RECORDS                                                 STANDARDISED
encode.py              STANDARDISED, NOTES                                     EMBEDDINGS
block.py               STANDARDISED                                            CHUNKS, counts of their codes
score.py               CHUNKS                                                  COMPARED_PAIRS, SCORED_PAIRS
decide.py              scored pairs, people's decisions                        bands
cluster.py             links                                                   MEMBERSHIPS, CUTS
identity.py            MEMBERSHIPS, previous run                               enterprise ids, their history
survivorship.py        RECORDS, enterprise ids                                 GOLDEN_RECORDS, CROSSWALK
publish.py             tables                                                  Parquet, current.json
=====================  ======================================================  ============================

``pipeline.py`` calls them in this order. Shared nouns: ``fields/`` (one kind of field a file), ``linkage/`` (pairs,
comparisons, Fellegi-Sunter; numpy, no Spark), ``neural/`` (torch, no Spark), ``synthetic/`` (populations, no Spark),
``quality/`` (metrics), ``review/`` (what people look at), ``storage.py`` (run folders; ``lock.py``, ``files.py`` below
it), ``schemas.py``, ``config.py``, ``errors.py``. ``training.py`` trains the shipped model. Around a job:
``launcher.py`` (the command `siamese-er`; ``java.py`` finds a Java), ``session.py``, ``commands.py`` (exit statuses).
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from siamese_er.spark_sources import installed_first

if TYPE_CHECKING:
    from siamese_er.storage import read_run

__all__ = ["__version__", "read_run"]
__version__ = "0.3.0"
sys.path[:] = installed_first(sys.path)


def __getattr__(name: str) -> Any:
    """``siamese_er.read_run`` without importing Spark before it is asked for."""
    if name == "read_run":
        return import_module("siamese_er.storage").read_run
    raise AttributeError(f"module siamese_er has no attribute {name}")
