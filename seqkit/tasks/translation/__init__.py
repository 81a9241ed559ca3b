"""Sequence to sequence: train into a run directory, load it, translate and evaluate."""

from seqkit.tasks.translation.settings import TranslationSettings
from seqkit.tasks.translation.trained import TrainedTranslator, Translation, TranslationScores, load
from seqkit.tasks.translation.training import train

__all__ = [
    "TrainedTranslator",
    "Translation",
    "TranslationScores",
    "TranslationSettings",
    "load",
    "train",
]
