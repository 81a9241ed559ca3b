"""Text to tokens and tokens to ids: tokenizers and the vocabulary (NumPy only)."""

from seqkit.text.checkpoint_tokenizers import load_tokenizer
from seqkit.text.segmenters import SEGMENTERS, SegmentingTokenizer
from seqkit.text.subwords import BpeTokenizer, SubwordTokenizer, UnigramTokenizer, WordPieceTokenizer
from seqkit.text.tokenizers import SUBWORDS, TOKENIZERS, get_tokenizer, tokenizer_from_config
from seqkit.text.vocabulary import Vocabulary
from seqkit.text.word_tokenizers import (
    NORMALIZATIONS,
    CharTokenizer,
    Tokenizer,
    WhitespaceTokenizer,
    WordTokenizer,
    normalize,
)

__all__ = [
    "NORMALIZATIONS",
    "SEGMENTERS",
    "SUBWORDS",
    "TOKENIZERS",
    "BpeTokenizer",
    "CharTokenizer",
    "SegmentingTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "UnigramTokenizer",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordPieceTokenizer",
    "WordTokenizer",
    "get_tokenizer",
    "load_tokenizer",
    "normalize",
    "tokenizer_from_config",
]
