"""Count-based language models: interpolated modified Kneser-Ney, and the unigram baseline."""

from seqkit.models.kneser_ney.config import KneserNeyConfig
from seqkit.models.kneser_ney.model import KneserNey
from seqkit.models.kneser_ney.unigram import Unigram

__all__ = ["KneserNey", "KneserNeyConfig", "Unigram"]
