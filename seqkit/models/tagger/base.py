"""The base of taggers: tags from scores of each word, by a CRF or a softmax."""

from typing import Any, Protocol

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, array_module, to_numpy
from seqkit.backend.ids import IGNORE_INDEX, checked_ids
from seqkit.backend.random import Generator
from seqkit.nn.crf import Legal


class TaggingConfig(Protocol):
    """The settings of a tagger's output: K tags, by "crf" or "softmax"."""

    @property
    def tags(self) -> int: ...

    @property
    def output(self) -> str: ...


class BaseTagger(nn.Module):
    """P(tags | words) of sentences, from scores that a subclass gives.

    A batch has B sentences of up to T words.
    """

    config: TaggingConfig
    output: nn.Linear
    crf: nn.CRF | None

    def _add_output(self, size: int, legal: Legal | None, generator: Generator) -> None:
        """Create the layers from vectors of words, of a size, to tags."""
        config = self.config
        self.output = nn.Linear(size, config.tags, generator=generator)
        self.crf = nn.CRF(config.tags, legal=legal, generator=generator) if config.output == "crf" else None

    def forward(self, batch: Any, *, generator: Generator | None = None) -> tuple[Tensor, Array | None]:
        """Return the scores of the tags at each word (B, T, K), and the mask (B, T) of words or None."""
        raise NotImplementedError

    def loss(self, batch: Any, tags: Any, *, generator: Generator | None = None) -> Tensor:
        """Return the mean -log P(tags) for each word, in nats.

        Args:
            batch: The sentences.
            tags: (B, T) ids of tags; with a softmax, -1 does not count.
            generator: Source of the dropout masks.
        """
        scores, mask = self.forward(batch, generator=generator)
        tags = checked_ids("tags", tags, scores.shape[:2], self.config.tags, lowest=-1, device=self.device)
        if self.crf is None:
            if mask is not None:
                tags = array_module(tags).where(mask, tags, IGNORE_INDEX)
            return ops.softmax_cross_entropy(scores, tags)
        words = tags.size if mask is None else mask.sum()
        return self.crf(scores, tags, mask).sum() / words

    def decode(self, batch: Any) -> np.ndarray:
        """Return the most probable tags (B, T) on the host, -1 behind each sentence; without dropout."""
        with self.evaluating():
            scores, mask = self.forward(batch)
            return self._best(scores, mask)

    def evaluate(self, batch: Any, tags: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the most probable tags (B, T) and -log P(tags) of each sentence (B,), float64; on the host.

        Args:
            batch: The sentences.
            tags: (B, T) ids of tags.
        """
        with self.evaluating():
            scores, mask = self.forward(batch)
            tags = checked_ids(
                "tags", tags, scores.shape[:2], self.config.tags, lowest=-1, device=self.device
            )
            if self.crf is not None:
                losses = to_numpy(self.crf(scores, tags, mask).data)
            else:
                tags = tags if mask is None else array_module(tags).where(mask, tags, IGNORE_INDEX)
                each = ops.softmax_cross_entropy(scores, tags, reduction="none").data
                losses = to_numpy(each).sum(axis=1)
            return self._best(scores, mask), losses.astype(np.float64)

    def _best(self, scores: Tensor, mask: Array | None) -> np.ndarray:
        if self.crf is not None:
            return to_numpy(self.crf.decode(scores.data, mask))
        tags = scores.data.argmax(axis=2)
        return to_numpy(tags if mask is None else array_module(tags).where(mask, tags, IGNORE_INDEX))

    def probabilities(self, batch: Any) -> np.ndarray:
        """Return P(tag) of each word (B, T, K) on the host, 0 behind each sentence; without dropout."""
        with self.evaluating():
            return self._marginals(*self.forward(batch))

    def decode_with_probabilities(self, batch: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return :meth:`decode`, and the probability of each of these tags (B, T)."""
        with self.evaluating():
            scores, mask = self.forward(batch)
            tags, probabilities = self._best(scores, mask), self._marginals(scores, mask)
            return tags, np.take_along_axis(probabilities, np.maximum(tags, 0)[:, :, None], axis=2)[:, :, 0]

    def _marginals(self, scores: Tensor, mask: Array | None) -> np.ndarray:
        if self.crf is not None:
            return to_numpy(self.crf.marginals(scores.data, mask))
        probabilities = ops.softmax(scores).data
        if mask is not None:
            probabilities = probabilities * mask[:, :, None].astype(probabilities.dtype)
        return to_numpy(probabilities)
