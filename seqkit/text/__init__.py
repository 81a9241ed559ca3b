"""Text to tokens and tokens to ids: tokenizers and the vocabulary (NumPy only)."""

from seqkit.text.checkpoint_tokenizers import load_tokenizer
from seqkit.text.subwords import BpeTokenizer, SubwordTokenizer, WordPieceTokenizer
from seqkit.text.tokenizers import SUBWORDS, TOKENIZERS, get_tokenizer, tokenizer_from_config
from seqkit.text.vocabulary import Vocabulary
from seqkit.text.word_tokenizers import CharTokenizer, Tokenizer, WhitespaceTokenizer, WordTokenizer

__all__ = [
    "SUBWORDS",
    "TOKENIZERS",
    "BpeTokenizer",
    "CharTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordPieceTokenizer",
    "WordTokenizer",
    "get_tokenizer",
    "load_tokenizer",
    "tokenizer_from_config",
]
