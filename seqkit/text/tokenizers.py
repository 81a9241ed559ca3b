"""The table of tokenizers: to add one, write its class and add it here."""

from collections.abc import Mapping

from seqkit.errors import UsageError
from seqkit.text.subwords import VOCAB_SIZE, BpeTokenizer, Lines, SubwordTokenizer, WordPieceTokenizer
from seqkit.text.word_tokenizers import CharTokenizer, Tokenizer, WhitespaceTokenizer, WordTokenizer

TOKENIZERS: dict[str, type[Tokenizer]] = {
    tokenizer.name: tokenizer
    for tokenizer in (WordTokenizer, WhitespaceTokenizer, CharTokenizer, BpeTokenizer, WordPieceTokenizer)
}
"""The tokenizers by name, as ``--tokenizer`` takes them."""
SUBWORDS = tuple(name for name, tokenizer in TOKENIZERS.items() if tokenizer.learned)
"""The names of those that are learned from a text."""


def get_tokenizer(
    name: str,
    *,
    lowercase: bool = False,
    lines: Lines | None = None,
    vocab_size: int | None = None,
) -> Tokenizer:
    """Return a tokenizer by name.

    Args:
        name: A key of ``TOKENIZERS``.
        lowercase: Read everything in lower case.
        lines: For subwords: starts a pass over the text that they are learned from, without newlines.
        vocab_size: For subwords: their largest number, 8,000 by default.

    Raises:
        UsageError: For another name, listing the names, for subwords without a text or too few of them,
            and for arguments that the tokenizer has no use for.

    Example:
        >>> get_tokenizer("word", lowercase=True).tokenize("It's 3.14!")
        ['it', "'s", '3.14', '!']
    """
    if name not in TOKENIZERS:
        raise UsageError(f"expected one of the tokenizers {', '.join(TOKENIZERS)}, got {name!r}")
    tokenizer = TOKENIZERS[name]
    if not issubclass(tokenizer, SubwordTokenizer):
        for argument, value in (("lines", lines), ("vocab_size", vocab_size)):
            if value is not None:
                raise UsageError(f"{argument} has no effect here: it is for {', '.join(SUBWORDS)}")
        return tokenizer(lowercase=lowercase)
    if lines is None:
        known = ", ".join(other for other in TOKENIZERS if other not in SUBWORDS)
        raise UsageError(
            f"expected a text to learn {name} from, got none", remedy=f"use {known}, or give a train split"
        )
    return tokenizer.train(lines, vocab_size=vocab_size or VOCAB_SIZE, lowercase=lowercase)


def tokenizer_from_config(config: Mapping[str, object]) -> Tokenizer:
    """Return the tokenizer of a :meth:`Tokenizer.config`; subwords have a file instead.

    Raises:
        UsageError: For anything else.
    """
    settings = dict(config)
    name, lowercase = settings.pop("name", None), settings.pop("lowercase", False)
    if not isinstance(name, str) or not isinstance(lowercase, bool) or settings or name in SUBWORDS:
        raise UsageError(f"expected the configuration of a tokenizer, got {dict(config)!r}")
    return get_tokenizer(name, lowercase=lowercase)
