"""The feed-forward network of a Transformer layer."""

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import require_choice
from seqkit.nn.dropout import Dropout
from seqkit.nn.linear import Linear
from seqkit.nn.module import Module
from seqkit.ops.activations import KINDS


class FeedForward(Module):
    """φ(x·W₁ + b₁)·W₂ + b₂ at every position (Vaswani et al. 2017, equation 2): layers ``up`` and ``down``.

    Args:
        embedding_size: Size of input and result.
        hidden_size: Size between the two layers.
        activation: φ: "relu", max(x, 0), of the paper; "gelu", x·Φ(x), of BERT; or "gelu-tanh", of GPT-2.
            Their equations stand in ``ops/activations.py``.
        dropout: Rate of dropout after φ.
        bias: Whether both layers have a bias.
        generator: Source of the initial weights.
    """

    def __init__(
        self,
        embedding_size: int,
        hidden_size: int,
        *,
        activation: str = "gelu",
        dropout: float = 0.0,
        bias: bool = True,
        generator: Generator | int | None = None,
    ) -> None:
        require_choice("activation", activation, KINDS)
        generator = as_generator(generator)
        self.activation = activation
        self.up = Linear(embedding_size, hidden_size, bias=bias, generator=generator)
        self.down = Linear(hidden_size, embedding_size, bias=bias, generator=generator)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Return (…, E) of x (…, E).

        Raises:
            UsageError: In training without a generator, unless ``dropout`` is 0.
        """
        hidden = ops.activation(ops.linear(x, self.up.weight), self.up.bias, kind=self.activation)
        return self.down(self.dropout(hidden, generator))
