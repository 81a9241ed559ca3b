"""Language modelling: train into a run directory, load it, evaluate, score and generate."""

from seqkit.tasks.language_modeling.continuation import Continuation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.generation import Prompt, Sample
from seqkit.tasks.language_modeling.ngram import NGram, NGramState
from seqkit.tasks.language_modeling.scoring import LineScore, TokenScore
from seqkit.tasks.language_modeling.settings import LanguageModelSettings, ResolvedLanguageModelSettings
from seqkit.tasks.language_modeling.task import train
from seqkit.tasks.language_modeling.trained import TrainedLanguageModel, load

__all__ = [
    "Continuation",
    "Evaluation",
    "LanguageModelSettings",
    "LineScore",
    "NGram",
    "NGramState",
    "Prompt",
    "ResolvedLanguageModelSettings",
    "Sample",
    "TokenScore",
    "TrainedLanguageModel",
    "load",
    "train",
]
