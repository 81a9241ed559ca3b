"""CBOW and skip-gram as a differentiable model, for mini-batches and any optimiser, on CPU or GPU.

Mikolov, Chen, Corrado, Dean (2013); negative sampling by Mikolov, Sutskever et al. (2013). The fast trainer,
``seqkit.vectors.Word2Vec``, follows the same loss one example at a time, in compiled code.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, module_of, to_numpy
from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError, require_choice, require_sizes
from seqkit.nn import initializers

MODELS = ("cbow", "skip-gram")
LOSSES = ("negative-sampling", "softmax")
INITS = ("uniform", "normal")


@dataclass(frozen=True)
class Word2VecConfig:
    """Settings of CBOW and skip-gram.

    Args:
        vocab_size: V.
        vector_size: E.
        model: "cbow" predicts the centre of a window from its neighbours, "skip-gram" each neighbour from the
            centre.
        loss: "negative-sampling", or "softmax" over the whole vocabulary, for small vocabularies.
        mean: CBOW's input is the mean of the neighbours, else their sum.
        weight_init: "uniform" starts as the word2vec program does, input vectors uniform within ±1/2E and
            output vectors 0; "normal" draws both with deviation 0.01, as "Deep Learning from Scratch 2" does.
    """

    vocab_size: int
    vector_size: int = 100
    model: str = "cbow"
    loss: str = "negative-sampling"
    mean: bool = True
    weight_init: str = "uniform"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)


class Word2VecModel(nn.Module):
    """Two vectors a word: rows of ``input.weight`` (V, E), which are kept, and of ``output.weight`` (V, E).

    A textbook's network multiplies one-hot rows by a weight matrix; that product is a row of the matrix,
    which is looked up here. The result, gradient included, is the same.
    """

    def __init__(self, config: Word2VecConfig, *, generator: Generator | int | None = None) -> None:
        for name, choices in (("model", MODELS), ("loss", LOSSES), ("weight_init", INITS)):
            require_choice(name, getattr(config, name), choices)
        require_sizes(config, "vocab_size", "vector_size")
        generator = as_generator(generator)
        self.config = config
        V, E = config.vocab_size, config.vector_size
        self.input = nn.Embedding(V, E, std=0.01, generator=generator)
        self.output = nn.Embedding(V, E, std=0.01, generator=generator)
        if config.weight_init == "uniform":
            self.input.weight.data[...] = initializers.uniform((V, E), generator, 0.5 / E)
            self.output.weight.data[...] = 0

    @property
    def vectors(self) -> np.ndarray:
        """(V, E) the word vectors, on the host."""
        return to_numpy(self.input.weight.data)

    def _ids(self, name: str, ids: Array, shape: tuple[int | None, ...], lowest: int = 0) -> Array:
        V, device = self.config.vocab_size, self.input.weight.device
        return checked_ids(name, ids, shape, V, lowest=lowest, device=device)

    def hidden(self, ids: Array) -> Tensor:
        """Return the vectors (B, E) that the output vectors are multiplied by.

        For CBOW ids are neighbours (B, C), -1 where there is none; for skip-gram centres (B,).
        """
        if self.config.model == "cbow":
            contexts = self._ids("contexts", ids, (None, None), IGNORE_INDEX)
            return ops.embedding_bag(self.input.weight, contexts, mean=self.config.mean)
        return self.input(self._ids("centres", ids, (None,)))

    def forward(self, ids: Array) -> Tensor:
        """Return scores (B, V) of the predicted word; ids as of :meth:`hidden`."""
        return ops.linear(self.hidden(ids), self.output.weight)

    def loss(self, contexts: Array, centres: Array, negatives: Array | None = None) -> Tensor:
        """Return the mean loss of the windows of a batch, in nats, float64.

        A window of CBOW is one prediction; of skip-gram one for each neighbour, whose losses are added.

        Args:
            contexts: (B, C), the neighbours, -1 where there is none.
            centres: (B,).
            negatives: For negative sampling, drawn words (B, K) for CBOW, (B, C, K) for skip-gram; a word
                that equals the true word is left out.
        """
        sampled = self.config.loss == "negative-sampling"
        if sampled == (negatives is None):
            expected, got = ("negatives", "none") if sampled else ("no negatives", "some")
            raise UsageError(f"expected {expected} for loss {self.config.loss!r}, got {got}")
        words = self._ids("centres", centres, (None,))
        B = len(words)
        if self.config.model == "cbow":
            h = self.hidden(contexts)
            negatives = self._ids("negatives", negatives, (B, None)) if sampled else None
        else:
            contexts = self._ids("contexts", contexts, (B, None), IGNORE_INDEX)
            C = contexts.shape[1]
            neighbours = contexts.reshape(-1)
            pairs = module_of(self.input.weight.device).flatnonzero(neighbours >= 0)
            h = self.input(words[pairs // C])
            words = neighbours[pairs]
            if sampled:
                negatives = self._ids("negatives", negatives, (B, C, None)).reshape(B * C, -1)[pairs]
        if sampled:
            total = ops.negative_sampling(h, self.output.weight, words, negatives, reduction="sum")
        else:
            total = ops.linear_cross_entropy(h, self.output.weight, None, words, reduction="sum")
        return total / B
