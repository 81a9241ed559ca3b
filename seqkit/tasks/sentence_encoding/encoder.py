"""Texts to vectors, and which texts are near to which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.backend import Array, Device, array_module, device_of, to_device, to_numpy
from seqkit.data import pad_batch
from seqkit.errors import UsageError
from seqkit.models import TransformerEncoder, bert
from seqkit.tasks.checkpoint_folders import fitting_tokenizer
from seqkit.tasks.sentence_encoding.modules import POOLINGS, read_modules
from seqkit.text import SubwordTokenizer
from seqkit.vectors.nearest import top_indices

_BLOCK_SCORES = 1 << 24
"""Scores that are held at once: 64 MiB."""
_SHORTEST = 1e-12  # below this a vector is not made 1 long


@dataclass(frozen=True)
class Neighbour:
    """A text that is near to another."""

    text: str
    index: int
    """Its place among the texts that were looked through."""
    similarity: float
    """The cosine of the angle between the vectors."""


class SentenceEncoder:
    """An encoder with its tokenizer, and how the vectors of a text's tokens become one.

    pooling: "mean" over the tokens, "max", or "cls", that of the first; several are put one after another.
    normalize: whether vectors are made 1 long. max_length: tokens, special ones included, beyond which a text
    is cut; None or more than the model's: the model's.
    """

    def __init__(
        self,
        model: TransformerEncoder,
        tokenizer: SubwordTokenizer,
        *,
        pooling: Sequence[str] = ("mean",),
        normalize: bool = False,
        max_length: int | None = None,
        lowercase: bool = False,
    ) -> None:
        for name in pooling:
            if name not in POOLINGS:
                raise UsageError(f"pooling must be one of {', '.join(POOLINGS)}, got {name!r}")
        self.model, self.tokenizer = model, tokenizer
        self.pooling, self.normalize, self.lowercase = tuple(pooling), normalize, lowercase
        longest = model.config.max_length
        self.max_length = longest if max_length is None else min(max_length, longest)

    def __repr__(self) -> str:
        ends = f"{'+'.join(self.pooling)} pooling{', normalised' if self.normalize else ''}"
        return f"SentenceEncoder({self.dimensions} numbers, {ends}, {self.max_length} tokens)"

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return len(self.pooling) * self.model.config.embedding_size

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int = 32,
        normalize: bool | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """The vectors of N texts, (N, dimensions) float32, in their order.

        Texts of like length share a batch. normalize: other than the encoder's own. progress: called with
        the number of texts in each batch that is done. A text without any token has a vector of zeros.
        """
        if isinstance(texts, str):
            raise UsageError("texts must be a list, got a string", remedy="[text]")
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, got {batch_size}")
        if self.lowercase:
            texts = [text.lower() for text in texts]
        rows = self.tokenizer.encode(texts, max_length=self.max_length)
        order = sorted((i for i in range(len(rows)) if rows[i]), key=lambda i: len(rows[i]))
        found = np.zeros((len(rows), self.dimensions), np.float32)
        with self.model.evaluating():
            for first in range(0, len(order), batch_size):
                some = order[first : first + batch_size]
                ids, lengths = pad_batch([np.array(rows[i], np.int64) for i in some])
                hidden = self.model(ids, lengths).data
                found[some] = np.concatenate(
                    [to_numpy(_pooled(hidden, lengths, name)) for name in self.pooling], axis=1
                )
                if progress is not None:
                    progress(len(some))
        if self.normalize if normalize is None else normalize:
            found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), _SHORTEST)
        return found

    def nearest(
        self,
        texts: Sequence[str],
        among: Sequence[str],
        count: int = 5,
        *,
        batch_size: int = 32,
        progress: Callable[[int], None] | None = None,
    ) -> list[list[Neighbour]]:
        """For each text the ``count`` nearest of ``among`` by cosine, the nearest first.

        Of equals the one that stands first. Raises UsageError where there is nothing to look through.
        """
        if not among:
            raise UsageError("no texts to look through")
        if count < 1:
            raise UsageError(f"count must be at least 1, got {count}")
        settings: dict[str, Any] = {"batch_size": batch_size, "normalize": True, "progress": progress}
        theirs, own = self.encode(among, **settings), self.encode(texts, **settings)
        found = []
        rows = max(1, _BLOCK_SCORES // len(among))
        for first in range(0, len(own), rows):
            for scores in own[first : first + rows] @ theirs.T:
                best = top_indices(scores, count)
                found.append([Neighbour(among[i], int(i), float(scores[i])) for i in best])
        return found


def _pooled(hidden: Array, lengths: np.ndarray, kind: str) -> Array:
    """(B, E) of hidden states (B, T, E), which are zeros behind the ``lengths`` (B,), all at least 1."""
    if kind == "cls":
        return hidden[:, 0]
    xp, T = array_module(hidden), hidden.shape[1]
    if kind == "mean":
        counts = to_device(lengths[:, None].astype(np.float32), device_of(hidden))
        return hidden.sum(axis=1) / counts
    real = to_device((np.arange(T) < lengths[:, None])[..., None], device_of(hidden))
    return xp.where(real, hidden, xp.float32(-np.inf)).max(axis=1)


def load(path: str | Path, *, device: str | Device | None = None) -> SentenceEncoder:
    """The sentence encoder of a checkpoint folder, with its tokenizer; pooling as its modules.json says.

    Raises RunError, DamagedFileError as :func:`seqkit.models.bert.load` does, and when the tokenizer has ids
    that the model does not; MissingDependencyError without the ``tokenizers`` library.
    """
    modules = read_modules(path)
    model = bert.load(modules.folder, device=device)
    tokenizer = fitting_tokenizer(modules.folder, model.config.vocab_size)
    return SentenceEncoder(
        model,
        tokenizer,
        pooling=modules.pooling,
        normalize=modules.normalize,
        max_length=modules.max_length,
        lowercase=modules.lowercase,
    )
