"""What a worker receives of a task: chunks of the groups that meet there, and counts of their codes."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from siamese_er.errors import InvariantBroken
from siamese_er.linkage.chunks import Group, group_of


@dataclass(frozen=True)
class TaskRows:
    """The rows of one task: contents by (group, chunk), and by part how often each code of a chunk occurs."""

    task: int
    is_within: bool
    contents: dict[tuple[int, int], bytes]
    counts: dict[tuple[int, int], dict[int, bytes]]

    def groups(self) -> list[int]:
        """The groups whose records are here."""
        return sorted({group for group, _ in self.contents})

    def contents_of(self, group: int) -> Iterator[bytes]:
        """The chunks of a group, each forgotten here as it is given."""
        for chunk in sorted(chunk for chunk in self.contents if chunk[0] == group):
            yield self.contents.pop(chunk)

    def group(self, number: int, max_block_size: int) -> Group:
        """The records of a group with their counts."""
        chunks = sorted(chunk for chunk in self.contents if chunk[0] == number)
        parts = [[self.counts[chunk][part] for part in sorted(self.counts[chunk])] for chunk in chunks]
        return group_of(zip(self.contents_of(number), parts, strict=True), max_block_size)


def task_rows(batches: Iterator[pa.RecordBatch]) -> TaskRows | None:
    """The rows of one partition of PAIR_TASKS; null where there are none.

    Raises: InvariantBroken if they are of several tasks.
    """
    contents: dict[tuple[int, int], bytes] = {}
    counts: dict[tuple[int, int], dict[int, bytes]] = {}
    tasks = set()
    for batch in batches:
        for row in batch.to_pylist():
            tasks.add((row["task"], row["is_within"]))
            chunk = row["group"], row["chunk"]
            if row["part"] < 0:
                contents[chunk] = row["content"]
            else:
                counts.setdefault(chunk, {})[row["part"]] = row["content"]
    if len(tasks) > 1:
        raise InvariantBroken(f"{len(tasks)} tasks of pairs in one partition")
    return TaskRows(*tasks.pop(), contents, counts) if tasks else None
