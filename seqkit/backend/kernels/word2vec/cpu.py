"""Word2vec in compiled code, as many threads at once as the caller starts.

An example is some 30 passes over rows of a hundred numbers. So the sums are in LLVM's own vectors (``rows``),
the words of a sentence are drawn at once and without branches, helpers are merged into one function, and the
rows of the next example are asked for while the present one is computed, since they lie scattered over tens
of megabytes: all but the last made one thread 1.4 times as fast (2.5 to 3.6 M words/s in one run).
Rows are padded to whole cache lines. Threads update the same vectors without locks
(Recht et al. 2011): with one thread the result equals the reference's, with more it varies.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqkit.backend.kernels.compiler import merged
from seqkit.backend.kernels.task import fast_task
from seqkit.backend.kernels.task_arguments import (
    Field,
    boolean,
    float32,
    float64,
    int32,
    int64,
    uint32,
    uint64,
)
from seqkit.backend.kernels.word2vec import reference
from seqkit.backend.kernels.word2vec.reference import CLIP, GOLDEN, Sampling
from seqkit.backend.kernels.word2vec.rows import add_to_rows, prefetch_rows, score_rows, sum_rows, update_rows
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings

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


@merged
def _mix(z):
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@merged
def _draw_words(drawn, number, key, count, V, threshold, alias):
    """drawn[n] = the word of draw count + 1 + n, n below ``number``; no branches, so that it vectorises."""
    for n in range(number):
        bits = _mix(key + (count + np.uint64(n + 1)) * _GOLDEN)
        word = np.int64(((bits & _LOW) * V) >> _S32)
        other = np.int64(alias[word])
        drawn[n] = word if np.uint32(bits >> _S32) < threshold[word] else other


@merged
def _choose(chosen, start, centre, drawn, first, negative, output):
    """Fill ``chosen`` from ``start`` with the centre and drawn words and ask for their rows.

    Returns how many were chosen; those that equal the centre are passed over. A negative number tells that a
    word was chosen twice.
    """
    chosen[start] = centre
    prefetch_rows(output, centre)
    number, twice = 1, False
    for n in range(first, first + negative):
        word = drawn[n]
        for k in range(start + 1, start + number):
            twice |= chosen[k] == word
        chosen[start + number] = word
        number += 1 if word != centre else 0
        prefetch_rows(output, word)
    return -number if twice else number


@merged
def _place(score):
    return np.int32((score + _CLIP) * _SCALE + np.float32(0.5))


@merged
def _slopes(scores, steps, begin, end, true, alpha, tables):
    """steps[k] = alpha · (label - σ(score)), label 1 for the word at ``true``; returns the losses' sum."""
    sigmoid, softplus = tables
    for k in range(begin, end):
        score = scores[k] if scores[k] > -_CLIP else -_CLIP  # NaN too, which must not become a place
        scores[k] = score if score < _CLIP else _CLIP
        label = np.float32(1) if k == true else np.float32(0)
        steps[k] = alpha * (label - sigmoid[_place(scores[k])])
    loss = -scores[true] if begin == true else np.float32(0)
    for k in range(begin, end):
        loss += softplus[_place(scores[k])]
    return loss


@merged
def _update(h, gradient, chosen, start, number, output, alpha, tables, scores, steps):
    """Move the output vectors; fills ``gradient`` with the update of h and returns the loss."""
    gradient[:] = np.float32(0)
    scores[:] = np.float32(0)
    if number > 0:
        end = start + number
        score_rows(scores, h, output, chosen, start, end)
        loss = _slopes(scores, steps, start, end, start, alpha, tables)
        update_rows(gradient, h, output, chosen, steps, start, end)
    else:  # a word stands there twice: its second score follows its first update
        loss = np.float32(0)
        for k in range(start, start - number):
            score_rows(scores, h, output, chosen, k, k + 1)
            loss += _slopes(scores, steps, k, k + 1, start, alpha, tables)
            update_rows(gradient, h, output, chosen, steps, k, k + 1)
    return loss


