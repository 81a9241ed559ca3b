"""Sequence to sequence: train into a run directory, load it, translate and evaluate."""

from seqkit.tasks.seq2seq.settings import Seq2SeqSettings
from seqkit.tasks.seq2seq.trained import Seq2SeqScores, TrainedSeq2Seq, Translation, load
from seqkit.tasks.seq2seq.training import train

__all__ = [
    "Seq2SeqScores",
    "Seq2SeqSettings",
    "TrainedSeq2Seq",
    "Translation",
    "load",
    "train",
]
