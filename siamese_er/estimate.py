"""How many pairs blocking is about to propose, by pass, from a sample of the blocking keys, before any pair is formed.

Keys are sampled, not records: all holders of a sampled key are counted, so its block and the pairs in it are exact, the
bound on block size included. Keys are hashes, and a residue class of hashes is a sample in which each key is with the
same chance; sums over it, divided by that chance, are right on average. A sample of records would not do: whether a
block is within the bound cannot be seen from a part of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.config import BlockingSettings
from siamese_er.errors import without_values
from siamese_er.linkage.chunks import OF_VALUE, Codes, counted
from siamese_er.linkage.keys import PASS_NAMES
from siamese_er.linkage.pairs import live_keys
from siamese_er.schemas import MEETING_SUMS


@dataclass(frozen=True)
class Meetings:
    """How often two records meet in a block, by pass: estimate and standard error.

    A pair that shares several keys meets several times and is compared once, so candidate pairs are at most as many.
    """

    share: float  # of the keys that were looked at
    by_pass: dict[str, int]
    errors: dict[str, float]

    @property
    def total(self) -> int:
        """Meetings of all passes."""
        return sum(self.by_pass.values())

    @property
    def error(self) -> float:
        """Standard error of the total; passes have keys of their own, so errors are independent."""
        return float(np.sqrt(sum(error**2 for error in self.errors.values())))

    def described(self) -> dict[str, Any]:
        """What run.json says of it."""
        return {"share_of_keys": round(self.share, 6), "meetings": self.total, "standard_error": round(self.error),
                "by_pass": {name: {"meetings": n, "standard_error": round(self.errors[name])}
                            for name, n in self.by_pass.items()}}  # fmt: skip

    def line(self) -> str:
        """The same for people: most first."""
        most = sorted(self.by_pass.items(), key=lambda item: (-item[1], item[0]))
        passes = ", ".join(f"{name} {n:,}" for name, n in most if n)
        sample = (
            "" if self.share == 1 else f" (standard error {self.error:,.0f}, from 1 of {round(1 / self.share)} keys)"
        )
        return f"about {self.total:,} pairs, once for each key they share{sample}: {passes or 'none'}"


def meetings_of(rows: Iterable[Any], share: float) -> Meetings:
    """The estimate from MEETING_SUMS of a sample of ``share`` of the keys.

    Source: Horvitz and Thompson, A generalization of sampling without replacement from a finite universe, JASA 1952,
    for keys sampled independently.
    """
    sums = {PASS_NAMES[row["blocking_pass"]]: (row["n_pairs"], row["n_squares"]) for row in rows}
    names = [name for name in PASS_NAMES if name in sums]
    by_pass = {name: round(sums[name][0] / share) for name in names}
    return Meetings(share, by_pass, {name: float(np.sqrt((1 - share) * sums[name][1])) / share for name in names})


def table_meetings(cut: DataFrame, settings: BlockingSettings, n_parts: int, part: int = 0) -> Meetings:
    """The estimate for a whole table, from one part of the code space: some 100,000 records' worth of keys.

    In: CHUNKS. One task counts, whatever the size of the table.
    """
    largest = settings.max_block_size

    @without_values("estimate")
    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        parts = [Codes.from_bytes(codes) for batch in batches for codes in batch.column(0).to_pylist()]
        if parts:
            yield part_meetings(parts, largest)

    sampled = cut.where(F.col("part") == part).select("codes").repartition(1)
    return meetings_of(sampled.mapInArrow(count, MEETING_SUMS).collect(), 1 / n_parts)


def part_meetings(parts: list[Codes], max_block_size: int) -> pa.RecordBatch:
    """MEETING_SUMS of the keys among these codes, which hold every occurrence of a code."""
    codes, kinds = (np.concatenate([getattr(each, name) for each in parts]) for name in ("codes", "kinds"))
    of_key = kinds != OF_VALUE
    codes, kinds = codes[of_key], kinds[of_key]
    first, sizes, _ = counted(codes)
    live = live_keys(codes[first], sizes, max_block_size)
    return _sums((sizes * (sizes - 1) // 2)[live], kinds[first][live])


def batch_meetings(fresh: DataFrame, counts: DataFrame, settings: BlockingSettings, n_parts: int) -> Meetings:
    """How often two records will meet of which one at least is of a batch: counted, not estimated.

    In: CHUNKS of the batch, and CODE_COUNTS of it among the whole table.
    """
    largest = settings.max_block_size

    @without_values("estimate")
    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = [row for batch in batches for row in batch.to_pylist()]
        for part in sorted({row["part"] for row in rows}):
            own = [row for row in rows if row["part"] == part]
            sizes = np.concatenate([np.frombuffer(row["counts"], np.int32) for row in own])
            yield _with_the_batch([Codes.from_bytes(row["codes"]) for row in own], sizes, largest)

    codes = fresh.where(F.col("part") >= 0).select("chunk", "part", "codes")
    both = codes.join(counts.where(F.col("chunk").isNotNull()).select("chunk", "part", "counts"), ["chunk", "part"])
    found = both.repartitionById(n_parts, "part").mapInArrow(count, MEETING_SUMS)
    sums = found.groupBy("blocking_pass").agg(F.sum("n_pairs").alias("n_pairs"), F.sum("n_squares").alias("n_squares"))
    return meetings_of(sums.collect(), 1)


def _with_the_batch(parts: list[Codes], sizes: np.ndarray, max_block_size: int) -> pa.RecordBatch:
    """MEETING_SUMS of a batch's keys; ``sizes``: how many records of the whole table hold the key of each code."""
    codes, kinds = (np.concatenate([getattr(each, name) for each in parts]) for name in ("codes", "kinds"))
    of_key = kinds != OF_VALUE
    codes, kinds, sizes = codes[of_key], kinds[of_key], sizes[of_key].astype(np.int64)
    first, n_fresh, _ = counted(codes)
    kinds, sizes = kinds[first], sizes[first]
    live = live_keys(codes[first], sizes, max_block_size)
    n_known = sizes - n_fresh
    return _sums((sizes * (sizes - 1) // 2 - n_known * (n_known - 1) // 2)[live], kinds[live])


def _sums(n_pairs: np.ndarray, kinds: np.ndarray) -> pa.RecordBatch:
    """MEETING_SUMS of blocks: their pairs, and the pass of each."""
    found, pairs = np.unique(kinds), n_pairs.astype(np.float64)
    sums = [np.bincount(kinds, weights, len(PASS_NAMES))[found] for weights in (pairs, pairs**2)]
    return pa.RecordBatch.from_arrays(
        [pa.array(found, pa.int32()), pa.array(sums[0].astype(np.int64)), pa.array(sums[1])], MEETING_SUMS.names
    )
