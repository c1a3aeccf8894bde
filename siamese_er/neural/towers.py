"""The networks: a byte-CNN for text fields, a field transformer for records, BERT for notes.

Weights are shared by the two sides of a pair and not between modalities (pseudo-Siamese): the demographics tower and
the notes tower are separate networks that meet in one 64-wide space.
"""

from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from siamese_er.neural.text import CODED_FIELDS, FIELD_KINDS, N_SYMBOLS


class TowerSettings(BaseModel):
    """Shape of the networks; stored with the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol_width: int = Field(16, ge=4, description="numbers for one character")
    channels: tuple[int, int, int] = Field((48, 64, 96), description="widths of the three convolutions")
    field_width: int = Field(32, ge=4, description="numbers in a field vector")
    record_width: int = Field(64, ge=8, description="numbers in a record or note vector")
    tower_width: int = Field(64, ge=8, description="width of the field transformer")
    tower_layers: int = Field(1, ge=1, description="layers of the field transformer")
    tower_heads: int = Field(4, ge=1, description="attention heads of the field transformer")
    note_bert: dict[str, Any] = Field(
        default_factory=lambda: {
            "vocab_size": 8000, "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
            "intermediate_size": 256, "max_position_embeddings": 96,
        },
        description="settings of transformers.BertConfig",
    )  # fmt: skip
    note_model: str | None = Field(None, description="folder of a Hugging Face encoder used instead of note_bert")
    note_tokens: int = Field(96, ge=8, description="tokens of a note that are read")


class ByteConvolution(nn.Module):
    """A convolution of width 3 over characters as one matrix product; behind a value's end stay zeros."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.mix = nn.Linear(3 * width_in, width_out)

    def forward(self, symbols: Tensor, present: Tensor) -> Tensor:
        """(n, length, width_out) of symbols (n, length, width_in) and present (n, length, 1)."""
        padded = functional.pad(symbols, (0, 0, 1, 1))
        windows = torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=-1)  # (n, length, 3 * width_in)
        return functional.relu(self.mix(windows)) * present


class FieldEncoder(nn.Module):
    """Text values of all kinds to unit vectors; one network, told the kind."""

    def __init__(self, settings: TowerSettings) -> None:
        super().__init__()
        first, second, third = settings.channels
        self.symbols = nn.Embedding(N_SYMBOLS, settings.symbol_width)
        self.kinds = nn.Embedding(len(FIELD_KINDS), settings.symbol_width)
        self.first = ByteConvolution(settings.symbol_width, first)
        self.second = ByteConvolution(first, second)
        self.third = ByteConvolution(second, third)
        self.hidden = nn.Linear(3 * third, 64)
        self.out = nn.Linear(64, settings.field_width)

    def forward(self, codes: Tensor, kinds: Tensor) -> Tensor:
        """Vectors (n, field_width) of codes (n, even length) and kinds (n,)."""
        present = (codes > 0).unsqueeze(-1)  # (n, length, 1)
        x = (self.symbols(codes) + self.kinds(kinds).unsqueeze(1)) * present
        x = self.second(self.first(x, present), present)
        x = x.unflatten(1, (-1, 2)).amax(dim=2)
        halved = present.unflatten(1, (-1, 2)).any(dim=2)
        x = self.third(x, halved)
        n_present = halved.sum(dim=1).clamp(min=1)
        mean = x.sum(dim=1) / n_present
        pooled = torch.cat([mean, x.amax(dim=1), x[:, 0]], dim=-1)
        return functional.normalize(self.out(functional.relu(self.hidden(pooled))), dim=-1)


