"""Text to tokens and tokens to ids: tokenizers and the vocabulary (NumPy only)."""

from seqkit.text.subword_folders import load_tokenizer
from seqkit.text.subword_training import SUBWORDS, train_subwords
from seqkit.text.subwords import SubwordTokenizer
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
    "SUBWORDS",
    "TOKENIZERS",
    "CharTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "UnfinishedLine",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordTokenizer",
    "load_tokenizer",
    "make_tokenizer",
    "tokenizer_from_config",
    "train_subwords",
]
