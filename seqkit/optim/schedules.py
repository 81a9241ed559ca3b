"""Learning rate schedules: each gives the factor by which the base rate is multiplied.

``step`` counts optimiser steps from 0: the number of steps done before the one whose rate is computed.
``epoch`` counts passes over the data from 0 and may be a fraction: 2.5 is the middle of the third pass.
``elapsed`` is the fraction of the training's time limit that is used up, 0 without a limit: schedules that
run to the end of the training follow whichever limit is nearer.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

from seqkit.errors import UsageError


class Schedule(Protocol):
    """A schedule; the trainer sets ``optimizer.lr = base_lr * schedule.at(…)`` before each step."""

    def at(self, step: int, epoch: float, elapsed: float = 0.0) -> float:
        """Return the factor of the base learning rate."""

    def observe(self, validation_loss: float) -> None:
        """Record the loss of a validation; called once after each."""

    def state(self) -> dict[str, Any]:
        """Return what :meth:`observe` has recorded, as JSON; {} if it records nothing."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of :meth:`state`."""


class _Pure:
    """Base of schedules that depend on step and epoch alone."""

    def observe(self, validation_loss: float) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        if state:
            raise UsageError(f"{type(self).__name__}: expected no state, got {', '.join(state)}")


def _require(schedule: object, rule: str, holds: bool, received: object) -> None:
    if not holds:
        raise UsageError(f"{type(schedule).__name__}: {rule}, got {received}")


@dataclass(frozen=True)
class Constant(_Pure):
    """The factor 1 throughout."""

    def at(self, step: int, epoch: float, elapsed: float = 0.0) -> float:
        return 1.0


@dataclass(frozen=True)
class StepDecay(_Pure):
    """gamma^⌊n / every⌋, with n the whole epochs done, or the steps with ``unit="step"``."""

    every: int
    gamma: float = 0.1
    unit: str = "epoch"

    def __post_init__(self) -> None:
        _require(self, "expected every to be at least 1", self.every >= 1, self.every)
        _require(self, "expected gamma to be above 0", self.gamma > 0, self.gamma)
        _require(
            self, "expected unit to be 'epoch' or 'step'", self.unit in ("epoch", "step"), repr(self.unit)
        )

    def at(self, step: int, epoch: float, elapsed: float = 0.0) -> float:
        done = step if self.unit == "step" else math.floor(epoch)
        return float(self.gamma) ** (done // self.every)


@dataclass(frozen=True)
class HoldThenDivide(_Pure):
    """1 for ``hold`` epochs, then divided by ``divisor`` at the start of each further one.

    Zaremba et al. 2014, section 4.1: 4 and 2 (small), 6 and 1.2 (medium), 14 and 1.15 (large).
    """

    hold: int = 4
    divisor: float = 2.0

    def __post_init__(self) -> None:
        _require(self, "expected hold to be at least 0", self.hold >= 0, self.hold)
        _require(self, "expected divisor to be at least 1", self.divisor >= 1, self.divisor)

    def at(self, step: int, epoch: float, elapsed: float = 0.0) -> float:
        return float(self.divisor) ** -max(0, math.floor(epoch) + 1 - self.hold)


@dataclass(frozen=True)
class _WarmUp(_Pure):
    """(step + 1) / (warmup + 1) up to step ``warmup``, where it is 1; ``floor`` after ``total_steps``."""

    total_steps: int
    warmup: int = 0
    floor: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "expected floor to be in [0, 1]", 0 <= self.floor <= 1, self.floor)
        _require(self, "expected warmup to be at least 0", self.warmup >= 0, self.warmup)
        rule = f"expected total_steps to be above warmup ({self.warmup})"
        _require(self, rule, self.total_steps > self.warmup, self.total_steps)

    def at(self, step: int, epoch: float, elapsed: float = 0.0) -> float:
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        progress = min(1.0, max((step - self.warmup) / (self.total_steps - self.warmup), elapsed))
        return self.floor + (1 - self.floor) * self._left(progress)

    def _left(self, progress: float) -> float:
        """Return the decay from 1 at progress 0 to 0 at progress 1."""
        raise NotImplementedError


@dataclass(frozen=True)
class Linear(_WarmUp):
    """Up in ``warmup`` steps, then floor + (1 - floor)·(1 - progress) (Devlin et al. 2019, A.2: floor 0)."""

    def _left(self, progress: float) -> float:
        return 1 - progress


@dataclass(frozen=True)
class Cosine(_WarmUp):
    """Up in ``warmup`` steps, then floor + (1 - floor)·(1 + cos(π·progress)) / 2.

    Loshchilov and Hutter 2017, eq. 5, without restarts.
    """

    def _left(self, progress: float) -> float:
        return (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True)
class InverseSquareRoot(_Pure):
    """min(s / warmup, √(warmup / s)) for s = step + 1: 1 at its peak, the ``warmup``-th step.

    Vaswani et al. 2017, eq. 3, divided by its peak: with the base rate (d_model · warmup)^-½ it is theirs.
    """

    warmup: int = 4000

    def __post_init__(self) -> None:
        _require(self, "expected warmup to be at least 1", self.warmup >= 1, self.warmup)

    def at(self, step: int, epoch: float, elapsed: float = 0.0) -> float:
        return min((step + 1) / self.warmup, math.sqrt(self.warmup / (step + 1)))


@dataclass
class DivideOnPlateau:
    """Divided by ``divisor`` after ``patience`` + 1 validations in a row that are not below the best so far.

    With the defaults that is the rule of PyTorch's word language model example. A loss of NaN is not an
    improvement.
    """

    divisor: float = 4.0
    patience: int = 0
    _best: float | None = field(default=None, init=False, repr=False)
    _waited: int = field(default=0, init=False, repr=False)
    _divisions: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        _require(self, "expected divisor to be at least 1", self.divisor >= 1, self.divisor)
        _require(self, "expected patience to be at least 0", self.patience >= 0, self.patience)

    def at(self, step: int, epoch: float, elapsed: float = 0.0) -> float:
        """Return the factor, which depends on the validations alone."""
        return float(self.divisor) ** -self._divisions

    def observe(self, validation_loss: float) -> None:
        """Record the loss of a validation, once after each."""
        if validation_loss < (math.inf if self._best is None else self._best):
            self._best, self._waited = float(validation_loss), 0
            return
        self._waited += 1
        if self._waited > self.patience:
            self._divisions, self._waited = self._divisions + 1, 0

    def state(self) -> dict[str, Any]:
        """Return the best loss, the validations since, and the divisions made."""
        return {"best": self._best, "waited": self._waited, "divisions": self._divisions}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a result of :meth:`state`; raise UsageError for other keys."""
        if state.keys() != self.state().keys():
            raise UsageError(
                f"DivideOnPlateau: expected the state {', '.join(self.state())}, got {', '.join(state)}"
            )
        self._best, self._waited, self._divisions = state["best"], state["waited"], state["divisions"]
