"""How far a training has come."""

from dataclasses import dataclass


@dataclass
class Progress:
    """The progress of a training; saved with every checkpoint."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches done in this epoch; all of them if only the validation remains."""
    tokens: int = 0
    seconds: float = 0.0
    best: float | None = None
    """The lowest validation loss so far, or minus the highest score of those that choose by a score."""
    best_loss: float | None = None
    """The validation loss of the best weights, which decides between equal scores."""
    best_step: int = 0
    epochs_since_best: int = 0
    validated: int = -1
    """The step of the last validation."""
    interval_loss: float = 0.0
    interval_tokens: int = 0
    interval_seconds: float = 0.0
    epoch_loss: float = 0.0
    epoch_tokens: int = 0
