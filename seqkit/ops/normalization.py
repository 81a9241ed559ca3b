"""Layer normalisation, alone and after a residual sum, and batch normalisation."""

from __future__ import annotations

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.errors import ShapeError, require_number
from seqkit.ops.arguments import arguments, as_rows, require_features
from seqkit.ops.dropout import check_generator, check_rate

_check_layer = arguments("layer_norm", x="…, E", gamma="E", beta="E")
_check_added = arguments("add_layer_norm", x="…, E", branch="…, E", gamma="E", beta="E")
_check_batch = arguments("batch_norm", x="B, …, C", gamma="C", beta="C")
_check_inference = arguments("batch_norm_inference", x="B, …, C", gamma="C", beta="C", mean="C", variance="C")


@differentiable
def layer_norm(xp, x, gamma, beta, *, epsilon=1e-5, needs):
    """Return γ·(x - mean) / √(var + ε) + β over the last axis (Ba, Kiros, Hinton 2016).

    Args:
        x: (…, E).
        gamma: γ (E,).
        beta: β (E,).
        epsilon: ε; the variance divides by E.

    Raises:
        ShapeError: Other shapes, or dtypes that differ.
    """
    _check_layer(x, gamma, beta)
    require_number("epsilon", epsilon, least=0)
    require_features("layer_norm", x)
    family = kernels("layer_norm", xp, x.dtype)
    rows = as_rows(xp.ascontiguousarray(x))
    gamma, beta = xp.ascontiguousarray(gamma), xp.ascontiguousarray(beta)
    y = empty(xp, rows.shape, x.dtype)
    statistics = family.forward(rows, None, gamma, beta, epsilon, None, y)

    def backward(dy):
        dy = xp.ascontiguousarray(dy).reshape(rows.shape)
        dx = empty(xp, rows.shape, x.dtype) if needs[0] else None
        d_gamma, d_beta = family.backward(rows, statistics, gamma, dy, None, dx)
        return None if dx is None else dx.reshape(x.shape), d_gamma, d_beta

    return y.reshape(x.shape), backward


@differentiable
def add_layer_norm(xp, x, branch, gamma, beta, *, epsilon=1e-5, rate=0.0, generator=None, needs):
    """Return s = x + dropout(branch) and :func:`layer_norm` of s: the end of a residual connection.

    Args:
        x: (…, E).
        branch: (…, E).
        gamma: γ (E,).
        beta: β (E,).
        epsilon: ε.
        rate: Dropout rate of the branch; above 0 it takes one draw from ``generator``.
        generator: Source of the dropout mask.

    Raises:
        ShapeError: Other shapes, or dtypes that differ.
        UsageError: Dropout without a generator.
    """
    _check_added(x, branch, gamma, beta)
    require_number("epsilon", epsilon, least=0)
    require_features("add_layer_norm", x)
    family, dropout = kernels("layer_norm", xp, x.dtype), kernels("dropout", xp, x.dtype)
    key, first, threshold, factor = None, 0, round((1 - check_rate(rate)) * 2**32), 1 / (1 - rate)
    rows, added = (as_rows(xp.ascontiguousarray(a)) for a in (x, branch))
    gamma, beta = xp.ascontiguousarray(gamma), xp.ascontiguousarray(beta)
    total, y = empty(xp, rows.shape, x.dtype), empty(xp, rows.shape, x.dtype)
    if rate:
        key, first = check_generator("dropout", generator).draw(x.shape)
        dropout.masked_scale(added, key, threshold, factor, total, first)
        added = total
    statistics = family.forward(rows, added, gamma, beta, epsilon, total, y)

    def backward(d_total, dy):
        d_total, dy = (
            None if d is None else xp.ascontiguousarray(d).reshape(rows.shape) for d in (d_total, dy)
        )
        d_gamma = d_beta = d_branch = None
        dx = empty(xp, rows.shape, x.dtype)
        if dy is None:
            dx[...] = d_total
        else:
            d_gamma, d_beta = family.backward(total, statistics, gamma, dy, d_total, dx)
        if needs[1]:
            d_branch = empty(xp, rows.shape, x.dtype)
            if key is None:
                d_branch[...] = dx
            else:
                dropout.masked_scale(dx, key, threshold, factor, d_branch, first)
            d_branch = d_branch.reshape(x.shape)
        return dx.reshape(x.shape), d_branch, d_gamma, d_beta

    return (total.reshape(x.shape), y.reshape(x.shape)), backward


