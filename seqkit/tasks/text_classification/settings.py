"""Settings of a text classifier's training: the flags of `train-classifier`."""

from __future__ import annotations

from dataclasses import dataclass

from seqkit.errors import UsageError
from seqkit.tasks.text import ResolvedTextSettings, TextSettings

MODELS = ("bag", "lstm", "gru", "transformer")
POOLINGS = ("mean", "max", "last", "cls")
ON_BAD_LINE = ("error", "skip")


@dataclass(frozen=True, kw_only=True)
class TextClassificationSettings(TextSettings):
    """Settings of a text classifier; one field a flag.

    None means the usual value of the corpus, the model or the optimiser, or no limit.
    """

    corpus: str = "rt-polarity"
    label_column: int = 1
    text_column: int | None = None
    on_bad_line: str = "error"
    max_length: int = 256
    model: str | None = None
    pooling: str | None = None
    embedding_size: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int | None = None
    bidirectional: bool = True
    dropout: float = 0.3
    word_dropout: float = 0.0
    vectors: str | None = None
    init: str | None = None
    freeze: bool = False
    batch_size: int = 32
    eval_batch_size: int = 256

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        if self.model is not None:
            self._require_choice("model", MODELS)
        if self.pooling is not None:
            self._require_choice("pooling", POOLINGS)
        self._require_choice("on_bad_line", ON_BAD_LINE)
        self._require_positive(
            "label_column text_column vocab_size min_count embedding_size hidden_size num_layers num_heads "
            "batch_size eval_batch_size"
        )
        self._require_fraction("dropout word_dropout")
        if self.max_length < 2:
            raise UsageError(f"max_length must be at least 2, got {self.max_length}")
        if self.word_dropout and self.model_name != "bag":
            raise UsageError(f"word dropout is for the model bag, not for {self.model_name}")
        if self.vectors is not None and self.model_name == "transformer":
            raise UsageError("a Transformer does not start from word vectors", remedy="use bag, lstm or gru")
        if self.init is not None and self.model_name != "transformer":
            raise UsageError(
                f"{self.model_name} does not start from an encoder", remedy="use model transformer"
            )
        if self.freeze and self.vectors is None and self.init is None:
            raise UsageError("nothing to freeze: all weights start at random", remedy="give vectors or init")

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect with the model, each with what it is for."""
        ignored = super().ignored()
        if self.model_name != "transformer":
            ignored["num_heads"] = "Transformers"
        if self.model_name not in ("lstm", "gru"):
            ignored["bidirectional"] = "lstm and gru"
        if self.model_name == "bag" and self.hidden_size is None:
            ignored["num_layers"] = "a bag with hidden layers; give hidden_size, too"
        return ignored

    @property
    def model_name(self) -> str:
        """The model, or the usual one: an LSTM, or a Transformer where an encoder is given."""
        return self.model or ("lstm" if self.init is None else "transformer")


@dataclass(frozen=True, kw_only=True)
class ResolvedTextClassificationSettings(TextClassificationSettings, ResolvedTextSettings):
    """Text classification settings in which no size is left open; a bag of vectors may have no layers."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    min_count: int
    device: str
    model: str
    pooling: str
    embedding_size: int
    num_layers: int
    num_heads: int
