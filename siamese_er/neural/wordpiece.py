"""The vocabulary of the notes tower: WordPiece, trained on synthetic notes."""

from collections.abc import Iterable
from typing import Any

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def trained_tokenizer(texts: Iterable[str], vocabulary_size: int) -> Any:
    """A lower-casing ``tokenizers.Tokenizer`` of at most ``vocabulary_size`` entries; [PAD] is 0.

    Letters and digits are always in it, so that an unseen name falls into pieces, never into [UNK].
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    characters = "abcdefghijklmnopqrstuvwxyz0123456789"
    every_piece = [" ".join(characters), *(f"x{character}" for character in characters)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size, special_tokens=list(SPECIAL_TOKENS), show_progress=False,
        initial_alphabet=list(characters),
    )  # fmt: skip
    tokenizer.train_from_iterator([*texts, *every_piece], trainer)
    start, end = SPECIAL_TOKENS.index("[CLS]"), SPECIAL_TOKENS.index("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", start), ("[SEP]", end)]
    )
    return tokenizer
