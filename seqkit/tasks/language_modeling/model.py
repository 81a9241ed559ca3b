"""The models of the language modelling task."""

import dataclasses

from seqkit.backend.random import Generator
from seqkit.errors import UsageError
from seqkit.models import (
    LanguageModel,
    LanguageModelConfig,
    NGramModel,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
)
from seqkit.models.mixture import MixtureModel
from seqkit.tasks.language_modeling.settings import DROPOUT, REGULARIZATION, ResolvedLanguageModelSettings

NeuralModel = LanguageModel | TransformerLanguageModel
StreamModel = NeuralModel | MixtureModel
"""Models that pass a state from one window of a text to the next."""
AnyLanguageModel = StreamModel | NGramModel

_COMMON = ("hidden_size", "num_layers", "dropout", "embedding_size", "tied")
_RECURRENT = ("model", *REGULARIZATION, "locked_dropout", "init_range", "forget_bias")


def make_model(
    settings: ResolvedLanguageModelSettings, vocab_size: int, generator: Generator | None = None
) -> NeuralModel:
    """Return the neural model of the settings, initialised from their seed, or by ``generator``."""
    generator = Generator(settings.seed, "init") if generator is None else generator
    values = dataclasses.asdict(settings)
    common = {name: values[name] for name in _COMMON}
    if settings.dropout is None:  # which a text has not decided
        common["dropout"] = DROPOUT
    common["cutoffs"] = settings.cutoffs(vocab_size)
    common["sampled_softmax"] = samples = settings.sampled_softmax or 0
    if samples >= vocab_size:
        raise UsageError(
            f"expected sampled_softmax below the {vocab_size:,} words of the vocabulary, got {samples:,}",
            remedy="leave it out: with so few words the whole softmax costs no more",
        )
    if settings.model == "transformer":
        transformer = TransformerLanguageModelConfig(
            vocab_size=vocab_size,
            num_heads=settings.num_heads,
            max_length=settings.window_length,
            positions=settings.positions,
            **common,
        )
        return TransformerLanguageModel(transformer, generator=generator)
    config = LanguageModelConfig(
        vocab_size=vocab_size, **common, **{name: values[name] for name in _RECURRENT}
    )
    return LanguageModel(config, generator=generator)
