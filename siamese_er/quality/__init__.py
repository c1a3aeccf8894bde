"""How well a run did: figures against a truth table, their definitions as docstrings.

``counts.py`` aggregates the tables of a run in Spark; every figure is a function of those small counts: ``clusters.py``
(whole clusters), ``thresholds.py`` and ``calibration.py`` (scored pairs), ``blocking.py`` (what was looked at),
``subgroups.py`` (the same by sex, race, source pair, entity size, age band), ``evaluation.py`` (all of them, one run).

All figures are about the records whose truth is known, no estimates for a whole population: what was sampled for
labelling, and how, decides whether they carry over.
"""

from siamese_er.quality.blocking import pair_completeness
from siamese_er.quality.evaluation import evaluate_run

__all__ = ["evaluate_run", "pair_completeness"]
