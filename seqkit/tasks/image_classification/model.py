"""The models of the image classification task, and the settings that depend on them."""

import dataclasses
from typing import Any

from seqkit.backend.random import Generator
from seqkit.corpora import ImageCorpus, corpus_names
from seqkit.errors import DamagedFileError, UsageError
from seqkit.files import fill_json
from seqkit.models import ImageClassifier, ImageConfig, image_config, make_image_model
from seqkit.models.images import IMAGE_MODELS
from seqkit.tasks.image_classification.settings import (
    ImageClassificationSettings,
    ResolvedImageClassificationSettings,
)
from seqkit.training.base_settings import absolute_path

_ONE_NUMBER = {"simple-cnn": ("hidden", "filters"), "deep-cnn": ("hidden",)}
_MODEL_SETTINGS = (
    "hidden",
    "activation",
    "batch_norm",
    "dropout",
    "filters",
    "filter_size",
    "padding",
    "stride",
)
"""Settings that only some models have."""


def resolve(
    settings: ImageClassificationSettings, corpus: ImageCorpus
) -> ResolvedImageClassificationSettings:
    """Return the settings with the defaults of the model and the optimiser filled in."""
    config = dataclasses.asdict(model_config(settings, corpus))
    values = {name: config[name] for name in _MODEL_SETTINGS if name in config}
    for name in ("hidden", "filters"):
        if name in values:
            numbers = values[name] if isinstance(values[name], tuple) else (values[name],)
            values[name] = ",".join(map(str, numbers))
    corpus_name = absolute_path(settings.corpus, corpus_names("images"))
    return settings.resolve_to(ResolvedImageClassificationSettings, corpus=corpus_name, **values)


def model_config(settings: ImageClassificationSettings, corpus: ImageCorpus) -> ImageConfig:
    """Return the model config for these images. Raise UsageError for settings it does not have."""
    H, W, C = corpus.shape
    given: dict[str, Any] = {name: getattr(settings, name) for name in _MODEL_SETTINGS}
    given |= {name: settings.numbers(name) for name in ("hidden", "filters")}
    given = {name: value for name, value in given.items() if value is not None}
    for name in _ONE_NUMBER.get(settings.model, ()):
        if name in given:
            if len(given[name]) != 1:
                raise UsageError(
                    f"expected {name} to be one number for {settings.model}, got {getattr(settings, name)!r}"
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
    """Return the name of an initialiser, or a standard deviation."""
    try:
        return float(text)
    except ValueError:
        return text


def make_model(
    settings: ImageClassificationSettings, config: ImageConfig, generator: Generator | None = None
) -> ImageClassifier:
    """Return the model of a config, initialised from the settings' seed, or by ``generator``."""
    generator = Generator(settings.seed, "init") if generator is None else generator
    return make_image_model(config, generator=generator)


def saved_config(model: str, values: object, source: str) -> ImageConfig:
    """Return the config that ``ImageConfig.to_dict`` gave. DamagedFileError names ``source``."""

    def damaged(message: str) -> DamagedFileError:
        return DamagedFileError(f"model: {message}", where=source)

    try:
        return fill_json(IMAGE_MODELS[model][0], values, damaged, strict=True)
    except UsageError as error:
        raise damaged(str(error)) from error
