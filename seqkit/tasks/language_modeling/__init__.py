"""Language modelling: train into a run directory, load it, evaluate, score and generate."""

from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.settings import LanguageModelSettings, ResolvedLanguageModelSettings
from seqkit.tasks.language_modeling.task import train
from seqkit.tasks.language_modeling.trained import LineScore, Sample, TrainedLanguageModel, load

__all__ = [
    "Evaluation",
    "LanguageModelSettings",
    "LineScore",
    "ResolvedLanguageModelSettings",
    "Sample",
    "TrainedLanguageModel",
    "load",
    "train",
]
