"""Output layers of language models: a softmax over all words, or over clusters of them by frequency."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.autograd.shaping import concatenate
from seqkit.backend import Array, array_module, zeros
from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError, require_number
from seqkit.nn import initializers
from seqkit.nn.embedding import Embedding
from seqkit.nn.linear import Linear
from seqkit.nn.module import Module
from seqkit.ops.dropout import check_generator


class Softmax(Linear):
    """P(word | x) = softmax(x·weightᵀ + bias), with its loss.

    Args:
        in_features: H.
        out_features: V.
        bias: Whether to add a bias.
        samples: S, words that the loss in training is estimated from, on average; 0 for the whole vocabulary.
            They are drawn as :func:`inclusion_probabilities` says.
        generator: Source of the initial weights.

    Raises:
        UsageError: S is not below V.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        samples: int = 0,
        generator: Generator | int | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias=bias, generator=generator)
        if not 0 <= samples < out_features:
            raise UsageError(
                f"expected samples below the {out_features:,} words of the vocabulary, got {samples:,}"
            )
        self.samples = samples

    def loss(self, x: Tensor, targets: Array, generator: Generator | None = None) -> Tensor:
        """Return the mean of -log P over targets (…) after x (…, H), in nats; targets of -1 do not count.

        Args:
            x: (…, H).
            targets: (…).
            generator: Source of the samples; required in training with ``samples``, which estimate the loss.
        """
        if not (self.training and self.samples):
            return ops.linear_cross_entropy(x, self.weight, self.bias, targets)
        xp = array_module(targets)
        draws = check_generator("sampled softmax", generator).uniform(self.out_features, xp)
        inclusion = xp.asarray(inclusion_probabilities(self.out_features, self.samples))
        samples = xp.flatnonzero(draws < inclusion)
        return ops.sampled_cross_entropy(x, self.weight, self.bias, targets, samples, inclusion)

    def losses(self, x: Tensor, targets: Array) -> Array:
        """Return -log P (…) float64 of each target, 0 where it is -1; without gradient."""
        return ops.linear_cross_entropy(x, self.weight, self.bias, targets, reduction="none").data

    def log_probs(self, x: Tensor) -> Array:
        """Return log P (…, V) of all words; without gradient."""
        return ops.log_softmax(self(x)).data


@functools.lru_cache(maxsize=8)
def inclusion_probabilities(vocab_size: int, samples: int) -> np.ndarray:
    """Return the probability (V,) float32 that a word is among S samples on average.

    It is inversely proportional to the rank of the word, as frequencies are by Zipf's law for ids by falling
    frequency, but at most 1: of the most frequent words all are among them. They are drawn without
    replacement because 1,024 draws with it from 10,000 words have only 547 different ones on average.

    Read-only: calls with the same arguments return one array.

    Args:
        vocab_size: V.
        samples: S, below V.
    """
    ranks = np.arange(1, vocab_size + 1)
    left = np.cumsum(1 / ranks[::-1])[::-1]  # the sum of 1 / rank from each word on
    scales = (samples + 1 - ranks) / left  # if all words before are certain
    scale = scales[np.argmax(scales < ranks)]
    # multiples of 2**-24, which uniform float32 numbers are below just as often
    result = (np.ceil(np.minimum(1, scale / ranks) * 2**24) / 2**24).astype(np.float32)
    result.flags.writeable = False
    return result


