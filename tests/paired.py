"""Blocking and comparing in Spark, in one call, for tests of the steps behind them."""

from pyspark.sql import DataFrame

from siamese_er import score
from siamese_er.block import chunks, code_counts, pair_tasks
from siamese_er.config import BlockingSettings
from siamese_er.linkage.meetings import every_two


def looked_at(
    records: DataFrame, blocking: BlockingSettings, n_records: int, model: str, n_groups: int = 2, parallelism: int = 2
) -> DataFrame:
    """COMPARED_PAIRS of records with STANDARDISED and EMBEDDINGS columns."""
    cut = chunks(records, blocking, n_groups, 2).frame().persist()
    tasks = pair_tasks(cut, code_counts(cut, blocking, 2, "key").frame(), every_two(n_groups, parallelism))
    return score.compared_pairs(tasks, n_records, model, blocking.max_block_size).frame()
