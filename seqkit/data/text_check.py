"""Warnings about text that does not fit its tokenizer: too many unknown tokens, too long types.

Text without blanks between words (Chinese, Japanese, Thai) makes whole clauses "words" of the tokenizers that
cut at blanks. A model then predicts ``<unk>`` well and nothing else, with a fine perplexity. Every task on
text asks here, in training and in evaluation.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from seqkit.text import SubwordTokenizer, Tokenizer, Vocabulary
from seqkit.text.scripts import is_unspaced

MOST_UNKNOWN = 0.1
"""The fraction of the running tokens above which ``<unk>`` is reported."""
LONGEST_TYPES = 15
"""The mean number of characters of a type above which it is reported; German has 11, Finnish 13."""
ANY_TEXT = ("char", "bpe")
"""The tokenizers that fit text of every script."""


def text_warning(
    tokens: Mapping[str, tuple[int, int]],
    vocabulary: Vocabulary,
    tokenizer: Tokenizer,
    *,
    fitting: Iterable[str] = ANY_TEXT,
    what: str = "text",
) -> str | None:
    """Return a warning about text that does not fit its tokenizer, None for text that does.

    Args:
        tokens: Split -> its number of tokens, and how many of them are unknown.
        vocabulary: The types.
        tokenizer: Made the tokens.
        fitting: The tokenizers that the task has for text of any script.
        what: The name of the text.

    Example:
        >>> from seqkit.text import get_tokenizer
        >>> v = Vocabulary(["a", "b", "<unk>"], eos=None)
        >>> text_warning({"test": (10, 3)}, v, get_tokenizer("char"), fitting=["bpe"])[:56]
        'warning: 30.0% of the tokens of the test text are <unk>;'
    """
    fractions = {split: unk / max(1, count) for split, (count, unk) in tokens.items()}
    unknown = {split: fraction for split, fraction in fractions.items() if fraction > MOST_UNKNOWN}
    mean = 0.0 if isinstance(tokenizer, SubwordTokenizer) else mean_type_length(vocabulary)
    found = []
    if unknown:
        shown = ", ".join(
            f"{fraction:.1%} of the tokens of the {split} {what}" for split, fraction in unknown.items()
        )
        found.append(f"{shown} are <unk>")
    if mean > LONGEST_TYPES:
        found.append(f"the types of the {what} have {mean:.0f} characters on average")
    if not found:
        return None
    fitting = [name for name in fitting if name != tokenizer.name]
    names = (
        f"the tokenizer{'s' * (len(fitting) > 1)} {' or '.join(fitting)}" if fitting else "another tokenizer"
    )
    if tokenizer.name in ("word", "whitespace") and (mean > LONGEST_TYPES or is_unspaced_text(vocabulary)):
        remedy = f"does it lack blanks between words, as Chinese, Japanese and Thai do? Then use {names}"
    else:
        remedy = f"a larger vocabulary, or {names}, fits"
    return f"warning: {'; '.join(found)}; {remedy}"


def is_unspaced_text(vocabulary: Vocabulary) -> bool:
    """Return whether a tenth of the types have characters of a script without blanks between words."""
    unspaced = sum(map(is_unspaced, vocabulary))
    return 10 * unspaced >= len(vocabulary)


def mean_type_length(vocabulary: Vocabulary) -> float:
    """Return the mean number of characters of a type, special tokens left out; 0 without types."""
    lengths = [len(token) for token in vocabulary if not (token[0] == "<" and token[-1] == ">")]
    return sum(lengths) / len(lengths) if lengths else 0.0


def uncut_fraction(sentences: Iterable[Sequence[str]], tokenizer: Tokenizer) -> float:
    """Return the fraction of the neighbours in sentences of words that a tokenizer does not find in raw text.

    They are those that are written without a blank between them.

    Example:
        >>> from seqkit.text import get_tokenizer
        >>> uncut_fraction([["天气", "很", "好"]], get_tokenizer("word"))  # 天气 becomes two tokens
        0.5
    """
    pairs = uncut = 0
    for words in sentences:
        for a, b in pairwise(words):
            pairs += 1
            if is_unspaced(a[-1]) and is_unspaced(b[0]):
                uncut += tokenizer.tokenize(a + b) != [a, b]
    return uncut / pairs if pairs else 0.0
