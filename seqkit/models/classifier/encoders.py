"""Encoders of a sequence to one vector, and their configs: bag of vectors, recurrent network, Transformer."""

import dataclasses
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from seqkit import nn, ops
from seqkit.autograd import Tensor, concatenate
from seqkit.backend import Array, array_module
from seqkit.backend.random import Generator
from seqkit.errors import UsageError, require_choice, require_sizes
from seqkit.models.transformer import TransformerEncoder, TransformerEncoderConfig
from seqkit.nn import initializers

CELLS = ("lstm", "gru")


@dataclass(frozen=True)
class BagConfig:
    """The mean of word vectors, in any order (the unigram model of Joulin et al. 2017).

    Args:
        vocab_size: V.
        embedding_size: E.
        hidden: Sizes of layers with ReLU between the mean and the scores; () is none (the deep averaging
            network of Iyyer et al. 2015 has some).
        word_dropout: Probability of leaving out a word in training (ibid., section 2.2).
    """

    vocab_size: int
    embedding_size: int = 128
    hidden: tuple[int, ...] = ()
    word_dropout: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))  # JSON has lists


@dataclass(frozen=True)
class RecurrentConfig:
    """A recurrent network over word vectors.

    Args:
        vocab_size: V.
        embedding_size: E.
        hidden_size: H, of each direction.
        num_layers: Recurrent layers.
        cell: "lstm" or "gru".
        bidirectional: Run in both directions.
        dropout: Rate on the vectors and between layers.
    """

    vocab_size: int
    embedding_size: int = 128
    hidden_size: int = 128
    num_layers: int = 1
    cell: str = "lstm"
    bidirectional: bool = True
    dropout: float = 0.0


EncoderConfig = BagConfig | RecurrentConfig | TransformerEncoderConfig

POOLINGS: dict[type, tuple[str, ...]] = {
    BagConfig: ("mean",),
    RecurrentConfig: ("max", "mean", "last"),
    TransformerEncoderConfig: ("mean", "cls", "max"),
}
"""How an encoder's tokens become one vector; the first is the default.

"last" is the state after the last token, of both directions side by side; "cls" the first token's output.
"""


@dataclass(frozen=True)
class SequenceClassifierConfig:
    """Settings of a sequence classifier.

    Args:
        encoder: Settings of the encoder.
        classes: K.
        pooling: How its tokens become one vector; None: the first of :data:`POOLINGS`.
        dropout: Rate on the pooled vector, before the scores.
    """

    encoder: EncoderConfig
    classes: int
    pooling: str | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_sizes(self, "classes")
        require_sizes(self.encoder, "vocab_size", "embedding_size")
        known = POOLINGS[type(self.encoder)]
        if self.pooling is None:
            object.__setattr__(self, "pooling", known[0])
        require_choice("pooling", self.pooling, known)
        if isinstance(self.encoder, RecurrentConfig):
            require_sizes(self.encoder, "hidden_size", "num_layers")
            require_choice("cell", self.encoder.cell, CELLS)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)


_BELOW_ALL = 1e9


def _held(x: Tensor, mask: Array) -> Array:
    return mask[:, :, None].astype(x.dtype)


def mean_of(x: Tensor, mask: Array | None) -> Tensor:
    """Return the mean (B, F) of x (B, T, F) over each row's tokens, those with mask (B, T) True.

    None: all.
    """
    if mask is None:
        return x.mean(axis=1)
    count = array_module(x.data).maximum(mask.sum(axis=1, keepdims=True), 1).astype(x.dtype)
    return (x * _held(x, mask)).sum(axis=1) / count


def max_of(x: Tensor, mask: Array | None) -> Tensor:
    """Return the maximum (B, F) of x (B, T, F) over each row's tokens."""
    if mask is None:
        return x.max(axis=1)
    held = _held(x, mask)
    return (x * held + (held - 1) * _BELOW_ALL).max(axis=1)


