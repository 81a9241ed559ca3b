"""Models: a config, the model and its loss, one family a file."""

from seqkit.models.kneser_ney import KneserNey, KneserNeyConfig, Unigram
from seqkit.models.language_model import LanguageModel, LanguageModelConfig
from seqkit.models.word2vec import Word2VecConfig, Word2VecModel

__all__ = [
    "KneserNey",
    "KneserNeyConfig",
    "LanguageModel",
    "LanguageModelConfig",
    "Unigram",
    "Word2VecConfig",
    "Word2VecModel",
]
