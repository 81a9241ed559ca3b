"""Settings of the training loop: the fields that all tasks with an optimiser share; each is a flag."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from seqkit.autograd import Tensor
from seqkit.backend import default_device
from seqkit.nn import Module
from seqkit.optim import OPTIMIZERS, Optimizer, make_optimizer, make_run_schedule
from seqkit.optim.schedules import Schedule
from seqkit.training.base_settings import Settings, absolute_path
from seqkit.training.stopping import StoppingRules

R = TypeVar("R", bound="Settings")

WITH_VALIDATION = "corpora with a validation split"
"""The purpose of the settings of the validation."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """Settings shared by all tasks that train by gradient descent.

    None means the optimiser's default, or no limit. When a run is resumed, the limits, the device and the
    intervals may change, and so may the learning rate and clipping, to continue a diverged run.

    Args:
        init: Run whose weights, vocabulary and model the training starts from.
        epochs: Passes over the training data.
        max_steps: Optimiser steps at most.
        max_time: Seconds of training at most.
        anneal_to_max_time: Let the schedules linear and cosine end with ``max_time`` if that comes first;
            otherwise they end with the epochs or steps, and ``max_time`` cuts them.
        patience: Epochs in a row without a better validation loss, after which training stops.
        optimizer: A name of :data:`seqkit.optim.OPTIMIZERS`.
        lr: Learning rate before the schedule.
        schedule: A name of :func:`seqkit.optim.make_run_schedule`.
        warmup: Steps over which the learning rate rises from 0.
        lr_floor: Fraction of the learning rate at which the schedules linear and cosine end.
        momentum: Momentum of the optimisers momentum and nesterov.
        beta2: Decay rate of the average of squared gradients in adam and adamw.
        averaging_patience: Validations without a loss below all that are further back, after which nt-asgd
            averages the weights.
        weight_decay: Weight decay.
        clip: Largest global norm of the gradient; None to leave it as it is.
        accumulate: Batches whose gradients are averaged for one step.
        seed: Seed of all random numbers.
        device: "cpu", "cuda" or "cuda:N"; None for the default device.
        log_interval: Steps between records of the log.
        checkpoint_interval: Seconds between checkpoints.
    """

    MAY_CHANGE: ClassVar[tuple[str, ...]] = (
        "epochs",
        "max_steps",
        "max_time",
        "anneal_to_max_time",
        "patience",
        "lr",
        "clip",
        "log_interval",
        "checkpoint_interval",
        "device",
    )
    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {}
    """Learning rate and schedule that replace those of :data:`seqkit.optim.OPTIMIZERS`."""

    init: str | None = None
    epochs: int | None = 10
    max_steps: int | None = None
    max_time: float | None = None
    anneal_to_max_time: bool | None = False
    patience: int | None = None
    optimizer: str | None = "adam"
    lr: float | None = None
    schedule: str | None = None
    warmup: int = 0
    lr_floor: float = 0.0
    momentum: float = 0.9
    beta2: float = 0.999
    averaging_patience: int = 5
    weight_decay: float = 0.0
    clip: float | None = 5.0
    accumulate: int = 1
    seed: int = 0
    device: str | None = None
    log_interval: int = 100
    checkpoint_interval: float = 60.0

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        if self.optimizer is not None:
            self._require_choice("optimizer", tuple(OPTIMIZERS))
        super()._check()
        self._require_positive("epochs max_steps max_time patience lr clip accumulate log_interval")
        self._require_at_least_zero("warmup weight_decay averaging_patience seed checkpoint_interval")
        self._require_fraction("momentum beta2 lr_floor")

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect beside the others, each with what it is for."""
        ignored = {}
        if self.optimizer_name not in ("momentum", "nesterov"):
            ignored["momentum"] = "the optimisers momentum and nesterov"
        if self.optimizer_name not in ("adam", "adamw"):
            ignored["beta2"] = "the optimisers adam and adamw"
        if self.optimizer_name != "nt-asgd":
            ignored["averaging_patience"] = "the optimiser nt-asgd"
        if self.warmup and self.schedule_name not in ("linear", "cosine", "inverse-sqrt"):
            ignored["warmup"] = "the schedules linear, cosine and inverse-sqrt"
        if self.schedule_name not in ("linear", "cosine"):
            ignored |= dict.fromkeys(("lr_floor", "anneal_to_max_time"), "the schedules linear and cosine")
        elif self.max_time is None:
            ignored["anneal_to_max_time"] = "trainings with max_time"
        return ignored

    @property
    def from_run(self) -> bool:
        """Whether a run decides some of the settings, such as the model."""
        return self.init is not None

    @property
    def optimizer_name(self) -> str:
        """The optimiser: ``optimizer``, or the default of the model."""
        assert self.optimizer is not None, "a task whose default depends on the model replaces this"
        return self.optimizer

    @property
    def base_lr(self) -> float:
        """The learning rate before the schedule: ``lr``, or the optimiser's default."""
        return self._optimizer_defaults()[0] if self.lr is None else self.lr

    @property
    def schedule_name(self) -> str:
        """The schedule: ``schedule``, or the optimiser's default."""
        return self._optimizer_defaults()[1] if self.schedule is None else self.schedule

    @property
    def anneals(self) -> bool:
        """Whether the schedule ends with ``max_time``."""
        return bool(self.anneal_to_max_time)

    @property
    def stopping_rules(self) -> StoppingRules:
        """The limits of the training."""
        assert self.epochs is not None, "settings of a training have their defaults filled in"
        return StoppingRules(self.epochs, self.max_steps, self.max_time, self.patience)

    def _optimizer_defaults(self) -> tuple[float, str]:
        entry = OPTIMIZERS[self.optimizer_name]
        return self.OPTIMIZER_DEFAULTS.get(self.optimizer_name, (entry.lr, entry.schedule))

    def decays(self, name: str, parameter: Tensor) -> bool:
        """Return whether weight decay applies to a parameter; by default to all."""
        return True

    def resolve_to(self, resolved: type[R], **values: Any) -> R:
        """Return resolved settings: these, ``values``, and the default learning rate, schedule and device."""
        device = self.device or str(default_device())
        defaults: dict[str, Any] = {
            "optimizer": self.optimizer_name,
            "lr": self.base_lr,
            "schedule": self.schedule_name,
            "device": device,
        }
        if self.init is not None:
            defaults["init"] = absolute_path(self.init)
        return super().resolve_to(resolved, **{**defaults, **values})

    def make_optimizer(self, model: Module, **extra: Any) -> Optimizer:
        """Return the optimiser of the model's parameters. Raise UsageError for unusable settings."""
        return make_optimizer(
            self.optimizer_name,
            list(model.named_parameters()),
            lr=self.base_lr,
            weight_decay=self.weight_decay,
            decay=self.decays,
            **OPTIMIZERS[self.optimizer_name].arguments(
                momentum=self.momentum, beta2=self.beta2, averaging_patience=self.averaging_patience
            ),
            **extra,
        )

    def make_schedule(self, batches_per_epoch: int) -> Schedule:
        """Return the schedule over the whole run."""
        steps_per_epoch = math.ceil(batches_per_epoch / self.accumulate)
        total = self.stopping_rules.total_steps(steps_per_epoch)
        return make_run_schedule(self.schedule_name, total, self.warmup, self.lr_floor)


@dataclass(frozen=True, kw_only=True)
class ResolvedTrainingSettings(TrainingSettings):
    """Training settings with no default left to choose."""

    RESOLVED = True
    optimizer: str
    lr: float
    schedule: str
    device: str