@differentiable
def batch_norm(xp, x, gamma, beta, *, epsilon=1e-5, needs):
    """Return γ·(x - mean) / √(var + ε) + β with the statistics of the batch, for training.

    Each feature, or channel, is normalised over all examples of a batch (Ioffe and Szegedy 2015).

    Args:
        x: (B, …, C), such as (B, C), or images (B, H, W, C), where a channel is one feature at every place of
            every image.
        gamma: γ (C,).
        beta: β (C,).
        epsilon: ε.

    Returns:
        y as x, mean (C,) and variance (C,), which divides by the number of values.

    Raises:
        ShapeError: Other shapes, dtypes that differ, or one value a feature: it has no variance.
    """
    _check_batch(x, gamma, beta)
    require_number("epsilon", epsilon, least=0)
    rows, family = as_rows(xp.ascontiguousarray(x)), kernels("batch_norm", xp, x.dtype)
    N = len(rows)
    if N < 2:
        raise ShapeError(f"batch_norm: expected at least 2 values a feature, got x {x.shape}: no variance")
    mean, variance = family.moments(rows)
    inverse = 1 / xp.sqrt(variance + epsilon)
    factor = gamma * inverse
    y = empty(xp, rows.shape, x.dtype)
    family.scale(rows, mean, factor, beta, y)

    def backward(dy, d_mean, d_variance):
        d_rows = xp.zeros_like(rows) if dy is None else xp.ascontiguousarray(dy).reshape(rows.shape)
        d_beta, products = family.gradient_sums(d_rows, rows, mean)
        d_gamma = products * inverse
        dx = None
        if needs[0]:
            shift, slope = -factor * d_beta / N, -factor * inverse * d_gamma / N
            if d_mean is not None:
                shift += d_mean / N
            if d_variance is not None:
                slope += d_variance * (2 / N)
            dx = empty(xp, rows.shape, x.dtype)
            family.input_gradient(d_rows, rows, mean, factor, shift, slope, dx)
            dx = dx.reshape(x.shape)
        return dx, (d_gamma if needs[1] else None), (d_beta if needs[2] else None)

    return (y.reshape(x.shape), mean, variance), backward


@differentiable
def batch_norm_inference(xp, x, gamma, beta, mean, variance, *, epsilon=1e-5, needs):
    """Return γ·(x - mean) / √(variance + ε) + β with running statistics, which get no gradient.

    Args:
        x: (B, …, C).
        gamma: γ (C,).
        beta: β (C,).
        mean: (C,).
        variance: (C,).
        epsilon: ε.

    Raises:
        ShapeError: Other shapes, or dtypes that differ.
    """
    _check_inference(x, gamma, beta, mean, variance)
    require_number("epsilon", epsilon, least=0)
    rows = as_rows(xp.ascontiguousarray(x))
    family = kernels("batch_norm", xp, x.dtype)
    inverse = 1 / xp.sqrt(variance + epsilon)
    factor = gamma * inverse
    y = empty(xp, rows.shape, x.dtype)
    family.scale(rows, mean, factor, beta, y)

    def backward(dy):
        d_beta = d_gamma = None
        if needs[1] or needs[2]:
            d_rows = xp.ascontiguousarray(dy).reshape(rows.shape)
            d_beta, products = family.gradient_sums(d_rows, rows, mean)
            d_gamma = products * inverse
        dx = dy * factor if needs[0] else None
        return dx, (d_gamma if needs[1] else None), (d_beta if needs[2] else None), None, None

    return y.reshape(x.shape), backward
