"""Vectors of words from their letters."""

from typing import Any

from seqkit import nn
from seqkit.autograd import Tensor, concatenate
from seqkit.backend import Array
from seqkit.backend.random import Generator
from seqkit.models.tagger.config import TaggerConfig
from seqkit.nn import initializers

_BELOW_ALL = 1e9


class _Letters(nn.Module):
    """Base of both: vectors of letters, uniform within ±√(3/C) (Ma and Hovy 2016, section 3.1)."""

    def __init__(self, config: TaggerConfig, generator: Generator) -> None:
        size = config.character_embedding_size
        self.embedding = nn.Embedding(config.letters, size, generator=generator)
        bound = (3 / size) ** 0.5
        self.embedding.weight.data[...] = initializers.uniform((config.letters, size), generator, bound)


class CharacterCNN(_Letters):
    """Filters over windows of three letters, and the maximum of each over the word."""

    def __init__(self, config: TaggerConfig, generator: Generator) -> None:
        super().__init__(config, generator)
        self.features = config.character_hidden_size
        self.convolution = nn.Conv2d(
            config.character_embedding_size, self.features, (1, 3), padding=(0, 1), generator=generator
        )

    def forward(self, letters: Array, mask: Array) -> Tensor:
        """Return (W, F) of the letters (W, L) of words, and a mask (W, L) of those that count."""
        x = self.embedding(letters)
        kept = mask[:, :, None].astype(x.dtype)
        W, L, C = x.shape
        y = self.convolution((x * kept).reshape(W, 1, L, C)).reshape(W, L, self.features)
        return (y * kept + (kept - 1) * _BELOW_ALL).max(axis=1)


class CharacterLSTM(_Letters):
    """An LSTM over the letters in each direction, and its last states."""

    def __init__(self, config: TaggerConfig, generator: Generator) -> None:
        super().__init__(config, generator)
        H = config.character_hidden_size
        self.features = 2 * H
        self.recurrent = nn.LSTM(config.character_embedding_size, H, bidirectional=True, generator=generator)
        self.recurrent.set_forget_bias()

    def forward(self, letters: Array, mask: Array) -> Tensor:
        """Return (W, 2H) of the letters (W, L) of words, and a mask (W, L) of those that count."""
        _, last = self.recurrent(self.embedding(letters), None, mask)
        return concatenate(*(h for h, *_ in last), axis=1)


CHARACTER_MODELS: dict[str, Any] = {"cnn": CharacterCNN, "lstm": CharacterLSTM}
