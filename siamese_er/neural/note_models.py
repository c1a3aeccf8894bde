"""Any Hugging Face encoder in a local folder as the notes tower: safetensors alone, no code of the folder is run."""

import hashlib
from pathlib import Path

import torch

from siamese_er.neural.towers import NotesTower, TowerSettings

PROJECTION_SEED = 64


def projection(width_in: int, width_out: int) -> torch.Tensor:
    """A fixed orthogonal map (width_out, width_in), the same everywhere: angles are kept as well as the widths allow."""
    drawn = torch.randn(
        max(width_in, width_out), min(width_in, width_out),
        generator=torch.Generator().manual_seed(PROJECTION_SEED), dtype=torch.float64,
    )  # fmt: skip
    q, r = torch.linalg.qr(drawn)
    q = q * torch.sign(torch.diagonal(r))
    return q.T if width_in > width_out else q


def foreign_tower(folder: str, settings: TowerSettings) -> NotesTower:
    """The encoder of the folder, mean pooling over its tokens, and an untrained projection to the note space.

    Its vectors are comparable with one another alone, not with record vectors.
    """
    tower = NotesTower(settings.model_copy(update={"note_model": folder}))
    weight = projection(tower.out.in_features, tower.out.out_features)
    with torch.no_grad():
        tower.out.weight.copy_(weight)
        tower.out.bias.zero_()
    return tower


def most_tokens(tower: NotesTower, wanted: int) -> int:
    """How many tokens the encoder can read, at most ``wanted``; some architectures lose two positions."""
    positions = getattr(tower.bert.config, "max_position_embeddings", None)
    return wanted if positions is None or positions < 10 else min(wanted, int(positions) - 2)


def note_model_digest(folder: str) -> str:
    """SHA-256 over config, tokenizer and weights of the folder, as hex digits."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).iterdir()):
        if path.name in ("config.json", "tokenizer.json") or path.suffix == ".safetensors":
            digest.update(path.name.encode())
            with path.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
