"""Count-based language models: interpolated modified Kneser-Ney, and the unigram baseline."""

from seqkit.models.kneser_ney.config import KneserNeyConfig
from seqkit.models.kneser_ney.model import KneserNey, Unigram

__all__ = ["KneserNey", "KneserNeyConfig", "Unigram"]
