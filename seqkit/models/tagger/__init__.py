"""Taggers: a tag for each word of a sentence."""

from seqkit.models.tagger.base import BaseTagger
from seqkit.models.tagger.config import CHARACTERS, ENCODERS, OUTPUTS, TaggerConfig
from seqkit.models.tagger.encoder_tagger import EncoderTagger, EncoderTaggerConfig, PieceInput
from seqkit.models.tagger.word_tagger import Tagger, TaggerInput

__all__ = [
    "CHARACTERS",
    "ENCODERS",
    "OUTPUTS",
    "BaseTagger",
    "EncoderTagger",
    "EncoderTaggerConfig",
    "PieceInput",
    "Tagger",
    "TaggerConfig",
    "TaggerInput",
]
