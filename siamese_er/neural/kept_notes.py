"""Vectors of notes that an earlier run encoded, found again by keyed digests of their texts.

Notes are the dearest thing to encode, some 2 ms each on a core, and most of them are as they were when a table is matched
again. A digest tells nothing without the key; who has the key can find out whether a text that they guess is there.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from siamese_er.neural.batches import Bytes

DIGEST_BYTES = 16
WORD = np.dtype(">u8")


def note_digest(text: str, key: bytes) -> bytes:
    """The name of a text under a key: the first half of HMAC-SHA256."""
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()[:DIGEST_BYTES]


@dataclass(frozen=True)
class KeptNotes:
    """``digests`` (n, 2) of texts, as two words each, ascending by the first; ``vectors`` (n, width), int8, of these texts."""

    digests: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, 2), WORD))
    vectors: Bytes = field(default_factory=lambda: np.zeros((0, 0), np.int8))

    @staticmethod
    def of(parts: Iterable[tuple[bytes, bytes]], most: int) -> "KeptNotes":
        """At most so many of what records hold: their digests one after the other, and as many vectors."""
        digests, vectors, n = [], [], 0
        for own_digests, own_vectors in parts:
            if n >= most:
                break
            digests.append(own_digests)
            vectors.append(own_vectors)
            n += len(own_digests) // DIGEST_BYTES
        if not n:
            return KeptNotes()
        words = np.frombuffer(b"".join(digests), WORD).reshape(n, 2)
        rows = np.frombuffer(b"".join(vectors), np.int8).reshape(n, -1)
        _, first = np.unique(words[:most, 0], return_index=True)
        return KeptNotes(words[first], rows[first])

    def places(self, digests: Sequence[bytes]) -> NDArray[np.int64]:
        """The place of each digest, -1 where it is not kept."""
        if not len(self.digests):
            return np.full(len(digests), -1)
        wanted = np.frombuffer(b"".join(digests), WORD).reshape(-1, 2)
        place = np.minimum(np.searchsorted(self.digests[:, 0], wanted[:, 0]), len(self.digests) - 1)
        return np.where((self.digests[place] == wanted).all(axis=1), place, -1)


@dataclass(frozen=True)
class NoteMemory:
    """The key of the digests, and what an earlier run keeps, opened where the first note is met."""

    key: bytes = b""
    kept: Callable[[], KeptNotes] = KeptNotes

    def recalled(self, texts: Sequence[str], encode: Callable[[Sequence[str]], Bytes]) -> tuple[list[bytes], Bytes]:
        """The digest of each text, and their vectors (n, width): kept ones, the others encoded."""
        digests, kept = [note_digest(text, self.key) for text in texts], self.kept()
        places = kept.places(digests)
        unknown = np.flatnonzero(places < 0)
        if len(unknown) == len(texts):
            return digests, encode(texts)
        vectors = kept.vectors[places]
        vectors[unknown] = encode([texts[i] for i in unknown.tolist()])
        return digests, vectors
