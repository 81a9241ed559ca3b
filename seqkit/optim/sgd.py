"""Stochastic gradient descent, with momentum."""

from collections.abc import Callable

from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError
from seqkit.optim.base import Optimizer, Penalties, require_below_one
from seqkit.optim.parameters import Parameters


class SGD(Optimizer):
    """p ← p - lr·g; with momentum μ (Polyak 1964) b ← μb + g and p ← p - lr·b.

    The learning rate is outside b, as in PyTorch, so that changing it takes effect at once. Rows: without
    momentum and penalties only the rows of a RowGradient are touched; with momentum, "dense" lets the other
    rows move on, "lazy" stops them. State: ``momentum``.

    Args:
        parameters: Tensors or (name, tensor) pairs.
        lr: Learning rate.
        momentum: μ.
        nesterov: Step along g + μb with the b just updated: Nesterov's (1983) gradient at the point looked
            ahead to, rewritten for parameters that are stored at that point (Sutskever et al. 2013, eq. 3 and
            4; Bengio et al. 2013, eq. 7).
        weight_decay: See :class:`~seqkit.optim.Optimizer`, as the arguments after it.
        l1: See there.
        decoupled: See there.
        decay: See there.
        rows: See there.

    Example:
        >>> p = Tensor([1.0], requires_grad=True)
        >>> (p * p).sum().backward()
        >>> optim.SGD([p], lr=0.25).step()
        >>> p.numpy().tolist()
        [0.5]
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        decoupled: bool = False,
        decay: Callable[[str, Tensor], bool] | None = None,
        rows: str = "dense",
    ) -> None:
        super().__init__(
            parameters, lr=lr, weight_decay=weight_decay, l1=l1, decoupled=decoupled, decay=decay, rows=rows
        )
        require_below_one(self, momentum=momentum)
        if nesterov and momentum == 0:
            raise UsageError(
                "SGD: expected a momentum above 0 with nesterov, got 0", remedy="momentum=0.9 is usual"
            )
        self.momentum = momentum
        self.nesterov = nesterov
        self.slots = ("momentum",) if momentum else ()

    def _update(
        self, p: Array, g: Array | None, state: tuple[Array, ...], step: int, penalties: Penalties
    ) -> None:
        family = kernels("optimizer", array_module(p), p.dtype)
        if self.momentum:
            family.momentum(p, g, *state, self.lr, self.momentum, self.nesterov, *penalties)
        else:
            family.sgd(p, g, self.lr, *penalties)

    def _still_without_gradient(self) -> bool:
        return self.momentum == 0
