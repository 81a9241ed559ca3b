"""Models: a config, the model and its loss, one family a file."""

from seqkit.models.kneser_ney import KneserNey, KneserNeyConfig, Unigram
from seqkit.models.language_model import LanguageModel, LanguageModelConfig

__all__ = ["KneserNey", "KneserNeyConfig", "LanguageModel", "LanguageModelConfig", "Unigram"]
