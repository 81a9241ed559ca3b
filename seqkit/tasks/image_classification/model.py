"""The models of the image classification task, and the settings that depend on them."""

from __future__ import annotations

import dataclasses
from typing import Any

from seqkit.backend.random import Generator
from seqkit.corpora import ImageCorpus, corpus_names
from seqkit.errors import UsageError
from seqkit.models import ImageClassifier, ImageConfig, image_config, make_image_model
from seqkit.tasks.image_classification.settings import (
    ImageClassificationSettings,
    ResolvedImageClassificationSettings,
)
from seqkit.training.settings import absolute_path

_ONE_NUMBER = {"simple-cnn": ("hidden", "filters"), "deep-cnn": ("hidden",)}
_OWN = ("hidden", "activation", "batch_norm", "dropout", "filters", "filter_size", "padding", "stride")
"""Settings that only some models have."""


def resolve(
    settings: ImageClassificationSettings, corpus: ImageCorpus
) -> ResolvedImageClassificationSettings:
    """Return the settings with everything that was left to the model or the optimiser filled in."""
    config = dataclasses.asdict(model_config(settings, corpus))
    own = {name: config[name] for name in _OWN if name in config}
    for name in ("hidden", "filters"):
        if name in own:
            own[name] = ",".join(map(str, own[name] if isinstance(own[name], tuple) else (own[name],)))
    corpus_name = absolute_path(settings.corpus, corpus_names("images"))
    return settings.resolve_to(ResolvedImageClassificationSettings, corpus=corpus_name, **own)


def model_config(settings: ImageClassificationSettings, corpus: ImageCorpus) -> ImageConfig:
    """The model of the settings for these images. UsageError for a setting that it does not have."""
    H, W, C = corpus.shape
    given: dict[str, Any] = {name: getattr(settings, name) for name in _OWN}
    given |= {name: settings.numbers(name) for name in ("hidden", "filters")}
    given = {name: value for name, value in given.items() if value is not None}
    for name in _ONE_NUMBER.get(settings.model, ()):
        if name in given:
            if len(given[name]) != 1:
                raise UsageError(
                    f"{settings.model} has one number of {name}, got {getattr(settings, name)!r}"
                )
            given[name] = given[name][0]
    return image_config(
        settings.model,
        height=H,
        width=W,
        channels=C,
        classes=len(corpus.classes),
        weight_init=_init(settings.weight_init),
        **given,
    )


def _init(text: str) -> str | float:
    """A name, or a deviation."""
    try:
        return float(text)
    except ValueError:
        return text


def make_model(
    settings: ImageClassificationSettings, config: ImageConfig, generator: Generator | None = None
) -> ImageClassifier:
    """Return the model of a config, its weights drawn from the settings' seed."""
    generator = Generator(settings.seed, "init") if generator is None else generator
    return make_image_model(config, generator=generator)
