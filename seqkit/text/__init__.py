"""Text to tokens and tokens to ids: tokenizers and the vocabulary (NumPy only)."""

from seqkit.text.tokenizers import (
    TOKENIZERS,
    CharTokenizer,
    Tokenizer,
    UnfinishedLine,
    WhitespaceTokenizer,
    WordTokenizer,
    make_tokenizer,
    tokenizer_from_config,
)
from seqkit.text.vocabulary import Vocabulary

__all__ = [
    "TOKENIZERS",
    "CharTokenizer",
    "Tokenizer",
    "UnfinishedLine",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordTokenizer",
    "make_tokenizer",
    "tokenizer_from_config",
]
