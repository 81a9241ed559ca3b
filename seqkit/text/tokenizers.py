"""The table of tokenizers: to add one, write its class and add it here."""

from collections.abc import Mapping

from seqkit.errors import RunError, UsageError
from seqkit.text.scripts import is_spaced, unspaced_language
from seqkit.text.segmenters import SEGMENTERS, SegmentingTokenizer
from seqkit.text.subwords import SUBWORD_TOKENIZERS, VOCAB_SIZE, Lines, SubwordTokenizer
from seqkit.text.word_tokenizers import (
    NORMALIZATIONS,
    CharTokenizer,
    Tokenizer,
    WhitespaceTokenizer,
    WordTokenizer,
)

_BY_RULE: tuple[type[Tokenizer], ...] = (WordTokenizer, WhitespaceTokenizer, CharTokenizer)
TOKENIZERS: dict[str, type[Tokenizer]] = {
    tokenizer.name: tokenizer for tokenizer in (*_BY_RULE, *SUBWORD_TOKENIZERS, *SEGMENTERS)
}
"""The tokenizers by name, as ``--tokenizer`` takes them."""
SUBWORDS = tuple(name for name, tokenizer in TOKENIZERS.items() if tokenizer.learned)
"""The names of those that are learned from a text."""


def get_tokenizer(
    name: str,
    *,
    lowercase: bool = False,
    normalization: str = "nfc",
    lines: Lines | None = None,
    vocab_size: int | None = None,
) -> Tokenizer:
    """Return a tokenizer by name.

    Args:
        name: A key of ``TOKENIZERS``.
        lowercase: Read everything in lower case.
        normalization: The Unicode normalization form of the tokens: nfc, nfkc or none.
        lines: For subwords: starts a pass over the text that they are learned from, without newlines.
        vocab_size: For subwords: their largest number, 8,000 by default.

    Raises:
        UsageError: For another name, listing the names, for subwords without a text or too few of them,
            and for arguments that the tokenizer has no use for.
        MissingDependencyError: The tokenizer's library is not installed.

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
        return tokenizer(lowercase=lowercase, normalization=normalization)
    if lines is None:
        known = ", ".join(other for other in TOKENIZERS if other not in SUBWORDS)
        raise UsageError(
            f"expected a text to learn {name} from, got none", remedy=f"use {known}, or give a train split"
        )
    return tokenizer.train(
        lines, vocab_size=vocab_size or VOCAB_SIZE, lowercase=lowercase, normalization=normalization
    )


def tokenizer_from_config(config: Mapping[str, object], source: str | None = None) -> Tokenizer:
    """Return the tokenizer of a :meth:`Tokenizer.config`; subwords have a file instead.

    Args:
        config: The configuration.
        source: The run that holds it, for messages.

    Raises:
        UsageError: For anything else.
        RunError: The rules, or the library that cuts words, have another version than here.
        MissingDependencyError: The tokenizer's library is not installed.
    """
    settings = dict(config)
    name, rules, segmenter = (settings.pop(key, None) for key in ("name", "rules", "segmenter"))
    lowercase, normalization = settings.pop("lowercase", None), settings.pop("normalization", "none")
    if (
        not isinstance(name, str)
        or name in SUBWORDS
        or not isinstance(lowercase, bool)
        or normalization not in NORMALIZATIONS
        or settings
    ):
        raise UsageError(f"expected the configuration of a tokenizer, got {dict(config)!r}")
    tokenizer = get_tokenizer(name, lowercase=lowercase, normalization=str(normalization))
    if rules != tokenizer.rules:
        raise RunError(
            f"expected version {tokenizer.rules} of the rules of the tokenizer {name}, got {rules}: the "
            "model was trained on other tokens",
            where=source,
            remedy="train the model again",
        )
    versions = tokenizer.versions if isinstance(tokenizer, SegmentingTokenizer) else None
    if segmenter != versions:
        raise RunError(
            f"expected the tokenizer {name} of {segmenter}, got {versions}: it may cut other words",
            where=source,
            remedy="install that version, or train the model again",
        )
    return tokenizer


def tokenizer_of_words(text: str) -> str:
    """Return the name of the tokenizer that finds the words of a text.

    That is "word", but for text of a script without blanks between words an installed segmenter, or
    "whitespace" if its words have blanks between them nevertheless.

    Args:
        text: The beginning of the text.

    Example:
        >>> tokenizer_of_words("The weather is fine."), tokenizer_of_words("今天 天气 很 好 。")
        ('word', 'whitespace')
    """
    language = unspaced_language(text)
    if language is None:
        return WordTokenizer.name
    if is_spaced(text):
        return WhitespaceTokenizer.name
    return next((each.name for each in segmenters_of(text) if each.is_installed()), WordTokenizer.name)


def segmenters_of(text: str) -> list[type[SegmentingTokenizer]]:
    """Return the segmenters for the language of a text without blanks between words, installed or not."""
    language = unspaced_language(text)
    return [each for each in SEGMENTERS if each.language == language]


def note_of_words(text: str, tokenizer: Tokenizer) -> str | None:
    """Return how a tokenizer of words cuts a text without blanks between them; None for other text.

    Args:
        text: The beginning of the text.
        tokenizer: The tokenizer.
    """
    if not isinstance(tokenizer, WordTokenizer):
        return None
    language = unspaced_language(text)
    if language is None:
        return None
    if isinstance(tokenizer, SegmentingTokenizer) and tokenizer.language == language:
        return f"{language} text: cut into words by {tokenizer.versions}"
    note = f"{language} text, without blanks between words: cut by characters"
    known = segmenters_of(text)
    installed = [each.name for each in known if each.is_installed()]
    if installed:
        return f"{note}; --tokenizer {installed[0]} cuts it into words"
    if known:
        return f"{note}; pip install 'seqkit[cjk]' ({known[0].packages[0]}) to cut it into words"
    return note
