"""Training: the loop, run directories and checkpoints, interruption."""

from seqkit.training.job import Job, Limits, Trainable, Watcher
from seqkit.training.run_directory import RunDirectory
from seqkit.training.trainer import Progress, Trainer

__all__ = ["Job", "Limits", "Progress", "RunDirectory", "Trainable", "Trainer", "Watcher"]
