"""Settings of a masked language model's training: flags of `train-lm --objective masked`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seqkit.corpora import Corpus
from seqkit.errors import UsageError
from seqkit.tasks.text import ResolvedTextSettings, TextFileSettings, TextSettings, absolute_corpus


@dataclass(frozen=True, kw_only=True)
class MaskedLanguageModelSettings(TextFileSettings, TextSettings):
    """Settings of a masked language model: flags of ``seqkit train-lm --objective masked``.

    None means the default of the corpus or the optimiser, or no limit. The fields of
    :class:`TextSettings`, :class:`TextFileSettings` and :class:`seqkit.training.TrainingSettings` come on
    top.

    Args:
        objective: "masked".
        corpus: A registered name, "nltk:NAME", a text file or table, or a folder of text files.
        model: "transformer".
        embedding_size: Size of the embeddings.
        hidden_size: Size of the feed-forward layers.
        num_layers: Number of layers.
        num_heads: Number of attention heads.
        dropout: Dropout.
        context_length: Length of a window, its ``<cls>`` included.
        batch_size: Batch size.
        valid_tokens: Validate on this many tokens only, the first ones.
    """

    OPTIMIZER_DEFAULTS: ClassVar[dict[str, tuple[float, str]]] = {
        "adam": (0.001, "cosine"),
        "adamw": (0.001, "cosine"),
    }

    OF_THE_RUN = (
        *TextSettings.OF_THE_RUN,
        *("embedding_size", "hidden_size", "num_layers", "num_heads", "context_length"),
    )
    FROM_THE_RUN = ("dropout",)

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
            raise UsageError(f"expected context_length to be at least 2, got {self.context_length}")

    def resolve(self, corpus: Corpus) -> ResolvedMaskedLanguageModelSettings:
        """Return the settings with the defaults of the corpus and the optimiser filled in."""
        return self.resolve_to(
            ResolvedMaskedLanguageModelSettings,
            corpus=absolute_corpus(self.corpus),
            hidden_size=self.hidden_size or 4 * self.embedding_size,
            **self.text_choices(corpus.defaults, corpus.sources.get("train")),
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedMaskedLanguageModelSettings(MaskedLanguageModelSettings, ResolvedTextSettings):
    """Masked language model settings with all defaults filled in."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    unicode_normalization: str
    min_count: int
    device: str
    hidden_size: int
