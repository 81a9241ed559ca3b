"""The base class of training tasks: what is learned, from which batches, and how it is validated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.errors import RunError
from seqkit.nn import Module
from seqkit.training.callbacks import Callback
from seqkit.training.run_directory import RunDirectory
from seqkit.training.settings import Settings, TrainingSettings
from seqkit.training.trainer import Trainer


class Task:
    """One training: resolved settings, a model, its data, its optimiser, and what a run keeps of them.

    A subclass prepares its data, calls ``super().__init__`` and implements :meth:`loss`; the other methods
    have defaults. Whatever changes from step to step lies in the model, in ``generators`` and in
    :meth:`recurrent_state`; a batch is a function of the epoch and its index. That is why a resumed run
    repeats the bits of one that was never interrupted.

    Attributes:
        settings: the resolved settings.
        artifacts: files of the run that turn input into ids and ids into output, by name.
        config: further entries of the run's config.json.
        counts: entries of its "corpus" beside where the corpus comes from.
        summary: the size of the data in one line, for people.
        model: the model in training.
        generators: random generators by role; their states are saved with each checkpoint.
        epoch: the current epoch, from 0.

    """

    reports_perplexity: ClassVar[bool] = False
    """Whether exp(loss) is a perplexity, and worth logging."""
    divergence_loss: float = math.inf
    """A training loss above this has diverged, though it is finite."""

    settings: Settings
    artifacts: Mapping[str, bytes]
    config: Mapping[str, Any]
    counts: Mapping[str, Any]
    summary: str

    def __init__(
        self, settings: TrainingSettings, model: Module, batches_per_epoch: int, **optimizer: Any
    ) -> None:
        """Make the optimiser and the schedule, so that unusable settings fail before a run is begun.

        Args:
            settings: resolved settings.
            model: the model, on its device.
            batches_per_epoch: batches in an epoch.
            optimizer: further settings of the optimiser.

        Raises:
            UsageError: for settings that the optimiser or the schedule cannot have.

        """
        self.training_settings, self.model, self.batches_per_epoch = settings, model, batches_per_epoch
        self.generators: dict[str, Generator] = {"dropout": Generator(settings.seed, "dropout")}
        self.epoch = 0
        self.optimizer = settings.make_optimizer(model, **optimizer)
        self.schedule = settings.make_schedule(batches_per_epoch)

    def start_epoch(self, epoch: int, *, fresh: bool) -> None:
        """Prepare for an epoch; ``fresh`` is False where a resumed run continues in its middle."""
        self.epoch = epoch

    def loss(self, index: int) -> tuple[Tensor, int]:
        """Return the mean loss of batch ``index`` of the epoch and the number of predictions it averages."""
        raise NotImplementedError

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return scores of the validation split, with "loss" (lower is better) among them.

        ``poll`` is to be called often: it saves checkpoints and reacts to signals. Scores of other splits are
        named after them ("train_accuracy"). Without a "loss" the last weights count as the best.
        """
        return None

    def recurrent_state(self) -> dict[str, Array]:
        """Return the arrays that are handed from batch to batch, by name."""
        return {}

    def load_recurrent_state(self, arrays: Mapping[str, Array]) -> None:
        """Continue from arrays that :meth:`recurrent_state` returned. RunError if they do not fit."""
        if arrays:
            raise RunError("expected no recurrent state in the checkpoint, got " + ", ".join(sorted(arrays)))

    def fit(self, run: RunDirectory, callbacks: Callback, *, resume: bool) -> None:
        """Train into ``run``; with ``resume`` from its last checkpoint."""
        Trainer(self, run, callbacks).fit(resume=resume)
