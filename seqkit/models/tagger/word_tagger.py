"""A tagger of words: their vectors, an encoder of the sentence, and a CRF or a softmax over the tags."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seqkit import nn, ops
from seqkit.autograd import Tensor, concatenate
from seqkit.backend import Array, array_module
from seqkit.backend.ids import checked_ids, length_mask
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError
from seqkit.models.tagger.base import BaseTagger
from seqkit.models.tagger.characters import CHARACTER_MODELS
from seqkit.models.tagger.config import TaggerConfig
from seqkit.nn import initializers
from seqkit.nn.crf import Legal


@dataclass(frozen=True)
class TaggerInput:
    """A batch of B sentences of up to T words; padding changes nothing.

    Attributes:
        ids: (B, T), ids of the vocabulary.
        lengths: (B,), words of each sentence; None: T.
        words: (B, T), the row in ``letters`` of each word; None without character features.
        letters: (W, L), the letters of W different words.
        letter_lengths: (W,), letters of each.
        shapes: (B, T), classes of capitalisation; None without them.
        letter_vectors: (W, F) of :meth:`Tagger.letter_vectors` in place of the letters.
        feature_columns: (B, T, C), ids of values in C further columns; None without them.
    """

    ids: Any
    lengths: Any = None
    words: Any = None
    letters: Any = None
    letter_lengths: Any = None
    shapes: Any = None
    letter_vectors: Any = None
    feature_columns: Any = None


class Tagger(BaseTagger):
    """P(tags | words) of sentences.

    Args:
        config: Sizes and types of the layers.
        legal: What the tags' scheme allows, for a CRF: see :class:`seqkit.nn.CRF`.
        generator: Source of the initial weights.

    Example:
        >>> from seqkit.models import Tagger, TaggerConfig, TaggerInput
        >>> model = Tagger(TaggerConfig(vocab_size=50, tags=3, characters="none"), generator=0)
        >>> model.decode(TaggerInput([[3, 1, 4], [1, 5, 0]], [3, 2]))[1].tolist()[2]
        -1
    """

    def __init__(
        self,
        config: TaggerConfig,
        *,
        legal: Legal | None = None,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        self.config: TaggerConfig = config
        size = config.embedding_size
        self.embedding = nn.Embedding(config.vocab_size, size, generator=generator)
        bound = (3 / size) ** 0.5
        self.embedding.weight.data[...] = initializers.uniform((config.vocab_size, size), generator, bound)
        self.characters = None
        if config.characters != "none":
            self.characters = CHARACTER_MODELS[config.characters](config, generator)
            size += self.characters.features
        self.shapes = None
        if config.shapes:
            self.shapes = nn.Embedding(config.shapes, config.shape_size, std=0.1, generator=generator)
            size += config.shape_size
        self.feature_columns = [
            nn.Embedding(values, config.feature_size, std=0.1, generator=generator)
            for values in config.feature_columns
        ]
        size += len(self.feature_columns) * config.feature_size
        self.dropout = nn.LockedDropout(config.dropout) if config.locked else nn.Dropout(config.dropout)
        size = self._add_encoder(size, generator)
        self._add_output(size, legal, generator)

    def _add_encoder(self, size: int, generator: Generator) -> int:
        """Create the encoder of vectors of a size; return the size of what it gives."""
        config = self.config
        if config.encoder == "transformer":
            self.projection = nn.Linear(size, config.hidden_size, generator=generator)
            self.positions = nn.SinusoidalPositions(config.hidden_size)
            self.encoder: Any = nn.TransformerEncoderStack(
                config.num_layers,
                config.hidden_size,
                config.num_heads,
                4 * config.hidden_size,
                norm="pre",
                dropout=config.dropout,
                generator=generator,
            )
            return config.hidden_size
        cell = {"lstm": nn.LSTM, "gru": nn.GRU}[config.encoder]
        self.encoder = cell(
            size,
            config.hidden_size,
            config.num_layers,
            dropout=config.dropout,
            locked=config.locked,
            bidirectional=True,
            generator=generator,
        )
        if isinstance(self.encoder, nn.LSTM):
            self.encoder.set_forget_bias()
        return 2 * config.hidden_size

    def forward(
        self, batch: TaggerInput, *, generator: Generator | None = None
    ) -> tuple[Tensor, Array | None]:
        """Return the scores of the tags at each word (B, T, K), and the mask (B, T) of words or None.

        Args:
            batch: The sentences.
            generator: Source of the dropout masks; required in training with dropout.

        Raises:
            ShapeError: Ids or lengths out of range or of another shape.
            UsageError: Letters, capitalisation or further columns are missing that the config has.
        """
        device, config = self.device, self.config
        ids = checked_ids("ids", batch.ids, (None, None), config.vocab_size, device=device)
        mask = length_mask("lengths", batch.lengths, ids.shape, device, lowest=1)
        vectors = [self.embedding(ids)]
        if self.characters is not None:
            vectors.append(self._of_letters(batch, ids.shape))
        if self.shapes is not None:
            self._require(batch.shapes, "shapes")
            shapes = checked_ids("shapes", batch.shapes, ids.shape, config.shapes, device=device)
            vectors.append(self.shapes(shapes))
        if self.feature_columns:
            vectors += self._of_columns(batch.feature_columns, ids.shape)
        x = vectors[0] if len(vectors) == 1 else concatenate(*vectors, axis=2)
        x = self.dropout(x, generator)
        if config.encoder == "transformer":
            places = array_module(ids).arange(ids.shape[1])
            x = self.projection(x) + self.positions(places, x.dtype)
            x = self.encoder(x, mask, generator=generator)
        else:
            x, _ = self.encoder(x, None, mask, generator)
        return self.output(self.dropout(x, generator)), mask

    def _of_letters(self, batch: TaggerInput, shape: tuple[int, int]) -> Tensor:
        vectors = batch.letter_vectors
        if vectors is None:
            self._require(batch.letters, "letters")
            vectors = self._spelled(batch.letters, batch.letter_lengths)
        words = checked_ids("words", batch.words, shape, len(vectors), device=self.device)
        return ops.embedding(vectors, words)

    def _of_columns(self, columns: Any, shape: tuple[int, int]) -> Iterator[Tensor]:
        """Yield the vectors (B, T, F) of the values in each column."""
        self._require(columns, "feature_columns")
        sizes, name = self.config.feature_columns, "feature_columns"
        columns = checked_ids(name, columns, (*shape, len(sizes)), max(sizes), device=self.device)
        for c, embedding in enumerate(self.feature_columns):
            yield embedding(checked_ids(name, columns[:, :, c], shape, sizes[c], device=self.device))

    def _spelled(self, letters: Any, lengths: Any) -> Tensor:
        letters = checked_ids("letters", letters, (None, None), self.config.letters, device=self.device)
        mask = length_mask("letter_lengths", lengths, letters.shape, self.device, lowest=1)
        if mask is None:
            mask = array_module(letters).ones(letters.shape, bool)
        assert self.characters is not None
        return self.characters(letters, mask)

    def letter_vectors(self, batches: Iterable[tuple[Any, Any]]) -> Tensor:
        """Return the vectors (W, F) of words by their letters, without dropout and gradients.

        A word of many sentences then needs its letters once.

        Args:
            batches: Letters (w, L) and lengths (w,), together of W words.

        Raises:
            UsageError: The model has no character features.
        """
        if self.characters is None:
            raise UsageError("expected a tagger with character features, got one without")
        with self.evaluating():
            return concatenate(*(self._spelled(*batch) for batch in batches), axis=0)

    def _require(self, given: Any, name: str) -> None:
        if given is None:
            raise UsageError(f"expected {name} for a tagger that has them, got none")
