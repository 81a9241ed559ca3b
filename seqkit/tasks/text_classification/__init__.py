"""Classification of texts: train into a run directory, load it, classify and evaluate."""

from seqkit.tasks.text_classification.contributions import Contribution
from seqkit.tasks.text_classification.settings import TextClassificationSettings
from seqkit.tasks.text_classification.task import train
from seqkit.tasks.text_classification.trained import TrainedTextClassifier, load

__all__ = ["Contribution", "TextClassificationSettings", "TrainedTextClassifier", "load", "train"]