class AdaptiveSoftmax(Module):
    """An output layer that costs less the rarer a word is (Grave et al. 2017, section 4).

    Words are ids by falling frequency. Those below the first cutoff, the head, are predicted by x itself,
    beside one entry for each of the K clusters that the other cutoffs make. A word w of cluster i takes two
    steps,

        P(w | x) = P(cluster i | x) P(w | cluster i, x),

    the second from x projected to H / div^i. Over all words the products sum to 1:

        Σ_w P(w | x) = Σ_{w in the head} P(w | x) + Σ_i P(cluster i | x) Σ_{w in i} P(w | cluster i, x),

    where the inner sums are 1, and what is left is the sum over the head's c + K entries. The loss of a word
    of cluster i is -log P(cluster i | x) - log P(w | cluster i, x): two cross entropies. With p the softmax
    over the head's entries and q that within the cluster, its gradient is p - e_i with respect to the head's
    scores, q - e_w with respect to the cluster's, and 0 with respect to those of all other clusters, whose
    weights a batch without their words leaves alone.

    Of N words, N·(c + K)·H multiplications go into the head and N·p_i·(H + n_i)·H / div^i into a cluster of
    n_i words, p_i being the share of its words in the text. By Zipf's law p_i falls while n_i grows, so the
    sum has a minimum in the cutoffs (Grave et al. 2017, section 4); near it, it is flat.

    Args:
        in_features: H.
        num_classes: V.
        cutoffs: Increasing ids below V at which the head and all clusters but the last end.
        div: Factor by which the width falls from one cluster to the next.
        tied: An adaptive embedding of the same cutoffs and of width H whose vectors are the output weights.
        generator: Source of the initial weights.

    Raises:
        UsageError: Cutoffs that do not increase, or lie outside the ids.

    Example:
        >>> layer = AdaptiveSoftmax(16, 1000, [50, 300], generator=0)
        >>> x = Tensor(np.zeros((2, 3, 16), np.float32))
        >>> float(np.exp(layer.log_probs(x)[0, 0]).sum().round(5))
        1.0
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        cutoffs: Sequence[int],
        *,
        div: float = 4.0,
        tied: AdaptiveEmbedding | None = None,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        bounds = cluster_bounds(num_classes, cutoffs)
        self.in_features, self.num_classes, self.bounds = in_features, num_classes, bounds
        self.head = Linear(in_features, bounds[1], generator=generator)
        self.clusters = Linear(in_features, len(bounds) - 2, generator=generator)
        self.projections: list[Linear] = []
        self.tails: list[Linear] = []
        for i, (begin, end) in enumerate(itertools.pairwise(bounds[1:]), 1):
            width = cluster_width(in_features, i, div)
            self.projections.append(Linear(in_features, width, bias=False, generator=generator))
            self.tails.append(Linear(width, end - begin, generator=generator))
        if tied is not None:
            if tied.bounds != bounds or tied.embedding_size != in_features or tied.div != div:
                raise UsageError("expected an adaptive embedding of the same cutoffs and width to tie")
            for layer, table in zip([self.head, *self.tails], tied.tables, strict=True):
                layer.weight = table.weight

    def loss(self, x: Tensor, targets: Array, generator: Generator | None = None) -> Tensor:
        """Return the mean of -log P over targets (B, T) after x (B, T, H), in nats; -1 does not count.

        Nothing is drawn; ``generator`` is that of :meth:`Softmax.loss`.
        """
        xp = array_module(targets)
        head, members = self._split(xp, targets)
        weight = concatenate(self.head.weight, self.clusters.weight)
        bias = concatenate(self.head.bias, self.clusters.bias)
        total = ops.linear_cross_entropy(x, weight, bias, head, reduction="sum")
        for (rows, words), projection, tail in zip(members, self.projections, self.tails, strict=True):
            if len(rows):
                h = projection(ops.pack(x, rows))
                total = total + ops.linear_cross_entropy(h, tail.weight, tail.bias, words, reduction="sum")
        return total * (1 / max(1, int((targets != IGNORE_INDEX).sum())))

    def losses(self, x: Tensor, targets: Array) -> Array:
        """Return -log P (B, T) float64 of each target, 0 where it is -1; without gradient."""
        xp = array_module(targets)
        head, members = self._split(xp, targets)
        weight = concatenate(self.head.weight, self.clusters.weight)
        bias = concatenate(self.head.bias, self.clusters.bias)
        losses = ops.linear_cross_entropy(x, weight, bias, head, reduction="none").data.reshape(-1)
        for (rows, words), projection, tail in zip(members, self.projections, self.tails, strict=True):
            if len(rows):
                h = projection(ops.pack(x, rows))
                found = ops.linear_cross_entropy(h, tail.weight, tail.bias, words, reduction="none")
                losses[rows] += found.data
        return losses.reshape(targets.shape)

    def log_probs(self, x: Tensor) -> Array:
        """Return log P (…, V) of all words; without gradient."""
        return self(x).data

    def forward(self, x: Tensor) -> Tensor:
        """Return log P (…, V) of x (…, H): scores whose softmax is the distribution."""
        first = self.bounds[1]
        head = ops.log_softmax(concatenate(self.head(x), self.clusters(x), axis=-1))
        parts = [head[..., :first]]
        for i, (projection, tail) in enumerate(zip(self.projections, self.tails, strict=True), first):
            parts.append(ops.log_softmax(tail(projection(x))) + head[..., i : i + 1])
        return concatenate(*parts, axis=-1)

    def _split(self, xp: Any, targets: Array) -> tuple[Array, list[tuple[Array, Array]]]:
        """Return the targets of the head, and of each cluster its rows of B·T and the targets within."""
        head, members, flat = targets.copy(), [], targets.reshape(-1)
        for i, (begin, end) in enumerate(itertools.pairwise(self.bounds[1:])):
            inside = (flat >= begin) & (flat < end)
            rows = xp.flatnonzero(inside)
            head[inside.reshape(head.shape)] = self.bounds[1] + i
            members.append((rows, flat[rows] - begin))
        return head, members


class AdaptiveEmbedding(Module):
    """Vectors of V ids, those of rarer ids narrower and projected to E (Baevski and Auli 2019, section 3).

    Args:
        vocab_size: V, ids by falling frequency.
        embedding_size: E.
        cutoffs: As of :class:`AdaptiveSoftmax`.
        div: Factor by which the width falls from one cluster to the next.
        generator: Source of the initial weights.

    Raises:
        UsageError: Cutoffs that do not increase, or lie outside the ids.

    Example:
        >>> AdaptiveEmbedding(1000, 64, [50, 300], generator=0)(np.array([[3, 999]])).shape
        (1, 2, 64)
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int,
        cutoffs: Sequence[int],
        *,
        div: float = 4.0,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        self.vocab_size, self.embedding_size, self.div = vocab_size, embedding_size, div
        self.bounds = cluster_bounds(vocab_size, cutoffs)
        self.tables: list[Embedding] = []
        self.projections: list[Linear] = []
        for i, (begin, end) in enumerate(itertools.pairwise(self.bounds)):
            width = cluster_width(embedding_size, i, div)
            self.tables.append(Embedding(end - begin, width, generator=generator))
            if i:
                self.projections.append(Linear(width, embedding_size, bias=False, generator=generator))
        self.reset(generator, scale=1.0)

    def reset(self, generator: Generator, *, scale: float) -> None:
        """Draw the weights again so that every vector's entries have the deviation ``scale`` / √E."""
        E = self.embedding_size
        for i, table in enumerate(self.tables):
            width = table.weight.shape[1]
            table.weight.data[...] = initializers.normal(table.weight.shape, generator, scale * E**-0.5)
            if i:
                projection = self.projections[i - 1].weight
                projection.data[...] = initializers.normal(projection.shape, generator, width**-0.5)

    def forward(self, ids: Array) -> Tensor:
        """Return vectors (B, T, E) of ids (B, T)."""
        xp, flat = array_module(ids), ids.reshape(-1)
        y: Tensor | None = None
        for i, (begin, end) in enumerate(itertools.pairwise(self.bounds)):
            rows = xp.flatnonzero((flat >= begin) & (flat < end))
            if len(rows):
                x = self.tables[i](flat[rows] - begin)
                part = ops.unpack(self.projections[i - 1](x) if i else x, rows, shape=ids.shape)
                y = part if y is None else y + part
        if y is None:  # no ids
            table = self.tables[0].weight
            return Tensor(zeros(xp, (*ids.shape, self.embedding_size), table.dtype))
        return y


def cluster_bounds(size: int, cutoffs: Sequence[int]) -> list[int]:
    """Return where the clusters of ids begin and the last one ends: 0, the cutoffs, and the size.

    Raises:
        UsageError: Cutoffs that do not increase, or lie outside the ids; none.
    """
    bounds = [0, *(int(cutoff) for cutoff in cutoffs), size]
    if len(bounds) < 3 or any(end <= begin for begin, end in itertools.pairwise(bounds)):
        raise UsageError(f"expected increasing cutoffs between 0 and {size}, got {list(cutoffs)}")
    return bounds


def cluster_width(width: int, cluster: int, div: float) -> int:
    """Return the width of a cluster, the head being cluster 0; at least 1."""
    require_number("div", div, least=1)
    return max(1, int(width / div**cluster))
