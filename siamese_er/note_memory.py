"""The vectors of notes that the run before kept in its chunks, for a run that encodes the whole table again.

They lie in the output, beside the records whose notes they are: a record that is deleted takes them along, in a batch as in
a whole run. Vectors of names and addresses are kept in the chunks as well, but encoding these anew costs less than finding
them (some 27 microseconds a distinct value).
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from siamese_er.config import MatchConfig
from siamese_er.linkage.chunks import OF_NOTES, columns_of
from siamese_er.neural.kept_notes import KeptNotes, NoteMemory
from siamese_er.storage import RunFolder
from siamese_er.task_rows import chunk_contents

LIBRARIES = ("siamese_er", "torch", "transformers")
"""A vector counts where their versions are those that it was made with."""


def note_memory(
    spark: SparkSession, config: MatchConfig, before: RunFolder | None, model: dict[str, Any], versions: dict[str, str],
    devices: list[str],
) -> NoteMemory:  # fmt: skip
    """What a run may take over of notes, where workers reach the chunks of the run before by a path.

    In: ``model`` as run.json has it (`scoring.model_used`): encoder and encoder of notes have to be the same;
    ``devices`` (`encode.kinds_of_device`): too where a Hugging Face encoder reads the notes, which rounds by device.
    """
    key = config.identity.key.encode()
    if before is None or not config.run.kept_notes:
        return NoteMemory(key)
    then = before.read_record(spark)
    of_model = ("encoder_digest", "note_model_digest")
    is_same = [then.get("model", {}).get(name) == model.get(name) for name in of_model]
    is_same += [then.get("versions", {}).get(name) == versions.get(name) for name in LIBRARIES]
    if config.model.note_model is not None:
        is_same.append(then.get("encoded_on") == devices)
    folder = before.worker_folder(spark, "chunks")
    if folder is None or not folder.exists() or not all(is_same):
        return NoteMemory(key)
    return NoteMemory(key, partial(kept_notes, folder, config.run.kept_notes))


@lru_cache(maxsize=1)
def kept_notes(folder: Path, most: int) -> KeptNotes:
    """At most so many vectors of notes of a folder of CHUNKS, once a process."""
    return KeptNotes.of(_parts(folder), most)


def _parts(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    for _, content in sorted(chunk_contents(folder).items()):
        opened = content()
        if not set(OF_NOTES) - set(pa.ipc.open_stream(opened).schema.names):
            digests, vectors = (column.drop_null().to_pylist() for column in columns_of(opened, OF_NOTES).columns)
            yield b"".join(digests), b"".join(vectors)