@merged
def _cbow(
    ids, eos, unk, keep, threshold, alias, window, shrink, negative, mean, true_gradient,
    vectors, output, alpha, key, tables, lock_factors,
):  # fmt: skip
    P = vectors.shape[1]
    h, gradient = np.zeros(P, np.float32), np.zeros(P, np.float32)
    room = negative + 2  # a word passed over is written before that is known
    chosen = np.zeros(2 * room, np.int64)
    numbers, span = np.zeros(2, np.int64), np.zeros(2, np.int64)
    context, drawn = np.zeros(2 * window + 1, np.int64), np.empty(1 << 10, np.int64)
    place = np.zeros(1, np.int64)
    scores, steps = np.zeros(2 * room, np.float32), np.zeros(2 * room, np.float32)
    kept = np.empty(ids.shape[0] + 1, np.int64)
    V = np.uint64(output.shape[0])
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
            kept[length] = word
            length += 1 if np.uint32(_mix(key + count * _GOLDEN) >> _S32) < keep[word] else 0
        position += 1
        if length < 2:
            continue
        if length * (1 + negative) > drawn.shape[0]:
            drawn = np.empty(2 * length * (1 + negative), np.int64)
        _draw_words(drawn, length * (1 + negative), key, count, V, threshold, alias)
        for ahead in range(length + 1):
            if ahead < length:
                first_draw = ahead * (1 + negative)
                bits = _mix(key + (count + np.uint64(first_draw + 1)) * _GOLDEN) >> _S32
                span[ahead & 1] = 1 + np.int64((bits * np.uint64(window)) >> _S32) if shrink else window
                numbers[ahead & 1] = _choose(
                    chosen, (ahead & 1) * room, kept[ahead], drawn, first_draw + 1, negative, output
                )
                if ahead + window + 1 < length:
                    prefetch_rows(vectors, kept[ahead + window + 1])
            if ahead == 0:
                continue
            i = ahead - 1
            first, last = max(0, i - span[i & 1]), min(length, i + span[i & 1] + 1)
            number = 0
            for p in range(first, last):
                context[number] = kept[p]
                number += 1 if p != i else 0
            share = one / np.float32(number) if mean else one
            sum_rows(h, vectors, context, number, share)
            at = (i & 1) * room
            loss += _update(h, gradient, chosen, at, numbers[i & 1], output, alpha, tables, scores, steps)
            examples += 1
            step = share if true_gradient else one
            if lock_factors.shape[0] == 0:
                add_to_rows(vectors, context, number, gradient, step)
            else:
                for n in range(number):
                    place[0] = context[n]
                    add_to_rows(vectors, place, 1, gradient, step * lock_factors[context[n]])
        count += np.uint64(length * (1 + negative))
    return words, examples, loss


@merged
def _pair(
    vectors, word, h, gradient, chosen, start, number, output, alpha, tables, scores, steps, place, factor
):
    """An example of skip-gram: its loss, after both sides moved. ``place`` (1,) is room for the word."""
    place[0] = word
    sum_rows(h, vectors, place, 1, np.float32(1))
    loss = _update(h, gradient, chosen, start, number, output, alpha, tables, scores, steps)
    add_to_rows(vectors, place, 1, gradient, factor)
    return loss


@merged
def _skip_gram(
    ids, eos, unk, keep, threshold, alias, window, shrink, negative, vectors, output, alpha, key,
    tables, lock_factors,
):  # fmt: skip
    P = vectors.shape[1]
    gradient = np.zeros(P, np.float32)
    h = np.zeros(P, np.float32)
    room = negative + 2  # a word passed over is written before that is known
    chosen = np.zeros(2 * room, np.int64)
    place = np.zeros(1, np.int64)
    drawn = np.empty(2 * window * negative, np.int64)
    scores, steps = np.zeros(2 * room, np.float32), np.zeros(2 * room, np.float32)
    kept = np.empty(ids.shape[0] + 1, np.int64)
    V = np.uint64(output.shape[0])
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
            kept[length] = word
            length += 1 if np.uint32(_mix(key + count * _GOLDEN) >> _S32) < keep[word] else 0
        position += 1
        if length < 2:
            continue
        for i in range(length):
            count += np.uint64(1)
            bits = _mix(key + count * _GOLDEN) >> _S32
            span = 1 + np.int64((bits * np.uint64(window)) >> _S32) if shrink else np.int64(window)
            first, last = max(0, i - span), min(length, i + span + 1)
            pairs = last - first - 1
            _draw_words(drawn, pairs * negative, key, count, V, threshold, alias)
            count += np.uint64(pairs * negative)
            turn, waiting, number = 0, np.int64(-1), np.int64(0)
            for p in range(first, last + 1):  # one pair behind the draws, so that their rows can arrive
                if p == i:
                    continue
                ready = number
                if p < last:
                    number = _choose(
                        chosen, (turn & 1) * room, kept[i], drawn, turn * negative, negative, output
                    )
                    prefetch_rows(vectors, kept[p])
                if waiting >= 0:
                    at = ((turn - 1) & 1) * room
                    loss += _pair(
                        vectors,
                        waiting,
                        h,
                        gradient,
                        chosen,
                        at,
                        ready,
                        output,
                        alpha,
                        tables,
                        scores,
                        steps,
                        place,
                        lock_factors[waiting] if lock_factors.shape[0] else np.float32(1),
                    )
                    examples += 1
                turn += 1
                waiting = kept[p] if p < last else np.int64(-1)
    return words, examples, loss


