"""What the bound on block size left out; blocks are named by keyed digests, never by what their records share."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from siamese_er.linkage.keys import PASS_NAMES

WORST_BLOCKS = 5  # of each pass, named in reports


def block_digest(code: int, key: str) -> str:
    """The name of a block in reports: a hash of its blocking key under the key of the run (`[identity] key`).

    The same block has the same name in every run under one key. Whoever knows the key can find out whether a value
    that they guess is a block's; without it the name tells nothing.
    """
    return hmac.new(key.encode(), str(code).encode(), hashlib.sha256).hexdigest()[:16]


def by_pass(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of each pass by name: how many blocks, records and pairs were left out, and its largest blocks by digest.

    In: blocking_pass, n_records, n_blocks, n_pairs, digest; a row with a digest is one block, one without several.
    """
    listed = list(rows)
    found: dict[str, dict[str, Any]] = {}
    for number in sorted({row["blocking_pass"] for row in listed}):
        own = [row for row in listed if row["blocking_pass"] == number]
        worst = sorted((-row["n_records"], row["digest"]) for row in own if row["digest"] is not None)[:WORST_BLOCKS]
        found[PASS_NAMES[number]] = {
            **{name: sum(row[name] for row in own) for name in ("n_blocks", "n_records", "n_pairs")},
            "largest_block": -worst[0][0],
            "largest_blocks": {digest: -minus for minus, digest in worst},
        }
    return found
