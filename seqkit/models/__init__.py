"""Models: a config, the model and its loss, one family a file."""

from seqkit.models.kneser_ney import KneserNey, KneserNeyConfig, Unigram
from seqkit.models.language_model import LanguageModel, LanguageModelConfig
from seqkit.models.seq2seq import Seq2Seq, Seq2SeqConfig, Seq2SeqState
from seqkit.models.word2vec import Word2VecConfig, Word2VecModel

__all__ = [
    "KneserNey",
    "KneserNeyConfig",
    "LanguageModel",
    "LanguageModelConfig",
    "Seq2Seq",
    "Seq2SeqConfig",
    "Seq2SeqState",
    "Unigram",
    "Word2VecConfig",
    "Word2VecModel",
]
