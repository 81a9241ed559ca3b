"""Every setting of a text classifier's training, with its default: the flags of `train-classifier`."""

from __future__ import annotations

from dataclasses import dataclass

from seqkit.errors import UsageError
from seqkit.tasks.descent import DescentSettings

MODELS = ("bag", "lstm", "gru", "transformer")
POOLINGS = ("mean", "max", "last", "cls")
ON_BAD_LINE = ("error", "skip")


@dataclass(frozen=True)
class TextClassificationSettings(DescentSettings):
    """One field a flag. None means "as suits the data, the model or the optimiser", or no limit.

    On --resume may change: how long, where, how often to report; and what tames a diverged run.
    """

    corpus: str = "rt-polarity"
    label_column: int = 1
    text_column: int | None = None
    on_bad_line: str = "error"
    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int | None = None
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

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        super().__post_init__()
        if self.model is not None:
            self._require_choice("model", MODELS)
        if self.pooling is not None:
            self._require_choice("pooling", POOLINGS)
        self._require_choice("on_bad_line", ON_BAD_LINE)
        self._require_positive(
            "label_column text_column vocab_size min_count embedding_size hidden_size num_layers num_heads "
            "batch_size eval_batch_size"
        )
        self._require_share("dropout word_dropout")
        if self.max_length < 2:
            raise UsageError(f"max_length must be at least 2, got {self.max_length}")
        if self.word_dropout and self.kind != "bag":
            raise UsageError(f"word dropout is for the model bag, not for {self.kind}")
        if self.vectors is not None and self.kind == "transformer":
            raise UsageError("a Transformer does not start from word vectors", remedy="use bag, lstm or gru")
        if self.init is not None and self.kind != "transformer":
            raise UsageError(f"{self.kind} does not start from an encoder", remedy="use model transformer")
        if self.freeze and self.vectors is None and self.init is None:
            raise UsageError("nothing to freeze: all weights start at random", remedy="give vectors or init")

    @property
    def kind(self) -> str:
        """The model, or the usual one."""
        return self.model or ("lstm" if self.init is None else "transformer")
