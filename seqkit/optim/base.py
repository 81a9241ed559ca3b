"""The base of optimisers: parameters, penalties, row gradients and state."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from seqkit.autograd import Gradient, RowGradient, Tensor
from seqkit.backend import Array, array_module, device_of, to_device, zeros
from seqkit.errors import ShapeError, UsageError
from seqkit.optim.parameters import Parameters, checked_gradient, unique_parameters

JSON = Any
"""A value that ``json.dumps`` takes."""


class Penalties(NamedTuple):
    """g ← g + l2·p + l1·sign(p) and p ← shrink·p: the last three arguments of each update kernel."""

    l2: float
    l1: float
    shrink: float


class Optimizer(ABC):
    """Update parameters in place from their gradients.

    A parameter whose ``grad`` is None is left alone, its state and step count too. State is allocated at a
    parameter's first update, on its device.

    Args:
        parameters: Tensors or (name, tensor) pairs; tied parameters count once, under their first name.
        lr: Learning rate; an ordinary attribute, which schedules set.
        weight_decay: λ. As L2 it joins the gradient, g + λp.
        l1: λ₁ of g + λ₁·sign(p), with sign(0) = 0.
        decoupled: The weight decay shrinks the parameter instead, p ← (1 - lr·λ)p, which the
            optimiser does not scale (Loshchilov and Hutter 2019).
        decay: Predicate (name, tensor): which parameters both penalties apply to; None: all.
        rows: Meaning of a :class:`RowGradient`. "dense": zero in all other rows, so that the result is that
            of a dense gradient; momentum, moments and penalties move every row, at the cost of a pass over
            the whole matrix. "lazy": the other rows, their state and penalties are left alone. The two agree
            where a zero gradient changes nothing (SGD without momentum and AdaGrad, without penalties), and
            there the pass is left out.

    Raises:
        UsageError: A setting out of range.
    """

    slots: tuple[str, ...] = ()
    """Names of the state arrays, each of its parameter's shape."""

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float,
        weight_decay: float,
        l1: float,
        decoupled: bool,
        decay: Callable[[str, Tensor], bool] | None,
        rows: str,
    ) -> None:
        self.parameters = unique_parameters(parameters)
        if not self.parameters:
            raise UsageError(f"{type(self).__name__}: expected parameters, got none")
        require_at_least_zero(self, lr=lr, weight_decay=weight_decay, l1=l1)
        if rows not in ("dense", "lazy"):
            raise UsageError(f"{type(self).__name__}: expected rows to be 'dense' or 'lazy', got {rows!r}")
        self.lr = lr
        self.weight_decay = weight_decay
        self.l1 = l1
        self.decoupled = decoupled
        self.decay = decay
        self.rows = rows
        self._decayed = {name for name, p in self.parameters.items() if decay is None or decay(name, p)}
        self._state: dict[str, tuple[Array, ...]] = {}
        self._steps = dict.fromkeys(self.parameters, 0)

    def __repr__(self) -> str:
        names = list(inspect.signature(type(self)).parameters)[1:]
        settings = "".join(f", {name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({len(self.parameters)} parameters{settings})"

    @abstractmethod
    def _update(
        self, p: Array, g: Array | None, state: tuple[Array, ...], step: int, penalties: Penalties
    ) -> None:
        """Update p in place; ``g`` None is a gradient of zeros, ``step`` counts from 1."""

    def _still_without_gradient(self) -> bool:
        """Whether a zero gradient without penalties changes neither parameter nor state."""
        return False

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def step(self) -> None:
        """Update each parameter that has a gradient; the gradients are not changed.

        Values that overflow become infinite or NaN without a warning: the trainer checks the loss.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            for name, parameter in self.parameters.items():
                gradient = checked_gradient(name, parameter)
                if gradient is not None:
                    self._update_parameter(name, parameter.data, gradient)

    def _update_parameter(self, name: str, p: Array, gradient: Gradient) -> None:
        state = self._state.get(name)
        if state is None:
            xp = array_module(p)
            state = self._state[name] = tuple(zeros(xp, p.shape, p.dtype) for _ in self.slots)
        self._steps[name] += 1
        update = self._update_rows if isinstance(gradient, RowGradient) else self._update
        update(p, gradient, state, self._steps[name], self._penalties(name))

    def _penalties(self, name: str) -> Penalties:
        if name not in self._decayed:
            return Penalties(0.0, 0.0, 1.0)
        if self.decoupled:
            return Penalties(0.0, self.l1, 1 - self.lr * self.weight_decay)
        return Penalties(self.weight_decay, self.l1, 1.0)

    def _update_rows(
        self, p: Array, gradient: RowGradient, state: tuple[Array, ...], step: int, penalties: Penalties
    ) -> None:
        """Take the touched rows out, update them and put them back; in between the rest gets a zero gradient.

        No (V, E) gradient is allocated, and every row goes through the arithmetic of the dense update.
        """
        rows = gradient.rows
        p_rows, state_rows = p[rows], tuple(x[rows] for x in state)
        still = penalties == (0, 0, 1) and self._still_without_gradient()
        if self.rows == "dense" and not still:
            self._update(p, None, state, step, penalties)
        self._update(p_rows, gradient.values, state_rows, step, penalties)
        p[rows] = p_rows
        for x, x_rows in zip(state, state_rows, strict=True):
            x[rows] = x_rows

    def observe(self, validation_loss: float) -> None:  # noqa: B027
        """Record the loss of a validation; called once after each. Most optimisers take no notice."""

    def averages(self) -> AbstractContextManager[None]:
        """Have the weights that validation judges in place in a ``with`` block: a mean, or themselves."""
        return nullcontext()

    def weights(self) -> AbstractContextManager[None]:
        """Have the weights that the next step changes in their place in a ``with`` block."""
        return nullcontext()

    def state_dict(self) -> tuple[dict[str, Array], dict[str, JSON]]:
        """Return the state: arrays by "slot.parameter" (live, not copies), and {"lr", "steps": {parameter:
        count}}.

        A parameter that was never updated has a count of 0 and no arrays.
        """
        arrays = {
            f"{slot}.{name}": x
            for name, state in self._state.items()
            for slot, x in zip(self.slots, state, strict=True)
        }
        return arrays, {"lr": self.lr, "steps": dict(self._steps)}

    def load_state_dict(self, arrays: dict[str, Array], scalars: dict[str, JSON]) -> None:
        """Copy a state of :meth:`state_dict` in; training then continues as if it had never stopped.

        Args:
            arrays: By "slot.parameter", from any device.
            scalars: {"lr", "steps"}.

        Raises:
            UsageError: Missing or extra names; nothing has changed then.
            ShapeError: An array of another shape or dtype; nothing has changed then.
        """
        self._same_names("scalars", {"lr", "steps"}, set(scalars))
        steps = scalars["steps"]
        self._same_names("parameters", set(self.parameters), set(steps))
        updated = [name for name in self.parameters if steps[name] > 0]
        self._same_names("arrays", {f"{slot}.{name}" for name in updated for slot in self.slots}, set(arrays))
        loaded: dict[str, tuple[Array, ...]] = {}
        for name in updated:
            p = self.parameters[name].data
            for slot in self.slots:
                x = arrays[f"{slot}.{name}"]
                if x.shape != p.shape or x.dtype != p.dtype:
                    raise ShapeError(
                        f"{type(self).__name__} state: {slot}.{name} is {x.dtype} {x.shape}, "
                        f"the parameter {p.dtype} {p.shape}"
                    )
            found = (to_device(arrays[f"{slot}.{name}"], device_of(p)) for slot in self.slots)
            loaded[name] = tuple(x.copy() for x in found)
        self.lr, self._steps, self._state = scalars["lr"], dict(steps), loaded

    def _same_names(self, what: str, wanted: set[str], found: set[str]) -> None:
        if wanted != found:
            raise UsageError(
                f"{type(self).__name__} state: {what} do not match; "
                f"missing {sorted(wanted - found)}, extra {sorted(found - wanted)}",
                remedy="load the state of the same optimiser over the same parameters",
            )


def require_at_least_zero(optimizer: Optimizer, **settings: float) -> None:
    """Raise UsageError for a setting that is negative or not finite."""
    for name, value in settings.items():
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(
                f"{type(optimizer).__name__}: expected {name} to be finite and at least 0, got {value}"
            )


def require_above_zero(optimizer: Optimizer, **settings: float) -> None:
    """Raise UsageError for a setting that is not above 0 or not finite."""
    for name, value in settings.items():
        if not (math.isfinite(value) and value > 0):
            raise UsageError(
                f"{type(optimizer).__name__}: expected {name} to be finite and above 0, got {value}"
            )


def require_below_one(optimizer: Optimizer, **settings: float) -> None:
    """Raise UsageError for a setting outside [0, 1)."""
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise UsageError(f"{type(optimizer).__name__}: expected {name} to be in [0, 1), got {value}")
