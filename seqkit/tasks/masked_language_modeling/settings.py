"""Every setting of a masked language model, with its default: those flags of `train-lm` that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seqkit.errors import UsageError
from seqkit.tasks.descent import DescentSettings


@dataclass(frozen=True)
class MaskedLanguageModelSettings(DescentSettings):
    """Names as in ``LanguageModelSettings``; ``context_length`` counts the ``<cls>`` of a window too.

    None means "as suits the corpus" or "as suits the optimiser", or no limit.
    """

    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {
        "adam": (0.001, "cosine"),
        "adamw": (0.001, "cosine"),
    }

    objective: str = "masked"
    corpus: str = "pydocs"
    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int | None = None
    model: str = "transformer"
    embedding_size: int = 128
    hidden_size: int | None = None
    num_layers: int = 2
    num_heads: int = 4
    dropout: float = 0.1
    context_length: int = 64
    batch_size: int = 32
    epochs: int = 8
    valid_tokens: int | None = None
    optimizer: str = "adamw"
    warmup: int = 200
    clip: float | None = 1.0
    log_interval: int = 200

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        super().__post_init__()
        self._require_choice("objective", ("masked",))
        self._require_choice("model", ("transformer",))
        self._require_positive(
            "vocab_size min_count embedding_size hidden_size num_layers num_heads batch_size valid_tokens"
        )
        self._require_share("dropout")
        if self.context_length < 2:
            raise UsageError(f"context_length must be at least 2, got {self.context_length}")
