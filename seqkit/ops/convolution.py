"""Convolution of images, channels last: x (B, H, W, C), filters W (F, KH, KW, C).

Channels are last because a window's values then lie side by side in memory, and a convolution is one
product of a matrix whose rows are the windows with the filters, which need not be copied for it.
"""

from __future__ import annotations

from seqkit.autograd import differentiable
from seqkit.errors import UsageError
from seqkit.ops import convolution_by_windows, winograd
from seqkit.ops.arguments import arguments
from seqkit.ops.convolution_end import ConvolutionEnd
from seqkit.ops.windows import IntOrPair, pair, window_counts

_check = arguments("conv2d", x="B, H, W, C", W="F, KH, KW, C", b="F or None")


@differentiable
def conv2d(
    xp,
    x,
    W,
    b=None,
    *,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    relu: bool = False,
    pool: int = 1,
    needs,
):
    """y[n, i, j, f] = Σ W[f, k, l, c]·x[n, i·s + k - p, j·s + l - p, c] + b[f], zeros outside the image.

    Filters are not flipped: convolution is, as in all network libraries, a cross-correlation.

    Args:
        x: (B, H, W, C).
        W: (F, KH, KW, C).
        b: (F,) or None.
        stride: s, one number or (down, across).
        padding: p, likewise.
        relu: Return max(y, 0).
        pool: Return the largest of each pool by pool values, as :func:`seqkit.ops.max_pool2d` does; the
            unpooled result is never in memory as a whole.

    Returns:
        (B, OH // pool, OW // pool, F) with OH = ⌊(H + 2p - KH) / s⌋ + 1.

    Raises:
        ShapeError: Other shapes, dtypes that differ, or filters larger than the padded image.
        UsageError: A stride, padding or pool that is no integer, or out of range.
    """
    _check(x, W, b)
    steps, pads, (KH, KW) = pair("stride", stride, 1), pair("padding", padding, 0), W.shape[1:3]
    counts = window_counts("conv2d", x.shape, (KH, KW), steps, pads)
    (pool, _) = pair("pool", pool, 1)
    if pool > min(counts):
        raise UsageError(
            f"conv2d: expected pool to be at least 1 and at most the result's {counts}, got {pool}"
        )
    x, W = xp.ascontiguousarray(x), xp.ascontiguousarray(W)
    end = ConvolutionEnd(xp, (len(x), *counts, len(W)), x.dtype, b, relu, pool)
    by_tiles = winograd.pays(xp, x.dtype, W.shape, steps)
    if by_tiles:
        winograd.forward(xp, x, W, pads, end)
    else:
        convolution_by_windows.forward(xp, x, W, steps, pads, end)

    def backward(dy):
        end.start_backward(dy, b is not None and needs[2])
        dx = dW = None
        if by_tiles and (needs[0] or needs[1]):
            dx, dW = winograd.backward(xp, x, W, pads, end, needs)
        elif needs[0] and steps == (1, 1) and pads[0] < KH and pads[1] < KW:
            dx, dW = convolution_by_windows.backward_of_dz(xp, x, W, pads, end, needs)
        elif needs[0] or needs[1]:
            dx, dW = convolution_by_windows.backward_of_x(xp, x, W, steps, pads, end, needs)
        else:
            end.gradient(slice(0, len(x)))
        return (dx, dW, end.db)[: len(needs)]

    return end.result(), backward
