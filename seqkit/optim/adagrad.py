"""AdaGrad."""

from collections.abc import Callable

from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.kernels import kernels
from seqkit.optim.base import Optimizer, Penalties, require_above_zero
from seqkit.optim.parameters import Parameters


class AdaGrad(Optimizer):
    """s ← s + g², p ← p - lr·g / (√s + eps) (Duchi et al. 2011, the diagonal form of section 1.1).

    Rows: without penalties a zero gradient changes nothing, so "dense" and "lazy" are the same and only the
    rows of a RowGradient are touched. State: ``sum_of_squares``.
    """

    slots = ("sum_of_squares",)

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 0.01,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        decoupled: bool = False,
        decay: Callable[[str, Tensor], bool] | None = None,
        rows: str = "dense",
    ) -> None:
        super().__init__(
            parameters, lr=lr, weight_decay=weight_decay, l1=l1, decoupled=decoupled, decay=decay, rows=rows
        )
        require_above_zero(self, eps=eps)
        self.eps = eps

    def _update(
        self, p: Array, g: Array | None, state: tuple[Array, ...], step: int, penalties: Penalties
    ) -> None:
        family = kernels("optimizer", array_module(p), p.dtype)
        family.adagrad(p, g, *state, self.lr, self.eps, *penalties)

    def _still_without_gradient(self) -> bool:
        return True
