"""Residual connections around the sublayers of a Transformer."""

from collections.abc import Callable, Sequence

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.random import Generator
from seqkit.nn.normalization import LayerNorm

Sublayer = tuple[LayerNorm, Callable[[Tensor], Tensor]]
"""The normalisation of a sublayer, and the sublayer: attention or the feed-forward network."""


def run_sublayers(
    x: Tensor,
    sublayers: Sequence[Sublayer],
    *,
    norm: str,
    rate: float = 0.0,
    generator: Generator | None = None,
    last: LayerNorm | None = None,
) -> Tensor:
    """Apply sublayers one after another, each beside a residual connection.

    Each residual sum is one op with the normalisation that follows it: that of its own sublayer, or in
    pre-norm of the next sublayer, and after the last sublayer ``last``.

    Args:
        x: (B, T, E) or (P, E).
        sublayers: At least one.
        norm: "pre" or "post".
        rate: Dropout rate of a sublayer's output before it is added.
        generator: Source of the dropout masks.
        last: Normalisation after the last sublayer, in pre-norm.
    """
    if norm == "post":
        for own, sublayer in sublayers:
            _, x = own.add(x, sublayer(x), rate=rate, generator=generator)
        return x
    following = [own for own, _ in sublayers[1:]]
    y = sublayers[0][0](x)
    for (_, sublayer), after in zip(sublayers, [*following, last], strict=True):
        branch = sublayer(y)
        if after is not None:
            x, y = after.add(x, branch, rate=rate, generator=generator)
        else:
            y = x + (ops.dropout(branch, rate=rate, generator=generator) if rate else branch)
    return y
