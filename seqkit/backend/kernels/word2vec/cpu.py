"""Word2vec in compiled code, as many threads at once as the caller starts.

The arithmetic of an example is small (24 vectors of 100 numbers, 0.1 µs); the time goes to waiting for rows
that lie scattered over tens of megabytes. So the words of the next example are drawn while the present one
is computed, and their rows are asked for ahead (measured with one thread on 14 M words: 2.2 M words/s
without, 2.7 M with). Rows are padded to whole cache lines. Threads update the same vectors without locks
(Recht et al. 2011): with one thread the result equals the reference's, with more it varies.
"""

from __future__ import annotations

import numpy as np

from seqkit.backend.kernels.compiler import inline, inline_sums, jit, prefetch_row
from seqkit.backend.kernels.word2vec.reference import CLIP, GOLDEN, Plan, Sampling

_GOLDEN = np.uint64(GOLDEN)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)

_TABLE = 1 << 7  # steps of a unit of score; both tables together fill half of a first-level cache
_scores = np.arange(-int(CLIP) * _TABLE, int(CLIP) * _TABLE + 1) / _TABLE
SIGMOID = (1 / (1 + np.exp(-_scores))).astype(np.float32)
SOFTPLUS = np.log1p(np.exp(_scores)).astype(np.float32)  # -log(1 - σ)
_CLIP = np.float32(CLIP)
_SCALE = np.float32(_TABLE)


@inline
def _mix(z):  # type: ignore[no-untyped-def]
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@inline
def _draw_negatives(chosen, centre, negative, key, count, threshold, alias, output):  # type: ignore[no-untyped-def]
    """Fill ``chosen`` with the centre and negatives and ask for their rows; returns the new draw count."""
    V, P = output.shape
    chosen[0] = centre
    for line in range(0, P, 16):
        prefetch_row(output, centre, line)
    for k in range(1, negative + 1):
        count += np.uint64(1)
        bits = _mix(key + count * _GOLDEN)
        word = np.int64(((bits & _LOW) * np.uint64(V)) >> _S32)
        if np.uint32(bits >> _S32) >= threshold[word]:
            word = np.int64(alias[word])
        chosen[k] = word
        for line in range(0, P, 16):
            prefetch_row(output, word, line)
    return count


@inline_sums
def _update(h, gradient, chosen, negative, output, alpha, sigmoid, softplus):  # type: ignore[no-untyped-def]
    """Move the output vectors; fills ``gradient`` with the update of h and returns the loss."""
    P = h.shape[0]
    loss = np.float32(0)
    for j in range(P):
        gradient[j] = np.float32(0)
    for k in range(negative + 1):
        word = chosen[k]
        if k > 0 and word == chosen[0]:
            continue
        o = output[word]
        score = np.float32(0)
        for j in range(P):
            score += h[j] * o[j]
        score = score if score > -_CLIP else -_CLIP  # NaN too, which must not become a place in a table
        score = _CLIP if score > _CLIP else score
        place = np.int32((score + _CLIP) * _SCALE + np.float32(0.5))
        label = np.float32(1) if k == 0 else np.float32(0)
        loss += softplus[place] - label * score
        step = alpha * (label - sigmoid[place])
        for j in range(P):
            gradient[j] += step * o[j]
        for j in range(P):
            o[j] += step * h[j]
    return loss


