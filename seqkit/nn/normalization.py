"""Layer and batch normalisation."""

import math

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.errors import require_number, require_sizes
from seqkit.nn import initializers
from seqkit.nn.module import Buffer, Module, Parameter


class LayerNorm(Module):
    """weight·(x - mean) / √(var + ε) + bias over the last axis (Ba, Kiros, Hinton 2016).

    ``weight`` and ``bias`` (E,), the paper's γ and β, start as 1 and 0.

    Args:
        size: E, the size of the last axis.
        epsilon: ε.

    Example:
        >>> LayerNorm(2)(Tensor([[1.0, 3.0]])).numpy().round(2).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(self, size: int, *, epsilon: float = 1e-5) -> None:
        self.size, self.epsilon = size, epsilon
        require_sizes(self, "size")
        require_number("epsilon", epsilon, least=0)
        self.weight = Parameter(initializers.ones((size,)))
        self.bias = Parameter(initializers.zeros((size,)))

    def add(
        self, x: Tensor, branch: Tensor, *, rate: float = 0.0, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return s = x + dropout(branch) and the normalised s; all (…, E)."""
        return ops.add_layer_norm(
            x, branch, self.weight, self.bias, epsilon=self.epsilon, rate=rate, generator=generator
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x (…, E)."""
        return ops.layer_norm(x, self.weight, self.bias, epsilon=self.epsilon)


class BatchNorm(Module):
    """Normalise each feature of (B, C), or each channel of (B, H, W, C) (Ioffe and Szegedy 2015).

    ``weight`` and ``bias`` (C,), the paper's γ and β, scale and shift the result. In training the statistics
    are those of the batch, which also move the running ones: running = (1 - momentum)·running +
    momentum·batch, where the variance is the unbiased one, as PyTorch's. In evaluation they are the running
    ones, so that the result of an example does not depend on its batch. ``running_mean`` and ``running_var``
    are buffers: saved with the parameters.

    Args:
        num_features: C.
        momentum: Weight of a batch in the running statistics.
        epsilon: ε, added to the variance.
    """

    def __init__(self, num_features: int, *, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        self.num_features, self.momentum, self.epsilon = num_features, momentum, epsilon
        require_sizes(self, "num_features")
        require_number("momentum", momentum, least=0, most=1)
        require_number("epsilon", epsilon, least=0)
        self.weight = Parameter(initializers.ones((num_features,)))
        self.bias = Parameter(initializers.zeros((num_features,)))
        self.running_mean = Buffer(initializers.zeros((num_features,)))
        self.running_var = Buffer(initializers.ones((num_features,)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised x (B, …, C).

        Raises:
            ShapeError: In training, one value a feature: it has no variance.
        """
        if not self.training:
            return ops.batch_norm_inference(
                x, self.weight, self.bias, self.running_mean, self.running_var, epsilon=self.epsilon
            )
        y, mean, variance = ops.batch_norm(x, self.weight, self.bias, epsilon=self.epsilon)
        count = math.prod(x.shape[:-1])
        unbiased = count / (count - 1)
        for running, batch, factor in (
            (self.running_mean, mean, 1.0),
            (self.running_var, variance, unbiased),
        ):
            running.data *= 1 - self.momentum
            running.data += batch.data * (self.momentum * factor)
        return y