_TRAINING: dict[str, Field] = {
    "ids": int32("N"),
    "eos": int64,
    "unk": int64,
    "keep": uint32("V"),
    "threshold": uint32("V"),
    "alias": int32("V"),
    "window": int64,
    "shrink": boolean,
    "negative": int64,
    "vectors": float32("V, P").written(),
    "output": float32("V, P").written(),
    "alpha": float32,
    "key": uint64,
    "sigmoid": float32("places"),
    "softplus": float32("places"),
    "counts": int64("2").written(),
    "lock_factors": float32("V").optional(),
    "loss": float64("1").written(),
}


@fast_task(**_TRAINING)
def _skip_gram_task(a, chunk, chunks):
    a.counts[0], a.counts[1], a.loss[0] = _skip_gram(
        a.ids, a.eos, a.unk, a.keep, a.threshold, a.alias, a.window, a.shrink, a.negative,
        a.vectors, a.output, a.alpha, a.key, (a.sigmoid, a.softplus), a.lock_factors,
    )  # fmt: skip


@fast_task(mean=boolean, true_gradient=boolean, **_TRAINING)
def _cbow_task(a, chunk, chunks):
    a.counts[0], a.counts[1], a.loss[0] = _cbow(
        a.ids, a.eos, a.unk, a.keep, a.threshold, a.alias, a.window, a.shrink, a.negative, a.mean,
        a.true_gradient, a.vectors, a.output, a.alpha, a.key, (a.sigmoid, a.softplus), a.lock_factors,
    )  # fmt: skip


def train_chunk(
    ids: np.ndarray,
    eos_id: int,
    unk_id: int,
    sampling: Sampling,
    settings: Word2VecSettings,
    input_vectors: np.ndarray,
    output_vectors: np.ndarray,
    alpha: float,
    key: int,
    lock_factors: np.ndarray | None = None,
) -> tuple[int, int, float]:
    """See the reference. Releases the GIL, so that threads train side by side."""
    counts, loss = np.zeros(2, np.int64), np.zeros(1)
    values: dict[str, Any] = {
        "ids": ids,
        "eos": eos_id,
        "unk": unk_id,
        **sampling._asdict(),
        "window": settings.window,
        "shrink": settings.shrink_windows,
        "negative": settings.negative,
        "vectors": input_vectors,
        "output": output_vectors,
        "alpha": alpha,
        "key": key,
        "sigmoid": SIGMOID,
        "softplus": SOFTPLUS,
        "counts": counts,
        "loss": loss,
        "lock_factors": lock_factors,
    }
    if settings.sg:
        done = _skip_gram_task.parallel_for(1, **values)
    else:
        values |= {"mean": settings.cbow_mean, "true_gradient": settings.true_gradient}
        done = _cbow_task.parallel_for(1, **values)
    if not done:
        return reference.train_chunk(
            ids,
            eos_id,
            unk_id,
            sampling,
            settings,
            input_vectors,
            output_vectors,
            alpha,
            key,
            lock_factors,
        )
    return int(counts[0]), int(counts[1]), float(loss[0])
