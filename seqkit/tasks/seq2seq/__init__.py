"""Sequence to sequence: train into a run directory, load it, translate and evaluate."""

from seqkit.tasks.seq2seq.evaluation import Seq2SeqScores
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings, Seq2SeqSettings
from seqkit.tasks.seq2seq.task import train
from seqkit.tasks.seq2seq.trained import TrainedSeq2Seq, Translation, load

__all__ = [
    "ResolvedSeq2SeqSettings",
    "Seq2SeqScores",
    "Seq2SeqSettings",
    "TrainedSeq2Seq",
    "Translation",
    "load",
    "train",
]
