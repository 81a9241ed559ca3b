"""Image classifiers: the textbook's fully connected and convolutional networks."""

import dataclasses
from typing import Any

from seqkit.backend.random import Generator
from seqkit.errors import UsageError, require_choice
from seqkit.models.images.classifier import ImageClassifier
from seqkit.models.images.config import (
    DeepConvNetConfig,
    ImageConfig,
    MLPConfig,
    SimpleConvNetConfig,
)
from seqkit.models.images.networks import MLP, DeepConvNet, SimpleConvNet

__all__ = [
    "IMAGE_MODELS",
    "MLP",
    "DeepConvNet",
    "DeepConvNetConfig",
    "ImageClassifier",
    "ImageConfig",
    "MLPConfig",
    "SimpleConvNet",
    "SimpleConvNetConfig",
    "image_config",
    "make_image_model",
]

IMAGE_MODELS: dict[str, tuple[type[ImageConfig], Any]] = {
    "mlp": (MLPConfig, MLP),
    "simple-cnn": (SimpleConvNetConfig, SimpleConvNet),
    "deep-cnn": (DeepConvNetConfig, DeepConvNet),
}
"""Name to config and model."""


def image_config(model: str, **settings: Any) -> ImageConfig:
    """Return the config of a model by name, from settings such as those of ``to_dict``.

    Raises:
        UsageError: An unknown model or setting; lists the choices.
    """
    require_choice("model", model, IMAGE_MODELS)
    kind = IMAGE_MODELS[model][0]
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(settings.keys() - set(known))
    if unknown:
        raise UsageError(f"{model} has no setting {', '.join(unknown)}", remedy=f"use {', '.join(known)}")
    return kind(**settings)


def make_image_model(config: ImageConfig, *, generator: Generator | int | None = None) -> ImageClassifier:
    """Return the model of a config; ``generator`` is the source of its initial weights."""
    for kind, model in IMAGE_MODELS.values():
        if type(config) is kind:
            return model(config, generator=generator)
    raise UsageError(f"no image model for {type(config).__name__}")
