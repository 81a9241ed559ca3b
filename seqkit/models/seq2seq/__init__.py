"""Sequence to sequence with recurrent networks."""

from seqkit.models.seq2seq.config import Seq2SeqConfig
from seqkit.models.seq2seq.model import Seq2Seq, Seq2SeqState

__all__ = ["Seq2Seq", "Seq2SeqConfig", "Seq2SeqState"]
