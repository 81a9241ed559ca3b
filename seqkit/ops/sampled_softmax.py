"""Sampled softmax: the cross entropy of a large vocabulary, from the scores of a few words of it."""

from __future__ import annotations

import numpy as np

from seqkit.autograd import RowGradient, differentiable
from seqkit.backend import empty, zeros
from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.kernels import kernels
from seqkit.errors import UsageError
from seqkit.ops.arguments import arguments, as_rows, require_ids

_check = arguments(
    "sampled_cross_entropy",
    x="…, E", W="V, E", b="V or None", targets="integer …", samples="integer S", inclusion="constant V",
)  # fmt: skip


@differentiable
def sampled_cross_entropy(xp, x, W, b, targets, samples, inclusion, *, needs):
    """Return an estimate of the mean of -log P(target | x), in nats, from the target and S sampled words.

    With the score s(w) = x·W[w] + b[w] of a word, and π(w), the probability that it is among the samples,
    each word independently of the others, the loss of a target t is

        log(Σ exp(s(w)) / π(w)) - s(t)

    with a sum over the samples and t, which counts once. Where all words are samples and π is 1, it is
    -log P. Beside log π(t), which has no gradient, it is the negative logarithm of the probability that t is
    the one of these words which came from the text: for any π the scores at the minimum are those of the
    whole softmax but for a constant of x (Jozefowicz et al. 2016, section 3.1; Ma and Collins 2018). The
    gradient of W is a RowGradient over the rows of the targets and the samples.

    Args:
        x: (…, E).
        W: (V, E).
        b: (V,) or None.
        targets: (…) integer ids below V; -1 does not count.
        samples: (S,) integer ids below V in ascending order, the same for all rows of x.
        inclusion: (V,), π, above 0 and at most 1, in any precision.

    Raises:
        ShapeError: Shapes that do not fit, or ids that are no integers.
        UsageError: On the CPU, ids outside 0 … V-1, or samples that do not ascend.
    """
    _check(x, W, b, targets, samples, inclusion)
    rows, flat = as_rows(x), targets.reshape(-1)
    N, S, V = len(rows), len(samples), len(W)
    counted = flat != IGNORE_INDEX
    words = xp.where(counted, flat, 0)
    require_ids("sampled_cross_entropy", "targets", words, V)
    require_ids("sampled_cross_entropy", "samples", samples, V)
    if isinstance(samples, np.ndarray) and (samples[1:] <= samples[:-1]).any():
        raise UsageError("sampled_cross_entropy: expected distinct samples in ascending order")
    product = kernels("matrix_product", xp, x.dtype).product
    outputs, sampled = xp.take(W, words, axis=0), xp.take(W, samples, axis=0)
    bias = zeros(xp, (V,), x.dtype) if b is None else b
    of_samples, of_words = (xp.log(inclusion[ids].astype(x.dtype)) for ids in (samples, words))
    scores = empty(xp, (N, S + 1), x.dtype)  # that of the target is the first
    product(rows, sampled.T, scores[:, 1:], bias[samples] - of_samples)
    scores[:, 0] = (rows * outputs).sum(axis=1) + bias[words] - of_words
    if S:
        column = xp.searchsorted(samples, words, side="right")  # where a target stands if it is among them
        twice = xp.flatnonzero(samples[column - 1] == words)
        scores[twice, column[twice]] = -np.inf
    first = xp.where(counted, 0, IGNORE_INDEX)
    family = kernels("softmax_cross_entropy", xp, x.dtype)
    losses = family.loss_and_gradient(scores, first, IGNORE_INDEX, 0.0, scores if any(needs) else None)
    losses -= xp.where(counted, of_words, 0).astype(np.float64)
    count = xp.maximum(counted.sum(), 1)
    value = xp.asarray(losses.sum() / count, dtype=np.float64)

    def backward(dy):
        scale = xp.asarray(dy / count, dtype=x.dtype)
        of_targets, of_samples = scores[:, :1] * scale, scores[:, 1:]
        dx = dW = db = None
        if needs[0]:
            dx = empty(xp, rows.shape, x.dtype)
            product(of_samples, sampled, dx)
            dx *= scale
            dx += of_targets * outputs
            dx = dx.reshape(x.shape)
        ids = xp.concatenate((words, samples)).astype(np.int64)
        if needs[1]:
            values = empty(xp, (N + S, W.shape[1]), W.dtype)
            xp.multiply(of_targets, rows, out=values[:N])
            product(of_samples.T, rows * scale, values[N:])
            touched, summed = kernels("row_sums", xp, W.dtype).sum_by_id(ids, values)
            dW = RowGradient(touched, summed, W.shape)
        if b is not None and needs[2]:
            each = xp.concatenate((of_targets[:, 0], of_samples.sum(axis=0) * scale))[:, None]
            touched, summed = kernels("row_sums", xp, W.dtype).sum_by_id(ids, xp.ascontiguousarray(each))
            db = zeros(xp, b.shape, b.dtype)
            db[touched] = summed[:, 0]
        return dx, dW, db, None, None, None

    return value, backward
