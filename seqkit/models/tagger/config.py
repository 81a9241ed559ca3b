"""Settings of taggers."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from seqkit.errors import UsageError, require_choice, require_sizes

ENCODERS = ("lstm", "gru", "transformer")
CHARACTERS = ("cnn", "lstm", "none")
OUTPUTS = ("crf", "softmax")


@dataclass(frozen=True)
class TaggerConfig:
    """Settings of a tagger.

    Args:
        vocab_size: V, of the words.
        tags: K.
        letters: Number of different letters; 0 without character features.
        shapes: Number of classes of capitalisation; 0 without them.
        embedding_size: E, of the words.
        characters: How a word's letters become a vector: "cnn" (windows of three letters and their maximum;
            Ma and Hovy 2016), "lstm" (the last states in both directions; Lample et al. 2016), or "none".
        character_embedding_size: Size of a letter's vector.
        character_hidden_size: Filters of the convolution, or states of the LSTM in each direction.
        shape_size: Size of the vector of a word's capitalisation (Collobert et al. 2011).
        feature_columns: Sizes of the vocabularies of C further columns, such as parts of speech.
        feature_size: Size of the vector of a value of each (likewise).
        encoder: "lstm" or "gru", in both directions, or "transformer".
        hidden_size: H of each direction, or the width of the Transformer.
        num_layers: Layers of the encoder.
        num_heads: Attention heads of the Transformer.
        dropout: Rate on the words' vectors, between layers, and before the tags' scores.
        locked: One dropout mask for all words of a sentence.
        output: "crf", or "softmax" for each word on its own.
    """

    vocab_size: int
    tags: int
    letters: int = 0
    shapes: int = 0
    embedding_size: int = 100
    characters: str = "cnn"
    character_embedding_size: int = 30
    character_hidden_size: int = 50
    shape_size: int = 10
    feature_columns: tuple[int, ...] = ()
    feature_size: int = 20
    encoder: str = "lstm"
    hidden_size: int = 200
    num_layers: int = 1
    num_heads: int = 4
    dropout: float = 0.5
    locked: bool = True
    output: str = "crf"

    def __post_init__(self) -> None:
        require_sizes(self, "vocab_size", "tags", "embedding_size", "hidden_size", "num_layers")
        for name, known in (("encoder", ENCODERS), ("characters", CHARACTERS), ("output", OUTPUTS)):
            require_choice(name, getattr(self, name), known)
        if self.characters != "none":
            require_sizes(self, "letters", "character_embedding_size", "character_hidden_size")
        if self.shapes:
            require_sizes(self, "shape_size")
        if self.feature_columns:
            require_sizes(self, "feature_size")
            if min(self.feature_columns) < 1:
                raise UsageError(f"expected feature_columns above 0, got {min(self.feature_columns)}")
        if self.encoder == "transformer" and (self.hidden_size % 2 or self.hidden_size % self.num_heads):
            raise UsageError(
                f"expected hidden_size of a Transformer to be even and a multiple of num_heads, got "
                f"{self.hidden_size} and {self.num_heads}"
            )

    def fewest_parameters(self) -> int:
        """Return a number of parameters that every model of these sizes has at least."""
        words = self.vocab_size * self.embedding_size + self.shapes * self.shape_size
        words += sum(self.feature_columns) * self.feature_size
        letters = (self.letters + 3 * self.character_hidden_size) * self.character_embedding_size
        tags = self.tags * (self.hidden_size + (self.tags if self.output == "crf" else 0))
        return words + tags + self.num_layers * self.hidden_size**2 + (letters if self.letters else 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return dataclasses.asdict(self)
