"""The layer of a linear-chain conditional random field."""

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend import Array, to_device
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import ShapeError, require_sizes
from seqkit.nn import initializers
from seqkit.nn.module import Module, Parameter
from seqkit.ops.crf import marginals, viterbi

Legal = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Which of K tags may be first (K,), which may stand before which (K, K), which may be last (K,)."""


class CRF(Module):
    """A score for each first tag, pair of tags and last tag, over the tags' scores at each token.

    ``start`` (K,), ``transitions`` (K, K) and ``end`` (K,) start uniform within ±0.1.

    Args:
        num_tags: K.
        legal: What the tags' scheme allows; the rest is excluded, in training and in decoding. None: all is.
        generator: Source of the initial weights.

    Example:
        >>> crf = CRF(5, generator=0)
        >>> crf.decode(np.zeros((2, 3, 5), np.float32)).shape
        (2, 3)
    """

    def __init__(
        self, num_tags: int, *, legal: Legal | None = None, generator: Generator | int | None = None
    ) -> None:
        self.num_tags = num_tags
        require_sizes(self, "num_tags")
        generator = as_generator(generator)
        shapes: tuple[tuple[int, ...], ...] = ((num_tags,), (num_tags, num_tags), (num_tags,))
        self.start, self.transitions, self.end = (
            Parameter(initializers.uniform(shape, generator, 0.1)) for shape in shapes
        )
        self._excluded = None
        if legal is not None:
            if tuple(np.shape(allowed) for allowed in legal) != shapes:
                raise ShapeError(f"expected legal as three arrays of shapes {shapes}")
            self._excluded = tuple(np.where(allowed, 0, -np.inf).astype(np.float32) for allowed in legal)

    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return start (K,), transitions (K, K) and end (K,), -inf for what is excluded."""
        own = (self.start, self.transitions, self.end)
        if self._excluded is None:
            return own
        start, transitions, end = (
            x + to_device(excluded, self.device).astype(x.dtype)
            for x, excluded in zip(own, self._excluded, strict=True)
        )
        return start, transitions, end

    def forward(self, emissions: Tensor, tags: Array, mask: Array | None = None) -> Tensor:
        """Return -log P(tags), (B,), of emissions (B, T, K), tags (B, T) and a mask (B, T) or None."""
        scores = self.scores()
        total = ops.crf_log_partition(emissions, *scores, mask)
        return total - ops.crf_path_score(emissions, *scores, tags, mask)

    def decode(self, emissions: Array, mask: Array | None = None) -> Array:
        """Return the most probable tags (B, T), -1 where ``mask`` (B, T) is False."""
        start, transitions, end = self.scores()
        return viterbi(emissions, start.data, transitions.data, end.data, mask)[0]

    def marginals(self, emissions: Array, mask: Array | None = None) -> Array:
        """Return P(tag of each token), (B, T, K), 0 where ``mask`` (B, T) is False."""
        start, transitions, end = self.scores()
        return marginals(emissions, start.data, transitions.data, end.data, mask)