def first_of(x: Tensor, mask: Array | None) -> Tensor:
    """Return the first token's (B, F) of x (B, T, F)."""
    return x[:, 0]


POOL: dict[str, Any] = {"mean": mean_of, "max": max_of, "cls": first_of}


class BagEncoder(nn.Module):
    """The mean of the vectors of a sequence's ids, and layers with ReLU if the config has any."""

    def __init__(self, config: BagConfig, *, generator: Generator) -> None:
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size, std=0.1, generator=generator)
        sizes = (config.embedding_size, *config.hidden)
        self.layers = [nn.Linear(i, o, generator=generator) for i, o in pairwise(sizes)]
        self.features = sizes[-1]

    def forward(self, ids: Array, mask: Array | None, generator: Generator | None = None) -> Tensor:
        """Return (B, F) of ids (B, T) and a mask (B, T) or None."""
        xp = array_module(ids)
        if mask is not None:
            ids = xp.where(mask, ids, -1)
        if self.training and self.config.word_dropout:
            if generator is None:
                raise UsageError("word dropout needs a generator", remedy="pass seqkit.Generator(seed)")
            ids = xp.where(generator.uniform_rows(ids.shape, xp) < self.config.word_dropout, -1, ids)
        x = ops.embedding_bag(self.embedding.weight, ids)
        for layer in self.layers:
            x = ops.relu(layer(x))
        return x


class RecurrentEncoder(nn.Module):
    """LSTM or GRU over word vectors; embeddings start within ±0.1, forget gates with a bias of 1."""

    def __init__(self, config: RecurrentConfig, pooling: str, *, generator: Generator) -> None:
        self.config, self.pooling = config, pooling
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size, generator=generator)
        self.embedding.weight.data[...] = initializers.uniform(self.embedding.weight.shape, generator, 0.1)
        self.dropout = nn.Dropout(config.dropout)
        cell = {"lstm": nn.LSTM, "gru": nn.GRU}[config.cell]
        self.recurrent = cell(
            config.embedding_size,
            config.hidden_size,
            config.num_layers,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
            generator=generator,
        )
        if isinstance(self.recurrent, nn.LSTM):
            self.recurrent.set_forget_bias()
        self.features = config.hidden_size * (2 if config.bidirectional else 1)

    def forward(self, ids: Array, mask: Array | None, generator: Generator | None = None) -> Tensor:
        """Return (B, F) of ids (B, T) and a mask (B, T) or None."""
        x = self.dropout(self.embedding(ids), generator)
        y, last = self.recurrent(x, None, mask, generator)
        if self.pooling != "last":
            return POOL[self.pooling](y, mask)
        directions = 2 if self.config.bidirectional else 1
        ends = [h for h, *_ in last[-directions:]]
        return ends[0] if directions == 1 else concatenate(*ends, axis=1)


class PooledTransformer(nn.Module):
    """A Transformer encoder and pooling over its outputs."""

    def __init__(self, config: TransformerEncoderConfig, pooling: str, *, generator: Generator) -> None:
        self.config, self.pooling = config, pooling
        self.encoder = TransformerEncoder(config, generator=generator)
        self.features = config.embedding_size

    def forward(self, ids: Array, mask: Array | None, generator: Generator | None = None) -> Tensor:
        """Return (B, F) of ids (B, T) and a mask (B, T) or None."""
        return POOL[self.pooling](self.encoder(ids, mask, generator=generator), mask)


def make_encoder(config: EncoderConfig, pooling: str, generator: Generator) -> Any:
    """Return the encoder of a config: a module with ``features`` F, from ids and a mask (B, T) to (B, F)."""
    if isinstance(config, BagConfig):
        return BagEncoder(config, generator=generator)
    if isinstance(config, RecurrentConfig):
        return RecurrentEncoder(config, pooling, generator=generator)
    return PooledTransformer(config, pooling, generator=generator)
