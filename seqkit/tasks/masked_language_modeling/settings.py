"""Settings of a masked language model's training: flags of `train-lm --objective masked`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seqkit.corpora import Corpus
from seqkit.errors import UsageError
from seqkit.tasks.text import ResolvedTextSettings, TextSettings, absolute_corpus


@dataclass(frozen=True, kw_only=True)
class MaskedLanguageModelSettings(TextSettings):
    """Settings named as in ``LanguageModelSettings``; None means the corpus's or optimiser's usual value.

    ``context_length`` is the length of a window, its ``<cls>`` included.
    """

    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {
        "adam": (0.001, "cosine"),
        "adamw": (0.001, "cosine"),
    }

    objective: str = "masked"
    corpus: str = "pydocs"
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

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        self._require_choice("objective", ("masked",))
        self._require_choice("model", ("transformer",))
        self._require_positive(
            "vocab_size min_count embedding_size hidden_size num_layers num_heads batch_size valid_tokens"
        )
        self._require_fraction("dropout")
        if self.context_length < 2:
            raise UsageError(f"context_length must be at least 2, got {self.context_length}")

    def resolve(self, corpus: Corpus) -> ResolvedMaskedLanguageModelSettings:
        """Return the settings with everything that was left to the corpus or the optimiser filled in."""
        return self.resolve_to(
            ResolvedMaskedLanguageModelSettings,
            corpus=absolute_corpus(self.corpus),
            hidden_size=self.hidden_size or 4 * self.embedding_size,
            **self.text_choices(corpus.defaults),
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedMaskedLanguageModelSettings(MaskedLanguageModelSettings, ResolvedTextSettings):
    """Masked language model settings in which no size is left open."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    min_count: int
    device: str
    hidden_size: int
