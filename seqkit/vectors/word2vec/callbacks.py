"""Callbacks of Word2Vec's training: functions, or objects with the methods of gensim's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from seqkit.errors import UsageError

if TYPE_CHECKING:
    from seqkit.vectors.word2vec.model import Word2Vec

EVENTS = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")
"""The methods of gensim's ``CallbackAny2Vec``, each called with the model; an object may lack some."""


class Word2VecCallbacks:
    """Calls several callbacks.

    Args:
        callbacks: Functions (model, epoch, loss), called after each epoch, and objects with methods of
            :data:`EVENTS`.

    Raises:
        UsageError: For a callback that is neither.
    """

    def __init__(self, callbacks: Iterable[object]) -> None:
        try:
            self.callbacks = tuple(callbacks)
        except TypeError:
            raise UsageError(
                f"expected callbacks to be a list or tuple of callbacks, got {callbacks!r}"
            ) from None
        for callback in self.callbacks:
            if not callable(callback) and not any(hasattr(callback, event) for event in EVENTS):
                raise UsageError(
                    "expected callbacks to be functions (model, epoch, loss) or objects with a method of "
                    f"{', '.join(EVENTS)}, got {callback!r}"
                )

    def call(self, event: str, model: Word2Vec) -> None:
        """Call the method of each object that has it."""
        for callback in self.callbacks:
            if (method := getattr(callback, event, None)) is not None:
                method(model)

    def epoch_ended(self, model: Word2Vec, epoch: int, loss: float) -> None:
        """Call the functions, and ``on_epoch_end`` of the objects."""
        for callback in self.callbacks:
            if any(hasattr(callback, event) for event in EVENTS):
                continue
            assert callable(callback)
            callback(model, epoch, loss)
        self.call("on_epoch_end", model)
