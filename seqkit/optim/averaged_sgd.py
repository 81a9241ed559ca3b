"""Stochastic gradient descent whose weights are averaged once they stop improving."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from seqkit.autograd import Gradient, Tensor
from seqkit.backend import Array
from seqkit.errors import UsageError
from seqkit.optim.base import JSON
from seqkit.optim.parameters import Parameters
from seqkit.optim.sgd import SGD


class AveragedSGD(SGD):
    """SGD with a constant rate, and the mean of the weights of all steps since a trigger.

    Polyak and Juditsky (1992); the trigger is that of NT-ASGD (Merity et al. 2018, algorithm 1): averaging
    begins with the first validation loss above the lowest one of those that lie more than ``patience``
    validations back. From then on :meth:`averages` puts the mean of the weights in their place. State:
    ``average``.

    Args:
        parameters: Tensors or (name, tensor) pairs.
        lr: Learning rate.
        patience: n, the non-monotone interval.
        weight_decay: See :class:`~seqkit.optim.Optimizer`, as the arguments after it.
        l1: See there.
        decoupled: See there.
        decay: See there.
        rows: See there. The mean is over all rows in either case.

    Example:
        >>> p = Tensor([0.0], requires_grad=True)
        >>> optimizer = optim.AveragedSGD([p], lr=1.0, patience=1)
        >>> for loss in (1.0, 2.0, 3.0):
        ...     optimizer.observe(loss)
        >>> for _ in range(3):
        ...     p.grad = Tensor([1.0]).data
        ...     optimizer.step()
        >>> with optimizer.averages():
        ...     p.numpy().tolist()
        [-2.0]
        >>> p.numpy().tolist()
        [-3.0]
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float,
        patience: int = 5,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        decoupled: bool = False,
        decay: Callable[[str, Tensor], bool] | None = None,
        rows: str = "dense",
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            weight_decay=weight_decay,
            l1=l1,
            decoupled=decoupled,
            decay=decay,
            rows=rows,
        )
        if patience < 0:
            raise UsageError(f"AveragedSGD: expected patience to be at least 0, got {patience}")
        self.patience = patience
        self.slots = ("average",)
        self._losses: list[float] = []
        self._before: dict[str, int] | None = None
        self._shown = False

    @property
    def averaging(self) -> bool:
        """Whether the weights are being averaged."""
        return self._before is not None

    def observe(self, validation_loss: float) -> None:
        """Record the loss of a validation; begin to average if it fulfils the condition."""
        older = self._losses[: len(self._losses) - self.patience]
        if self._before is None and older and not validation_loss <= min(older):
            self._before = dict(self._steps)
        self._losses.append(float(validation_loss))

    def _update_parameter(self, name: str, p: Array, gradient: Gradient) -> None:
        super()._update_parameter(name, p, gradient)
        if self._before is not None:
            (average,) = self._state[name]
            average += (p - average) / (self._steps[name] - self._before[name])

    @contextmanager
    def averages(self) -> Iterator[None]:
        """Have the means in place of the weights in a ``with`` block, if they are being averaged."""
        if self._shown:
            yield
            return
        self._exchange()
        self._shown = True
        try:
            yield
        finally:
            self._exchange()
            self._shown = False

    @contextmanager
    def weights(self) -> Iterator[None]:
        """Have the weights themselves back in a ``with`` block, within one of :meth:`averages` too."""
        if not self._shown:
            yield
            return
        self._exchange()
        self._shown = False
        try:
            yield
        finally:
            self._exchange()
            self._shown = True

    def _exchange(self) -> None:
        """Exchange the weights with their means, where a step has been averaged."""
        for name, before in (self._before or {}).items():
            if self._steps[name] > before:
                p, (average,) = self.parameters[name].data, self._state[name]
                kept = p.copy()
                p[...] = average
                average[...] = kept

    def state_dict(self) -> tuple[dict[str, Array], dict[str, JSON]]:
        """Return the state, with the losses so far and the steps before the averaging began."""
        arrays, scalars = super().state_dict()
        return arrays, {**scalars, "losses": list(self._losses), "before": self._before}

    def load_state_dict(self, arrays: dict[str, Array], scalars: dict[str, JSON]) -> None:
        """Copy a state of :meth:`state_dict` in. Raises as :meth:`Optimizer.load_state_dict`."""
        own = {"losses", "before"}
        self._same_names("scalars", {"lr", "steps"} | own, set(scalars))
        losses, before = scalars["losses"], scalars["before"]
        if before is not None:
            self._same_names("parameters", set(self.parameters), set(before))
        if not all(isinstance(loss, float) and not math.isnan(loss) for loss in losses):
            raise UsageError("AveragedSGD state: expected losses as numbers")
        super().load_state_dict(arrays, {name: x for name, x in scalars.items() if name not in own})
        self._losses, self._before = list(losses), before
