"""Image classification: train into a run directory, load it, classify and evaluate."""

from seqkit.tasks.image_classification.settings import ImageClassificationSettings
from seqkit.tasks.image_classification.trained import Mistake, TrainedImageClassifier, load
from seqkit.tasks.image_classification.training import train

__all__ = ["ImageClassificationSettings", "Mistake", "TrainedImageClassifier", "load", "train"]
