"""Count-based language models: interpolated modified Kneser-Ney, ARPA files, and the unigram baseline."""

from seqkit.models.ngrams.config import NGramConfig
from seqkit.models.ngrams.kneser_ney import fit_kneser_ney
from seqkit.models.ngrams.model import NGramModel
from seqkit.models.ngrams.unigram import Unigram

__all__ = ["NGramConfig", "NGramModel", "Unigram", "fit_kneser_ney"]
