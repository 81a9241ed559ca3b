"""Sequence labelling: train a tagger into a run directory, load it, tag texts and evaluate."""

from seqkit.tasks.sequence_labeling.settings import SequenceLabelingSettings
from seqkit.tasks.sequence_labeling.task import train
from seqkit.tasks.sequence_labeling.trained import TrainedTagger, load

__all__ = ["SequenceLabelingSettings", "TrainedTagger", "load", "train"]
