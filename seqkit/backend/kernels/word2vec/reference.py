"""Word2vec with negative sampling, one example after another: the oracle of the compiled trainer.

Mikolov, Chen, Corrado, Dean 2013 (CBOW and skip-gram); Mikolov, Sutskever et al. 2013 (negative sampling,
equation 4; subsampling, section 2.3). An example pairs an input vector h with K + 1 output vectors o and
labels y (1 for the true word, 0 for a drawn one); its loss and update are::

    loss = -Σ log σ(±h·o)      o ← o + α(y - σ(h·o))·h      h ← h + α·Σ (y - σ(h·o))·o

In CBOW h is the mean (or sum) of the words around the centre. word2vec gives each of the m context words the
whole update of h, which is m times the gradient of the loss when h is a mean; ``true_gradient`` divides it.
A drawn word that equals the true one is passed over.

Draws are counter-based: draw i of a chunk is splitmix64(key + i·golden) (Steele, Lea, Flood 2014), so a chunk
of text always sees the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqkit.backend.device import device_of, to_device, to_numpy
from seqkit.backend.kernels.word2vec.settings import Word2VecSettings

GOLDEN = 0x9E3779B97F4A7C15
_MIX1, _MIX2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_MASK = (1 << 64) - 1

CLIP = 8.0
"""Scores are cut to ± this: σ(8) is 0.99966, and a wilder score would only say that α is too large."""


class Sampling(NamedTuple):
    """How words are drawn: (V,) arrays.

    ``keep`` uint32: a word is kept when its 32 random bits are below (subsampling). ``threshold`` uint32 and
    ``alias`` int32: the table of Walker's alias method (Vose 1991) for negatives.
    """

    keep: np.ndarray
    threshold: np.ndarray
    alias: np.ndarray


def splitmix64(z: int) -> int:
    """64 random bits of a counter."""
    z &= _MASK
    z = ((z ^ (z >> 30)) * _MIX1) & _MASK
    z = ((z ^ (z >> 27)) * _MIX2) & _MASK
    return z ^ (z >> 31)


class _Draws:
    def __init__(self, key: int) -> None:
        self.key, self.count = key, 0

    def __call__(self) -> int:
        self.count += 1
        return splitmix64(self.key + self.count * GOLDEN)


def _negative(draws: _Draws, sampling: Sampling, V: int) -> int:
    bits = draws()
    word = ((bits & 0xFFFFFFFF) * V) >> 32
    return word if (bits >> 32) < int(sampling.threshold[word]) else int(sampling.alias[word])


def _update(
    h: np.ndarray, words: list[int], output: np.ndarray, alpha: np.floating[Any]
) -> tuple[np.ndarray, float]:
    """Move the output vectors of ``words`` (the true one first); the update of h, and the loss."""
    gradient, loss = np.zeros_like(h), 0.0
    for place, word in enumerate(words):
        if place and word == words[0]:
            continue
        score = float(np.clip(h @ output[word], -CLIP, CLIP))
        probability = 1 / (1 + np.exp(-score))
        loss -= float(np.log(probability if place == 0 else 1 - probability))
        step = alpha * h.dtype.type((1.0 if place == 0 else 0.0) - probability)
        gradient += step * output[word]
        output[word] += step * h
    return gradient, loss


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
    """Train on a chunk of text; returns words read, examples made, and the sum of their losses.

    ids (N,) with ``eos_id`` after each sentence and ``unk_id`` (or -1) for words that do not count;
    input_vectors and output_vectors (V, E), updated in place; alpha: the learning rate; key: 64 bits that
    name the chunk's draws; lock_factors (V,) float32: factors of the updates of the input vectors, all 1 if
    None. Arrays of another device are trained on the host and copied back.
    """
    if type(input_vectors) is not np.ndarray:
        hosts = [to_numpy(x) for x in (input_vectors, output_vectors)]
        tables = Sampling(*map(to_numpy, sampling))
        result = train_chunk(
            to_numpy(ids), eos_id, unk_id, tables, settings, hosts[0], hosts[1], alpha, key, lock_factors
        )
        for x, host in zip((input_vectors, output_vectors), hosts, strict=True):
            x[...] = to_device(host, device_of(x))
        return result
    V = len(input_vectors)
    draws = _Draws(key)
    words = examples = 0
    loss = 0.0
    rate = input_vectors.dtype.type(alpha)
    locks = np.ones(V, input_vectors.dtype) if lock_factors is None else lock_factors
    for sentence in np.split(ids, np.flatnonzero(ids == eos_id)):
        kept = []
        for word in sentence:
            if word in (eos_id, unk_id):
                continue
            words += 1
            if (draws() >> 32) < int(sampling.keep[word]):
                kept.append(int(word))
        if len(kept) < 2:
            continue
        for i, centre in enumerate(kept):
            bits = draws()
            span = 1 + ((bits >> 32) * settings.window >> 32) if settings.shrink_windows else settings.window
            context = kept[max(0, i - span) : i] + kept[i + 1 : i + span + 1]
            if settings.sg:
                for other in context:
                    chosen = [centre] + [_negative(draws, sampling, V) for _ in range(settings.negative)]
                    h = input_vectors[other].copy()
                    gradient, cost = _update(h, chosen, output_vectors, rate)
                    input_vectors[other] += gradient * locks[other]
                    examples, loss = examples + 1, loss + cost
                continue
            chosen = [centre] + [_negative(draws, sampling, V) for _ in range(settings.negative)]
            h = input_vectors[context].sum(axis=0)
            share = input_vectors.dtype.type(1 / len(context))
            h = h * share if settings.cbow_mean else h
            gradient, cost = _update(h, chosen, output_vectors, rate)
            gradient = gradient * share if settings.cbow_mean and settings.true_gradient else gradient
            for other in context:
                input_vectors[other] += gradient * locks[other]
            examples, loss = examples + 1, loss + cost
    return words, examples, loss


def train_chunks(
    ids: np.ndarray,
    bounds: Sequence[int],
    eos_id: int,
    unk_id: int,
    sampling: Sampling,
    settings: Word2VecSettings,
    input_vectors: np.ndarray,
    output_vectors: np.ndarray,
    alphas: Sequence[float],
    keys: Sequence[int],
) -> tuple[int, int, float]:
    """Train on the C chunks ids[bounds[c] : bounds[c + 1]] in their order: what a device is given at once."""
    words = examples = 0
    loss = 0.0
    for c, (alpha, key) in enumerate(zip(alphas, keys, strict=True)):
        chunk = ids[bounds[c] : bounds[c + 1]]
        made = train_chunk(
            chunk, eos_id, unk_id, sampling, settings, input_vectors, output_vectors, alpha, key
        )
        words, examples, loss = words + made[0], examples + made[1], loss + made[2]
    return words, examples, loss
