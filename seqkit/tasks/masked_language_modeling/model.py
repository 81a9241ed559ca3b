"""The models of the masked language modelling task, and its encoder for other tasks."""

from typing import Protocol

from seqkit.backend.random import Generator
from seqkit.models import MaskedLanguageModel, TransformerEncoderConfig
from seqkit.tasks.masked_language_modeling.settings import ResolvedMaskedLanguageModelSettings


class EncoderSettings(Protocol):
    """The sizes of a Transformer encoder."""

    @property
    def embedding_size(self) -> int:
        """The size of the embeddings and of the model."""

    @property
    def hidden_size(self) -> int | None:
        """The size of the feed-forward layers."""

    @property
    def num_layers(self) -> int:
        """The number of layers."""

    @property
    def num_heads(self) -> int:
        """The number of attention heads."""

    @property
    def dropout(self) -> float:
        """The dropout rate."""


def encoder_config(settings: EncoderSettings, vocab_size: int, max_length: int) -> TransformerEncoderConfig:
    """Return the config of an encoder to train from scratch.

    It is pre-norm, which trains without a warm-up of thousands of steps (Xiong et al. 2020).
    """
    return TransformerEncoderConfig(
        vocab_size,
        embedding_size=settings.embedding_size,
        hidden_size=settings.hidden_size,
        num_layers=settings.num_layers,
        num_heads=settings.num_heads,
        max_length=max_length,
        norm="pre",
        embedding_norm=False,
        epsilon=1e-5,
        dropout=settings.dropout,
    )


def make_model(
    settings: ResolvedMaskedLanguageModelSettings, vocab_size: int, generator: Generator | None = None
) -> MaskedLanguageModel:
    """Return the model of the settings, initialised from their seed, or by ``generator``."""
    config = encoder_config(settings, vocab_size, settings.context_length)
    generator = Generator(settings.seed, "init") if generator is None else generator
    return MaskedLanguageModel(config, generator=generator)
