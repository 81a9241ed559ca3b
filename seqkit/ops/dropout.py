"""Dropout (Srivastava et al. 2014), inverted: the elements that stay are multiplied by 1 / (1 - rate)."""

from __future__ import annotations

from seqkit.autograd import differentiable
from seqkit.backend import empty
from seqkit.backend.kernels import kernels
from seqkit.backend.random import Generator
from seqkit.errors import UsageError, require_number
from seqkit.ops.arguments import arguments, require_ids

_check, _check_locked = arguments("dropout", x="…"), arguments("locked_dropout", x="B, T, E")
_check_tokens = arguments("embedding_dropout", x="B, T, E", ids="integer B, T")


def check_rate(rate: float) -> float:
    """Return ``rate``; raise UsageError unless 0 <= rate < 1."""
    require_number("a dropout rate", rate, least=0, below=1)
    return rate


def check_generator(what: str, generator: object) -> Generator:
    """Return ``generator``; raise UsageError unless it is a Generator."""
    if not isinstance(generator, Generator):
        raise UsageError(f"{what} needs a generator", remedy="pass seqkit.Generator(seed)")
    return generator


@differentiable
def dropout(xp, x, *, rate, generator, weights=False):
    """Zero each element of x with probability ``rate``; the mask is computed again in the backward, never
    stored.

    Args:
        x: Of any shape.
        rate: At least 0 and below 1.
        generator: A :class:`seqkit.Generator`, of which one draw is taken. It is required: randomness is an
            argument.
        weights: Whether x are weights, which have no rows of a batch: several processes that share the rows
            out then zero the same ones.

    Raises:
        UsageError: A rate out of range, or no generator.
    """
    _check(x)
    check_rate(rate)
    check_generator("dropout", generator)
    key, first = (generator.next_key(), 0) if weights else generator.draw(x.shape)
    threshold, scale = round((1 - rate) * 2**32), 1 / (1 - rate)
    x = xp.ascontiguousarray(x)
    y = empty(xp, x.shape, x.dtype)
    kernels("dropout", xp, x.dtype).masked_scale(x, key, threshold, scale, y, first)

    def backward(dy):
        dy = xp.ascontiguousarray(dy)
        dx = empty(xp, dy.shape, dy.dtype)
        kernels("dropout", xp, dy.dtype).masked_scale(dy, key, threshold, scale, dx, first)
        return dx

    return y, backward


@differentiable
def locked_dropout(xp, x, *, rate, generator):
    """Variational dropout: one mask (B, 1, E) for all T steps of x (B, T, E) (Gal and Ghahramani 2016).

    Arguments and errors as of :func:`dropout`.
    """
    _check_locked(x)
    check_rate(rate)
    check_generator("dropout", generator)
    B, _, E = x.shape
    keep = generator.uniform_rows((B, 1, E), xp) < 1 - rate  # the same mask in any dtype
    mask = keep.astype(x.dtype) * x.dtype.type(1 / (1 - rate))
    return x * mask, lambda dy: dy * mask


@differentiable
def embedding_dropout(xp, x, ids, *, vocab_size, rate, generator):
    """Dropout of whole tokens: all occurrences of an id are zero, or none (Gal and Ghahramani 2016, 4.2).

    It is the dropout of whole rows of the embedding matrix, without the matrix.

    Args:
        x: (B, T, E), the vectors of the ids.
        ids: (B, T), 0 … V-1.
        vocab_size: V, the numbers that are drawn.
        rate: As of :func:`dropout`.
        generator: Likewise. Several processes that share the rows of a batch leave out the same tokens.

    Raises:
        UsageError: A rate out of range, or no generator; on the CPU, ids outside 0 … V-1.
    """
    _check_tokens(x, ids)
    check_rate(rate)
    check_generator("dropout", generator)
    require_ids("embedding_dropout", "ids", ids, vocab_size)
    keep = generator.uniform((vocab_size,), xp) < 1 - rate
    mask = (keep.astype(x.dtype) * x.dtype.type(1 / (1 - rate)))[ids][:, :, None]
    return x * mask, lambda dy: (dy * mask, None)