class FieldAttention(nn.Module):
    """One pre-norm transformer layer over the fields of a record; missing fields are not looked at."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.attend_norm, self.widen_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, present: Tensor, n_wanted: int) -> Tensor:
        """(n, n_wanted, width): what the first fields become; x (n, fields, width) and present (n, fields)."""
        normed, (weight, bias) = self.attend_norm(x), (self.query_key_value.weight, self.query_key_value.bias)
        width = x.shape[-1]
        query = functional.linear(normed[:, :n_wanted], weight[:width], bias[:width])
        key, value = functional.linear(normed, weight[width:], bias[width:]).chunk(2, dim=-1)
        query, key, value = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in (query, key, value))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=present[:, None, None, :])
        x = x[:, :n_wanted] + self.merge(mixed.transpose(1, 2).flatten(2))
        return x + self.narrow(functional.relu(self.widen(self.widen_norm(x))))


class DemographicsTower(nn.Module):
    """Field vectors and coded slots of a record to its unit vector d.

    Coded fields get one embedding for each slot and symbol, so that 1980-01-01 and 1980-01-02 differ as two digits
    do, not as two texts. A missing field is masked: it adds nothing, whatever its slots hold.
    """

    def __init__(self, settings: TowerSettings) -> None:
        super().__init__()
        width, slots = settings.tower_width, sum(CODED_FIELDS.values())
        n_fields = len(FIELD_KINDS) + len(CODED_FIELDS)
        self.text = nn.Linear(settings.field_width, width)
        self.slots = nn.Embedding(slots * N_SYMBOLS, width)
        self.coded = nn.ModuleList([nn.Linear(width, width) for _ in CODED_FIELDS])
        self.fields = nn.Parameter(torch.randn(1 + n_fields, width) * 0.1)  # the first stands for the record
        self.layers = nn.ModuleList([FieldAttention(width, settings.tower_heads) for _ in range(settings.tower_layers)])
        self.out_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, settings.record_width)
        self.offsets: Tensor
        self.register_buffer("offsets", torch.arange(slots) * N_SYMBOLS, persistent=False)

    def forward(self, text: Tensor, slots: Tensor, present: Tensor) -> Tensor:
        """Vectors (n, record_width) of text (n, 5, field_width), slots (n, all slots) and present (n, fields)."""
        embedded = self.slots(slots + self.offsets).split(list(CODED_FIELDS.values()), dim=1)
        coded = [layer(functional.relu(part.sum(dim=1))) for layer, part in zip(self.coded, embedded, strict=True)]
        tokens = torch.cat([self.text(text), torch.stack(coded, dim=1)], dim=1)
        tokens = torch.where(present.unsqueeze(-1), tokens, 0.0)
        record = tokens.new_zeros(len(tokens), 1, tokens.shape[-1])
        x = torch.cat([record, tokens], dim=1) + self.fields
        looked_at = functional.pad(present, (1, 0), value=True)
        for layer in self.layers[:-1]:
            x = layer(x, looked_at, x.shape[1])
        x = self.layers[-1](x, looked_at, 1)  # of the last only the record itself is read
        return functional.normalize(self.out(self.out_norm(x[:, 0])), dim=-1)


class NotesTower(nn.Module):
    """Tokens of notes to unit vectors in the space of the record vectors: BERT, masked mean, one projection."""

    def __init__(self, settings: TowerSettings) -> None:
        super().__init__()
        self.bert = note_network(settings)
        self.out = nn.Linear(self.bert.config.hidden_size, settings.record_width)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Vectors (n, record_width) of tokens (n, length) and present (n, length), true where a token is."""
        hidden = self.bert(input_ids=tokens, attention_mask=present.long()).last_hidden_state
        weights = present.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        return functional.normalize(self.out(pooled), dim=-1)


def note_network(settings: TowerSettings) -> Any:
    """The BERT of the settings with random weights, or the Hugging Face encoder of a local folder with its own.

    Words begin ten times as far apart as BERT has them: beside position and type, which all notes share, the mean of a note's
    words would begin all but the same for every note, and a training without real notes took 150 steps to leave there.
    """
    from transformers import AutoModel, BertConfig, BertModel  # seconds to import, and most workers see no note

    if settings.note_model is not None:
        return AutoModel.from_pretrained(
            settings.note_model, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    bert = BertModel(BertConfig(**settings.note_bert), add_pooling_layer=False)
    nn.init.normal_(bert.embeddings.word_embeddings.weight, std=10 * bert.config.initializer_range)
    return bert


def towers(settings: TowerSettings) -> dict[str, nn.Module]:
    """The three networks with random weights, by the name they are stored under."""
    return {
        "fields": FieldEncoder(settings),
        "demographics": DemographicsTower(settings),
        "notes": NotesTower(settings),
    }
