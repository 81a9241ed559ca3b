"""Learning subword tokens from a text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from seqkit.errors import UsageError
from seqkit.text.special_tokens import EOS, UNK
from seqkit.text.subwords import BpeTokenizer, SubwordTokenizer, WordPieceTokenizer, library_of_subwords

SUBWORDS = (BpeTokenizer.name, WordPieceTokenizer.name)
"""The names that :func:`train_subwords` knows."""
_SPECIALS = [UNK, EOS]
_BYTES = 256


def train_subwords(
    name: str,
    lines: Callable[[], Iterable[str]],
    *,
    vocab_size: int = 8000,
    min_count: int = 2,
    lowercase: bool = False,
) -> SubwordTokenizer:
    """Learn "bpe" or "wordpiece" from a text: at most ``vocab_size`` tokens, with ``<unk>`` and ``<eos>``.

    lines: starts a pass over the text, without newlines. min_count: how often a pair must occur to become a
    token. BPE starts from the 256 bytes, so it can write any text; WordPiece gives ``<unk>`` for a word with
    a character that the lines have not.

    Raises UsageError for another name, or no room for the bytes.
    """
    if name not in SUBWORDS:
        raise UsageError(f"unknown subword tokenizer {name!r}", remedy=f"use {' or '.join(SUBWORDS)}")
    least = len(_SPECIALS) + (_BYTES if name == "bpe" else 1)
    if vocab_size < least:
        raise UsageError(f"{name} needs a vocabulary of {least} tokens or more, got {vocab_size}")
    shared = {"vocab_size": vocab_size, "min_frequency": min_count, "show_progress": False}
    train = _train_bpe if name == "bpe" else _train_wordpiece
    return train(library_of_subwords(), lines, shared, lowercase)


def _train_bpe(
    library: Any, lines: Callable[[], Iterable[str]], shared: dict[str, Any], lowercase: bool
) -> SubwordTokenizer:
    inner = library.Tokenizer(library.models.BPE())
    if lowercase:
        inner.normalizer = library.normalizers.Lowercase()
    inner.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = library.decoders.ByteLevel()
    alphabet = library.pre_tokenizers.ByteLevel.alphabet()
    trainer = library.trainers.BpeTrainer(initial_alphabet=alphabet, special_tokens=_SPECIALS, **shared)
    inner.train_from_iterator(lines(), trainer)
    return BpeTokenizer(inner, lowercase=lowercase)


def _train_wordpiece(
    library: Any, lines: Callable[[], Iterable[str]], shared: dict[str, Any], lowercase: bool
) -> SubwordTokenizer:
    """The trainer numbers what continues words in the order of a hash table, and breaks ties by number; so
    that a text always gives the same tokens, those of one character are told to it, sorted.
    """

    def blank(**vocabulary: Any) -> Any:
        inner = library.Tokenizer(library.models.WordPiece(unk_token=UNK, **vocabulary))
        inner.normalizer = library.normalizers.BertNormalizer(lowercase=lowercase)
        inner.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
        inner.decoder = library.decoders.WordPiece()
        return inner

    inner, within = blank(), set[str]()
    for line in lines():
        plain = inner.normalizer.normalize_str(line)
        for word, _ in inner.pre_tokenizer.pre_tokenize_str(plain):
            within.update(word[1:])
    fixed = [*_SPECIALS, *(f"##{character}" for character in sorted(within))]
    inner.train_from_iterator(lines(), library.trainers.WordPieceTrainer(special_tokens=fixed, **shared))
    trained = blank(vocab=inner.get_vocab())  # in which they are no special tokens
    trained.add_special_tokens(_SPECIALS)
    return WordPieceTokenizer(trained, lowercase=lowercase)
