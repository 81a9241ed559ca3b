"""RMSprop."""

from collections.abc import Callable

from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.kernels import kernels
from seqkit.optim.base import Optimizer, Penalties, require_above_zero, require_below_one
from seqkit.optim.parameters import Parameters


class RMSprop(Optimizer):
    """s ← αs + (1-α)g², d = g / (√s + eps), p ← p - lr·d (Tieleman and Hinton 2012, lecture 6.5).

    ``centered`` divides by an estimate of the standard deviation instead: a ← αa + (1-α)g and √(s - a²) in
    place of √s (Graves 2013, eq. 38 to 40). With ``momentum`` μ: b ← μb + d, p ← p - lr·b. Rows: "dense" lets
    s of the other rows decay (and their momentum go on); "lazy" freezes it, so that a rare word meets the s
    of its last occurrence. State: ``mean_square``, ``mean`` if centered, ``momentum``. The other arguments
    are those of :class:`~seqkit.optim.Optimizer`.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        decoupled: bool = False,
        decay: Callable[[str, Tensor], bool] | None = None,
        rows: str = "dense",
    ) -> None:
        super().__init__(
            parameters, lr=lr, weight_decay=weight_decay, l1=l1, decoupled=decoupled, decay=decay, rows=rows
        )
        require_below_one(self, alpha=alpha, momentum=momentum)
        require_above_zero(self, eps=eps)
        self.alpha = alpha
        self.eps = eps
        self.momentum = momentum
        self.centered = centered
        self.slots = ("mean_square", *(("mean",) if centered else ()), *(("momentum",) if momentum else ()))

    def _update(
        self, p: Array, g: Array | None, state: tuple[Array, ...], step: int, penalties: Penalties
    ) -> None:
        family = kernels("optimizer", array_module(p), p.dtype)
        mean = state[1] if self.centered else None
        momentum = state[-1] if self.momentum else None
        family.rmsprop(
            p, g, state[0], mean, momentum, self.lr, self.alpha, self.eps, self.momentum, *penalties
        )