@jit
def _cbow(  # type: ignore[no-untyped-def]
    ids, eos, unk, keep, threshold, alias, window, shrink, negative, mean, true_gradient,
    vectors, output, alpha, key, sigmoid, softplus,
):  # fmt: skip
    P = vectors.shape[1]
    h, gradient = np.zeros(P, np.float32), np.zeros(P, np.float32)
    chosen = np.zeros((2, negative + 1), np.int64)
    span = np.zeros(2, np.int64)
    kept = np.empty(ids.shape[0], np.int64)
    count = np.uint64(0)
    position, words, examples, loss = 0, 0, 0, 0.0
    one = np.float32(1)
    while position < ids.shape[0]:
        length = 0
        while position < ids.shape[0] and ids[position] != eos:
            word = np.int64(ids[position])
            position += 1
            if word == unk:
                continue
            words += 1
            count += np.uint64(1)
            if np.uint32(_mix(key + count * _GOLDEN) >> _S32) < keep[word]:
                kept[length] = word
                length += 1
        position += 1
        if length < 2:
            continue
        for ahead in range(length + 1):
            if ahead < length:
                count += np.uint64(1)
                bits = _mix(key + count * _GOLDEN) >> _S32
                span[ahead & 1] = 1 + np.int64((bits * np.uint64(window)) >> _S32) if shrink else window
                count = _draw_negatives(
                    chosen[ahead & 1], kept[ahead], negative, key, count, threshold, alias, output
                )
                if ahead + window + 1 < length:
                    for line in range(0, P, 16):
                        prefetch_row(vectors, kept[ahead + window + 1], line)
            if ahead == 0:
                continue
            i = ahead - 1
            first, last = max(0, i - span[i & 1]), min(length, i + span[i & 1] + 1)
            for j in range(P):
                h[j] = np.float32(0)
            for p in range(first, last):
                if p != i:
                    row = vectors[kept[p]]
                    for j in range(P):
                        h[j] += row[j]
            share = one / np.float32(last - first - 1)
            if mean:
                for j in range(P):
                    h[j] *= share
            loss += _update(h, gradient, chosen[i & 1], negative, output, alpha, sigmoid, softplus)
            examples += 1
            if mean and true_gradient:
                for j in range(P):
                    gradient[j] *= share
            for p in range(first, last):
                if p != i:
                    row = vectors[kept[p]]
                    for j in range(P):
                        row[j] += gradient[j]
    return words, examples, loss


@jit
def _skip_gram(  # type: ignore[no-untyped-def]
    ids, eos, unk, keep, threshold, alias, window, shrink, negative, vectors, output, alpha, key,
    sigmoid, softplus,
):  # fmt: skip
    P = vectors.shape[1]
    gradient = np.zeros(P, np.float32)
    h = np.zeros(P, np.float32)
    chosen = np.zeros((2, negative + 1), np.int64)
    kept = np.empty(ids.shape[0], np.int64)
    count = np.uint64(0)
    position, words, examples, loss = 0, 0, 0, 0.0
    while position < ids.shape[0]:
        length = 0
        while position < ids.shape[0] and ids[position] != eos:
            word = np.int64(ids[position])
            position += 1
            if word == unk:
                continue
            words += 1
            count += np.uint64(1)
            if np.uint32(_mix(key + count * _GOLDEN) >> _S32) < keep[word]:
                kept[length] = word
                length += 1
        position += 1
        if length < 2:
            continue
        for i in range(length):
            count += np.uint64(1)
            bits = _mix(key + count * _GOLDEN) >> _S32
            span = 1 + np.int64((bits * np.uint64(window)) >> _S32) if shrink else np.int64(window)
            first, last = max(0, i - span), min(length, i + span + 1)
            turn, waiting = 0, np.int64(-1)
            for p in range(first, last + 1):  # one pair behind the draws, so that their rows can arrive
                if p == i:
                    continue
                if p < last:
                    count = _draw_negatives(
                        chosen[turn & 1], kept[i], negative, key, count, threshold, alias, output
                    )
                    for line in range(0, P, 16):
                        prefetch_row(vectors, kept[p], line)
                if waiting >= 0:
                    row = vectors[waiting]
                    for j in range(P):
                        h[j] = row[j]
                    loss += _update(
                        h, gradient, chosen[(turn - 1) & 1], negative, output, alpha, sigmoid, softplus
                    )
                    for j in range(P):
                        row[j] += gradient[j]
                    examples += 1
                turn += 1
                waiting = kept[p] if p < last else np.int64(-1)
    return words, examples, loss


def train_chunk(
    ids: np.ndarray,
    eos_id: int,
    unk_id: int,
    sampling: Sampling,
    plan: Plan,
    input_vectors: np.ndarray,
    output_vectors: np.ndarray,
    alpha: float,
    key: int,
) -> tuple[int, int, float]:
    """See the reference. Releases the GIL, so that threads train side by side."""
    start = (ids, eos_id, unk_id, *sampling, plan.window, plan.shrink, plan.negative)
    vectors = (input_vectors, output_vectors, np.float32(alpha), np.uint64(key), SIGMOID, SOFTPLUS)
    if plan.skip_gram:
        words, examples, loss = _skip_gram(*start, *vectors)
    else:
        words, examples, loss = _cbow(*start, plan.mean, plan.true_gradient, *vectors)
    return int(words), int(examples), float(loss)
