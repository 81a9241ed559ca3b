"""Training callbacks: a progress bar, a log, a plot, or your own."""

from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]
"""A line of ``log.jsonl``: step, epoch, tokens, loss, lr, seconds, …."""


class Callback:
    """Base class of training callbacks; every method does nothing unless overridden.

    Example:
        >>> class PrintLoss(seqkit.training.Callback):
        ...     def on_epoch_end(self, record):
        ...         print(record["epoch"], record["train_loss"])
    """

    def on_train_start(self, total: int | None, done: int, unit: str = "step") -> None:
        """Called when training starts or continues after ``done`` of ``total`` units (None: unknown)."""

    def on_step(self, step: int, loss: float) -> None:
        """Called after each optimiser step with the loss of its last batch."""

    def on_log(self, record: Record) -> None:
        """Called every log interval with the :data:`Record` that the log gets."""

    def on_epoch_end(self, record: Record) -> None:
        """Called after each validation, before the checkpoint is written."""

    def on_message(self, text: str) -> None:
        """Called with information for the user, such as the size of the corpus."""

    def on_train_end(self) -> None:
        """Called once when training ends, also after an error or an interruption."""


class CallbackList(Callback):
    """Several callbacks as one, called in order.

    Args:
        callbacks: One callback, several, or none.
    """

    def __init__(self, callbacks: Callback | Iterable[Callback] | None = None) -> None:
        if callbacks is None:
            callbacks = ()
        self.callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)

    def on_train_start(self, total: int | None, done: int, unit: str = "step") -> None:
        """Call ``on_train_start`` of every callback."""
        for callback in self.callbacks:
            callback.on_train_start(total, done, unit)

    def on_step(self, step: int, loss: float) -> None:
        """Call ``on_step`` of every callback."""
        for callback in self.callbacks:
            callback.on_step(step, loss)

    def on_log(self, record: Record) -> None:
        """Call ``on_log`` of every callback."""
        for callback in self.callbacks:
            callback.on_log(record)

    def on_epoch_end(self, record: Record) -> None:
        """Call ``on_epoch_end`` of every callback."""
        for callback in self.callbacks:
            callback.on_epoch_end(record)

    def on_message(self, text: str) -> None:
        """Call ``on_message`` of every callback."""
        for callback in self.callbacks:
            callback.on_message(text)

    def on_train_end(self) -> None:
        """Call ``on_train_end`` of every callback."""
        for callback in self.callbacks:
            callback.on_train_end()
