"""Image classification: train into a run directory, load it, classify and evaluate."""

from seqkit.tasks.image_classification.settings import ImageClassificationSettings
from seqkit.tasks.image_classification.task import train
from seqkit.tasks.image_classification.trained import Mistake, TrainedImageClassifier, load

__all__ = ["ImageClassificationSettings", "Mistake", "TrainedImageClassifier", "load", "train"]
