"""Stopping rules: when a training is over."""

import math
from dataclasses import dataclass

from seqkit.training.progress import Progress

NOTHING_LEFT = "nothing is left to train: the run has reached its limits, such as the number of epochs"
"""The message about a finished run that is resumed."""


@dataclass(frozen=True)
class StoppingRules:
    """Limits of a training; None means no limit.

    Args:
        epochs: Passes over the training data.
        max_steps: Optimiser steps.
        max_time: Seconds of training.
        patience: Epochs in a row without a better validation loss.
    """

    epochs: int
    max_steps: int | None = None
    max_time: float | None = None
    patience: int | None = None

    def total_steps(self, steps_per_epoch: int) -> int:
        """Return the number of optimiser steps of the whole training, ignoring max_time and patience."""
        total = self.epochs * steps_per_epoch
        return total if self.max_steps is None else min(total, self.max_steps)

    def elapsed(self, progress: Progress) -> float:
        """Return the fraction of the time limit that is used up; 0 without one."""
        return 0.0 if self.max_time is None else progress.seconds / self.max_time

    def out_of_budget(self, progress: Progress) -> bool:
        """Return whether the limit of steps or seconds is reached; this may be within an epoch."""
        steps = math.inf if self.max_steps is None else self.max_steps
        seconds = math.inf if self.max_time is None else self.max_time
        return progress.step >= steps or progress.seconds >= seconds

    def finished(self, progress: Progress) -> bool:
        """Return whether training is over: the last validation is done and a limit is reached."""
        if progress.epoch >= self.epochs:
            return True
        if self.out_of_budget(progress) and progress.validated == progress.step:
            return True
        return self.patience is not None and progress.epochs_since_best >= self.patience
