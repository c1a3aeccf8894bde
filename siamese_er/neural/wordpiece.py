"""The vocabulary of the notes tower: WordPiece over the commonest words and word ends of synthetic notes."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?()[]{}'\"-/\\%+=<>*&#@$^_|~`"
PIECE_LENGTHS = (2, 3, 4)
PIECE_SHARE = 0.25


def first_words(text: str, n: int) -> str:
    """The first n words of a text: its first n tokens are theirs, as every word is one token at least.

    Spaces, tabs and ends of lines say nothing to this tokenizer. To cut before is quicker than to cut its tokens.
    """
    return " ".join(text.split(maxsplit=n)[:n])


def common(counts: Counter[str], n_entries: int) -> list[str]:
    """The most frequent entries, ties in alphabetical order."""
    return [entry for entry, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n_entries]]


def vocabulary(words: Counter[str], size: int) -> list[str]:
    """At most ``size`` entries: special tokens, characters, a quarter word beginnings and ends, then whole words.

    The trainers of the tokenizers library give another vocabulary each time they run; counts do not.
    """
    base = [*SPECIAL_TOKENS, *CHARACTERS, *(f"##{character}" for character in CHARACTERS)]
    pieces: Counter[str] = Counter()
    for word, count in words.items():
        for length in PIECE_LENGTHS:
            if len(word) > length:
                pieces[word[:length]] += count
                pieces["##" + word[-length:]] += count
                pieces["##" + word[length : 2 * length]] += count
    left = max(0, size - len(base))
    chosen = [*base, *common(pieces, int(left * PIECE_SHARE)), *common(words, left)]
    return list(dict.fromkeys(chosen))[:size]


def trained_tokenizer(texts: Iterable[str], vocabulary_size: int) -> Any:
    """A lower-casing ``tokenizers.Tokenizer`` of at most ``vocabulary_size`` entries; [PAD] is 0.

    Letters and digits are always in it, so that an unseen name falls into pieces, never into [UNK]. The same texts in
    any order give the same tokenizer.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    entries = {entry: number for number, entry in enumerate(vocabulary(words, vocabulary_size))}
    tokenizer = Tokenizer(models.WordPiece(vocab=entries, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, entries[name]) for name in ("[CLS]", "[SEP]")]
    )
    return tokenizer
