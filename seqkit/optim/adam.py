"""Adam, and AdamW with its decoupled weight decay."""

import math
from collections.abc import Callable

from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module
from seqkit.backend.kernels import kernels
from seqkit.optim.base import Optimizer, Penalties, require_above_zero, require_below_one
from seqkit.optim.parameters import Parameters


class Adam(Optimizer):
    """Moments of the gradient, corrected for their start at zero (Kingma and Ba 2015, algorithm 1)::

        m ← β₁m + (1-β₁)g        v ← β₂v + (1-β₂)g²
        p ← p - lr · m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + eps)

    t counts the updates of each parameter from 1. ``weight_decay`` is L2 unless ``decoupled``. Rows: with
    "dense" the moments of the other rows decay and go on moving them; "lazy" leaves them alone, as PyTorch's
    SparseAdam does, which is faster for large vocabularies and trains differently. State: ``m``, ``v``.
    Arguments besides ``betas`` and ``eps`` are those of :class:`~seqkit.optim.Optimizer`.
    """

    slots = ("m", "v")

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        decoupled: bool = False,
        decay: Callable[[str, Tensor], bool] | None = None,
        rows: str = "dense",
    ) -> None:
        super().__init__(
            parameters, lr=lr, weight_decay=weight_decay, l1=l1, decoupled=decoupled, decay=decay, rows=rows
        )
        require_below_one(self, beta1=betas[0], beta2=betas[1])
        require_above_zero(self, eps=eps)
        self.betas = betas
        self.eps = eps

    def _update(
        self, p: Array, g: Array | None, state: tuple[Array, ...], step: int, penalties: Penalties
    ) -> None:
        family = kernels("optimizer", array_module(p), p.dtype)
        beta1, beta2 = self.betas
        step_size = self.lr / (1 - beta1**step)
        correction = math.sqrt(1 - beta2**step)
        family.adam(p, g, *state, step_size, beta1, beta2, correction, self.eps, *penalties)


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters apart from the moments (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        parameters: Parameters,
        *,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        l1: float = 0.0,
        decay: Callable[[str, Tensor], bool] | None = None,
        rows: str = "dense",
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            l1=l1,
            decoupled=True,
            decay=decay,
            rows=rows,
        )
