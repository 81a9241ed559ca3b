"""Base classes of training tasks: a model, its batches and its validation."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from seqkit.autograd import Tensor
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.distributed.group import ProcessGroup
from seqkit.errors import RunError
from seqkit.nn import Module
from seqkit.progress import progress
from seqkit.training.base_settings import Settings
from seqkit.training.callbacks import Callback, Record
from seqkit.training.run_directory import RunDirectory
from seqkit.training.settings import TrainingSettings
from seqkit.training.stopping import NOTHING_LEFT
from seqkit.training.trainer import Trainer


class Task:
    """Base class of training tasks: resolved settings, a model, its data and its optimiser.

    A subclass prepares its data, calls ``super().__init__`` and implements :meth:`batch` and :meth:`loss`;
    the other methods have defaults. All state that changes from step to step is in the model, the optimiser,
    ``generators`` and :meth:`recurrent_state`, and a batch is a function of the epoch and its index. A
    resumed run therefore has the same weights to the bit as a run that was never interrupted.

    Attributes:
        settings: The resolved settings.
        artifacts: Files that the run keeps, by name, such as the vocabulary and the labels.
        config: Further entries of the run's config.json.
        counts: Further entries of its "corpus", such as the number of tokens of each split.
        summary: The size of the data in one line.
        model: The model in training.
        initial_weights: Returns the arrays that the model starts from, if its training does not start anew.
        generators: Random generators by role; their states are saved with each checkpoint.
        epoch: The current epoch, from 0.
    """

    reports_perplexity: ClassVar[bool] = False
    """Whether to log exp(loss) as the perplexity."""
    best_by: str | None = None
    """The validation score whose highest value makes the best weights, and of equal ones the lowest loss;
    None: the lowest loss alone."""
    divergence_loss: float = math.inf
    """A finite training loss above this counts as diverged."""

    initial_weights: Callable[[], Mapping[str, Array]] | None = None
    group: ProcessGroup = ProcessGroup()
    """The processes that train the model together; each takes some rows of every batch."""

    settings: Settings
    artifacts: Mapping[str, bytes]
    config: Mapping[str, Any]
    counts: Mapping[str, Any]
    summary: str

    def __init__(
        self, settings: TrainingSettings, model: Module, batches_per_epoch: int, **optimizer: Any
    ) -> None:
        """Create the optimiser and the schedule, so that unusable settings fail before a run is created.

        Args:
            settings: Resolved settings.
            model: The model, on its device.
            batches_per_epoch: Number of batches in an epoch.
            **optimizer: Further arguments of the optimiser.

        Raises:
            UsageError: The optimiser or the schedule cannot have these settings.
        """
        self.training_settings, self.model, self.batches_per_epoch = settings, model, batches_per_epoch
        self.generators: dict[str, Generator] = {"dropout": Generator(settings.seed, "dropout")}
        self.epoch = 0
        self.optimizer = settings.make_optimizer(model, **optimizer)
        self.schedule = settings.make_schedule(batches_per_epoch)

    def load_initial_weights(self) -> None:
        """Load the weights that the training starts from, if it does not start anew."""
        if self.initial_weights is not None:
            self.model.load_state_dict(
                self.initial_weights(), source=getattr(self.settings, "init", "the run")
            )

    def start_epoch(self, epoch: int, *, fresh: bool) -> None:
        """Prepare for an epoch; ``fresh`` is False where a resumed run continues in its middle."""
        self.epoch = epoch

    def batch(self, index: int) -> Any:
        """Return batch ``index`` of the epoch: a tuple or dataclass of arrays, its rows on their first axis.

        The rows may be shared out to several processes. What one row needs of the others, such as random
        numbers for all, is therefore made here.
        """
        raise NotImplementedError

    def loss(self, batch: Any) -> tuple[Tensor, int]:
        """Return the mean loss of a batch, or of some rows of one, and the number of predictions in it."""
        raise NotImplementedError

    def penalty(self) -> Tensor | None:
        """Return what is added to the last :meth:`loss` in the objective, not in reports; None: nothing."""
        return None

    def step_factor(self, index: int) -> float:
        """Return the factor of the learning rate for a step that begins with batch ``index``."""
        return 1.0

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return the scores of the validation split.

        Args:
            poll: A function to call after each batch: it saves checkpoints and reacts to signals.

        Returns:
            Scores by name. The weights with the lowest "loss", or the highest :attr:`best_by`, are kept as
            the best; without either the last ones. Names of scores on other splits begin with the split:
            "train_accuracy". None without a validation split.
        """
        return None

    def recurrent_state(self) -> dict[str, Array]:
        """Return the arrays that are passed on from batch to batch, by name; rows are on the first axis."""
        return {}

    def load_recurrent_state(self, arrays: Mapping[str, Array]) -> None:
        """Continue from arrays that :meth:`recurrent_state` returned. Raise RunError if they do not fit."""
        if arrays:
            raise RunError("expected no recurrent state in the checkpoint, got " + ", ".join(sorted(arrays)))

    def fit(self, run: RunDirectory, callbacks: Callback, *, resume: bool) -> None:
        """Train into the run directory ``run``; with ``resume`` from its last checkpoint."""
        Trainer(self, run, callbacks).fit(resume=resume)


class SinglePassTask(Task):
    """Base class of tasks that fit their model in one pass over the data, without an optimiser.

    There is no intermediate state: a fit that was interrupted begins again. Of several processes each calls
    :meth:`fit_model`, which may share out the work; the first one's result is kept.
    """

    def fit_model(self, folder: Path) -> tuple[dict[str, Array], Record, dict[str, float] | None]:
        """Return the fitted model's arrays, the record for the log, and the validation scores or None.

        Args:
            folder: A folder for temporary files.
        """
        raise NotImplementedError

    def fit(self, run: RunDirectory, callbacks: Callback, *, resume: bool) -> None:
        """Fit the model into the run directory ``run``, unless the run is finished."""
        group = self.group
        if group.share(run.has_checkpoint()):
            callbacks.on_message(NOTHING_LEFT)
            return
        started = time.perf_counter()
        callbacks.on_train_start(1, 0, "pass")
        try:
            with progress("fitting"):
                arrays, record, scores = self.fit_model(run.path)
            record["seconds"] = round(time.perf_counter() - started, 3)

            def save() -> None:
                run.save_model(arrays, {"step": 1, "epoch": 1, "scores": scores})
                run.log.append(record)
                run.save_checkpoint({}, {})

            group.on_first(save)
            callbacks.on_epoch_end(record)
        finally:
            callbacks.on_train_end()
