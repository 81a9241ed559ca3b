"""Taggers: a tag for each word of a sentence."""

from seqkit.models.tagger.config import CHARACTERS, ENCODERS, OUTPUTS, TaggerConfig
from seqkit.models.tagger.model import Tagger, TaggerInput

__all__ = ["CHARACTERS", "ENCODERS", "OUTPUTS", "Tagger", "TaggerConfig", "TaggerInput"]
