"""Each update in one pass over memory, without a temporary of the parameter's size.

The pass goes in blocks that stay in the first-level cache; within a block every loop writes one array, or the
compiler does not vectorise it (see the LSTM kernels). An absent array is one of length 0, so that each
kernel compiles once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import inline, jit
from seqkit.backend.kernels.optimizer import reference
from seqkit.backend.kernels.task import task
from seqkit.backend.kernels.task_arguments import Field, boolean, float32, float64
from seqkit.backend.kernels.thread_pool import chunk_bounds, chunks_for

_BLOCK = 512
"""Measured on Adam, 4.6 million parameters: 3.7 ms, with 1024 4.1. Smaller ones slow the penalties."""
_CHUNK = 1 << 15
"""Numbers of a chunk at least: handing it over takes 4 µs."""
_ZERO = np.float32(0)
_ONE = np.float32(1)


@inline
def _is_unpenalised(g, l2, l1, shrink):
    """Whether the gradient can be read where it lies."""
    return g.shape[0] > 0 and l2 == _ZERO and l1 == _ZERO and shrink == _ONE


@inline
def _penalised(p, g, start, l2, l1, shrink, out):
    """Into ``out`` the gradient of the block ``p`` with its penalties; shrinks ``p``."""
    n = p.shape[0]
    if g.shape[0] == 0:
        for j in range(n):
            out[j] = _ZERO
    else:
        block = g[start : start + n]
        for j in range(n):
            out[j] = block[j]
    if l2 != _ZERO:
        for j in range(n):
            out[j] += l2 * p[j]
    if l1 != _ZERO:
        for j in range(n):
            out[j] += l1 * (_ONE if p[j] > _ZERO else (-_ONE if p[j] < _ZERO else _ZERO))
    if shrink != _ONE:
        for j in range(n):
            p[j] *= shrink


@jit
def _sgd(p, g, lr, l2, l1, shrink):
    as_it_is = _is_unpenalised(g, l2, l1, shrink)
    scratch = np.empty(_BLOCK, np.float32)
    for start in range(0, p.shape[0], _BLOCK):
        pb = p[start : start + _BLOCK]
        d = g[start : start + _BLOCK] if as_it_is else scratch
        if not as_it_is:
            _penalised(pb, g, start, l2, l1, shrink, scratch)
        for j in range(pb.shape[0]):
            pb[j] -= lr * d[j]


@jit
def _momentum(p, g, b, lr, mu, nesterov, l2, l1, shrink):
    as_it_is = _is_unpenalised(g, l2, l1, shrink)
    scratch = np.empty(_BLOCK, np.float32)
    for start in range(0, p.shape[0], _BLOCK):
        pb, bb = p[start : start + _BLOCK], b[start : start + _BLOCK]
        n = pb.shape[0]
        d = g[start : start + _BLOCK] if as_it_is else scratch
        if not as_it_is:
            _penalised(pb, g, start, l2, l1, shrink, scratch)
        for j in range(n):
            bb[j] = mu * bb[j] + d[j]
        if nesterov:
            for j in range(n):
                pb[j] -= lr * (d[j] + mu * bb[j])
        else:
            for j in range(n):
                pb[j] -= lr * bb[j]


@jit
def _adagrad(p, g, s, lr, eps, l2, l1, shrink):
    as_it_is = _is_unpenalised(g, l2, l1, shrink)
    scratch = np.empty(_BLOCK, np.float32)
    for start in range(0, p.shape[0], _BLOCK):
        pb, sb = p[start : start + _BLOCK], s[start : start + _BLOCK]
        n = pb.shape[0]
        d = g[start : start + _BLOCK] if as_it_is else scratch
        if not as_it_is:
            _penalised(pb, g, start, l2, l1, shrink, scratch)
        for j in range(n):
            sb[j] += d[j] * d[j]
        for j in range(n):
            pb[j] -= lr * d[j] / (np.sqrt(sb[j]) + eps)


@jit
def _rmsprop(p, g, s, a, b, lr, alpha, rest, eps, mu, l2, l1, shrink):
    as_it_is = _is_unpenalised(g, l2, l1, shrink)
    scratch = np.empty(_BLOCK, np.float32)
    root = np.empty(_BLOCK, np.float32)
    for start in range(0, p.shape[0], _BLOCK):
        pb, sb = p[start : start + _BLOCK], s[start : start + _BLOCK]
        n = pb.shape[0]
        d = g[start : start + _BLOCK] if as_it_is else scratch
        if not as_it_is:
            _penalised(pb, g, start, l2, l1, shrink, scratch)
        for j in range(n):
            sb[j] = alpha * sb[j] + rest * d[j] * d[j]
        if a.shape[0] == 0:
            for j in range(n):
                root[j] = np.sqrt(sb[j])
        else:
            ab = a[start : start + _BLOCK]
            for j in range(n):
                ab[j] = alpha * ab[j] + rest * d[j]
            for j in range(n):
                variance = sb[j] - ab[j] * ab[j]
                root[j] = np.sqrt(_ZERO if variance < _ZERO else variance)
        for j in range(n):
            root[j] = d[j] / (root[j] + eps)
        if b.shape[0] == 0:
            for j in range(n):
                pb[j] -= lr * root[j]
        else:
            bb = b[start : start + _BLOCK]
            for j in range(n):
                bb[j] = mu * bb[j] + root[j]
            for j in range(n):
                pb[j] -= lr * bb[j]


@jit
def _adam(p, g, m, v, step_size, beta1, rest1, beta2, rest2, scale, eps, l2, l1, shrink):
    as_it_is = _is_unpenalised(g, l2, l1, shrink)
    scratch = np.empty(_BLOCK, np.float32)
    for start in range(0, p.shape[0], _BLOCK):
        pb, mb, vb = p[start : start + _BLOCK], m[start : start + _BLOCK], v[start : start + _BLOCK]
        n = pb.shape[0]
        d = g[start : start + _BLOCK] if as_it_is else scratch
        if not as_it_is:
            _penalised(pb, g, start, l2, l1, shrink, scratch)
        for j in range(n):
            mb[j] = beta1 * mb[j] + rest1 * d[j]
        for j in range(n):
            vb[j] = beta2 * vb[j] + rest2 * d[j] * d[j]
        for j in range(n):
            pb[j] -= step_size * mb[j] / (np.sqrt(vb[j]) * scale + eps)


@jit
def _sum_of_squares(g):
    total = 0.0
    for j in range(g.shape[0]):
        x = np.float64(g[j])
        total += x * x
    return total


_FLAT = float32("size").flat()
_PENALTIES: dict[str, Field] = {"l2": float32, "l1": float32, "shrink": float32}


@task(p=_FLAT.written(), g=_FLAT.optional(), lr=float32, **_PENALTIES)
def _sgd_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.size, chunk, chunks)
    _sgd(a.p[first:last], a.g[first:last], a.lr, a.l2, a.l1, a.shrink)


@task(
    p=_FLAT.written(),
    g=_FLAT.optional(),
    b=_FLAT.written(),
    lr=float32,
    mu=float32,
    nesterov=boolean,
    **_PENALTIES,
)
def _momentum_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.size, chunk, chunks)
    p, g, b = a.p[first:last], a.g[first:last], a.b[first:last]
    _momentum(p, g, b, a.lr, a.mu, a.nesterov, a.l2, a.l1, a.shrink)


@task(p=_FLAT.written(), g=_FLAT.optional(), s=_FLAT.written(), lr=float32, eps=float32, **_PENALTIES)
def _adagrad_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.size, chunk, chunks)
    p, g, s = a.p[first:last], a.g[first:last], a.s[first:last]
    _adagrad(p, g, s, a.lr, a.eps, a.l2, a.l1, a.shrink)


@task(
    p=_FLAT.written(),
    g=_FLAT.optional(),
    s=_FLAT.written(),
    mean=_FLAT.optional().written(),
    b=_FLAT.optional().written(),
    lr=float32,
    alpha=float32,
    rest=float32,
    eps=float32,
    mu=float32,
    **_PENALTIES,
)
def _rmsprop_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.size, chunk, chunks)
    p, g, s = a.p[first:last], a.g[first:last], a.s[first:last]
    mean, b = a.mean[first:last], a.b[first:last]
    _rmsprop(p, g, s, mean, b, a.lr, a.alpha, a.rest, a.eps, a.mu, a.l2, a.l1, a.shrink)


@task(
    p=_FLAT.written(),
    g=_FLAT.optional(),
    m=_FLAT.written(),
    v=_FLAT.written(),
    step_size=float32,
    beta1=float32,
    rest1=float32,
    beta2=float32,
    rest2=float32,
    scale=float32,
    eps=float32,
    **_PENALTIES,
)
def _adam_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.size, chunk, chunks)
    _adam(
        a.p[first:last],
        a.g[first:last],
        a.m[first:last],
        a.v[first:last],
        a.step_size,
        a.beta1,
        a.rest1,
        a.beta2,
        a.rest2,
        a.scale,
        a.eps,
        a.l2,
        a.l1,
        a.shrink,
    )


@jit
def _scale(g, factor):
    for j in range(g.shape[0]):
        g[j] *= factor


@task(g=_FLAT.written(), factor=float32)
def _scale_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.size, chunk, chunks)
    _scale(a.g[first:last], a.factor)


@task(g=_FLAT, sums=float64("chunks_of_g").written())
def _sum_of_squares_chunk(a, chunk, chunks):
    first, last = chunk_bounds(a.size, chunk, chunks)
    a.sums[chunk] = _sum_of_squares(a.g[first:last])


def _chunks(p: Any) -> int:
    return chunks_for(p.size, _CHUNK)


def _readable(g: Any) -> Any:
    return None if g is None else np.ascontiguousarray(g, np.float32)


def sgd(p: Any, g: Any, lr: float, l2: float, l1: float, shrink: float) -> None:
    """See the reference."""
    if not _sgd_chunk.parallel_for(_chunks(p), p=p, g=_readable(g), lr=lr, l2=l2, l1=l1, shrink=shrink):
        reference.sgd(p, g, lr, l2, l1, shrink)


def momentum(
    p: Any, g: Any, b: Any, lr: float, mu: float, nesterov: bool, l2: float, l1: float, shrink: float
) -> None:
    """See the reference."""
    if not _momentum_chunk.parallel_for(
        _chunks(p),
        p=p,
        g=_readable(g),
        b=b,
        lr=lr,
        mu=mu,
        nesterov=nesterov,
        l2=l2,
        l1=l1,
        shrink=shrink,
    ):
        reference.momentum(p, g, b, lr, mu, nesterov, l2, l1, shrink)


def adagrad(p: Any, g: Any, s: Any, lr: float, eps: float, l2: float, l1: float, shrink: float) -> None:
    """See the reference."""
    if not _adagrad_chunk.parallel_for(
        _chunks(p), p=p, g=_readable(g), s=s, lr=lr, eps=eps, l2=l2, l1=l1, shrink=shrink
    ):
        reference.adagrad(p, g, s, lr, eps, l2, l1, shrink)


def rmsprop(
    p: Any,
    g: Any,
    s: Any,
    a: Any,
    b: Any,
    lr: float,
    alpha: float,
    eps: float,
    mu: float,
    l2: float,
    l1: float,
    shrink: float,
) -> None:
    """See the reference."""
    if not _rmsprop_chunk.parallel_for(
        _chunks(p),
        p=p,
        g=_readable(g),
        s=s,
        mean=a,
        b=b,
        lr=lr,
        alpha=alpha,
        rest=1 - alpha,
        eps=eps,
        mu=mu,
        l2=l2,
        l1=l1,
        shrink=shrink,
    ):
        reference.rmsprop(p, g, s, a, b, lr, alpha, eps, mu, l2, l1, shrink)


def adam(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    step_size: float,
    beta1: float,
    beta2: float,
    correction: float,
    eps: float,
    l2: float,
    l1: float,
    shrink: float,
) -> None:
    """See the reference."""
    if not _adam_chunk.parallel_for(
        _chunks(p),
        p=p,
        g=_readable(g),
        m=m,
        v=v,
        step_size=step_size,
        beta1=beta1,
        rest1=1 - beta1,
        beta2=beta2,
        rest2=1 - beta2,
        scale=1 / correction,
        eps=eps,
        l2=l2,
        l1=l1,
        shrink=shrink,
    ):
        reference.adam(p, g, m, v, step_size, beta1, beta2, correction, eps, l2, l1, shrink)


def sum_of_squares(g: Any) -> Any:
    """See the reference."""
    chunks = _chunks(g)
    sums = np.zeros(chunks, np.float64)
    if not _sum_of_squares_chunk.parallel_for(chunks, g=np.ascontiguousarray(g, np.float32), sums=sums):
        return reference.sum_of_squares(g)
    return np.asarray(sums.sum())


def scale(g: Any, factor: Any) -> None:
    """See the reference."""
    if not _scale_chunk.parallel_for(_chunks(g), g=g, factor=float(factor)):
        reference.scale(g, factor)
