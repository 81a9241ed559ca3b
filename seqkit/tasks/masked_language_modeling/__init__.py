"""Masked language modelling: train an encoder into a run directory, load it, evaluate."""

from seqkit.tasks.masked_language_modeling.evaluation import MaskedScores
from seqkit.tasks.masked_language_modeling.settings import MaskedLanguageModelSettings
from seqkit.tasks.masked_language_modeling.task import train
from seqkit.tasks.masked_language_modeling.trained import TrainedMaskedLanguageModel, load

__all__ = ["MaskedLanguageModelSettings", "MaskedScores", "TrainedMaskedLanguageModel", "load", "train"]
