"""Gradient descent as every task has it: the settings, and a trainer made by them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from seqkit.autograd import Tensor
from seqkit.backend import default_device
from seqkit.optim import OPTIMIZERS, Optimizer, make_optimizer, make_run_schedule
from seqkit.optim.schedules import Schedule
from seqkit.tasks.settings import Settings
from seqkit.training import Job, Limits, RunDirectory, Trainer, Watcher


@dataclass(frozen=True)
class DescentSettings(Settings):
    """Base of the settings of a task that learns by mini-batches. None: as suits the optimiser, or no limit.

    On --resume may change: how long, where, how often to report; and what tames a diverged run.
    """

    MAY_CHANGE: ClassVar[tuple[str, ...]] = (
        "epochs",
        "max_steps",
        "max_time",
        "patience",
        "lr",
        "clip",
        "log_interval",
        "checkpoint_interval",
        "device",
    )
    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {}
    """Learning rate and schedule where a task departs from :data:`seqkit.optim.OPTIMIZERS`."""

    epochs: int = 10
    max_steps: int | None = None
    max_time: float | None = None
    patience: int | None = None
    optimizer: str = "adam"
    lr: float | None = None
    schedule: str | None = None
    warmup: int = 0
    lr_floor: float = 0.0
    momentum: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    clip: float | None = 5.0
    accumulate: int = 1
    seed: int = 0
    device: str | None = None
    log_interval: int = 100
    checkpoint_interval: float = 60.0

    def __post_init__(self) -> None:
        """UsageError for values that no training can have. Tasks call this and check their own fields."""
        self._require_choice("optimizer", tuple(OPTIMIZERS))
        self._require_positive("epochs max_steps max_time patience lr clip accumulate log_interval")
        self._require_at_least_zero("warmup weight_decay seed checkpoint_interval")
        self._require_share("momentum beta2 lr_floor")

    @property
    def base_lr(self) -> float:
        """The learning rate, or the optimiser's usual one."""
        return self._optimizer_defaults()[0] if self.lr is None else self.lr

    @property
    def schedule_name(self) -> str:
        """The schedule, or the optimiser's usual one."""
        return self._optimizer_defaults()[1] if self.schedule is None else self.schedule

    def _optimizer_defaults(self) -> tuple[float, str]:
        entry = OPTIMIZERS[self.optimizer]
        return self.OPTIMIZER_DEFAULTS.get(self.optimizer, (entry.lr, entry.schedule))

    def decays(self, name: str, parameter: Tensor) -> bool:
        """Whether the weight decay applies to a parameter: to all, unless the task says otherwise."""
        return True

    def settled(self, **values: Any) -> Self:
        """These settings with ``values``, and what was left to the optimiser or the machine written out."""
        device = self.device or str(default_device())
        return dataclasses.replace(
            self, lr=self.base_lr, schedule=self.schedule_name, device=device, **values
        )


def run_schedule(settings: DescentSettings, batches: int) -> Schedule:
    """The schedule over the whole run, for epochs of so many batches."""
    total = settings.epochs * math.ceil(batches / settings.accumulate)
    total = total if settings.max_steps is None else min(total, settings.max_steps)
    return make_run_schedule(settings.schedule_name, total, settings.warmup, settings.lr_floor)


class Descent:
    """A job with its optimiser and schedule, made before its run: settings that fail leave no run behind."""

    def __init__(self, settings: DescentSettings, job: Job, batches: int) -> None:
        """``batches``: how many an epoch has. UsageError for settings that the optimiser cannot have."""
        self.settings, self.job = settings, job
        self.optimizer: Optimizer = make_optimizer(
            settings.optimizer,
            list(job.model.named_parameters()),
            lr=settings.base_lr,
            weight_decay=settings.weight_decay,
            decay=settings.decays,
            **OPTIMIZERS[settings.optimizer].arguments(momentum=settings.momentum, beta2=settings.beta2),
        )
        self.schedule = run_schedule(settings, batches)

    def go(self, run: RunDirectory, watcher: Watcher, *, resume: bool) -> None:
        """Train into ``run``, with ``resume`` from its last checkpoint on."""
        settings = self.settings
        trainer = Trainer(
            self.job,
            self.optimizer,
            self.schedule,
            run,
            Limits(settings.epochs, settings.max_steps, settings.max_time, settings.patience),
            clip=settings.clip,
            accumulate=settings.accumulate,
            log_interval=settings.log_interval,
            checkpoint_interval=settings.checkpoint_interval,
            watcher=watcher,
        )
        if resume:
            trainer.resume()
        trainer.fit()
