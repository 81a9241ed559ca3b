"""Classification of texts: train into a run directory, load it, classify and evaluate."""

from seqkit.tasks.text_classification.settings import TextClassificationSettings
from seqkit.tasks.text_classification.trained import TrainedTextClassifier, load
from seqkit.tasks.text_classification.training import train

__all__ = ["TextClassificationSettings", "TrainedTextClassifier", "load", "train"]
