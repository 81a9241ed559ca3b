"""Define-by-run differentiation: Tensor, the tape, and a check of gradients by finite differences."""

from seqkit.autograd.tensor import Tensor  # isort: skip  # first: it imports the primitives below itself
from seqkit.autograd.differentiable import differentiable
from seqkit.autograd.gradient_check import gradient_check
from seqkit.autograd.graph import is_grad_enabled, no_grad
from seqkit.autograd.shaping import concatenate, stack
from seqkit.autograd.sparse_gradient import Gradient, IndexGradient, RowGradient, accumulate, to_dense

__all__ = [
    "Gradient",
    "IndexGradient",
    "RowGradient",
    "Tensor",
    "accumulate",
    "concatenate",
    "differentiable",
    "gradient_check",
    "is_grad_enabled",
    "no_grad",
    "stack",
    "to_dense",
]
